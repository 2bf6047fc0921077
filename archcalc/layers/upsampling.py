"""Resizing: each output value is interpolated between values of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import ClassVar, Literal, TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis, require_spatial, require_up_to_three
from archcalc.layers.effect import Effect, without_parameters
from archcalc.layers.layer import Axes, Layer, Ratios
from archcalc.layers.operator import USUAL, Circumstances, Operator, Order, Taken
from archcalc.layers.pooling import AdaptiveAvgPool
from archcalc.layers.registry import register
from archcalc.layers.resampling import Resampling, nearest
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_divides,
    certainly_one,
    floor_div,
    require_at_least,
)
from archcalc.quantity.conditions import pinned
from archcalc.record import replace
from archcalc.regions.patches import Patch
from archcalc.window import AxisWindow, InterpolatedWindow, Reach, TransposedWindow, Windows

Interpolation: TypeAlias = Literal["nearest", "linear", "bilinear", "trilinear", "bicubic", "area"]
_AXES_OF = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}  # along an axis


@register
class Upsample(Resampling):
    """Resizes a map by a factor or to a size, larger or smaller, as `torch.nn.Upsample`.

    Shapes: (C, n…) -> (C, floor(factor n)…), or (C, size…): one of the two is given. A factor is
    a whole number or a fraction, exact as it is written.
    Output o reads its input at (o + 1/2) s - 1/2, or at o s for the nearest, rounded down; s is
    how many inputs the outputs lie apart: 1 / factor as it is given (torch's default, without
    `recompute_scale_factor`), or n / size. With `align_corners` it reads at
    o (n - 1) / (m - 1), so that the first and the last of m outputs lie on those of the n inputs.
    `area` is an adaptive average pool to that size.
    Operations: nearest none; linear along a axes: 2**a multiplications and 2**a - 1 additions
    for each output value; bicubic 16 and 15; area one for each input value.
    Source: torch; Odena et al. 2016, "Deconvolution and checkerboard artifacts"; Keys 1981,
    "Cubic convolution interpolation for digital image processing".
    """

    kind: ClassVar[str] = "upsample"
    keeps_order: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    factor: Ratios | None = None
    size: Axes | None = None
    mode: Interpolation = "nearest"
    align_corners: bool = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        require_up_to_three(x)
        self.require_axes(len(x.sizes))
        if self.align_corners and self.mode in ("nearest", "area"):
            raise LayerError(f"mode {self.mode!r} has no corners to align")
        sizes, factors = self._sizes(x)
        if self.mode == "area":
            return AdaptiveAvgPool(output=sizes).effect_on(x)
        windows = tuple(map(self._window, x.sizes, sizes, factors))
        output = FeatureMap(x.channels, sizes)
        taps = _TAPS[self.mode] ** len(sizes)
        ops = 0 if taps == 1 else (2 * taps - 1) * output.values
        return without_parameters(output, windows, ops=ops)

    def _sizes(self, x: FeatureMap) -> tuple[tuple[Quantity, ...], tuple[Quantity | None, ...]]:
        """Of the output along each axis, and by which factor, where that is given."""
        if self.size is None and self.factor is not None:
            factors = per_axis(self.factor, x, "factor")
            return tuple(map(_enlarged, x.sizes, factors)), factors
        if self.size is None or self.factor is not None:
            raise LayerError("takes either `factor` or `size`")
        sizes = per_axis(self.size, x, "size")
        for size in sizes:
            require_at_least(size, 1, "a size of {}", size)
        return sizes, (None,) * len(sizes)

    def require_axes(self, axes: int) -> None:
        """Raises LayerError unless the mode is one for so many spatial axes."""
        wanted = _AXES_OF.get(self.mode, axes)
        if wanted != axes:
            raise LayerError(f"mode {self.mode!r} is for {wanted} spatial axes")

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (self if self.mode in ("nearest", "area") else PositiveUpsample(**vars(self)),)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        if self.mode == "area":
            return AdaptiveAvgPool(output=effect.output.sizes).operators(effect, *inputs, at=at)
        (found,) = super().operators(effect, *inputs)
        axes = len(inputs[0].sizes)
        if (axes == 2 and self.mode != "bicubic") or (axes == 3 and self.mode != "nearest"):
            return (found,)
        return (replace(found, takes=(Taken(0),)),)  # torch's other kernels keep no order

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        before, after = inputs[0].sizes, self._sizes(inputs[0])[0]
        if self.mode == "nearest" and isinstance(windows, tuple) and len(before) == 2:
            # To as many or twice as many torch goes as by a factor of 1 or 2, whichever is given,
            # along two axes and on the CPU: `nearest_idx` (aten/src/ATen/native/UpSample.h).
            along = zip(before, after, windows, strict=True)
            windows = tuple([nearest(m // n) if m in (n, 2 * n) else w for n, m, w in along])
        yield from super().reads(patch, inputs, windows)

    def _window(self, n: Quantity, m: Quantity, factor: Quantity | None) -> AxisWindow:
        """What is read along an axis of `n` inputs and `m` outputs."""
        taps = _TAPS[self.mode]
        factor = pinned(factor)
        if self.align_corners:
            return _between_corners(n, m, taps)
        if factor is None and certainly_divides(n, m):
            factor = pinned(m // n)
        if factor is None:
            n, m = pinned(n), pinned(m)
            if not (isinstance(n, int) and isinstance(m, int)):
                return Reach.UNKNOWN
            apart, parts = n, m
        elif not _is_fraction(factor) and taps <= 2:
            return nearest(factor) if taps == 1 else TransposedWindow.linear(factor)
        elif isinstance(factor, int) or _is_fraction(factor):
            apart, parts = factor.denominator, factor.numerator
        else:
            return Reach.UNKNOWN
        if taps == 1:
            return _reduced(apart, parts, 0, taps)
        return _reduced(2 * apart, 2 * parts, apart - parts, taps)


class PositiveUpsample(Upsample):
    """An interpolation by the absolute values of its weights, along any number of axes: a probe."""

    def require_axes(self, axes: int) -> None:
        pass

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (self,)


def _is_fraction(factor: Quantity) -> bool:
    """Whether it is a `Fraction`."""
    return hasattr(factor, "denominator") and not isinstance(factor, int)


def _enlarged(n: Quantity, factor: Quantity) -> Quantity:
    """The size `n` times a factor, rounded down."""
    if not _is_fraction(factor):
        require_at_least(factor, 1, "a factor of {}", factor)
        return n * factor
    size = floor_div(n * factor.numerator, factor.denominator)
    require_at_least(size, 1, "a factor of {} leaves nothing of {}", factor, n)
    return size


def _between_corners(n: Quantity, m: Quantity, taps: int) -> AxisWindow:
    """The first and the last output lie on the first and the last input; one alone on the first."""
    if certainly_one(n):
        return Reach.ALL
    n, m = pinned(n), pinned(m)
    if not (isinstance(n, int) and isinstance(m, int)):
        return Reach.UNKNOWN
    return _reduced(n - 1, m - 1, 0, taps) if m > 1 else _reduced(n, 1, 0, taps)


def _reduced(step: int, parts: int, start: int, taps: int) -> InterpolatedWindow:
    common = gcd(step, parts, start)
    return InterpolatedWindow(step // common, parts // common, start // common, taps)
