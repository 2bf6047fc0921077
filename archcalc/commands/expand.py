"""`archcalc expand`: a network's spec, fully written out."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_changes, add_network, graph_of
from archcalc.render.spec_text import spec_text

EXAMPLES = (
    "archcalc expand lenet5",
    "archcalc expand vgg16 --set classes=10 > vgg16_10.yaml",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints a spec of the same network without blocks, repeats, conditions and parameters."""
    print(spec_text(graph_of(arguments)), end="")
    return 0
