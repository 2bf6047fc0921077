"""Units that let one half of their input gate the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.convolution import Conv
from archcalc.layers.effect import Effect, Saved, pointwise
from archcalc.layers.layer import Axis, Category, Layer
from archcalc.layers.registry import register
from archcalc.layers.reshaping import Reshape
from archcalc.quantity.arithmetic import product, require_multiple
from archcalc.record import replace
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Window, Windows


@register
class GLU(Layer):
    """a sigmoid(b), where a is the first half of the values along an axis and b the second.

    n values along the axis -> n / 2; n is even. Operations for each value: sigmoid 4, product 1.
    Source: Dauphin et al. 2017 (arXiv:1612.08083), eq. 1.
    """

    kind: ClassVar[str] = "glu"
    category: ClassVar[Category] = Category.ACTIVATION

    axis: Axis = 0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        axis, (*shape,) = numbered(self.axis, x), x.shape
        require_multiple(
            shape[axis], 2, "{} values along axis {} have no two halves", shape[axis], axis
        )
        shape[axis] = shape[axis] // 2
        output = FeatureMap(shape[0], tuple(shape[1:]))
        effect = pointwise(x, ops_each=5, saved=(Saved.INPUT,), output=output)
        if not axis:
            return effect
        # How far apart the halves lie along it depends on its size, so that no interval is told.
        windows = [Reach.UNKNOWN if n == axis else Reach.SAME for n in range(1, len(shape))]
        return replace(effect, windows=tuple(windows))

    def orders_as_input(self, x: FeatureMap) -> bool:
        return True

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if numbered(self.axis, x) else self._window(x)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        if isinstance(windows, tuple):
            own = self._window(inputs[0])
            windows = tuple([own if window is Reach.UNKNOWN else window for window in windows])
        return super().reads(patch, inputs, windows)

    def _window(self, x: FeatureMap) -> Window:
        """Along the axis: a value and the one that is half of them further on."""
        return Window(2, 1, 0, 0, dilation=x.shape[numbered(self.axis, x)] // 2)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        axis, shape = numbered(self.axis, x), x.shape
        before, size, behind = product(shape[:axis]), shape[axis], product(shape[axis + 1 :])
        halves = Conv(channels=before, kernel=(2, 1), dilation=(size // 2, 1), groups=before)
        flat = Reshape(shape=(before, size, behind))
        return flat, halves, Reshape(shape=self.effect_on(x).output.shape)
