"""Values that stand in several places: each of them, or all in a row, again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.broadcasting import spread_axes
from archcalc.layers.effect import Effect, Storage, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Axis, Category, Layer, require_positive
from archcalc.layers.moves import Moved
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order, Taken, Turn
from archcalc.layers.registry import register
from archcalc.layers.resampling import nearest
from archcalc.layers.state import Shape
from archcalc.layers.strides import Strides
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_one,
    equal_somewhere,
    require_at_least,
    require_equal,
)
from archcalc.record import replace
from archcalc.regions.bits import chunks, full, repeated
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import AxisWindow, Reach, Windows


class _Repeating(Layer):
    category: ClassVar[Category] = Category.RESHAPING
    integers: ClassVar[Integers] = Integers.KEPT


@register
class Expand(_Repeating):
    """One value along an axis for all places of it, as `torch.Tensor.expand`: a view.

    `shape: [-1, 49, -1]` makes (8, 1, 3) into (8, 49, 3): as many sizes as axes, each that of the
    input or -1 for it, and any where the input has one value. It takes no memory: every value
    stands once, until something copies it.
    Source: `torch.Tensor.expand`.
    """

    kind: ClassVar[str] = "expand"
    pointwise: ClassVar[bool] = True
    moves_axes: ClassVar[bool] = True
    leaves_gaps: ClassVar[bool] = True
    spreads: ClassVar[bool] = True

    shape: Shape

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if len(self.shape) != x.rank:
            raise LayerError(f"a shape of {len(self.shape)} numbers for the {x.rank} axes of {x}")
        shape = [n if _is_kept(m) else m for n, m in zip(x.shape, self.shape, strict=True)]
        for n, size in zip(x.shape, shape, strict=True):
            require_at_least(size, 1, "a size of {}", size)
            if not certainly_one(n):
                require_equal(n, size, "a size of {} cannot be expanded to {}", n, size)
        output = FeatureMap(shape[0], tuple(shape[1:]))
        return without_parameters(output, Reach.SAME, storage=Storage.SHARED)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs, at=at)
        return (replace(found, takes=(Taken(0, Gradient.SAME),)),)

    def view_strides(
        self, before: Sequence[int], strides: Strides, after: Sequence[int], x: FeatureMap
    ) -> Strides | None:
        sizes = zip(before, after, strides, strict=True)
        return tuple([step if n == m else 0 for n, m, step in sizes])

    def scatters(self, x: FeatureMap) -> bool:
        return any(spread_axes(x, self.effect_on(x).output))

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL if spread_axes(x, self.effect_on(x).output)[0] else Reach.SAME

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        sets = zip((patch.channels, *patch.positions), inputs[0].shape, strict=True)
        channels, *positions = [1 if n == 1 and bits else bits for bits, n in sets]
        yield 0, Patch(channels, tuple(positions))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (self,)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return () if _is_kept(self.shape[0]) or not certainly_one(x.channels) else ("shape",)

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return () if _is_kept(self.shape[0]) or certainly_one(x.channels) else ("shape",)


@register
class RepeatInterleave(_Repeating):
    """Each value `repeats` times, one behind the other along an axis: a, a, b, b.

    Shapes: n -> repeats n along the axis; 0 is the first, -1 the last. As
    `torch.repeat_interleave` by a number. So the heads of keys are repeated for several queries.
    Source: Ainslie et al. 2023 (arXiv:2305.13245), section 2.2.
    """

    kind: ClassVar[str] = "repeat_interleave"

    repeats: Quantity
    axis: Axis = 0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        along = numbered(self.axis, x)
        require_positive(self.repeats, "repeats")
        first, *others = [
            n * self.repeats if axis == along else n for axis, n in enumerate(x.shape)
        ]
        windows = tuple([self._window(axis, x) for axis in range(1, x.rank)])
        return without_parameters(FeatureMap(first, tuple(others)), windows or Reach.SAME)

    def _window(self, axis: int, x: FeatureMap) -> AxisWindow:
        return nearest(self.repeats) if axis == numbered(self.axis, x) else Reach.SAME

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return self._window(0, x)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        along, values = numbered(self.axis, x), effect.output.values
        # torch copies an expanded view with an axis for the repeats, and makes that and the one
        # before it one: backward the gradient is seen with the two apart, and summed up.
        turn = _put_together(
            [(n, self.repeats) if m == along else (n,) for m, n in enumerate(x.shape)]
        )
        seen = Taken("repeated", Gradient.SAME, Order.CHANGED, viewed=True, turn=turn)
        return (
            Operator("clone", (Taken(0, Gradient.SAME),), values, makes="repeated"),
            Operator("view", (seen,), values, view=True),
        )


@register
class Tile(_Repeating):
    """The whole map `repeats` times along each axis, one behind the other: a, b, a, b.

    Shapes: n -> repeats n along each axis; a number for each, the first included. As
    `torch.Tensor.repeat`, which numpy calls tile. What a unit sees along an axis on which several
    values are repeated has no one place; of one unit it is known.
    Source: `torch.Tensor.repeat`.
    """

    kind: ClassVar[str] = "tile"

    repeats: Shape

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if len(self.repeats) != x.rank:
            raise LayerError(f"{len(self.repeats)} repeats for the {x.rank} axes of {x}")
        for times in self.repeats:
            require_positive(times, "repeats")
        first, *others = [n * times for n, times in zip(x.shape, self.repeats, strict=True)]
        windows = tuple([self._reach(axis, x) for axis in range(1, x.rank)])
        return without_parameters(FeatureMap(first, tuple(others)), windows or Reach.SAME)

    def _reach(self, axis: int, x: FeatureMap) -> Reach:
        if certainly_one(self.repeats[axis]):
            return Reach.SAME
        return Reach.ALL if certainly_one(x.shape[axis]) else Reach.UNKNOWN

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return self._reach(0, x)

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        return repeated(channels, x.channels, full(self.repeats[0]))

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        sets = zip((patch.channels, *patch.positions), self.repeats, inputs[0].shape, strict=True)
        channels, *positions = [_folded(bits, times, n) for bits, times, n in sets]
        yield 0, Patch(channels, tuple(positions))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs, at=at)
        # Backward the gradient is seen with the repeats as axes of their own, and summed up.
        turn = _put_together([*zip(self.repeats, inputs[0].shape, strict=True)])
        return (replace(found, takes=(Taken(0, Gradient.SAME, Order.CHANGED, turn=turn),)),)


def _put_together(factors: Sequence[tuple[Quantity, ...]]) -> Turn:
    """How axes that are factors of others are put together to these."""
    every = [factor for axis in factors for factor in axis]
    numbers = iter(range(1, 1 + len(every)))
    joined = [tuple([next(numbers) for _ in axis]) for axis in factors]
    return Moved(((1,), *[(factor,) for factor in every]), ((0,), *joined)).turn


def _is_kept(size: Quantity) -> bool:
    return equal_somewhere(size, -1)


def _folded(bits: int, times: int, size: int) -> int:
    """Of a set along an axis of `times` repeats of `size` numbers, which of these are in any."""
    found = 0
    for part in chunks(bits, times, size):
        found |= part
    return found
