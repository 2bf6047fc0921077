"""Convolutions: shared weights, transposed, and locally connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Saved, Storage
from archcalc.layers.layer import (
    Axes,
    Category,
    Layer,
    Padding,
    per_axis,
    require_divisible,
    require_positive,
    require_spatial,
)
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Order,
    Taken,
    Tensor,
    on_a_padded_copy,
)
from archcalc.layers.registry import register
from archcalc.layers.sliding import padded_copy, pads_alike, placements, sliding_windows
from archcalc.layers.state import parameters
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_equal,
    certainly_one,
    largest,
    product,
    require_at_least,
)
from archcalc.regions.reading import ChannelWindow, Groups
from archcalc.window import Reach, TransposedWindow, Window


class _Convolution(Layer):
    """A layer whose weights slide along the axes; its `channels` say how wide it is."""

    category: ClassVar[Category] = Category.CONVOLUTION
    in_lecture_total: ClassVar[bool] = True
    is_weight_layer: ClassVar[bool] = True

    channels: Quantity

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("channels",)


class _Grouped(_Convolution):
    """One whose channels are in groups, each computed from the same group of the input."""

    convolves: ClassVar[bool] = True

    if TYPE_CHECKING:  # at its own place among the fields of each kind
        groups: Quantity

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        return ("groups",) if self.groups == x.channels > 1 else ()

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        if certainly_one(self.groups):
            return Reach.ALL
        return Groups(x.channels // self.groups, self.channels // self.groups)

    def require_channels(self, x: FeatureMap) -> None:
        """Raises LayerError unless there are channels, and they divide into the groups."""
        require_positive(self.channels, "output channels")
        require_divisible(x.channels, self.groups, "input channels")
        require_divisible(self.channels, self.groups, "output channels")


@register
class Conv(_Grouped):
    """Convolution (cross-correlation), as `torch.nn.Conv1d/2d/3d`.

    Shapes: (C, n…) -> (channels, m…), m = floor((n + p_before + p_after - d (k-1) - 1) / s) + 1.
    Weight (channels, C / groups, k…), bias (channels).
    MACs: m… x channels x C / groups x k….
    `groups: C` with `channels: q C` is a depthwise convolution of channel multiplier q.
    Source: LeCun et al. 1998; arithmetic in Dumoulin & Visin 2016 (arXiv:1603.07285), section 2;
    groups in Krizhevsky et al. 2012; depthwise in Howard et al. 2017 (arXiv:1704.04861), eq. 5.
    """

    kind: ClassVar[str] = "conv"

    kernel: Axes
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    groups: Quantity = 1
    bias: bool = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        self.require_channels(x)
        windows = sliding_windows(x, self.kernel, self.stride, self.padding, self.dilation)
        output = FeatureMap(self.channels, placements(windows, x))
        weight = (self.channels, x.channels // self.groups, *[w.kernel for w in windows])
        padded = padded_copy(x, windows, copied=not pads_alike(windows))
        return Effect(
            output=output,
            windows=windows,
            state=parameters(weight=weight, bias=(self.channels,) if self.bias else None),
            macs=product(weight) * output.positions,
            other_ops=output.values if self.bias else 0,
            saved=padded or (Saved.INPUT,),
            workspace=padded,
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        if not effect.workspace:
            return (found,)
        return on_a_padded_copy(found, effect.workspace[0])


@register
class ConvTranspose(_Grouped):
    """Transposed convolution, as `torch.nn.ConvTranspose1d/2d/3d`.

    Shapes: (C, n…) -> (channels, m…), m = (n - 1) s - 2 p + d (k - 1) + output_padding + 1.
    Weight (C, channels / groups, k…), bias (channels).
    MACs are counted over *input* positions: n… x C x channels / groups x k….
    Source: Dumoulin & Visin 2016 (arXiv:1603.07285), section 4.
    """

    kind: ClassVar[str] = "conv_transpose"

    kernel: Axes
    stride: Axes = 1
    padding: Axes = 0
    output_padding: Axes = 0
    dilation: Axes = 1
    groups: Quantity = 1
    bias: bool = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        self.require_channels(x)
        axes = list(
            zip(
                x.sizes,
                per_axis(self.kernel, x, "kernel"),
                per_axis(self.stride, x, "stride"),
                per_axis(self.padding, x, "padding"),
                per_axis(self.dilation, x, "dilation"),
                per_axis(self.output_padding, x, "output_padding"),
                strict=True,
            )
        )
        sizes = tuple([_transposed_size(*axis) for axis in axes])
        windows = tuple([TransposedWindow(k, s, p, d) for _, k, s, p, d, _ in axes])
        output = FeatureMap(self.channels, sizes)
        weight = (x.channels, self.channels // self.groups, *[w.kernel for w in windows])
        return Effect(
            output=output,
            windows=windows,
            state=parameters(weight=weight, bias=(self.channels,) if self.bias else None),
            macs=product(weight) * x.positions,
            other_ops=output.values if self.bias else 0,
            saved=(Saved.INPUT,),
            workspace=(),
            storage=Storage.OWN,
        )


def _transposed_size(
    size: Quantity, kernel: Quantity, stride: Quantity, padding: Quantity, dilation: Quantity,
    extra: Quantity,
) -> Quantity:  # fmt: skip
    require_at_least(kernel, 1, "a kernel of {}", kernel)
    require_at_least(stride, 1, "a stride of {}", stride)
    require_at_least(dilation, 1, "a dilation of {}", dilation)
    require_at_least(padding, 0, "a padding of {}", padding)
    require_at_least(extra, 0, "an output_padding of {}", extra)
    # As torch: an output_padding of a whole step could just as well be another input.
    require_at_least(
        largest(stride, dilation) - extra, 1,
        "output_padding {} is not smaller than the stride {} or the dilation {}",
        extra, stride, dilation,
    )  # fmt: skip
    out = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
    require_at_least(out, 1, "padding {} leaves an output of {}", padding, out)
    return out


@register
class LocallyConnected(_Convolution):
    """A convolution whose weights are not shared: every output position has its own.

    Shapes: as `conv` without dilation and groups.
    Weight (m…, channels, C, k…), bias (m…, channels). MACs as a convolution's.
    Source: LeCun 1989, "Generalization and network design strategies", net-3;
    Taigman et al. 2014 (DeepFace), section 2.2.
    """

    kind: ClassVar[str] = "locally_connected"
    keeps_for_weights: ClassVar[bool] = True

    kernel: Axes
    stride: Axes = 1
    padding: Padding = 0
    bias: bool = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_positive(self.channels, "output channels")
        windows = sliding_windows(x, self.kernel, self.stride, self.padding, dilation=1)
        output = FeatureMap(self.channels, placements(windows, x))
        bias = (*output.sizes, self.channels) if self.bias else None
        weight = (*output.sizes, self.channels, x.channels, *[w.kernel for w in windows])
        # torch has no such layer: pad, unfold, multiply, add the bias, put the channels first.
        inside = output.positions * x.channels * product([w.kernel for w in windows])
        unfolded = Extra("intermediate", inside)
        padded = padded_copy(x, windows, copied=not all(map(_pads_nothing, windows)))
        return Effect(
            output=output,
            windows=windows,
            state=parameters(weight=weight, bias=bias),
            macs=product(weight),
            other_ops=output.values if self.bias else 0,
            saved=(unfolded,),
            workspace=(*padded, unfolded, Extra("intermediate", output.values)),
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        """Pads, unfolds axis by axis, multiplies, adds the bias, and puts the channels first."""
        (x,) = inputs
        *padded, columns, _ = effect.workspace
        found = [Operator("pad", (Taken(0),), copy.values, makes="padded") for copy in padded]
        windows = sliding_windows(x, self.kernel, self.stride, self.padding, dilation=1)
        sizes = [n + w.before + w.after for n, w in zip(x.sizes, windows, strict=True)]
        source: Tensor = "padded" if padded else 0
        for axis, (size, window) in enumerate(zip(effect.output.sizes, windows, strict=True)):
            sizes[axis] = size * window.kernel
            values, makes = x.channels * product(sizes), f"unfolded{axis}"
            found.append(Operator("unfold", (Taken(source),), values, view=True, makes=makes))
            source = makes
        held = ("padded",) if padded else ()
        copy = Operator("clone", (Taken(source, Gradient.SAME),), columns.values, makes="columns")
        # Channels and positions change places on the way back, and so do the axes of the weights.
        several = effect.output.channels > 1
        order = Order.CHANGED if several and columns.values > effect.output.positions else Order.OWN
        takes = (Taken("columns"), Taken("weight", order=order, viewed=True, by_view=True))
        kept = (Kept("columns", towards="weight"), Kept("weight", towards="columns"))
        values = effect.output.values
        found += [copy, Operator("bmm", takes, values, kept, makes="product", holds=held)]
        last = "product"
        if self.bias:
            takes = (Taken("product", Gradient.SAME), Taken("bias", Gradient.SAME, viewed=True))
            found.append(Operator("add", takes, values, makes="sum", holds=held))
            last = "sum"
        order = Order.CHANGED if several and effect.output.positions > 1 else Order.OWN
        given = (Taken(last, Gradient.SAME, order),)
        return (*found, Operator("clone", given, values, holds=(*held, "columns")))

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL


def _pads_nothing(window: Window) -> bool:
    return certainly_equal(window.before, 0) and certainly_equal(window.after, 0)
