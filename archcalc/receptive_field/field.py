"""What the units of a layer see along ONE axis of an unbounded input, as intervals.

A unit sees the smallest interval that holds every input pixel that can influence it (Araujo et
al. 2019, "Computing receptive fields of convolutional neural networks", section 2). Units at
equal distances see intervals at equal distances (the jump) until something spreads units out:
then the interval depends on the unit's phase.
"""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING, TypeAlias

from archcalc.quantity.arithmetic import Quantity, normal
from archcalc.receptive_field.stairs import Stairs, most_apart
from archcalc.record import Record
from archcalc.window import Reach

if TYPE_CHECKING:
    from fractions import Fraction

Interval: TypeAlias = "tuple[int, int] | None"  # first and last pixel; None where it sees nothing


class Field(Record):
    """The pixels that the units of a layer see: unit i sees first + i jump … last + i jump.

    Attributes:
        first: the first pixel that unit 0 sees; negative where it lies in the padding.
        last: the last pixel that unit 0 sees.
        jump: pixels from what one unit sees to what the next sees.
    """

    first: Quantity
    last: Quantity
    jump: Quantity

    @property
    def size(self) -> Quantity:
        """The receptive field: last - first + 1 pixels."""
        return normal(self.last - self.first + 1)

    @property
    def offset(self) -> Quantity:
        """The first pixel that unit 0 sees."""
        return self.first

    def of_unit(self, unit: Quantity) -> tuple[Quantity, Quantity]:
        """The first and the last pixel that a unit sees."""
        return self.first + unit * self.jump, self.last + unit * self.jump


class PhasedField(Record):
    """The pixels that the units see where that depends on the unit's phase.

    Unit q P + r, with P phases, sees the interval of phase r moved by q `advance` pixels. Two are
    equal where all their units see the same. Abstract, though no ABC: those make `isinstance`,
    which is asked at each layer, several times as slow.
    """

    __slots__ = ()

    @property
    def period(self) -> int:
        """After how many units what they see repeats, further on."""
        raise NotImplementedError

    @property
    def jump(self) -> int | Fraction:
        """Pixels from what one unit sees to what the next sees, on average."""
        raise NotImplementedError

    @property
    def widest(self) -> int:
        """A unit that sees as much as any."""
        raise NotImplementedError

    def of_unit(self, unit: int) -> Interval:
        """The first and the last pixel that a unit sees; None where it sees nothing."""
        raise NotImplementedError

    @property
    def advance(self) -> int:
        """Pixels from what a unit sees to what the unit one `period` further sees."""
        return int(self.jump * self.period)

    @property
    def size(self) -> int:
        """The receptive field: the largest over the phases; 0 if they see nothing."""
        seen = self.of_unit(self.widest)
        return 0 if seen is None else seen[1] - seen[0] + 1

    @property
    def offset(self) -> int | None:
        """The first pixel that unit 0 sees; None where it sees nothing."""
        seen = self.of_unit(0)
        return None if seen is None else seen[0]

    @property
    def phases(self) -> tuple[Interval, ...]:
        """The intervals of the units 0 … period - 1, of which there may be very many."""
        return tuple(map(self.of_unit, range(self.period)))

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, PhasedField):
            return self is other
        units = range(lcm(self.period, other.period))
        return self.jump == other.jump and all(
            self.of_unit(unit) == other.of_unit(unit) for unit in units
        )

    def __hash__(self) -> int:
        return hash((self.jump, self.offset))


class ListedPhases(PhasedField):
    """What the units see, phase by phase.

    Attributes:
        listed: the interval of units 0 … P - 1; None where a unit sees nothing (a transposed
            convolution whose stride passes its kernel).
        advanced: pixels from what a unit sees to what the unit P further sees.
    """

    listed: tuple[Interval, ...]
    advanced: int

    @property
    def period(self) -> int:
        return len(self.listed)

    @property
    def jump(self) -> int | Fraction:
        return _fraction(self.advanced, len(self.listed))

    @property
    def widest(self) -> int:
        sizes = [-1 if seen is None else seen[1] - seen[0] for seen in self.listed]
        return sizes.index(max(sizes))

    def of_unit(self, unit: int) -> Interval:
        periods, phase = divmod(unit, len(self.listed))
        interval = self.listed[phase]
        if interval is None:
            return None
        return interval[0] + periods * self.advanced, interval[1] + periods * self.advanced


class SteppedField(PhasedField):
    """What the units see, where every unit sees something and none less far than one before it.

    Attributes:
        firsts: the first pixel that a unit sees is the lowest of these.
        lasts: the last pixel that it sees is the highest of these.
    """

    firsts: tuple[Stairs, ...]
    lasts: tuple[Stairs, ...]

    @property
    def period(self) -> int:
        return lcm(*(each.step for each in self.firsts), *(each.step for each in self.lasts))

    @property
    def jump(self) -> int | Fraction:
        return _fraction(self.firsts[0].rise, self.firsts[0].step)

    @property
    def widest(self) -> int:
        units = [most_apart(last, first) for first in self.firsts for last in self.lasts]
        return max(units, key=lambda unit: self._last(unit) - self._first(unit))

    def of_unit(self, unit: int) -> tuple[int, int]:
        return self._first(unit), self._last(unit)

    def _first(self, unit: int) -> int:
        return min(each(unit) for each in self.firsts)

    def _last(self, unit: int) -> int:
        return max(each(unit) for each in self.lasts)


AxisField: TypeAlias = "Field | PhasedField | Reach"

NOTHING = ListedPhases((None,), 0)  # what channels of zeros see
PIXEL = Field(0, 0, 1)  # what an input pixel sees: itself


def _fraction(numerator: int, denominator: int) -> int | Fraction:
    from fractions import Fraction

    jump = Fraction(numerator, denominator)
    return int(jump) if jump.denominator == 1 else jump
