"""Values that move along axes, those that leave at one end coming in at the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import AxisNumbers, numbered
from archcalc.layers.effect import Effect, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Axes, Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.layers.resampling import Pad
from archcalc.quantity.arithmetic import Quantity, certainly_divides
from archcalc.record import replace
from archcalc.regions.bits import rolled
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import AxisWindow, Reach, Window, Windows


@register
class Roll(Layer):
    """Every value moved by `shifts` along `axes`, around the ends, as `torch.roll`.

    Shapes unchanged: along an axis of n, output o is input (o - shift) mod n; 0 is the first axis,
    -1 the last. One shift for each axis, or one for all. Its field goes on around the ends as
    into a border: without ends it is a step to one side.
    Source: Liu et al. 2021 (arXiv:2103.14030), section 3.2, the cyclic shift.
    """

    kind: ClassVar[str] = "roll"
    keeps_order: ClassVar[bool] = True
    category: ClassVar[Category] = Category.RESHAPING
    integers: ClassVar[Integers] = Integers.KEPT

    shifts: Axes
    axes: AxisNumbers

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return without_parameters(x, tuple(self._along(x)[1:]) or Reach.SAME)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        (found,) = super().operators(effect, x, at=at)
        # torch puts two parts in a row; of no part it does not see in which order its axes lie.
        empty = any(certainly_divides(x.shape[axis], shift) for axis, shift in self._moves(x))
        order = Order.OWN if empty or x.rank < 3 else Order.KEPT
        return (replace(found, takes=(Taken(0, order=order),)),)

    def _moves(self, x: FeatureMap) -> list[tuple[int, Quantity]]:
        """The axes, counted from the first, each with its shift, in order."""
        axes = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        shifts = self.shifts if isinstance(self.shifts, tuple) else (self.shifts,) * len(axes)
        if len(shifts) != len(axes) or not axes:
            raise LayerError(f"{len(shifts)} shifts for {len(axes)} axes")
        return [(numbered(axis, x), shift) for axis, shift in zip(axes, shifts, strict=True)]

    def shifts_on(self, x: FeatureMap) -> list[Quantity]:
        """How far in all along each axis of a map."""
        found: list[Quantity] = [0] * x.rank
        for axis, shift in self._moves(x):
            found[axis] = found[axis] + shift
        return found

    def _along(self, x: FeatureMap) -> list[AxisWindow]:
        axes = {axis for axis, _ in self._moves(x)}
        return [
            Window(1, 1, shift, -shift) if axis in axes else Reach.SAME
            for axis, shift in enumerate(self.shifts_on(x))
        ]

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return self._along(x)[0]

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        return rolled(channels, self.shifts_on(x)[0], x.channels)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        sets = zip((patch.channels, *patch.positions), self.shifts_on(x), x.shape, strict=True)
        channels, *positions = [rolled(bits, -shift, n) for bits, shift, n in sets]
        yield 0, Patch(channels, tuple(positions))


def fills_borders(layer: Layer) -> bool:
    """Whether copies of what lies elsewhere in a map stand beyond its ends.

    A field goes on into such a border as into one of zeros: it is what is seen where there is none.
    """
    return isinstance(layer, Roll) or (isinstance(layer, Pad) and layer.mode != "constant")
