"""Sliding-window arithmetic and the receptive field, along ONE axis.

Height and width are a pair of axes, each with a window and a field of its own; networks with
one or three spatial axes need nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from archcalc.quantity import Quantity, ceil_div, largest, require_at_least, smallest


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides along one axis.

    Attributes:
        kernel: number of taps.
        stride: input positions from one placement to the next.
        before, after: padding on the two sides of the axis; negative where it crops.
        dilation: input positions from one tap to the next.
    """

    kernel: Quantity
    stride: Quantity = 1
    before: Quantity = 0
    after: Quantity = 0
    dilation: Quantity = 1

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
        padded = size + self.before + self.after
        room = padded - self.extent
        if self.before == 0 == self.after:  # of plain ints: which sentence to say
            require_at_least(room, 0, "a window of {} does not fit in {}", self.extent, size)
        else:
            require_at_least(
                room,
                0,
                "a window of {} does not fit in {} padded by {} before and {} after",
                self.extent,
                size,
                self.before,
                self.after,
            )
        if not ceil:
            return room // self.stride + 1
        return smallest(ceil_div(room, self.stride) + 1, ceil_div(size + self.before, self.stride))

    @classmethod
    def same(cls, kernel: Quantity, stride: Quantity, dilation: Quantity, size: Quantity) -> Window:
        """The window with TensorFlow's SAME padding: ceil(n / s) outputs, the odd pad after."""
        extent = dilation * (kernel - 1) + 1
        pad = largest(0, (ceil_div(size, stride) - 1) * stride + extent - size)
        return cls(kernel, stride, pad // 2, pad - pad // 2, dilation)


class Reach(Enum):
    """How far a layer sees along an axis where it slides no window."""

    SAME = "same"  # each output depends on its own position alone
    ALL = "all"  # each output depends on every position of the input
    UNKNOWN = "unknown"  # depends on the position in a way that is not tracked


Windows: TypeAlias = "Reach | tuple[Window | Reach, ...]"


@dataclass(frozen=True, slots=True)
class Field:
    """The input pixels that the units of a layer see along one axis, on an unbounded input.

    Unit i sees the pixels first + i jump … last + i jump: the smallest interval that holds
    every pixel that can influence it (Araujo et al. 2019, "Computing receptive fields of
    convolutional neural networks", section 2).

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

    def through(self, window: Window) -> Field:
        """The field of a layer that slides `window` over this one.

        Output i looks at the units i s - p_before … i s - p_before + d (k - 1), so that
        r_out = r_in + d (k - 1) j_in and j_out = s j_in.
        """
        first = self.first - window.before * self.jump
        last = self.last + (window.extent - 1 - window.before) * self.jump
        return Field(first, last, self.jump * window.stride)


PIXEL = Field(0, 0, 1)

# The field along one axis: an interval; everything; or unknown.
AxisField: TypeAlias = "Field | Reach"


def field_after(field: AxisField, window: Window | Reach) -> AxisField:
    """The field along one axis after a layer that slides `window` there, or reaches as said."""
    if window is Reach.SAME:
        return field
    if isinstance(window, Reach) or isinstance(field, Reach):
        return Reach.ALL if Reach.ALL in (window, field) else Reach.UNKNOWN
    return field.through(window)


def field_of_join(fields: Iterable[AxisField]) -> AxisField:
    """The field along one axis where branches meet: the smallest first, the largest last.

    Branches whose jumps differ never line up, and then there is no one interval: unknown.
    """
    together, *others = fields
    for field in others:
        if together == field:
            continue
        if isinstance(together, Reach) or isinstance(field, Reach):
            together = Reach.ALL if Reach.ALL in (together, field) else Reach.UNKNOWN
        elif together.jump != field.jump:
            together = Reach.UNKNOWN
        else:
            first = smallest(together.first, field.first)
            together = Field(first, largest(together.last, field.last), field.jump)
    return together
