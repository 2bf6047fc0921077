"""Networks whose figures print as a number that one cannot place, and by whose count they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from archcalc.analysis import Analysis
from archcalc.claims.printed import Printed, Verdict
from archcalc.other_tools import CONVENTIONS
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.at_least import is_open
from archcalc.record import Record

_PRINTS_SO = (Verdict.AGREES, Verdict.TRUNCATED, Verdict.APPROXIMATELY)

Count = Callable[[Analysis], Quantity]
# What a number may be, by what it is asked for as: archcalc's own figures first.
COUNTS: dict[str, dict[str, Count]] = {
    "params": {
        "params": lambda analysis: analysis.params,
        "keras": CONVENTIONS["keras"].total,
    },
    "macs": {
        "macs": lambda analysis: analysis.macs,
        "flops": lambda analysis: analysis.flops,
        **{name: c.total for name, c in CONVENTIONS.items() if c.is_of_operations},
    },
}


class Match(Record):
    """A network of which each figure that was asked for prints so.

    Attributes:
        totals: by what was asked for, what prints so: the totals by the names of `COUNTS`.
    """

    analysis: Analysis
    totals: Mapping[str, Mapping[str, Quantity]]


def matches(
    analyses: Iterable[Analysis], asked: Mapping[str, Printed], tolerance: Fraction | None = None
) -> Iterator[Match]:
    """The networks among these whose figures print so.

    Args:
        asked: the numbers, by a key of `COUNTS` each.
        tolerance: how far a total may be off, as a share of the number; None for the last digit
            that was printed, rounded or cut off.
    """
    for analysis in analyses:
        totals: dict[str, dict[str, Quantity]] = {}
        for key, printed in asked.items():
            counted = ((name, count(analysis)) for name, count in COUNTS[key].items())
            totals[key] = {n: total for n, total in counted if _prints(total, printed, tolerance)}
            if not totals[key]:  # what others count of it need not be known
                break
        else:
            yield Match(analysis, totals)


def _prints(total: Quantity, printed: Printed, tolerance: Fraction | None) -> bool:
    if is_open(total):
        return False
    if tolerance is None:
        return printed.verdict(total) in _PRINTS_SO
    return abs(total - printed.value) <= tolerance * printed.value
