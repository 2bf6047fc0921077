"""A result on standard output or in a file, in the form that was asked for."""

from __future__ import annotations

import argparse
import os
import sys

from archcalc.errors import UsageError
from archcalc.render.output import WIDTH, Document, parquet, write

_ENDINGS = {
    "txt": "text", "md": "markdown", "markdown": "markdown", "csv": "csv", "tsv": "tsv",
    "json": "json", "tex": "latex", "html": "html", "htm": "html", "parquet": "parquet",
}  # fmt: skip


def form_of(arguments: argparse.Namespace) -> str:
    """What --format says; where it says nothing, what the ending of -o does, and else text."""
    form: str | None = arguments.format
    if form is None and arguments.output is not None:
        form = _ENDINGS.get(arguments.output.rpartition(".")[2].lower())
    return form or "text"


def written(document: Document, arguments: argparse.Namespace) -> str | bytes:
    """A result in its form, ready to be shown: as a text, or as bytes where it is none."""
    form = form_of(arguments)
    if form != "parquet":
        return write(document, form, None if arguments.wide else columns())
    if arguments.output is None and sys.stdout.isatty():
        raise UsageError("a Parquet file is not text for a terminal; append `-o FILE.parquet`")
    return parquet(document)


def columns() -> int:
    """The columns of the terminal; where there is none what COLUMNS says, or what is usual."""
    if sys.stdout.isatty():
        return os.get_terminal_size().columns or WIDTH
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else WIDTH


def show(what: str | bytes, arguments: argparse.Namespace) -> None:
    """Prints it, or writes it to the file of -o."""
    if arguments.output is not None:
        from archcalc.commands.writing import write_whole

        text = what if isinstance(what, bytes) or what.endswith("\n") else f"{what}\n"
        write_whole(arguments.output, text)
    elif isinstance(what, str):
        print(what, end="" if what.endswith("\n") else "\n")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(what)


def give(document: Document, arguments: argparse.Namespace) -> None:
    """Shows a result in its form."""
    show(written(document, arguments), arguments)
