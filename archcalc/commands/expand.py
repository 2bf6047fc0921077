"""`archcalc expand`: a network's spec, fully written out."""

from __future__ import annotations

import argparse

from archcalc.analysis import load
from archcalc.commands.arguments import add_changes, add_network, input_sizes, parameters
from archcalc.render.spec_text import spec_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints a spec of the same network without blocks, repeats, conditions and parameters."""
    graph = load(arguments.name, input=input_sizes(arguments), **parameters(arguments))
    print(spec_text(graph), end="")
    return 0
