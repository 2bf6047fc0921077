"""`archcalc export`: a network as one readable PyTorch source file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from archcalc.commands.arguments import add_changes, add_network, graph_of, output_path
from archcalc.commands.writing import write_whole
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
        write_whole(Path(arguments.output), source, replace=arguments.force)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    """How the file was made, for its docstring."""
    words = ["archcalc", "export", arguments.name]
    for setting in arguments.set:
        words += ["--set", setting]
    for text in arguments.input:
        words += ["--input", text]
    return shlex.join(words)
