"""Values of parameters at which conditions hold, and those beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.identity import value_text
from archcalc.quantity.arithmetic import plain
from archcalc.render.numbers import counted, things
from archcalc.render.output import Data, Document, Part, Table, Title
from archcalc.render.sweep import SweepDocument

if TYPE_CHECKING:
    from archcalc.parametric.choosing.optimum import Optimum
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
        return _data(self.rows, self._holds())

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each of the two values, below how they were found."""
        found = self.solution
        name = found.shown.figures.sweeps[0].about
        yield Title(
            f"{name}: the {found.wanted} {found.label} with {found.conditions}", self._notes()
        )
        yield from _below_title(self.rows, self._holds(), form)

    def _holds(self) -> list[bool]:
        return [
            self.solution.value is not None and not n for n in range(len(self.rows.selection.rows))
        ]

    def _notes(self) -> list[str]:
        found = self.solution
        between = f"from {value_text(found.first)} to {value_text(found.last)}"
        notes = [_of_figures(self.rows)]
        values = f"{found.looked:,} {things(found.looked, 'value')}"
        if found.all_between:
            notes.append(f"looked at all {values} {between}")
        else:
            notes.append(f"looked at {values} {between}, at distances that double, then halve")
        if found.value is None:
            notes.append("it holds at none of them")
        elif found.next is None:
            end = "first" if found.wanted == "smallest" else "last"
            notes.append(f"that is the {end} one that was looked at: there may be more")
        if found.is_mixed:
            notes.append("among them it holds, does not hold, and holds again")
        return notes


class OptimumDocument(Document):
    """The best setting of several parameters, those beside it, and how far was looked.

    Attributes:
        rows: all of them, with their figures.
    """

    optimum: Optimum
    rows: SweepDocument

    def record(self) -> dict[str, object]:
        """The answer, null where there is none, and how it was found."""
        found = self.optimum
        rows = self.rows.record()
        values = found.values
        return {
            "networks": rows["networks"],
            "for": list(found.labels),
            "wanted": found.wanted,
            "objective": found.objective,
            "where": found.conditions,
            "values": values and {label: _number(value) for label, value in values.items()},
            "settings": found.settings,
            "looked": found.looked,
            "proof": found.proof.name.lower(),
            "at_end": list(found.at_end),
            "holds": list(found.holds),
            "rows": rows["rows"],
        }

    def data(self) -> Data:
        """A row for each of the settings."""
        return _data(self.rows, self.optimum.holds)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each of the settings, below how they were found."""
        found = self.optimum
        yield Title(
            f"{found.shown.figures.sweeps[0].about}: the {found.wanted} {found.objective} over "
            f"{', '.join(found.labels)} with {found.conditions}",
            self._notes(),
        )
        yield from _below_title(self.rows, found.holds, form)

    def _notes(self) -> list[str]:
        found, notes = self.optimum, [_of_figures(self.rows)]
        better = "more" if found.wanted == "most" else "less"
        settings = counted(found.settings, "setting")
        settings = settings.replace(str(found.settings), f"{found.settings:,}", 1)
        if found.proof.name == "ALL":
            looked = f"looked at all {settings}"
            proof = f"none at which it holds has {better}"
        else:
            looked = f"looked at {found.looked:,} of {settings}"
            proof = f"there may be one with {better}"
            if found.proof.name == "MONOTONE":
                proof = f"none has {better}, if each figure goes one way as it does between these"
        if found.values is None:
            notes += [looked, "it holds at none of them"]
        else:
            notes += [looked, proof, "below the answer: one step along one unknown each"]
        values = found.values or {}
        for label in found.at_end:
            notes.append(
                f"{label} is at the end of its values, {value_text(values[label])}: there may be "
                f"{better} beyond"
            )
        return notes


def _data(rows: SweepDocument, holds: Sequence[bool]) -> Data:
    data = rows.data()
    both = zip(holds, data.rows, strict=True)
    return Data([HOLDS, *data.keys], [[is_held, *row] for is_held, row in both])


def _below_title(rows: SweepDocument, holds: Sequence[bool], form: str) -> Iterator[Part]:
    """The rows, with whether the conditions hold there."""
    _, *parts = rows.parts(form)
    for part in parts:
        if isinstance(part, Table):
            both = zip(holds, part.rows, strict=True)
            cells = [[*row, "yes" if is_held else "no"] for is_held, row in both]
            yield Table([*part.headings, HOLDS], cells, f"{part.align}l", room=0)
        else:
            yield part


def _of_figures(rows: SweepDocument) -> str:
    sweep = rows.selection.figures.sweeps[0]
    return f"{sweep.holds_for}; MACs: multiply-accumulates; MB: 10^6 bytes"


def _number(value: Any) -> object:
    return float(value) if isinstance(value, Fraction) else plain(value)
