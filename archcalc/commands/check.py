"""`archcalc check`: published figures, and budgets, against computed ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from archcalc.claims.budgets import CheckedBudget, broken, check_budgets
from archcalc.claims.check import (
    CheckedClaim,
    check_family,
    check_library,
    of_source,
    problem,
)
from archcalc.claims.reading import VERDICTS
from archcalc.commands.arguments import COMPLETE_NETWORKS, add_format
from archcalc.commands.printing import show, written
from archcalc.render.check import CheckDocument, with_tally
from archcalc.render.numbers import counted
from archcalc.render.output import FORMS
from archcalc.spec.library import families, networks_and_files

EXAMPLES = (
    "archcalc check",
    "archcalc check vgg16 --verdict wrong",
)
FAILS = "a verdict is not the recorded one, or a budget is broken"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    action: Any = parser.add_argument(
        "names", metavar="NAME", nargs="*", help="networks or spec files (default: all networks)"
    )
    action.complete = COMPLETE_NETWORKS
    parser.add_argument("--source", metavar="TEXT", help="only figures from sources with this text")
    parser.add_argument(
        "--verdict", metavar="VERDICT", choices=tuple(VERDICTS),
        help=f"only figures with this verdict: {', '.join(VERDICTS)}",
    )  # fmt: skip
    add_format(parser, (*FORMS, "junit"))


def run(arguments: argparse.Namespace) -> int:
    """Prints the verdicts; 1 where one is not what its claim records, or a budget is broken."""
    everything, budgets = _checked(arguments.names)
    chosen = of_source(everything, arguments.source) if arguments.source else everything
    checked = [claim for claim in chosen if arguments.verdict in (None, _word(claim))]
    if arguments.source or arguments.verdict:  # which a budget has none of
        budgets = []
    if arguments.format == "junit":
        from archcalc.render.junit import junit_text

        print(junit_text(checked, budgets))
    else:
        show(written(CheckDocument(checked, budgets), arguments.format))
    print(_tally(checked, budgets), file=sys.stderr)
    problems = [error for error in (*map(problem, checked), *map(broken, budgets)) if error]
    for error in problems:
        print(f"archcalc: {error}", file=sys.stderr)
    return 1 if problems else 0


def _checked(names: list[str]) -> tuple[list[CheckedClaim], list[CheckedBudget]]:
    """The claims and budgets of these networks and files; without any, of all networks."""
    networks, files = networks_and_files(names)
    claims: list[CheckedClaim] = []
    budgets: list[CheckedBudget] = []
    for family, variant in files:
        claims += check_family(family, variant)
        budgets += check_budgets(family, variant)
    if networks or not files:
        shipped = list(families())
        claims += check_library(networks, shipped)
        for family in shipped:
            for name in family.networks:
                if not networks or name in networks:
                    budgets += check_budgets(family, name)
    return claims, budgets


def _tally(claims: Sequence[CheckedClaim], budgets: Sequence[CheckedBudget]) -> str:
    text = with_tally(claims)
    if not budgets:
        return text
    kept = sum(budget.is_kept for budget in budgets)
    broken_ones = f", {len(budgets) - kept} broken" if kept < len(budgets) else ""
    return f"{text}; {counted(len(budgets), 'budget')}: {kept} kept{broken_ones}"


def _word(checked: CheckedClaim) -> str:
    return next(word for word, verdict in VERDICTS.items() if verdict is checked.verdict)
