"""Values at places that a table of numbers says."""

from __future__ import annotations

from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.effect import Effect, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Axis, Category, Layer, require_positive
from archcalc.layers.operator import USUAL, Circumstances, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import indices
from archcalc.quantity.arithmetic import Quantity
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach


@register
class IndexSelect(Layer):
    """The values at some places along an axis, in any order and as often as wanted.

    As `torch.index_select` by an index that is kept: (n, …) -> (count, …) of axis 0. Which places
    it names is no matter of sizes, so that what a unit sees along that axis is unknown.
    Buffer: index (count), int64.
    Source: of relative positions, Liu et al. 2021 (arXiv:2103.14030), eq. 4 and section 3.2.
    """

    kind: ClassVar[str] = "index_select"
    category: ClassVar[Category] = Category.RESHAPING
    integers: ClassVar[Integers] = Integers.KEPT

    count: Quantity
    axis: Axis = 0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        along = numbered(self.axis, x)
        require_positive(self.count, "places")
        shape = [*x.shape]
        shape[along] = self.count
        windows = [Reach.UNKNOWN if axis == along else Reach.SAME for axis in range(x.rank)]
        effect = without_parameters(FeatureMap(shape[0], tuple(shape[1:])), tuple(windows[1:]))
        return replace(effect, state=indices(index=(self.count,)))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        # Backward zeros, and beside them what has been added there.
        taken = Taken(0, scratch=(x.values,))
        return (Operator(self.kind, (taken,), effect.output.values),)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.UNKNOWN if numbered(self.axis, x) == 0 else Reach.SAME

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return ("count",) if numbered(self.axis, x) == 0 else ()
