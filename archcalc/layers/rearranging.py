"""Values that change places, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import ClassVar, Literal

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Storage, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Category, Layer, NamedSizes, Notation
from archcalc.layers.moves import Moved
from archcalc.layers.notation import moved_by, pattern_of
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.layers.strides import Strides, dense_strides, strides_after
from archcalc.quantity.arithmetic import certainly_one, require_at_least
from archcalc.regions.bits import NotFollowedError
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows


@register
class Rearrange(Layer):
    """Permute, transpose, reshape, split and merge axes, in einops' notation.

    `axes: "c (h p) (w q) -> [h w] (p q) c"` with `p: 7, q: 7` cuts a map into windows of 7x7
    tokens: names are factors of axes, of each axis one may be left open, and [ ] holds the items
    (`FeatureMap.items`), which torch folds into the batch. By default as
    `einops.rearrange(…).contiguous()`: a view where the values stay in their order, else a copy.
    `copy: needed` is as `einops.rearrange(…)` itself, a view wherever torch can make one, and
    `copy: apart` as `contiguous` is of any tensor, a copy also where the values lie apart.
    Source: Rogozhnikov 2022 (einops), ICLR.
    """

    kind: ClassVar[str] = "rearrange"
    category: ClassVar[Category] = Category.RESHAPING
    integers: ClassVar[Integers] = Integers.KEPT
    moves_axes: ClassVar[bool] = True
    takes_items: ClassVar[bool] = True

    axes: Notation
    copy: Literal["reordered", "needed", "apart"] = "reordered"
    sizes: NamedSizes = ()

    def moved(self, x: FeatureMap) -> Moved:
        """Where the values of `x` go."""
        return moved_by(pattern_of(self.axes), dict(self.sizes), x)

    def effect_on(self, x: FeatureMap, /) -> Effect:
        for name, size in self.sizes:
            require_at_least(size, 1, "{} of {}", name, size)
        return without_parameters(self.moved(x).output, Reach.SAME, storage=Storage.SHARED)

    def can_stay(self, x: FeatureMap) -> bool:
        return self.copy == "needed" or self.moved(x).keeps_order

    @property
    def may_leave_gaps(self) -> bool:
        return self.copy == "needed"

    @property
    def minds_gaps(self) -> bool:
        return self.copy != "reordered"

    def view_strides(
        self, before: Sequence[int], strides: Strides, after: Sequence[int], x: FeatureMap
    ) -> Strides | None:
        moved = self.moved(x)
        found = self._turned(moved, before, strides, after)
        stays = self.copy == "needed" or (self.copy == "reordered" and moved.keeps_order)
        if stays or found is None:
            return found
        dense = dense_strides(after)
        apart = any(n > 1 and a != b for n, a, b in zip(after, found, dense, strict=True))
        return None if apart else dense

    def _turned(
        self, moved: Moved, before: Sequence[int], strides: Strides, after: Sequence[int]
    ) -> Strides | None:
        """How far apart the values lie under the new shape, where they stay in place."""
        factors = (before[0] // prod(moved.split[0]), *moved.sizes)
        apart = strides_after(before, strides, factors)
        if apart is None:
            return None
        order = [0, *[1 + n for axis in moved.joined for n in axis]]
        sizes = [factors[n] for n in order]
        return strides_after(sizes, tuple([apart[n] for n in order]), after)

    def scatters(self, x: FeatureMap) -> bool:
        # Where an axis of one value comes last, torch tells by its stride whether values lie apart.
        moved = self.moved(x)
        *_, last = moved.output.shape
        if not moved.keeps_order:
            return self.may_leave_gaps
        return certainly_one(last) and not certainly_one(x.shape[-1])

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        moved = self.moved(x)
        closes = at.behind_gaps and self.copy == "apart"
        if moved.is_nothing and not closes:
            return ()
        values = effect.output.values
        # Backward the gradient is seen with its axes where they were, if that takes no copy.
        taken = Taken(0, Gradient.SAME, Order.CHANGED, viewed=True, turn=moved.turn)
        if self.can_stay(x):
            return (Operator("view", (taken,), values, view=True),)
        # What was turned before may come back to its order.
        return (Operator("clone", (taken,), values, view=at.behind_gaps),)

    def axes_from(self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap) -> Moved:
        return self.moved(inputs[number])

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        moved = self.moved(x)
        items = len(moved.split[0])
        own = tuple(range(items, items + len(moved.split[1])))
        return Reach.SAME if moved.joined[1] == own else Reach.UNKNOWN

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        if not certainly_one(x.items) or not certainly_one(output.items):
            raise NotFollowedError
        return self.moved(x).reached(channels, x)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        moved = self.moved(x)
        if not certainly_one(x.items) or not certainly_one(moved.output.items):
            raise NotFollowedError
        for part in moved.read(patch):
            yield 0, part
