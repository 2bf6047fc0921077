"""From what the units of a layer's inputs see to what its own see, along ONE axis.

By interval arithmetic, on an unbounded input (Araujo et al. 2019, "Computing receptive fields of
convolutional neural networks", section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd, lcm
from typing import TypeVar, cast

from archcalc.quantity.arithmetic import (
    LARGEST_INT64,
    Quantity,
    certainly_at_least,
    certainly_equal,
    largest,
    smallest,
)
from archcalc.quantity.conditions import follower, is_symbol, named, pinned
from archcalc.receptive_field.field import (
    NOTHING,
    AxisField,
    Field,
    Interval,
    ListedPhases,
    PhasedField,
    SteppedField,
)
from archcalc.receptive_field.stairs import Stairs, highest, lowest
from archcalc.record import Record, as_dict
from archcalc.window import (
    AdaptiveWindow,
    AxisWindow,
    InterpolatedWindow,
    Reach,
    TransposedWindow,
    Window,
    Windows,
)

MOST_LISTED = 2**14  # phases that are listed one by one; beyond it the field counts as unknown
MOST_TAPS = 2**18  # that are looked at to list the phases of one layer
MOST_STAIRS = 32  # of one field; U-Nets have as many as levels


def field_after(field: AxisField, window: AxisWindow) -> AxisField:
    """The field along one axis after a layer that slides `window` there, or reaches as said."""
    if window is Reach.SAME or field == NOTHING:
        return field
    if isinstance(window, Reach) or isinstance(field, Reach):
        # Of what depends on all before it, the last unit sees everything.
        everything = field is Reach.ALL or window in (Reach.ALL, Reach.STATISTICS, Reach.BEFORE)
        return Reach.ALL if everything else Reach.UNKNOWN
    if isinstance(window, AdaptiveWindow):
        return field_after(field_after(field, window.spread), window.slid)
    if isinstance(window, InterpolatedWindow):
        return _interpolate(field, window)
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
    return Field(named(first), named(last), named(field.jump * window.stride))


def _slide_over_phases(field: PhasedField, window: Window) -> AxisField:
    """As `_slide`: the least first and the greatest last of what the taps see."""
    window = _pinned(window)
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
    field, window = _pinned(field), _pinned(window)
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


def _interpolate(field: Field | PhasedField, window: InterpolatedWindow) -> AxisField:
    """Output o hears the inputs around its place: all of them in a row.

    After `parts` outputs the places stand as at first, `step` inputs further on.
    """
    field = _pinned(field)
    ends = (field.first, field.last, field.jump) if isinstance(field, Field) else ()
    if not all(type(number) is int for number in ends):
        return Reach.UNKNOWN
    stepped = _as_steps(field)
    if stepped and window.taps <= 2:
        firsts = [each.spread(0, window.parts) for each in stepped.firsts]
        lasts = [
            each.spread((window.taps - 1) * (window.parts - 1), window.parts)
            for each in stepped.lasts
        ]
        low = [each.slid(window.step, window.start) for each in firsts]
        high = [each.slid(window.step, window.start) for each in lasts]
        if None not in low and None not in high:
            return _stepped(cast("list[Stairs]", low), cast("list[Stairs]", high))
    period = stepped.period if stepped else cast(PhasedField, field).period
    rounds = period // gcd(period, window.step)
    outputs = window.parts * rounds
    if outputs > MOST_LISTED:
        return Reach.UNKNOWN
    phases = []
    for output in range(outputs):
        first, last = window.ends(output)
        read = (first, last) if stepped else range(first, last + 1)
        phases.append(_hull(map(field.of_unit, read)))
    advance = field.jump * window.step * rounds
    return _normal(phases, int(advance))


_R = TypeVar("_R", bound=Record)


def _pinned(record: _R) -> _R:
    """A field or a window in numbers, where a setting of its symbols is followed."""
    if follower() is None:
        return record
    # What lies behind the last window, and how many there are, no unit sees.
    values = {
        name: value if name in ("after", "outputs") else pinned(value)
        for name, value in as_dict(record).items()
    }
    return type(record)(**values)


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
    a, b = _pinned(a), _pinned(b)
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
    if not (is_symbol(a) or is_symbol(b)) or follower() is not None:
        return smallest(a, b)
    if certainly_at_least(b, a):
        return a
    return b if certainly_at_least(a, b) else None


def _higher(a: Quantity, b: Quantity) -> Quantity | None:
    """The higher of two; None where that is open."""
    if not (is_symbol(a) or is_symbol(b)) or follower() is not None:
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
        if len(phases) % period == 0 and rest == 0 and repeats(phases, period, shift):
            phases, advance = phases[:period], shift
            break
    if len(phases) == 1 and phases[0] is not None:
        return Field(*phases[0], advance)
    return ListedPhases(tuple(phases), advance)


def repeats(phases: Sequence[Interval], period: int, shift: int) -> bool:
    """Whether what the units see comes again after a period, `shift` pixels further."""
    return all(
        later == (None if first is None else (first[0] + shift, first[1] + shift))
        for first, later in zip(phases, phases[period:], strict=False)
    )
