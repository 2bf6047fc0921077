"""`archcalc errata`: the published figures that are wrong, differ or are unexplained, and why."""

from __future__ import annotations

import argparse
import sys

from archcalc.claims.check import check_library
from archcalc.commands.arguments import add_exact, add_format
from archcalc.commands.printing import show, written
from archcalc.render.check import ErrataDocument, at_fault

EXAMPLES = (
    "archcalc errata",
    "archcalc errata --source VGG --format markdown",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--source", metavar="TEXT", help="only sources with this text")
    add_exact(parser, always=True)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the errata."""
    checked = check_library(source=arguments.source or "")
    shown = written(ErrataDocument(at_fault(checked)), arguments)
    if shown:
        show(shown, arguments)
    else:
        print(
            "archcalc: the figures of these sources agree, or are not decidable here",
            file=sys.stderr,
        )
    return 0
