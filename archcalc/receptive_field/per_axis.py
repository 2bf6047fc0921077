"""What the units of a layer see, as a figure for each axis: one word where all say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from archcalc.quantity.arithmetic import Quantity
from archcalc.receptive_field.field import AxisField, Field, PhasedField
from archcalc.window import Reach

if TYPE_CHECKING:
    from fractions import Fraction

    Value: TypeAlias = Quantity | Fraction | str | None

# One number for each spatial axis of the network's input, None where it is unknown.
PerAxis: TypeAlias = "tuple[Value, ...] | str | None"


def sizes(fields: Sequence[AxisField]) -> PerAxis:
    """Input pixels that a unit sees; "all"; None where unknown."""
    return _folded(fields, lambda field: field.size, of_all="all")


def jumps(fields: Sequence[AxisField]) -> PerAxis:
    """Input pixels from what one unit sees to what the next sees."""
    return _folded(fields, lambda field: field.jump)


def offsets(fields: Sequence[AxisField]) -> PerAxis:
    """The first input pixel that unit 0 sees; "nothing" where it sees none."""
    return _folded(fields, lambda field: "nothing" if field.offset is None else field.offset)


def _folded(
    fields: Sequence[AxisField],
    of: Callable[[Field | PhasedField], Value],
    of_all: str | None = None,
) -> PerAxis:
    axes = [
        of(field) if not isinstance(field, Reach) else of_all if field is Reach.ALL else None
        for field in fields
    ]
    first = axes[0] if axes else 0
    if (first is None or isinstance(first, str)) and axes.count(first) == len(axes):
        return first
    return tuple(axes)
