"""`archcalc export`: a network as one readable PyTorch source file."""

from __future__ import annotations

import argparse
import shlex

from archcalc.commands.arguments import add_changes, add_network, add_output, graph_of
from archcalc.commands.printing import show
from archcalc.exporting import torch_source

EXAMPLES = (
    "archcalc export resnet18",
    "archcalc export resnet18 -o resnet18.py",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_output(parser, "FILE.py")


def run(arguments: argparse.Namespace) -> int:
    """Writes a source file that imports torch alone; needs no torch to write it."""
    show(torch_source(graph_of(arguments), _command(arguments)), arguments)
    return 0


def _command(arguments: argparse.Namespace) -> str:
    """How the file was made, for its docstring."""
    words = ["archcalc", "export", arguments.name]
    for setting in arguments.set:
        words += ["--set", setting]
    for text in arguments.input:
        words += ["--input", text]
    return shlex.join(words)
