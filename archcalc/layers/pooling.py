"""Pooling: sliding windows, adaptive, global."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis, require_spatial, require_up_to_three
from archcalc.layers.convolution import Conv
from archcalc.layers.effect import Effect, Extra, Saved, without_parameters
from archcalc.layers.layer import Axes, Category, Ceil, Layer, Padding
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Taken, on_a_padded_copy
from archcalc.layers.registry import register
from archcalc.layers.sliding import padded_copy, pads_alike, placements, sliding_windows
from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    certainly_at_least,
    certainly_divides,
    certainly_equal,
    certainly_one,
    equal_somewhere,
    largest,
    product,
    require_at_least,
    require_equal,
)
from archcalc.quantity.conditions import pinned
from archcalc.record import replace
from archcalc.window import (
    AdaptiveWindow,
    AxisWindow,
    Reach,
    Window,
)

INDEX_BYTES = 8  # torch keeps the places of the maxima as int64


class _Pool(Layer):
    category: ClassVar[Category] = Category.POOLING
    keeps_order: ClassVar[bool] = True
    in_lecture_total: ClassVar[bool] = True

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        """As every layer's; torch has an operator for each number of axes.

        Along one it pools a plane of one row, and hands out views.
        """
        (found,) = super().operators(effect, *inputs)
        axes = len(inputs[0].sizes)
        taken = found.takes[0]._replace(viewed=axes == 1)
        return (replace(found, name=f"{self.kind}{axes}d", takes=(taken,)),)


class Sliding(Layer):
    """What slides by its kernel, unless a stride is given."""

    kernel: Axes
    stride: Axes | None = None

    @property
    def step(self) -> Axes:
        """The stride."""
        return self.kernel if self.stride is None else self.stride


@register
class MaxPool(Sliding, _Pool):
    """Max pooling, as `torch.nn.MaxPool1d/2d/3d`; the stride is the kernel unless given.

    Shapes: (C, n…) -> (C, m…), m as a convolution's; with `ceil`, torch's ceil_mode.
    That leaves out a last window which would start beyond the map. `ceil: caffe` keeps it where
    nothing is padded, with the lowest number for its maximum; in all else torch does as Caffe.
    Operations: k… - 1 comparisons for each output value.
    Source: Scherer et al. 2010; Caffe's pooling_layer.cpp for the rounding up.
    """

    kind: ClassVar[str] = "max_pool"

    padding: Padding = 0
    dilation: Axes = 1
    ceil: Ceil = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        windows = sliding_windows(x, self.kernel, self.step, self.padding, self.dilation)
        if self.ceil == "caffe":
            self._require_known_to_caffe(windows)
        _require_pool_padding(windows, self.padding, bool(self.ceil))
        if self.ceil == "caffe":
            placements(windows, x, ceil=True)  # refuses what does not fit
            windows = self.with_last_window(windows, x)
        output = FeatureMap(x.channels, placements(windows, x, bool(self.ceil)))
        for w, size, count in zip(windows, x.sizes, output.sizes, strict=True):
            _require_position_inside(w, size, count)
        ops_each = product([w.kernel for w in windows]) - 1
        indices = Extra("indices", output.values, INDEX_BYTES)
        padded = padded_copy(x, windows, not self.is_padded_by_torch(windows))
        return without_parameters(
            output,
            windows,
            ops=ops_each * output.values,
            saved=(*(padded or (Saved.INPUT,)), indices),
            workspace=(*padded, indices),
        )

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        windows = sliding_windows(x, self.kernel, self.step, self.padding, self.dilation)
        windows = self.with_last_window(windows, x)
        counts = placements(windows, x, bool(self.ceil))
        # Where it rounds up, the last window reaches beyond the padding.
        afters = [
            largest(w.after, (count - 1) * w.stride - w.before + w.extent - n)
            for w, n, count in zip(windows, x.sizes, counts, strict=True)
        ]
        sum_of_each = Conv(
            channels=x.channels,
            kernel=self.kernel,
            stride=self.step,
            padding=tuple([(w.before, after) for w, after in zip(windows, afters, strict=True)]),
            dilation=self.dilation,
            groups=x.channels,
        )
        return (sum_of_each,)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        if at.hands_on_indices:
            found = replace(found, name=f"{found.name}_with_indices")
        if effect.saved[0] is Saved.INPUT:
            return (found,)
        copy, pool = on_a_padded_copy(found, effect.workspace[0])
        if not at.hands_on_indices:
            return copy, pool
        # They are places in the copy: handed on are places in the map, made with one more of them.
        (indices,) = pool.beside_kept
        into_copy = replace(indices, what="indices into the copy")
        moved = Operator(
            "floor_divide",
            (),
            0,
            beside=(indices, replace(indices, what="intermediate")),
            makes="moved",
            holds=("", into_copy.what),
        )
        return copy, replace(pool, beside_kept=(into_copy,)), moved

    def with_last_window(self, windows: tuple[Window, ...], x: FeatureMap) -> tuple[Window, ...]:
        """The windows, padded behind as far as the last reaches that only Caffe keeps."""
        overlap = all(certainly_at_least(w.kernel, w.stride) for w in windows)
        if self.ceil != "caffe" or overlap or not _pads_nothing(windows):
            return windows
        found = []
        for w, n in zip(windows, x.sizes, strict=True):
            steps = ceil_div(n - w.kernel, w.stride)
            after = steps * w.stride + w.kernel - n
            found.append(replace(w, after=after, outputs=steps + 1))
        return tuple(found)

    def _require_known_to_caffe(self, windows: tuple[Window, ...]) -> None:
        if self.padding == "same" or not all(certainly_one(w.dilation) for w in windows):
            raise LayerError("Caffe, whose rounding it has, knows neither dilation nor `same`")
        if not _pads_nothing(windows):
            pads = sum(w.before for w in windows)
            require_at_least(pads, 1, "Caffe rounds otherwise where the padding is {}", pads)

    def is_padded_by_torch(self, windows: tuple[Window, ...]) -> bool:
        """Whether torch's own padding will do: alike on both sides, half a kernel at most.

        "same" may pad dilated windows by more; any other padding of more is refused.
        """
        dilated = not all(certainly_one(w.dilation) for w in windows)
        with_last = any(w.outputs is not None for w in windows) and self.padding != "same"
        return pads_alike(windows) and not with_last and not (self.padding == "same" and dilated)


@register
class AvgPool(Sliding, _Pool):
    """Average pooling, as `torch.nn.AvgPool1d/2d/3d`; the stride is the kernel unless given.

    Shapes: (C, n…) -> (C, m…), m as a convolution's; with `ceil`, torch's ceil_mode.
    `count_include_pad: false` divides by the number of positions inside the input.
    Operations: k… - 1 additions and a division for each output value.
    Source: LeCun et al. 1998, layers S2 and S4.
    """

    kind: ClassVar[str] = "avg_pool"

    padding: Padding = 0
    ceil: bool = False
    count_include_pad: bool = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        windows = sliding_windows(x, self.kernel, self.step, self.padding, dilation=1)
        _require_pool_padding(windows, self.padding, self.ceil)
        output = FeatureMap(x.channels, placements(windows, x, self.ceil))
        copied = not pads_alike(windows)
        if len(windows) == 3:
            _require_kernel_inside(windows, x)
        padded = padded_copy(x, windows, copied)
        inside: tuple[Extra, ...] = ()
        if copied and not self.count_include_pad:  # how many positions are inside, to divide by
            inside = (Extra("intermediate", output.positions, per_image=False),)
        ops_each = product([w.kernel for w in windows])
        return without_parameters(
            output,
            windows,
            ops=ops_each * output.values,
            saved=(*(padded or (Saved.INPUT,)), *inside),
            workspace=(*padded, *inside),
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        if effect.saved[0] is Saved.INPUT:
            return (found,)
        padded, *inside = effect.workspace
        pooled = on_a_padded_copy(found, padded)
        if not inside:
            return pooled
        # Ones where the map lies, pooled alike, to divide by.
        (counts,) = inside
        ones = Extra("intermediate", padded.values // inputs[0].channels, per_image=False)
        counted = Operator(
            found.name, (), counts.values, beside=(ones,), makes="inside", per_image=False
        )
        copy, pool = pooled
        values = effect.output.values
        takes = (Taken("pooled"), Taken("inside"))
        divided = Operator("div_", takes, values, (Kept("inside"),), view=True)
        pool = replace(pool, makes="pooled", beside=(), beside_kept=(), holds=("inside",))
        before = (counted, replace(copy, holds=("inside",)), pool)
        if len(inputs[0].sizes) > 1:
            return *before, divided
        # torch pools a plane of one row, and hands out a view of it.
        into = replace(divided, makes="divided", into_view=True)
        return *before, into, Operator("as_strided", (Taken("divided"),), values, view=True)


class _AdaptivePool(_Pool):
    """Pooling to a given output size, whatever the input's."""

    output: Axes

    @abstractmethod
    def saved_for(self, output: FeatureMap) -> tuple[Saved | Extra, ...]:
        """What autograd keeps for the backward pass."""

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        require_up_to_three(x)
        sizes = per_axis(self.output, x, "output")
        for size in sizes:
            require_at_least(size, 1, "an output size of {}", size)
        output = FeatureMap(x.channels, sizes)
        windows = tuple(map(_adaptive_window, x.sizes, sizes))
        saved = self.saved_for(output)
        made = tuple([extra for extra in saved if isinstance(extra, Extra)])
        return without_parameters(output, windows, ops=x.values, saved=saved, workspace=made)


