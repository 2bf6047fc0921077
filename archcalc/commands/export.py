"""`archcalc export`: a network as one readable PyTorch source file."""

from __future__ import annotations

import argparse
import os
import shlex
from contextlib import suppress
from pathlib import Path

from archcalc.commands.arguments import add_changes, add_network, graph_of, output_path
from archcalc.errors import UsageError, refused_by_system
from archcalc.exporting import torch_source

EXAMPLES = (
    "archcalc export resnet18",
    "archcalc export resnet18 -o resnet18.py",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FILE.py", help="default: standard output"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Writes a source file that imports torch alone; needs no torch to write it."""
    source = torch_source(graph_of(arguments), _command(arguments))
    if arguments.output is None:
        print(source, end="")
    else:
        _write(Path(arguments.output), source, replace=arguments.force)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    """How the file was made, for its docstring."""
    words = ["archcalc", "export", arguments.name]
    for setting in arguments.set:
        words += ["--set", setting]
    for text in arguments.input:
        words += ["--input", text]
    return shlex.join(words)


def _write(path: Path, source: str, *, replace: bool) -> None:
    """Writes the file whole or not at all.

    Raises:
        UsageError: it is there and may not be replaced, or cannot be written.
    """
    if path.exists() and not replace:
        raise UsageError(f"{path} is there already; --force replaces it")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file")
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with refused_by_system(path):
            unfinished.write_text(source, encoding="utf-8", newline="\n")
            unfinished.replace(target)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
