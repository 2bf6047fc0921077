"""`archcalc errata`: the published figures that are wrong, by source, and why."""

from __future__ import annotations

import argparse

from archcalc.claims.checking import check_library
from archcalc.render.claims import errata


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--source", metavar="TEXT", help="only sources with this text")
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="default: text"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the errata."""
    wanted = (arguments.source or "").lower()
    checked = [claim for claim in check_library() if wanted in claim.claim.source.lower()]
    print(errata(checked, arguments.format))
    return 0
