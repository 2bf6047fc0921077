"""Sliding-window arithmetic, along ONE axis.

Height and width are a pair of axes, each with a window of its own; networks with one or three
spatial axes need nothing else.
"""

from __future__ import annotations

from enum import Enum
from math import gcd
from typing import TypeAlias

from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    certainly_at_least,
    certainly_equal,
    certainly_one,
    floor_div,
    require_at_least,
    same_padding,
    smallest,
)
from archcalc.quantity.conditions import pinned
from archcalc.record import Record


class Window(Record):
    """A window that slides along one axis.

    Attributes:
        kernel: number of taps.
        stride: input positions from one placement to the next.
        before, after: padding on the two sides of the axis; negative where it crops.
        dilation: input positions from one tap to the next.
        outputs: the number of outputs where the padding was chosen for it, else None.
    """

    kernel: Quantity
    stride: Quantity = 1
    before: Quantity = 0
    after: Quantity = 0
    dilation: Quantity = 1
    outputs: Quantity | None = None

    @property
    def extent(self) -> Quantity:
        """Input positions from the first tap to the last: d (k - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    def placements(self, size: Quantity, ceil: bool = False) -> Quantity:
        """The number of outputs on an axis of `size` positions.

        floor((n + p_before + p_after - d (k - 1) - 1) / s) + 1 (Dumoulin & Visin 2016,
        relationship 6). With `ceil`, torch's rule: round up, but the last window has to start
        inside the input or its padding before.

        Raises:
            LayerError: the window does not fit, or a figure of it is below 1.
        """
        require_at_least(self.kernel, 1, "a kernel of {}", self.kernel)
        require_at_least(self.stride, 1, "a stride of {}", self.stride)
        require_at_least(self.dilation, 1, "a dilation of {}", self.dilation)
        if self.outputs is not None:
            return self.outputs
        padded = size + self.before + self.after
        room = padded - self.extent
        least = 1 - self.stride if ceil else 0  # rounding up, even a first window may stick out
        if certainly_equal(self.before, 0) and certainly_equal(self.after, 0):
            require_at_least(room, least, "a window of {} does not fit in {}", self.extent, size)
        else:
            require_at_least(
                room,
                least,
                "a window of {} does not fit in {} padded by {} before and {} after",
                self.extent,
                size,
                self.before,
                self.after,
            )
        if not ceil:
            return floor_div(room, self.stride) + 1
        rounded_up = ceil_div(room, self.stride) + 1
        if certainly_at_least(self.extent, self.stride + self.after):
            return rounded_up  # the last window starts so early in any case
        return smallest(rounded_up, ceil_div(size + self.before, self.stride))

    @classmethod
    def same(cls, kernel: Quantity, stride: Quantity, dilation: Quantity, size: Quantity) -> Window:
        """The window with TensorFlow's SAME padding: ceil(n / s) outputs, the odd pad after."""
        extent = dilation * (kernel - 1) + 1
        outputs = ceil_div(size, stride)
        pad = same_padding(outputs, stride, extent, size)
        before = floor_div(pad, 2)
        return cls(kernel, stride, before, pad - before, dilation, outputs)


class TransposedWindow(Record):
    """A window that slides along the output of an axis instead of its input.

    Input i reaches the outputs i s - p, i s - p + d, … i s - p + d (k - 1). What spreads inputs
    over outputs is one of these: transposed convolution, unpooling, and upsampling by f, where
    the nearest neighbour takes k = s = f.

    Attributes:
        kernel: number of taps.
        stride: output positions from what one input reaches to what the next reaches.
        before: padding that is cut off before the first output.
        dilation: output positions from one tap to the next.
        after: padding that is cut off behind the last output, as far as it is known. What an
            output hears does not depend on it.
    """

    kernel: Quantity
    stride: Quantity = 1
    before: Quantity = 0
    dilation: Quantity = 1
    after: Quantity = 0

    @property
    def leaves_gaps(self) -> bool:
        """Whether some outputs may hear no input: those between the taps of two of them."""
        kernel, stride, dilation = map(pinned, (self.kernel, self.stride, self.dilation))
        if all(type(number) is int for number in (kernel, stride, dilation)):
            taps = range(min(kernel, stride))  # then they hit the same places again
            return bool(len({dilation * tap % stride for tap in taps}) < stride)
        return not (certainly_one(self.dilation) and certainly_at_least(self.kernel, self.stride))

    @classmethod
    def linear(cls, factor: Quantity) -> TransposedWindow:
        """Linear interpolation by a whole factor f: the triangle that spans two inputs.

        Output o lies at (2 o + 1 - f) / 2 f and mixes the inputs less than 1 away from it.
        """
        return cls(2 * factor - (factor - 2 * (factor // 2)), factor, factor // 2)


class AdaptiveWindow(Record):
    """The windows of different sizes that divide an axis among a given number of outputs.

    Output i of m sees the inputs floor(i n / m) … ceil((i + 1) n / m) - 1, as torch's adaptive
    pools: the same as if each input were repeated m times, and each output then took n of these.

    Attributes:
        size: n, the number of inputs.
        outputs: m, the number of outputs.
    """

    size: Quantity
    outputs: Quantity

    @property
    def spread(self) -> TransposedWindow:
        """What repeats each input, as often as it takes."""
        times = self.outputs // gcd(self.size, self.outputs)
        return TransposedWindow(times, times)

    @property
    def slid(self) -> Window:
        """What slides over the repeated inputs then."""
        taken = self.size // gcd(self.size, self.outputs)
        return Window(taken, taken)


class InterpolatedWindow(Record):
    """What reads an axis at places between its positions, a fraction apart: resizing.

    Output o lies at the place (step o + start) / parts, on the scale of the inputs.

    Attributes:
        step, parts: their quotient is how many inputs the outputs lie apart.
        start: where output 0 lies, in parts of an input.
        taps: what output o reads: 1, the input at its place or, between two, the one before
            (nearest); 2, the two on either side (linear); 4, two on either side (cubic). Of a
            place that is an input's, this alone: there the weights of all others are 0.
    """

    step: int
    parts: int
    start: int
    taps: int

    def ends(self, output: int) -> tuple[int, int]:
        """The first and the last input that an output reads, on an axis without ends."""
        first, rest = divmod(self.step * output + self.start, self.parts)
        if rest == 0 or self.taps == 1:
            return first, first
        return first + 1 - self.taps // 2, first + self.taps // 2


class Reach(Enum):
    """How far a layer sees along an axis where it slides no window."""

    SAME = "same"  # each output depends on its own position alone
    ALL = "all"  # each output depends on every position of the input
    BEFORE = "before"  # each output depends on its own position and on all before it
    STATISTICS = "statistics"  # of a norm: on its own position, and on statistics of every other
    UNKNOWN = "unknown"  # depends on the position in a way that is not tracked
    MISALIGNED = "misaligned"  # branches with different jumps met: there is no one interval


AxisWindow: TypeAlias = "Window | TransposedWindow | AdaptiveWindow | InterpolatedWindow | Reach"
Windows: TypeAlias = "Reach | tuple[AxisWindow, ...]"
