"""`archcalc errata`: the published figures that are wrong, by source, and why."""

from __future__ import annotations

import argparse
import re
import sys

from archcalc.claims.checking import check_library
from archcalc.errors import UsageError, did_you_mean
from archcalc.render.claims import errata


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--source", metavar="TEXT", help="only sources with this text")
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="default: text"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the errata."""
    everything, wanted = list(check_library()), arguments.source or ""
    checked = [claim for claim in everything if wanted.lower() in claim.claim.source.lower()]
    if not checked:
        words = [word for claim in everything for word in re.split(r"[ ,;]+", claim.claim.source)]
        guess = did_you_mean(wanted, dict.fromkeys(words))
        raise UsageError(f"no source has the text {wanted!r}{guess}")
    text = errata(checked, arguments.format)
    if text:
        print(text)
    else:
        print("archcalc: no figure of these sources is wrong", file=sys.stderr)
    return 0
