"""`archcalc check`: published figures against computed ones."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable

from archcalc.claims.checking import CheckedClaim, check_family, check_library, problem
from archcalc.claims.reading import VERDICTS
from archcalc.errors import UsageError, did_you_mean
from archcalc.render.claims import claim_table
from archcalc.spec.library import is_file, network_names, read_family


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="networks or spec files (default: all networks)"
    )
    parser.add_argument("--source", metavar="TEXT", help="only figures from sources with this text")
    parser.add_argument("--verdict", choices=tuple(VERDICTS), help="only figures with this verdict")
    parser.add_argument(
        "--format", default="text", metavar="FORMAT",
        help="text (default), markdown, csv, json, or any format of tabulate",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints the verdicts; 1 where one is not the verdict that its claim records."""
    checked = [
        claim
        for claim in _checked(arguments.names)
        if (arguments.source or "").lower() in claim.claim.source.lower()
        and arguments.verdict in (None, _word(claim))
    ]
    print(claim_table(checked, arguments.format))
    counts = Counter(claim.verdict.value for claim in checked)
    tally = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
    print(f"{len(checked)} published figures: {tally or 'none'}", file=sys.stderr)
    problems = [error for error in map(problem, checked) if error is not None]
    for error in problems:
        print(f"archcalc: {error}", file=sys.stderr)
    return 1 if problems else 0


def _checked(names: list[str]) -> Iterable[CheckedClaim]:
    files = [name for name in names if is_file(name.partition("#")[0])]
    networks = [name for name in names if name not in files]
    known = network_names()
    for name in networks:
        if name not in known:
            guess = did_you_mean(name, known) or "; `archcalc list` shows all"
            raise UsageError(f"unknown network {name!r}{guess}")
    for name in files:
        path, _, variant = name.partition("#")
        yield from check_family(read_family(path), variant or None)
    if networks or not files:
        yield from check_library(networks)


def _word(checked: CheckedClaim) -> str:
    return next(word for word, verdict in VERDICTS.items() if verdict is checked.verdict)
