"""`archcalc check`: published figures, and budgets, against computed ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from archcalc.api.known import check
from archcalc.claims.budgets import CheckedBudget
from archcalc.claims.check import CheckedClaim
from archcalc.claims.reading import VERDICTS
from archcalc.commands.arguments import (
    add_changes,
    add_exact,
    add_format,
    add_networks,
    input_sizes,
    parameters,
    tell,
)
from archcalc.commands.printing import form_of, give, show
from archcalc.render.check import tally
from archcalc.render.numbers import counted
from archcalc.render.output import FORMS

EXAMPLES = (
    "archcalc check",
    "archcalc check vgg16 --verdict wrong",
)
FAILS = "a verdict is not the recorded one, or a budget is broken"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_networks(parser, "all networks")
    add_changes(parser, "of a model from elsewhere, ")
    parser.add_argument("--source", metavar="TEXT", help="only figures from sources with this text")
    parser.add_argument(
        "--verdict", metavar="VERDICT", choices=tuple(VERDICTS),
        help=f"only figures with this verdict: {', '.join(VERDICTS)}",
    )  # fmt: skip
    add_exact(parser, always=True)
    add_format(parser, (*FORMS, "junit"))


def run(arguments: argparse.Namespace) -> int:
    """Prints the verdicts; 1 where one is not what its claim records, or a budget is broken."""
    result = check(
        *arguments.names, source=arguments.source or "", verdict=arguments.verdict,
        input=input_sizes(arguments), parameters=parameters(arguments),
    )  # fmt: skip
    checked, budgets, notes = result.found
    tell(arguments, notes)
    if form_of(arguments) == "junit":
        from archcalc.render.junit import junit_text

        show(junit_text(checked, budgets), arguments)
    else:
        give(result.document, arguments)
    print(_tally(checked, budgets), file=sys.stderr)
    problems = result.found.problems
    for error in problems:
        print(f"archcalc: {error}", file=sys.stderr)
    return 1 if problems else 0


def _tally(claims: Sequence[CheckedClaim], budgets: Sequence[CheckedBudget]) -> str:
    text = tally(claims)
    if not budgets:
        return text
    kept = sum(budget.is_kept for budget in budgets)
    broken_ones = f", {len(budgets) - kept} broken" if kept < len(budgets) else ""
    return f"{text}; {counted(len(budgets), 'budget')}: {kept} kept{broken_ones}"
