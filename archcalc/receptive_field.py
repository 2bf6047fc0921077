"""The receptive field, along ONE axis, by interval arithmetic on an unbounded input.

A unit sees the smallest interval that holds every input pixel that can influence it (Araujo et
al. 2019, "Computing receptive fields of convolutional neural networks", section 2). Units at
equal distances see intervals at equal distances (the jump) until something spreads units out:
then the interval depends on the position's phase, and there is one for each phase.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd, lcm
from typing import TYPE_CHECKING, TypeAlias

from archcalc.quantity import Quantity, certainly_equal, is_symbol, largest, smallest
from archcalc.window import AxisWindow, Reach, TransposedWindow, Window, Windows

if TYPE_CHECKING:
    from fractions import Fraction

MOST_PHASES = 1024  # beyond it the field counts as unknown; U-Net has 16

Interval: TypeAlias = "tuple[int, int] | None"  # first and last pixel; None where it sees nothing


@dataclass(frozen=True, slots=True)
class Field:
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
        return self.last - self.first + 1

    @property
    def offset(self) -> Quantity:
        """The first pixel that unit 0 sees."""
        return self.first

    def of_unit(self, unit: Quantity) -> tuple[Quantity, Quantity]:
        """The first and the last pixel that a unit sees."""
        return self.first + unit * self.jump, self.last + unit * self.jump


@dataclass(frozen=True, slots=True)
class PhasedField:
    """The pixels that the units see where that depends on the unit's phase.

    Unit q P + r, with P phases, sees the interval of phase r moved by q `advance` pixels.

    Attributes:
        phases: the interval of units 0 … P - 1; None where a unit sees nothing (a transposed
            convolution whose stride passes its kernel).
        advance: pixels from what a unit sees to what the unit P further sees.
    """

    phases: tuple[Interval, ...]
    advance: int

    @property
    def size(self) -> int:
        """The receptive field: the largest over the phases; 0 if they see nothing."""
        return max((last - first + 1 for first, last in filter(None, self.phases)), default=0)

    @property
    def jump(self) -> int | Fraction:
        """Pixels from what one unit sees to what the next sees, on average."""
        from fractions import Fraction

        jump = Fraction(self.advance, len(self.phases))
        return int(jump) if jump.denominator == 1 else jump

    @property
    def offset(self) -> int | None:
        """The first pixel that unit 0 sees; None where it sees nothing."""
        return self.phases[0][0] if self.phases[0] else None

    def of_unit(self, unit: int) -> Interval:
        """The first and the last pixel that a unit sees; None where it sees nothing."""
        periods, phase = divmod(unit, len(self.phases))
        interval = self.phases[phase]
        if interval is None:
            return None
        return interval[0] + periods * self.advance, interval[1] + periods * self.advance


AxisField: TypeAlias = "Field | PhasedField | Reach"

PIXEL = Field(0, 0, 1)  # what an input pixel sees: itself


def field_after(field: AxisField, window: AxisWindow) -> AxisField:
    """The field along one axis after a layer that slides `window` there, or reaches as said."""
    if window is Reach.SAME:
        return field
    if isinstance(window, Reach) or isinstance(field, Reach):
        everything = Reach.ALL in (window, field) or window is Reach.STATISTICS
        return Reach.ALL if everything else Reach.UNKNOWN
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
        if together != field:
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
    """As `_slide`, phase by phase: the outputs repeat once stride x outputs fill whole periods."""
    numbers = (window.kernel, window.stride, window.before, window.dilation)
    if not all(type(number) is int for number in numbers):
        return Reach.UNKNOWN
    period = len(field.phases)
    outputs = period // gcd(period, window.stride)
    # Taps a period apart see the same phase, the later one further on: only the first and the
    # last of each phase can be the first or the last of all.
    taps = _ends(window.kernel, period // gcd(period, window.dilation))
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
    if isinstance(field, Field):
        field = PhasedField(((field.first, field.last),), field.jump)
    period, stride = len(field.phases), window.stride
    if period * stride > MOST_PHASES:
        return Reach.UNKNOWN
    # Taps that hit an input come round every s / gcd(s, d), and meet the same phase again after
    # as many rounds as there are phases.
    taps = _ends(window.kernel, stride // gcd(stride, window.dilation) * period)
    phases = []
    for out in range(period * stride):
        places = [out + window.before - window.dilation * tap for tap in taps]
        phases.append(_hull(field.of_unit(at // stride) for at in places if at % stride == 0))
    return _normal(phases, field.advance)


def _ends(count: int, most: int) -> Sequence[int]:
    """0 … count - 1, or of many only the first and last `most`."""
    if count <= 2 * most:
        return range(count)
    return [*range(most), *range(count - most, count)]


def _union(a: AxisField, b: AxisField) -> AxisField:
    if isinstance(a, Reach) or isinstance(b, Reach):
        return Reach.ALL if Reach.ALL in (a, b) else Reach.UNKNOWN
    if not certainly_equal(a.jump, b.jump):
        return Reach.MISALIGNED
    if isinstance(a, Field) and isinstance(b, Field):
        if any(map(is_symbol, (a.first, a.last, b.first, b.last))):
            return Reach.UNKNOWN  # "same" padding of free sizes: which branch sees more is open
        return Field(smallest(a.first, b.first), largest(a.last, b.last), a.jump)
    period = lcm(*(len(f.phases) for f in (a, b) if isinstance(f, PhasedField)))
    if period > MOST_PHASES:
        return Reach.UNKNOWN
    phases = [_hull((a.of_unit(unit), b.of_unit(unit))) for unit in range(period)]
    return _normal(phases, int(a.jump * period))


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
    return PhasedField(tuple(phases), advance)


def _repeats(phases: Sequence[Interval], period: int, shift: int) -> bool:
    return all(
        later == (None if first is None else (first[0] + shift, first[1] + shift))
        for first, later in zip(phases, phases[period:], strict=False)
    )
