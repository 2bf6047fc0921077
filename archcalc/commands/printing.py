"""A result on standard output, in the form that was asked for."""

from __future__ import annotations

import sys

from archcalc.errors import UsageError
from archcalc.render.output import Document, parquet, write


def written(document: Document, form: str) -> str | bytes:
    """A result in a form, ready to be shown: as a text, or as bytes where it is none."""
    if form != "parquet":
        return write(document, form)
    if sys.stdout.isatty():
        raise UsageError("a Parquet file is not text for a terminal; append `> FILE`")
    return parquet(document)


def show(what: str | bytes) -> None:
    """Prints it."""
    if isinstance(what, str):
        print(what)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(what)
