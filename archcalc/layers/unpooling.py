"""Unpooling, which undoes a max pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis, require_spatial, require_up_to_three
from archcalc.layers.effect import Effect, without_parameters
from archcalc.layers.layer import Axes, Category
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Taken
from archcalc.layers.pooling import Sliding
from archcalc.layers.registry import register
from archcalc.layers.state import Shape
from archcalc.quantity.arithmetic import require_at_least, require_equal
from archcalc.record import replace
from archcalc.regions.patches import Patch
from archcalc.window import TransposedWindow, Window, Windows


@register
class MaxUnpool(Sliding):
    """Puts each value back where a max pool took it from, zero elsewhere, as torch's MaxUnpool.

    Shapes: (C, m…) -> (C, n…), n = (m - 1) s - 2 p + k, or the `output` that is given.
    In a spec, `indices: NAME` names the max pool. Its indices are offsets into the map that was
    pooled, so n has to be that map's size.
    Source: Zeiler & Fergus 2014 (arXiv:1311.2901), section 2.1.
    """

    kind: ClassVar[str] = "max_unpool"
    keeps_order: ClassVar[bool] = True
    category: ClassVar[Category] = Category.POOLING

    padding: Axes = 0
    output: Axes | None = None

    def effect_on(self, x: FeatureMap, /, pooled: FeatureMap | None = None) -> Effect:
        """As every layer's; `pooled` is the map that the named max pool took in."""
        require_spatial(x)
        require_up_to_three(x)
        if pooled is None:
            raise LayerError("needs `indices`, the name of the max pool that it undoes")
        output = FeatureMap(x.channels, self._sizes(x))
        if len(output.shape) != len(pooled.shape):
            raise LayerError(f"its max pool took in {pooled}, of other axes")
        for size, pooled_size in zip(output.shape, pooled.shape, strict=True):
            require_equal(
                size,
                pooled_size,
                "unpools to {}, but its max pool took in {}; give `output`",
                output,
                pooled,
            )
        # The indices that the backward pass needs are its max pool's: see `archcalc.memory_use`.
        return without_parameters(output, self._windows(x))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        taken = Taken(0, viewed=len(inputs[0].sizes) == 1)  # as along one axis all pools
        return (replace(found, takes=(taken, Taken(1)), kept=(Kept(1),), contiguous=True),)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """As every layer's; the second input is what the max pool has given out.

        Which value is put back depends on where the pool has found it: on all of its window.
        """
        for number, x in enumerate(inputs):
            yield from ((number, part) for _, part in super().reads(patch, [x], windows))

    def _sizes(self, x: FeatureMap) -> Shape:
        windows = self._windows(x)
        sizes = tuple(
            [
                (m - 1) * w.stride - 2 * w.before + w.kernel
                for m, w in zip(x.sizes, windows, strict=True)
            ]
        )
        if self.output is None:
            return sizes
        wanted = per_axis(self.output, x, "output")
        for size, n, w in zip(wanted, sizes, windows, strict=True):
            for difference in (size - n, n - size):
                require_at_least(
                    w.stride - 1, difference,
                    "an output of {} is not within a stride ({}) of {}", size, w.stride, n,
                )  # fmt: skip
        return wanted

    def _windows(self, x: FeatureMap) -> tuple[TransposedWindow, ...]:
        """What each value can be put back to: the window that it was the maximum of."""
        kernels = per_axis(self.kernel, x, "kernel")
        strides = per_axis(self.step, x, "stride")
        paddings = per_axis(self.padding, x, "padding")
        return tuple(
            [
                TransposedWindow(k, s, before=p, after=p)
                for k, s, p in zip(kernels, strides, paddings, strict=True)
            ]
        )


def put_back(windows: Windows) -> Windows:
    """What a max pool with these windows may have taken each value from, where it is put back.

    The windows of an unpooling itself say how large its output is; where the values go, the
    pool's indices decide.
    """
    assert isinstance(windows, tuple)
    return tuple(
        TransposedWindow(w.kernel, w.stride, w.before, w.dilation)
        for w in windows
        if isinstance(w, Window)
    )