def _adaptive_window(size: Quantity, outputs: Quantity) -> AxisWindow:
    """What output i sees: floor(i n / m) … ceil((i + 1) n / m) - 1, with 0 <= i < m."""
    if certainly_one(outputs) or certainly_one(size):
        return Reach.ALL
    if certainly_divides(outputs, size):
        return Window(size // outputs, size // outputs)
    each = size // outputs
    if certainly_equal(size, outputs * each + 1):  # neighbours share an end: 8 -> 7, two by two
        return Window(each + 1, each)
    size, outputs = pinned(size), pinned(outputs)
    if isinstance(size, int) and isinstance(outputs, int):
        return AdaptiveWindow(size, outputs)
    return Reach.UNKNOWN


@register
class AdaptiveAvgPool(_AdaptivePool):
    """Average pooling to a given output size, as `torch.nn.AdaptiveAvgPool1d/2d/3d`.

    Shapes: (C, n…) -> (C, output…); output i averages floor(i n / m) … ceil((i+1) n / m) - 1.
    Operations: one for each input value (where m divides n).
    Source: torch; He et al. 2014 (arXiv:1406.4729), spatial pyramid pooling, section 2.2.
    """

    kind: ClassVar[str] = "adaptive_avg_pool"

    def saved_for(self, output: FeatureMap) -> tuple[Saved | Extra, ...]:
        # To a single position torch takes the mean, which keeps nothing.
        return () if all(map(certainly_one, output.sizes)) else (Saved.INPUT,)


@register
class AdaptiveMaxPool(_AdaptivePool):
    """Max pooling to a given output size, as `torch.nn.AdaptiveMaxPool1d/2d/3d`.

    Shapes: (C, n…) -> (C, output…); output i looks at floor(i n / m) … ceil((i+1) n / m) - 1.
    Operations: one for each input value (where m divides n).
    Source: torch; He et al. 2014 (arXiv:1406.4729), spatial pyramid pooling, section 2.2.
    """

    kind: ClassVar[str] = "adaptive_max_pool"

    def saved_for(self, output: FeatureMap) -> tuple[Saved | Extra, ...]:
        return (Saved.INPUT, Extra("indices", output.values, INDEX_BYTES))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (AdaptiveAvgPool(output=self.output),)


@register
class GlobalAvgPool(_Pool):
    """The mean over all positions, as `torch.nn.AdaptiveAvgPool2d(1)`; keeps the axes.

    Shapes: (C, n…) -> (C, 1…). Operations: one for each input value.
    Source: Lin et al. 2014 (arXiv:1312.4400), section 3.2.
    """

    kind: ClassVar[str] = "global_avg_pool"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        require_up_to_three(x)
        output = FeatureMap(x.channels, (1,) * len(x.sizes))
        return without_parameters(output, Reach.ALL, ops=x.values)


def _require_pool_padding(windows: tuple[Window, ...], padding: Padding, ceil: bool) -> None:
    """No window may lie in the padding alone: torch allows half a kernel of it."""
    for w in windows:
        for side in (w.before, w.after) if padding != "same" else ():
            require_at_least(
                w.kernel // 2 - side, 0,
                "padding {} is more than half a kernel of {}", side, w.kernel,
            )  # fmt: skip
        if ceil:
            require_equal(
                w.before, w.after,
                "`ceil` wants the same padding on both sides, not {} and {}", w.before, w.after,
            )  # fmt: skip


def _pads_nothing(windows: tuple[Window, ...]) -> bool:
    return all(certainly_equal(w.before, 0) and certainly_equal(w.after, 0) for w in windows)


def _require_position_inside(w: Window, size: Quantity, outputs: Quantity) -> None:
    """No window may see the padding alone, whose largest value is minus infinity in torch.

    Dilation d may pass over all n positions: window x = o s does where its taps, at x - p + d t,
    have none from 0 to n - 1, and so where n + p % d - d <= x < p % d.
    """
    if certainly_one(w.dilation):
        return
    taps_from = w.before - w.dilation * (w.before // w.dilation)
    least = largest(0, size + taps_from - w.dilation)
    placed = ceil_div(least, w.stride) * w.stride  # the first placement from there on
    require_at_least(
        largest(placed - taps_from, placed - (outputs - 1) * w.stride - 1), 0,
        "a window of {} positions, {} apart, lies in the padding alone of {}",
        w.kernel, w.dilation, size,
    )  # fmt: skip


def _require_kernel_inside(windows: tuple[Window, ...], x: FeatureMap) -> None:
    """Along 3 axes torch does not count its own padding when it asks whether a kernel fits."""
    if not equal_somewhere(sum((w.after - w.before) ** 2 for w in windows), 0):
        return  # then the map is padded before, and torch counts all of it
    for w, size in zip(windows, x.sizes, strict=True):
        require_at_least(
            size - w.kernel, 0,
            "a kernel of {} does not fit in {} without its padding", w.kernel, size,
        )  # fmt: skip
