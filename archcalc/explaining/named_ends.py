"""Fields of which only the ends are left to compute with."""

from __future__ import annotations

from fractions import Fraction

from archcalc.explaining.naming import Naming
from archcalc.receptive_field.field import AxisField, Field, Interval, PhasedField
from archcalc.window import Reach


class _NamedEnds(PhasedField):
    """A field whose ends are named: those of the unit that sees most."""

    field: PhasedField
    first: int
    last: int

    @property
    def period(self) -> int:
        return self.field.period

    @property
    def jump(self) -> int | Fraction:
        return self.field.jump

    @property
    def widest(self) -> int:
        return self.field.widest

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def of_unit(self, unit: int) -> Interval:
        return self.field.of_unit(unit)


def with_named_ends(axis: AxisField, naming: Naming, letter: str) -> AxisField:
    """A field that was found phase by phase: only its ends are left to compute with."""
    if isinstance(axis, Reach):
        return axis
    ends = (axis.first, axis.last) if isinstance(axis, Field) else axis.of_unit(axis.widest)
    if ends is None:
        return axis
    where = "" if isinstance(axis, Field) else f", by the widest of {axis.period:,} phases"
    suffix = f"_{letter}" if letter else ""
    first = naming.number(f"first{suffix}", ends[0], f"first {naming.position} seen{where}")
    last = naming.number(f"last{suffix}", ends[1], f"last {naming.position} seen{where}")
    if isinstance(axis, Field):
        return Field(first, last, axis.jump)
    return _NamedEnds(axis, first, last)
