"""`archcalc export`: a network as one readable PyTorch source file."""

from __future__ import annotations

import argparse
from pathlib import Path

from archcalc.analysis import load
from archcalc.commands.arguments import add_changes, add_network, input_sizes, parameters
from archcalc.errors import UsageError
from archcalc.render.torch_source import torch_source


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    parser.add_argument("-o", "--output", metavar="FILE.py", help="default: standard output")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Writes a source file that imports torch alone; needs no torch to write it."""
    graph = load(arguments.name, input=input_sizes(arguments), **parameters(arguments))
    source = torch_source(graph, _command(arguments))
    if arguments.output is None:
        print(source, end="")
    else:
        _write(Path(arguments.output), source, replace=arguments.force)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    """How the file was made, for its docstring."""
    changes = [f" --set {setting}" for setting in arguments.set]
    if arguments.input is not None:
        changes.append(f" --input {arguments.input}")
    return f"archcalc export {arguments.name}{''.join(changes)}"


def _write(path: Path, source: str, *, replace: bool) -> None:
    """Writes the file whole or not at all."""
    if path.exists() and not replace:
        raise UsageError(f"{path} is there already; --force replaces it")
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(source, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise UsageError(f"{path}: {error.strerror or error}") from None
