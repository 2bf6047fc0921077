"""`archcalc conventions`: the totals that other tools print, and by which rules."""

from __future__ import annotations

import argparse

from archcalc.api.conventions import conventions
from archcalc.commands.arguments import add_changes, add_exact, add_format, add_network, graph_of
from archcalc.commands.printing import give

EXAMPLES = (
    "archcalc conventions resnet50",
    "archcalc conventions vit_b_16 --format csv",
)
NOTES = ("archcalc table NAME --convention fvcore counts each layer by one of them",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_exact(parser, always=True)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints each tool's total for one image, and what it counts."""
    give(conventions(graph_of(arguments)).document, arguments)
    return 0
