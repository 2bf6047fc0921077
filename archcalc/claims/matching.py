"""Networks whose figures print as a number that one cannot place, and by whose count they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from archcalc.analysis import Analysis
from archcalc.claims.printed import Printed, Verdict
from archcalc.other_tools import CONVENTIONS, totals
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.at_least import is_open
from archcalc.record import Record

_PRINTS_SO = (Verdict.AGREES, Verdict.TRUNCATED, Verdict.APPROXIMATELY)

# What a number may be, by what it is asked for as: archcalc's own figures, and what tools print.
_OWN = {"params": ("params",), "macs": ("macs", "flops")}
_OF_TOOLS = {
    "params": ("keras",),
    "macs": tuple([name for name, c in CONVENTIONS.items() if c.is_of_operations]),
}


class Match(Record):
    """A network of which each figure that was asked for prints so.

    Attributes:
        totals: by what was asked for, what prints so: the totals by names of figures
            and of conventions.
    """

    analysis: Analysis
    totals: Mapping[str, Mapping[str, Quantity]]


def matches(
    analyses: Iterable[Analysis], asked: Mapping[str, Printed], tolerance: Fraction | None = None
) -> Iterator[Match]:
    """The networks among these whose figures print so.

    Args:
        asked: the numbers, of `params`, `macs` or both.
        tolerance: how far a total may be off, as a share of the number; None for the last digit
            that was printed, rounded or cut off.
    """
    for analysis in analyses:
        found: dict[str, dict[str, Quantity]] = {}
        for key, printed in asked.items():
            counted = {name: getattr(analysis, name) for name in _OWN[key]}
            counted |= totals(analysis, _OF_TOOLS[key])
            found[key] = {n: x for n, x in counted.items() if _prints(x, printed, tolerance)}
            if not found[key]:  # what others count of it need not be known
                break
        else:
            yield Match(analysis, found)


def _prints(total: Quantity, printed: Printed, tolerance: Fraction | None) -> bool:
    if is_open(total):
        return False
    if tolerance is None:
        return printed.verdict(total) in _PRINTS_SO
    return abs(total - printed.value) <= tolerance * printed.value
