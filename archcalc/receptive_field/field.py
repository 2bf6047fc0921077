"""The receptive field, along ONE axis, by interval arithmetic on an unbounded input.

A unit sees the smallest interval that holds every input pixel that can influence it (Araujo et
al. 2019, "Computing receptive fields of convolutional neural networks", section 2). Units at
equal distances see intervals at equal distances (the jump) until something spreads units out:
then the interval depends on the unit's phase.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd, lcm
from typing import TYPE_CHECKING, TypeAlias, cast

from archcalc.quantity.arithmetic import (
    LARGEST_INT64,
    Quantity,
    certainly_at_least,
    certainly_equal,
    largest,
    normal,
    smallest,
)
from archcalc.quantity.conditions import is_symbol
from archcalc.receptive_field.stairs import Stairs, highest, lowest, most_apart
from archcalc.record import Record
from archcalc.window import AdaptiveWindow, AxisWindow, Reach, TransposedWindow, Window, Windows

if TYPE_CHECKING:
    from fractions import Fraction

MOST_LISTED = 2**14  # phases that are listed one by one; beyond it the field counts as unknown
MOST_TAPS = 2**18  # that are looked at to list the phases of one layer
MOST_STAIRS = 32  # of one field; U-Nets have as many as levels

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


def field_after(field: AxisField, window: AxisWindow) -> AxisField:
    """The field along one axis after a layer that slides `window` there, or reaches as said."""
    if window is Reach.SAME:
        return field
    if isinstance(window, Reach) or isinstance(field, Reach):
        everything = Reach.ALL in (window, field) or window is Reach.STATISTICS
        return Reach.ALL if everything else Reach.UNKNOWN
    if isinstance(window, AdaptiveWindow):
        return field_after(field_after(field, window.spread), window.slid)
    if isinstance(window, TransposedWindow):
        return _spread(field, window)
    if isinstance(field, Field):
        return _slide(field, window)
    return _slide_over_phases(field, window)


def field_of_join(fields: Iterable[AxisField]) -> AxisField:
    """The field along one axis where branches meet: the smallest first, the largest last.

    Branches whose jumps differ never line up, and then there is no one interval: MISALIGNED.
    """
    together, *others = fields
    for field in others:
        if field is not together:
            together = _union(together, field)
    return together


def fields_after(inputs: list[tuple[AxisField, ...]], windows: Windows) -> tuple[AxisField, ...]:
    """What a layer's units see, given what its inputs' units see, along each axis of the image."""
    seen = inputs[0]
    if len(inputs) > 1:
        seen = tuple(map(field_of_join, zip(*inputs, strict=True)))
    if windows is Reach.SAME:
        return seen
    if isinstance(windows, Reach):
        return tuple([field_after(axis, windows) for axis in seen])
    if len(windows) != len(seen):  # the axes are no longer those of the input
        return tuple([field_after(axis, Reach.UNKNOWN) for axis in seen])
    return tuple(map(field_after, seen, windows))


def _slide(field: Field, window: Window) -> Field:
    """Output i looks at the units i s - p … i s - p + d (k - 1).

    So that r_out = r_in + d (k - 1) j_in and j_out = s j_in.
    """
    first = field.first - window.before * field.jump
    last = field.last + (window.extent - 1 - window.before) * field.jump
    return Field(first, last, field.jump * window.stride)


def _slide_over_phases(field: PhasedField, window: Window) -> AxisField:
    """As `_slide`: the least first and the greatest last of what the taps see."""
    numbers = (window.kernel, window.stride, window.before, window.dilation)
    if not all(type(number) is int for number in numbers):
        return Reach.UNKNOWN
    if isinstance(field, SteppedField):
        to_last = window.extent - 1 - window.before
        firsts = [first.slid(window.stride, -window.before) for first in field.firsts]
        lasts = [last.slid(window.stride, to_last) for last in field.lasts]
        if None not in firsts and None not in lasts:
            return _stepped(cast("list[Stairs]", firsts), cast("list[Stairs]", lasts))
    period = field.period
    if period > MOST_LISTED:
        return Reach.UNKNOWN
    outputs = period // gcd(period, window.stride)  # then whole periods are filled
    # Taps a period apart see the same phase, the later one further on: only the first and the
    # last of each phase can be the first or the last of all.
    taps = _ends(window.kernel, period // gcd(period, window.dilation))
    if outputs * len(taps) > MOST_TAPS:
        return Reach.UNKNOWN
    phases = [
        _hull(
            field.of_unit(out * window.stride - window.before + window.dilation * tap)
            for tap in taps
        )
        for out in range(outputs)
    ]
    return _normal(phases, field.advance * (window.stride * outputs // period))


def _spread(field: Field | PhasedField, window: TransposedWindow) -> AxisField:
    """Output o hears input i through tap t where o = i s - p + d t."""
    numbers = [window.kernel, window.stride, window.before, window.dilation]
    if isinstance(field, Field):
        numbers += [field.first, field.last, field.jump]
    if not all(type(number) is int for number in numbers):
        return Reach.UNKNOWN
    stride, stepped = window.stride, _as_steps(field)
    if stepped and (stride == 1 or (window.dilation == 1 and window.kernel >= stride)):
        # It hears the inputs i with o + p - d (k - 1) <= i s <= o + p.
        least = window.before - window.dilation * (window.kernel - 1) + stride - 1
        return _stepped(
            [first.spread(least, stride) for first in stepped.firsts],
            [last.spread(window.before, stride) for last in stepped.lasts],
        )
    phased = stepped or field
    assert isinstance(phased, PhasedField)  # a Field goes up in steps, too
    period = phased.period
    if period * stride > MOST_LISTED:
        return Reach.UNKNOWN
    # Taps that hit an input come round every s / gcd(s, d), and meet the same phase again after
    # as many rounds as there are phases.
    taps = _ends(window.kernel, stride // gcd(stride, window.dilation) * period)
    if period * stride * len(taps) > MOST_TAPS:
        return Reach.UNKNOWN
    phases = []
    for out in range(period * stride):
        places = [out + window.before - window.dilation * tap for tap in taps]
        phases.append(_hull(phased.of_unit(at // stride) for at in places if at % stride == 0))
    return _normal(phases, phased.advance)


def _ends(count: int, most: int) -> Sequence[int]:
    """0 … count - 1, or of many only the first and last `most`."""
    if count <= 2 * most:
        return range(count)
    return [*range(most), *range(count - most, count)]


def _union(a: AxisField, b: AxisField) -> AxisField:
    if isinstance(a, Reach) or isinstance(b, Reach):
        return Reach.ALL if Reach.ALL in (a, b) else Reach.UNKNOWN
    for field, other in ((a, b), (b, a)):
        if isinstance(field, ListedPhases) and not any(field.listed):
            return other  # it adds nothing, whatever its jump
    if not certainly_equal(a.jump, b.jump):
        return Reach.MISALIGNED
    if isinstance(a, Field) and isinstance(b, Field):
        first, last = _lower(a.first, b.first), _higher(a.last, b.last)
        if first is None or last is None:
            return Reach.UNKNOWN  # which branch sees more depends on free sizes
        return Field(first, last, a.jump)
    ends = [end for f in (a, b) if isinstance(f, Field) for end in (f.first, f.last)]
    if not all(isinstance(end, int) for end in ends):
        return Reach.UNKNOWN  # which branch sees more may depend on the free size
    steps_a, steps_b = _as_steps(a), _as_steps(b)
    if steps_a and steps_b:
        return _stepped(
            [*steps_a.firsts, *steps_b.firsts],
            [*steps_a.lasts, *steps_b.lasts],
        )
    period = lcm(*(f.period for f in (a, b) if isinstance(f, PhasedField)))
    if period > MOST_LISTED:
        return Reach.UNKNOWN
    phases = [_hull((a.of_unit(unit), b.of_unit(unit))) for unit in range(period)]
    return _normal(phases, int(a.jump * period))


def _as_steps(field: Field | PhasedField) -> SteppedField | None:
    """The field in steps, unless some of its units see nothing, or what they see goes back."""
    if isinstance(field, SteppedField):
        return field
    if isinstance(field, PhasedField):
        return None
    return SteppedField(
        (Stairs(field.first, field.jump, 0, 1),), (Stairs(field.last, field.jump, 0, 1),)
    )


def _stepped(firsts: Iterable[Stairs], lasts: Iterable[Stairs]) -> AxisField:
    """The field with the fewest stairs that says the same; without any where one step is enough."""
    low, high = lowest(firsts), highest(lasts)
    if len(low) + len(high) > MOST_STAIRS:
        return Reach.UNKNOWN
    if any(each.step > LARGEST_INT64 for each in (*low, *high)):
        return Reach.UNKNOWN
    if low[0].step == high[0].step == len(low) == len(high) == 1:
        return Field(low[0].pixel, high[0].pixel, low[0].rise)
    return SteppedField(low, high)


def _lower(a: Quantity, b: Quantity) -> Quantity | None:
    """The lower of two; None where that is open, as with `same` padding of free sizes."""
    if not (is_symbol(a) or is_symbol(b)):
        return smallest(a, b)
    if certainly_at_least(b, a):
        return a
    return b if certainly_at_least(a, b) else None


def _higher(a: Quantity, b: Quantity) -> Quantity | None:
    """The higher of two; None where that is open."""
    if not (is_symbol(a) or is_symbol(b)):
        return largest(a, b)
    if certainly_at_least(a, b):
        return a
    return b if certainly_at_least(b, a) else None


def _hull(intervals: Iterable[Interval]) -> Interval:
    seen = [interval for interval in intervals if interval is not None]
    if not seen:
        return None
    return min(first for first, _ in seen), max(last for _, last in seen)


def _normal(phases: Sequence[Interval], advance: int) -> AxisField:
    """The field with the fewest phases that says the same; without phases where one is enough."""
    for period in range(1, len(phases)):
        shift, rest = divmod(advance * period, len(phases))
        if len(phases) % period == 0 and rest == 0 and _repeats(phases, period, shift):
            phases, advance = phases[:period], shift
            break
    if len(phases) == 1 and phases[0] is not None:
        return Field(*phases[0], advance)
    return ListedPhases(tuple(phases), advance)


def _repeats(phases: Sequence[Interval], period: int, shift: int) -> bool:
    return all(
        later == (None if first is None else (first[0] + shift, first[1] + shift))
        for first, later in zip(phases, phases[period:], strict=False)
    )


def _fraction(numerator: int, denominator: int) -> int | Fraction:
    from fractions import Fraction

    jump = Fraction(numerator, denominator)
    return int(jump) if jump.denominator == 1 else jump
