"""`archcalc expand`: a network's spec, fully written out."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_changes, add_network, add_output, graph_of
from archcalc.commands.printing import show
from archcalc.render.spec_text import spec_text

EXAMPLES = (
    "archcalc expand lenet5",
    "archcalc expand vgg16 --set classes=10 > vgg16_10.yaml",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_output(parser, "FILE.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Prints a spec of the same network without blocks, repeats, conditions and parameters."""
    show(spec_text(graph_of(arguments)), arguments)
    return 0
