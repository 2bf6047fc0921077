"""Layers that move or select values and compute nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import MOST_AXES, FeatureMap
from archcalc.layers.along_axes import require_spatial
from archcalc.layers.effect import Effect, Storage, pointwise, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Category, Layer, require_divisible
from archcalc.layers.moves import Moved, in_order
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order, Taken, Turn
from archcalc.layers.registry import register
from archcalc.layers.state import Shape
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_one,
    equal_somewhere,
    largest,
    product,
    require_at_least,
    require_equal,
)
from archcalc.record import replace
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch, around, flat, unflattened
from archcalc.regions.reading import ChannelWindow, Interleaved
from archcalc.window import Reach, Window, Windows


class _Reshaping(Layer):
    category: ClassVar[Category] = Category.RESHAPING
    integers: ClassVar[Integers] = Integers.KEPT


@register
class Identity(_Reshaping):
    """The input, unchanged."""

    kind: ClassVar[str] = "identity"
    pointwise: ClassVar[bool] = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=0, saved=(), storage=Storage.SHARED)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        return ()


class InOrder(_Reshaping):
    """The same values in the same order, under another shape."""

    gradient: ClassVar[Gradient] = Gradient.SAME
    moves_axes: ClassVar[bool] = True

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        (x,) = inputs
        moved = in_order(x.shape, effect.output.shape)
        turn = _in_one(effect.output) if moved is None else moved.turn
        taken = found.takes[0]._replace(order=Order.CHANGED, viewed=True, turn=turn)
        return (replace(found, takes=(taken,)),)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> Moved | None:
        return in_order(inputs[number].shape, output.shape)

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        values = flat(Patch(channels, tuple(map(full, x.sizes))), x)
        return around(unflattened(values, output)).channels

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        for part in unflattened(flat(patch, self.effect_on(x).output), x):
            yield 0, part


def _in_one(x: FeatureMap) -> Turn:
    """All axes of `x` put together, as far as it is followed how they are taken apart."""
    axes = tuple(range(len([n for n in x.shape if not certainly_one(n)])))
    return Turn((axes,), tuple([(axis,) for axis in axes]), (False, False))


@register
class Flatten(InOrder):
    """A map as a vector, channels slowest: (C, n…) -> (C n…). A view where the map has no gaps."""

    kind: ClassVar[str] = "flatten"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        output = FeatureMap(x.values)
        return pointwise(x, ops_each=0, saved=(), storage=Storage.SHARED, output=output)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        return super().operators(effect, *inputs) if inputs[0].sizes else ()


@register
class Reshape(InOrder):
    """The same values, in the same order, under another shape, as `torch.reshape`.

    One size may be -1: what the others leave. A view where the map has no gaps that it would take
    to close.
    """

    kind: ClassVar[str] = "reshape"

    shape: Shape

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if not 1 <= len(self.shape) <= MOST_AXES:
            raise LayerError(f"a shape of {len(self.shape)} numbers; 1 to {MOST_AXES} work")
        sizes = self.sizes_for(x)
        for size in sizes:
            require_at_least(size, 1, "a size of {}", size)
        output = FeatureMap(sizes[0], sizes[1:])
        as_given = FeatureMap(self.shape[0], self.shape[1:])
        require_equal(output.values, x.values, "{} values do not fill {}", x.values, as_given)
        return without_parameters(output, Reach.SAME, storage=Storage.SHARED)

    def sizes_for(self, x: FeatureMap) -> Shape:
        """The shape that `x` gets: with a number for the size that is left open, if one is."""
        known = [size for size in self.shape if not _is_open(size)]
        if len(known) != len(self.shape) - 1:
            return self.shape
        left = x.values // largest(1, product(known))
        return tuple([left if _is_open(size) else size for size in self.shape])

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return () if _is_open(self.shape[0]) else ("shape",)


def _is_open(size: Quantity) -> bool:
    return equal_somewhere(size, -1)


@register
class ChannelShuffle(_Reshaping):
    """Interleaves the channels of `groups` groups, as `torch.nn.ChannelShuffle`.

    Shapes unchanged; needs a spatial axis.
    Source: Zhang et al. 2018 (arXiv:1707.01083), section 3.1.
    """

    kind: ClassVar[str] = "channel_shuffle"
    keeps_order: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    groups: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        require_divisible(x.channels, self.groups, into="parts")
        return pointwise(x, ops_each=0, saved=())

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        return (replace(found, takes=(Taken(0),)),) if len(inputs[0].sizes) == 1 else (found,)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Interleaved(self.groups)


@register
class ChannelSlice(_Reshaping):
    """The channels start … stop - 1: (C, n…) -> (stop - start, n…). A view."""

    kind: ClassVar[str] = "channel_slice"
    leaves_gaps: ClassVar[bool] = True

    start: Quantity = 0
    stop: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_at_least(self.start, 0, "starts at channel {}", self.start)
        require_at_least(x.channels, self.stop, "stops at {} of {} channels", self.stop, x.channels)
        count = self.stop - self.start
        require_at_least(count, 1, "no channels between {} and {}", self.start, self.stop)
        output = FeatureMap(count, x.sizes)
        return pointwise(x, ops_each=0, saved=(), storage=Storage.SHARED, output=output)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Window(1, 1, -self.start, self.stop - x.channels)

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return ("start", "stop")


@register
class ChannelSplit(_Reshaping):
    """Part number `part` (from 0) of `parts` equal parts: (C, n…) -> (C / parts, n…). A view.

    Source: Ma et al. 2018 (arXiv:1807.11164), section 3.2.
    """

    kind: ClassVar[str] = "channel_split"
    leaves_gaps: ClassVar[bool] = True

    parts: Quantity
    part: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_divisible(x.channels, self.parts, into="parts")
        require_at_least(self.part, 0, "part {}", self.part)
        require_at_least(self.parts - 1, self.part, "part {} of {}", self.part, self.parts)
        output = FeatureMap(x.channels // self.parts, x.sizes)
        return pointwise(x, ops_each=0, saved=(), storage=Storage.SHARED, output=output)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        return (replace(found, takes=(Taken(0, viewed=True),)),)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        each = x.channels // self.parts
        return Window(1, 1, -self.part * each, -(self.parts - 1 - self.part) * each)
