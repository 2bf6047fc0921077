"""`archcalc show`: a network's own spec, as it is written."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_network, add_output
from archcalc.commands.printing import show
from archcalc.spec.library import find_network

EXAMPLES = (
    "archcalc show resnet50",
    "archcalc show lenet5 -o mine.yaml",
)
NOTES = ("a file has all variants of a family; archcalc expand writes one network out",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_output(parser, "FILE.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Prints the text of the file that the network stands in, to be copied and changed."""
    show(find_network(arguments.name).source.text, arguments)
    return 0
