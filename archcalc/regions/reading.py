"""Which numbers along one axis a window reads: from a set of outputs back to the inputs.

Positions lie along an axis, and so do channels: a layer that takes some of them, puts zeros
around them or divides them into groups slides a window along them.
"""

from __future__ import annotations

from struct import pack, unpack
from typing import TypeAlias

from archcalc.quantity.arithmetic import Quantity
from archcalc.record import Record
from archcalc.regions.bits import (
    NotFollowedError,
    between,
    first_of,
    full,
    interleaved,
    is_run,
    last_of,
    members,
    runs,
    shifted,
    smeared,
    spread,
    thinned,
)
from archcalc.window import (
    AdaptiveWindow,
    AxisWindow,
    InterpolatedWindow,
    Reach,
    TransposedWindow,
    Window,
)

MOST_RUNS = 2**12  # of the outputs of an adaptive pool, or of what resizes


class Groups(Record):
    """Channels in groups, each computed from a group of the input's channels.

    Attributes:
        inputs: channels of the input in each group.
        outputs: channels of the output in each group.
    """

    inputs: Quantity
    outputs: Quantity


class Interleaved(Record):
    """Channels in groups, of which the first of each come first, then the second of each, …

    Attributes:
        groups: how many.
    """

    groups: Quantity


ChannelWindow: TypeAlias = "AxisWindow | Groups | Interleaved"


def read(window: ChannelWindow, outputs: int, size: int) -> int:
    """The inputs, of `size` along the axis, that some outputs are computed from.

    Raises:
        NotFollowedError: it is unknown, or takes too long to find.
    """
    if not outputs or window is Reach.SAME:
        return outputs
    if window in (Reach.ALL, Reach.STATISTICS):
        return full(size)
    if window is Reach.BEFORE:
        return between(0, last_of(outputs), size)
    if isinstance(window, Window):
        return _slid(window, outputs, size)
    if isinstance(window, TransposedWindow):
        return _spread(window, outputs, size)
    if isinstance(window, AdaptiveWindow):
        return _adapted(window, outputs, size)
    if isinstance(window, InterpolatedWindow):
        return _interpolated(window, outputs, size)
    if isinstance(window, Groups):
        return _grouped(window, outputs, size)
    if isinstance(window, Interleaved):
        return interleaved(outputs, window.groups, size // window.groups)
    raise NotFollowedError


def reached(window: ChannelWindow, inputs: int, outputs: int) -> int:
    """The outputs, of so many along the axis, that are computed from any of some inputs.

    Raises:
        NotFollowedError: as `read`.
    """
    if window is Reach.BEFORE:
        return full(outputs) & ~(full(first_of(inputs)) if inputs else full(outputs))
    if isinstance(window, Window):
        window = TransposedWindow(window.kernel, window.stride, window.before, window.dilation)
    elif isinstance(window, TransposedWindow):
        window = Window(window.kernel, window.stride, window.before, 0, window.dilation)
    elif isinstance(window, Groups):
        window = Groups(window.outputs, window.inputs)
    elif isinstance(window, Interleaved):
        window = Interleaved(outputs // window.groups)
    elif not isinstance(window, Reach):
        raise NotFollowedError
    return read(window, inputs, outputs)


def _slid(window: Window, outputs: int, size: int) -> int:
    """Output o reads the inputs o s - p + d t, with 0 <= t < k."""
    k, s, d = window.kernel, window.stride, window.dilation
    first, last = first_of(outputs) * s - window.before, last_of(outputs) * s - window.before
    if d == 1 and (first == last or (s <= k and is_run(outputs))):
        return between(first, last + k - 1, size)
    # Of the taps those that find an input: d t >= -last and first + d t < size.
    from_tap, to_tap = max(0, -(last // d)), min(k - 1, (size - 1 - first) // d)
    if from_tap > to_tap:
        return 0
    placed = smeared(spread(outputs >> first_of(outputs), s), to_tap - from_tap + 1, d)
    return shifted(placed, first + d * from_tap) & full(size)


def _spread(window: TransposedWindow, outputs: int, size: int) -> int:
    """Output o reads the inputs i with o = i s - p + d t, with 0 <= t < k."""
    k, s, d = window.kernel, window.stride, window.dilation
    first, last = first_of(outputs) + window.before, last_of(outputs) + window.before
    if d == 1 and is_run(outputs):
        return between(-((k - 1 - first) // s), last // s, size)
    from_tap, to_tap = max(0, -(((size - 1) * s - first) // d)), min(k - 1, last // d)
    if from_tap > to_tap:
        return 0
    taps = smeared(shifted(outputs, window.before), to_tap - from_tap + 1, d) >> d * to_tap
    return thinned(taps, s) & full(size)


def _grouped(window: Groups, outputs: int, size: int) -> int:
    a, b = window.outputs, window.inputs
    if is_run(outputs):
        return between(first_of(outputs) // a * b, last_of(outputs) // a * b + b - 1, size)
    groups = thinned(smeared(outputs, a, 1) >> (a - 1), a)
    return smeared(spread(groups, b), b, 1)


def _adapted(window: AdaptiveWindow, outputs: int, size: int) -> int:
    """Output i reads floor(i n / m) … ceil((i + 1) n / m) - 1, so that neighbours meet."""
    n, m = window.size, window.outputs
    found = 0
    apart = runs(outputs)
    if len(apart) > MOST_RUNS:
        raise NotFollowedError
    for first, last in apart:
        found |= between(first * n // m, -(-(last + 1) * n // m) - 1, size)
    return found


def _interpolated(window: InterpolatedWindow, outputs: int, size: int) -> int:
    """Output o reads the inputs around its place; past an end, the input there."""
    # Where outputs lie less than an input apart, neighbours read all that lies between them.
    if window.step <= window.parts and window.taps <= 2:
        apart = runs(outputs)
    else:
        apart = [(output, output) for output in members(outputs)]
    if len(apart) > MOST_RUNS:
        raise NotFollowedError
    found = 0
    for first, last in apart:
        found |= between(_read_at(window, first)[0], _read_at(window, last)[1], size)
    return found


def _read_at(window: InterpolatedWindow, output: int) -> tuple[int, int]:
    """`ends`; of the nearest, as torch finds it.

    It multiplies in float32 and rounds down, so that an output that lies on an input may find the
    one before: of 26 positions resized to 22, output 11 reads 12 and not 13.
    """
    if window.taps > 1:
        return window.ends(output)
    scale = _in_float32(window.step / window.parts)
    place = int(_in_float32(output * scale))
    return place, place


def _in_float32(value: float) -> float:
    rounded: float = unpack("f", pack("f", value))[0]
    return rounded
