"""Layers that change the size of a map by a rule of its own: upsampling, padding, cropping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Storage, pointwise, without_parameters
from archcalc.layers.layer import Axes, Category, Layer, Sides, per_axis, per_side, require_spatial
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order, Taken, Tensor
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import Quantity, product, require_at_least, require_multiple
from archcalc.record import replace
from archcalc.regions.bits import NotFollowedError, spread, thinned
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import TransposedWindow, Window, Windows

Interpolation: TypeAlias = Literal["nearest", "linear", "bilinear", "trilinear"]
MOST_PHASES = 64  # along each axis: of a pixel shuffle, more are not followed one by one
_AXES_OF = {"linear": 1, "bilinear": 2, "trilinear": 3}


class _Resampling(Layer):
    category: ClassVar[Category] = Category.RESAMPLING


@register
class Upsample(_Resampling):
    """Enlarges a map by whole factors, as `torch.nn.Upsample(scale_factor=…)`.

    Shapes: (C, n…) -> (C, factor n…).
    Operations: nearest none; linear along a axes: 2**a multiplications and 2**a - 1 additions
    for each output value.
    Source: torch; Odena et al. 2016, "Deconvolution and checkerboard artifacts".
    """

    kind: ClassVar[str] = "upsample"
    gradient_order: ClassVar[Order] = Order.KEPT

    factor: Axes
    mode: Interpolation = "nearest"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        axes = len(x.sizes)
        if self.mode != "nearest" and _AXES_OF[self.mode] != axes:
            raise LayerError(f"mode {self.mode!r} is for {_AXES_OF[self.mode]} spatial axes")
        factors = per_axis(self.factor, x, "factor")
        for factor in factors:
            require_at_least(factor, 1, "a factor of {}", factor)
        sizes = tuple([n * f for n, f in zip(x.sizes, factors, strict=True)])
        ops_each = 0 if self.mode == "nearest" else 2 ** (axes + 1) - 1
        spread = _nearest if self.mode == "nearest" else TransposedWindow.linear
        windows = tuple([spread(factor) for factor in factors])
        output = FeatureMap(x.channels, sizes)
        return without_parameters(output, windows, ops=ops_each * output.values)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        axes = len(inputs[0].sizes)
        if axes == 2 or (axes == 3 and self.mode != "nearest"):
            return (found,)
        return (replace(found, takes=(Taken(0),)),)  # torch's other kernels keep no order


@register
class PixelShuffle(_Resampling):
    """Moves channels into space, as `torch.nn.PixelShuffle`.

    Shapes: (C, h, w) -> (C / factor**2, factor h, factor w).
    Source: Shi et al. 2016 (arXiv:1609.05158), section 2.2.
    """

    kind: ClassVar[str] = "pixel_shuffle"
    gradient_order: ClassVar[Order] = Order.KEPT

    factor: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if len(x.sizes) != 2:
            raise LayerError(f"needs 2 spatial axes, not {len(x.sizes)}")
        require_at_least(self.factor, 1, "a factor of {}", self.factor)
        square = self.factor**2
        require_multiple(
            x.channels, square, "{} channels do not divide by {} squared", x.channels, self.factor
        )
        sizes = tuple([n * self.factor for n in x.sizes])
        windows = (_nearest(self.factor),) * 2
        return without_parameters(FeatureMap(x.channels // square, sizes), windows)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Window(self.factor**2, self.factor**2)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """(c, h, w) is channel c f**2 + (h % f) f + w % f at (h // f, w // f)."""
        if self.factor > MOST_PHASES:
            raise NotFollowedError
        channels = spread(patch.channels, self.factor**2)
        for phase in range(self.factor**2):
            starts = divmod(phase, self.factor)
            positions = [
                thinned(bits, self.factor, start)
                for bits, start in zip(patch.positions, starts, strict=True)
            ]
            yield 0, Patch(channels << phase, tuple(positions))


@register
class Pad(_Resampling):
    """Surrounds a map with zeros, as `torch.nn.ConstantPad` with 0.

    Shapes: (C, n…) -> (C, before + n + after…).
    """

    kind: ClassVar[str] = "pad"
    gradient_order: ClassVar[Order] = Order.KEPT

    sides: Sides

    def effect_on(self, x: FeatureMap, /) -> Effect:
        windows = _shifting_windows(x, self.sides, sign=1)
        sizes = tuple([w.placements(n) for w, n in zip(windows, x.sizes, strict=True)])
        return without_parameters(FeatureMap(x.channels, sizes), windows)


@register
class Crop(_Resampling):
    """Cuts the border of a map off.

    Shapes: (C, n…) -> (C, n - before - after…). A view: no memory of its own.
    Source: Ronneberger et al. 2015 (arXiv:1505.04597), section 2.
    """

    kind: ClassVar[str] = "crop"
    leaves_gaps: ClassVar[bool] = True

    sides: Sides

    def effect_on(self, x: FeatureMap, /) -> Effect:
        windows = _shifting_windows(x, self.sides, sign=-1)
        sizes = []
        for w, n in zip(windows, x.sizes, strict=True):
            left = n + w.before + w.after
            require_at_least(left, 1, "cropping {} and {} off {}", -w.before, -w.after, n)
            sizes.append(left)
        output = FeatureMap(x.channels, tuple(sizes))
        return without_parameters(output, windows, storage=Storage.SHARED)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        """Cuts one axis after the other, of those that anything is cut off."""
        (x,) = inputs
        sizes, found = list(x.sizes), []
        source: Tensor = 0
        for axis, size in enumerate(effect.output.sizes):
            if sizes[axis] == size:
                continue
            sizes[axis] = size
            values, makes = x.channels * product(sizes), f"cut{axis}"
            found.append(Operator("slice", (Taken(source),), values, view=True, makes=makes))
            source = makes
        if not found:
            return (Operator("alias", (Taken(0, Gradient.SAME),), x.values, view=True),)
        return (*found[:-1], replace(found[-1], makes=""))


@register
class PadChannels(_Resampling):
    """Adds channels of zeros: the parameter-free shortcut of ResNet, its option A.

    Shapes: (C, n…) -> (before + C + after, n…).
    Source: He et al. 2016 (arXiv:1512.03385), section 3.3.
    """

    kind: ClassVar[str] = "pad_channels"
    gradient_order: ClassVar[Order] = Order.KEPT

    before: Quantity = 0
    after: Quantity = 0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_at_least(self.before, 0, "{} channels before", self.before)
        require_at_least(self.after, 0, "{} channels after", self.after)
        output = FeatureMap(self.before + x.channels + self.after, x.sizes)
        return pointwise(x, ops_each=0, saved=(), output=output)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("before", "after")

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Window(1, 1, self.before, self.after)


def _nearest(factor: Quantity) -> TransposedWindow:
    """Each input reaches the `factor` outputs that lie over it."""
    return TransposedWindow(factor, factor)


def _shifting_windows(x: FeatureMap, sides: Sides, sign: int) -> tuple[Window, ...]:
    require_spatial(x)
    windows = []
    for before, after in per_side(sides, x, "sides"):
        require_at_least(before, 0, "{} on a side", before)
        require_at_least(after, 0, "{} on a side", after)
        windows.append(Window(1, 1, sign * before, sign * after))
    return tuple(windows)
