"""Sliding blocks as columns, and columns put back where the blocks lay: im2col and col2im."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as combinations
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis
from archcalc.layers.effect import Effect, without_parameters
from archcalc.layers.layer import Axes, Category, Layer
from archcalc.layers.registry import register
from archcalc.layers.sliding import placements, sliding_windows
from archcalc.quantity.arithmetic import product, require_at_least, require_equal, require_multiple
from archcalc.regions.bits import NotFollowedError, full, repeated, shifted, spread, thinned
from archcalc.regions.patches import Patch, unflattened
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, TransposedWindow, Window, Windows

MOST_TAPS = 2**10  # of a block; those of a larger one are not followed one by one


class _Blocks(Layer):
    """What has to do with the blocks under a window that slides over two axes."""

    category: ClassVar[Category] = Category.RESHAPING

    kernel: Axes
    stride: Axes = 1
    padding: Axes = 0
    dilation: Axes = 1

    def windows(self, image: FeatureMap) -> tuple[Window, ...]:
        """The window along each axis of the map that the blocks are parts of."""
        if len(image.sizes) != 2:
            raise LayerError(f"needs 2 spatial axes, not {len(image.sizes)}")
        padding = per_axis(self.padding, image, "padding")
        return sliding_windows(image, self.kernel, self.stride, padding, self.dilation)


@register
class Unfold(_Blocks):
    """The block under each placement of a window as a column, as `torch.nn.Unfold` (im2col).

    Shapes: (C, h, w) -> (C k_h k_w, L), with L the number of placements, row by row. In a column
    the channels come slowest, then the rows of the block.
    Source: torch; Chellapilla et al. 2006, "High performance convolutional neural networks for
    document processing", section 2.
    """

    kind: ClassVar[str] = "unfold"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        windows = self.windows(x)
        taps = product([w.kernel for w in windows])
        count = product(placements(windows, x))
        return without_parameters(FeatureMap(x.channels * taps, (count,)), Reach.UNKNOWN)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        taps = product(per_axis(self.kernel, x, "kernel"))
        return TransposedWindow(taps, taps)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """Column (r, q), row (c, i, j) is channel c at (s r - p + d i, s q - p + d j)."""
        (x,) = inputs
        slid = self.windows(x)
        taps, rows = _taps(slid), FeatureMap(1, placements(slid, x))
        parts = [part.positions for part in unflattened(patch.positions[0], rows)]
        for number, tap in enumerate(taps):
            channels = thinned(patch.channels, len(taps), number)
            for part in parts if channels else ():
                positions = [
                    shifted(spread(bits, w.stride), w.dilation * t - w.before) & full(n)
                    for bits, w, t, n in zip(part, slid, tap, x.sizes, strict=True)
                ]
                yield 0, Patch(channels, tuple(positions))


@register
class Fold(_Blocks):
    """Columns put back where an unfold with the same figures takes them from, as `torch.nn.Fold`.

    Shapes: (C k_h k_w, L) -> (C, output…). Where blocks overlap they are summed.
    Operations: one for each input value.
    Source: torch (col2im).
    """

    kind: ClassVar[str] = "fold"

    output: Axes

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if len(x.sizes) != 1:
            raise LayerError(f"needs columns, with 1 spatial axis, not {len(x.sizes)}")
        image = self._image(x)
        for size in image.sizes:
            require_at_least(size, 1, "an output size of {}", size)
        windows = self.windows(image)
        taps = product([w.kernel for w in windows])
        require_multiple(
            x.channels, taps, "{} rows do not divide by the {} of a block", x.channels, taps
        )
        count = product(placements(windows, image))
        require_equal(x.sizes[0], count, "{} columns where {} blocks lie", x.sizes[0], count)
        output = FeatureMap(x.channels // taps, image.sizes)
        return without_parameters(output, Reach.UNKNOWN, ops=x.values)

    def _image(self, x: FeatureMap) -> FeatureMap:
        sizes = self.output if isinstance(self.output, tuple) else (self.output,) * 2
        return FeatureMap(x.channels, sizes)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        taps = product(per_axis(self.kernel, self._image(x), "kernel"))
        return Window(taps, taps)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """As `Unfold.reads`, the other way round."""
        image = self._image(inputs[0])
        slid = self.windows(image)
        taps, (rows, columns) = _taps(slid), placements(slid, image)
        for number, tap in enumerate(taps):
            r, q = (
                thinned(shifted(bits, w.before - w.dilation * t), w.stride)
                for bits, w, t in zip(patch.positions, slid, tap, strict=True)
            )
            channels = spread(patch.channels, len(taps)) << number
            yield 0, Patch(channels, (repeated(q & full(columns), columns, r & full(rows)),))


def _taps(windows: Sequence[Window]) -> list[tuple[int, ...]]:
    """The places within a block, in their order."""
    if product([w.kernel for w in windows]) > MOST_TAPS:
        raise NotFollowedError
    return [*combinations(*[range(w.kernel) for w in windows])]
