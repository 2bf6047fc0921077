"""The value of a parameter at which conditions hold, and the next one, at which they do not."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.identity import value_text
from archcalc.quantity.arithmetic import plain
from archcalc.render.output import Data, Document, Part, Table, Title
from archcalc.render.sweep import SweepDocument

if TYPE_CHECKING:
    from archcalc.parametric.choosing.solving import Solution

HOLDS = "holds"


class SolveDocument(Document):
    """A value, the one behind it, and how far was looked.

    Attributes:
        rows: both, with their figures.
    """

    solution: Solution
    rows: SweepDocument

    def record(self) -> dict[str, object]:
        """The answer, null where there is none, and how it was found."""
        found = self.solution
        rows = self.rows.record()
        return {
            "networks": rows["networks"],
            "for": found.label,
            "wanted": found.wanted,
            "where": found.conditions,
            "value": _number(found.value),
            "next": _number(found.next),
            "looked": found.looked,
            "first": _number(found.first),
            "last": _number(found.last),
            "all_between": found.all_between,
            "mixed": found.is_mixed,
            "rows": rows["rows"],
        }

    def data(self) -> Data:
        """A row for each of the two values."""
        data = self.rows.data()
        rows = [[holds, *row] for holds, row in zip(self._holds(), data.rows, strict=True)]
        return Data([HOLDS, *data.keys], rows)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each of the two values, below how they were found."""
        found = self.solution
        _, *parts = self.rows.parts(form)
        name = found.shown.figures.sweeps[0].about
        yield Title(
            f"{name}: the {found.wanted} {found.label} with {found.conditions}", self._notes()
        )
        for part in parts:
            if isinstance(part, Table):
                rows = [
                    [*row, "yes" if holds else "no"]
                    for holds, row in zip(self._holds(), part.rows, strict=True)
                ]
                yield Table([*part.headings, HOLDS], rows, f"{part.align}l", room=0)
            else:
                yield part

    def _holds(self) -> list[bool]:
        return [
            self.solution.value is not None and not n for n in range(len(self.rows.selection.rows))
        ]

    def _notes(self) -> list[str]:
        found = self.solution
        between = f"from {value_text(found.first)} to {value_text(found.last)}"
        notes = [
            f"{found.shown.figures.sweeps[0].holds_for}; MACs: multiply-accumulates; MB: 10^6 bytes"
        ]
        if found.all_between:
            notes.append(f"looked at all {found.looked:,} values {between}")
        else:
            notes.append(
                f"looked at {found.looked:,} values {between}, at distances that double, then halve"
            )
        if found.value is None:
            notes.append("it holds at none of them")
        elif found.next is None:
            end = "first" if found.wanted == "smallest" else "last"
            notes.append(f"that is the {end} one that was looked at: there may be more")
        if found.is_mixed:
            notes.append("among them it holds, does not hold, and holds again")
        return notes


def _number(value: Any) -> object:
    return float(value) if isinstance(value, Fraction) else plain(value)
