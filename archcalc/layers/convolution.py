"""Convolutions: shared weights, transposed, and locally connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis, per_side, require_spatial, require_up_to_three
from archcalc.layers.effect import Effect, Extra, Saved, Storage
from archcalc.layers.layer import (
    Axes,
    Category,
    Layer,
    Padding,
    require_divisible,
    require_positive,
)
from archcalc.layers.moves import Moved
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
from archcalc.layers.sliding import (
    given_sides,
    padded_copy,
    pads_alike,
    placements,
    sliding_windows,
)
from archcalc.layers.state import parameters
from archcalc.layers.weight_norm import normed, on_normed_weight
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_equal,
    certainly_one,
    floor_div,
    largest,
    product,
    require_at_least,
)
from archcalc.record import replace
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
    keeps_order: ClassVar[bool] = True
    weight_is: ClassVar[str] = "kernel"

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
    `weight_norm: true` makes the weight of lengths and directions (`archcalc.layers.weight_norm`).
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
    weight_norm: bool = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        self.require_channels(x)
        windows = sliding_windows(x, self.kernel, self.stride, self.padding, self.dilation)
        output = FeatureMap(self.channels, placements(windows, x))
        weight = (self.channels, x.channels // self.groups, *[w.kernel for w in windows])
        padded = padded_copy(x, windows, copied=not pads_alike(windows))
        effect = Effect(
            output=output,
            windows=windows,
            state=parameters(weight=weight, bias=(self.channels,) if self.bias else None),
            macs=product(weight) * output.positions,
            other_ops=output.values if self.bias else 0,
            saved=padded or (Saved.INPUT,),
            workspace=padded,
            storage=Storage.OWN,
        )
        return normed(effect) if self.weight_norm else effect

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        if self.weight_norm:
            return on_normed_weight(self, inputs, at)
        (found,) = super().operators(effect, *inputs)
        if not effect.workspace:
            return (found,)
        return on_a_padded_copy(found, effect.workspace[0])


@register
class ConvTranspose(_Grouped):
    """Transposed convolution, as `torch.nn.ConvTranspose1d/2d/3d`.

    Shapes: (C, n…) -> (channels, m…),
    m = (n - 1) s - p_before - p_after + d (k - 1) + output_padding + 1. `padding: same`, as Keras
    has it, cuts off what is beyond m = n s + output_padding, the odd position after.
    Weight (C, channels / groups, k…), bias (channels).
    MACs are counted over *input* positions: n… x C x channels / groups x k….
    torch cuts off the same on both sides. For any other padding it makes the whole map, and then
    a copy of what is left of it.
    `weight_norm` as a convolution's, with a length for each input channel.
    Source: Dumoulin & Visin 2016 (arXiv:1603.07285), section 4.
    """

    kind: ClassVar[str] = "conv_transpose"

    kernel: Axes
    stride: Axes = 1
    padding: Padding = 0
    output_padding: Axes = 0
    dilation: Axes = 1
    groups: Quantity = 1
    bias: bool = True
    weight_norm: bool = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        require_up_to_three(x)
        self.require_channels(x)
        windows, added = self.windows_on(x)
        axes = list(zip(x.sizes, windows, added, strict=True))
        sizes = tuple([_transposed_size(*axis) for axis in axes])
        output = FeatureMap(self.channels, sizes)
        weight = (x.channels, self.channels // self.groups, *[w.kernel for w in windows])
        whole: tuple[Extra, ...] = ()
        if not pads_alike(windows):
            positions = product([_whole_size(*axis) for axis in axes])
            whole = (Extra("intermediate", self.channels * positions),)
        effect = Effect(
            output=output,
            windows=windows,
            state=parameters(weight=weight, bias=(self.channels,) if self.bias else None),
            macs=product(weight) * x.positions,
            other_ops=output.values if self.bias else 0,
            saved=(Saved.INPUT,),
            workspace=whole,
            storage=Storage.OWN,
        )
        return normed(effect) if self.weight_norm else effect

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        if self.weight_norm:
            return on_normed_weight(self, inputs, at)
        (found,) = super().operators(effect, *inputs)
        if not effect.workspace:
            return (found,)
        (whole,) = effect.workspace
        made = replace(found, values=whole.values, beside=(), makes="whole")
        return made, Operator("pad", (Taken("whole"),), effect.output.values)

    def windows_on(
        self, x: FeatureMap
    ) -> tuple[tuple[TransposedWindow, ...], tuple[Quantity, ...]]:
        """The window along each axis of `x`, with its padding, and the output_padding there.

        Unchecked, for torch to judge it.
        """
        kernels = per_axis(self.kernel, x, "kernel")
        strides = per_axis(self.stride, x, "stride")
        dilations = per_axis(self.dilation, x, "dilation")
        added = per_axis(self.output_padding, x, "output_padding")
        if self.padding == "same":
            extents = [d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)]
            beyond = [largest(0, e - s) for e, s in zip(extents, strides, strict=True)]
            sides = tuple([(floor_div(n, 2), n - floor_div(n, 2)) for n in beyond])
            # Where windows do not fill a stride, what is missing behind the last.
            added = tuple(
                [
                    extra + largest(0, s - e)
                    for extra, e, s in zip(added, extents, strides, strict=True)
                ]
            )
        else:
            sides = per_side(given_sides(self.padding), x, "padding")
        windows = [
            TransposedWindow(k, s, before, d, after)
            for k, s, (before, after), d in zip(kernels, strides, sides, dilations, strict=True)
        ]
        return tuple(windows), added


def _whole_size(size: Quantity, window: TransposedWindow, added: Quantity) -> Quantity:
    """The size before anything is cut off."""
    return (size - 1) * window.stride + window.dilation * (window.kernel - 1) + added + 1


def _transposed_size(size: Quantity, window: TransposedWindow, added: Quantity) -> Quantity:
    require_at_least(window.kernel, 1, "a kernel of {}", window.kernel)
    require_at_least(window.stride, 1, "a stride of {}", window.stride)
    require_at_least(window.dilation, 1, "a dilation of {}", window.dilation)
    require_at_least(window.before, 0, "a padding of {}", window.before)
    require_at_least(window.after, 0, "a padding of {}", window.after)
    require_at_least(added, 0, "an output_padding of {}", added)
    # As torch: an output_padding of a whole step could just as well be another input.
    require_at_least(
        largest(window.stride, window.dilation) - added, 1,
        "output_padding {} is not smaller than the stride {} or the dilation {}",
        added, window.stride, window.dilation,
    )  # fmt: skip
    out = _whole_size(size, window, added) - window.before - window.after
    require_at_least(
        out, 1, "padding {} before and {} after leaves an output of {}",
        window.before, window.after, out,
    )  # fmt: skip
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
        found.append(Operator("permute", given, values, view=True, makes="channels_first"))
        # Its positions, till here one axis, are taken apart.
        factors = ((1,), (effect.output.channels,), effect.output.sizes)
        turn = Moved(factors, tuple([(n,) for n in range(1 + effect.output.rank)])).turn
        given = (Taken("channels_first", Gradient.SAME, Order.CHANGED, turn=turn),)
        found.append(Operator("view", given, values, view=True, makes="apart"))
        given = (Taken("apart", Gradient.SAME),)
        return (*found, Operator("clone", given, values, holds=(*held, "columns")))

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL


def _pads_nothing(window: Window) -> bool:
    return certainly_equal(window.before, 0) and certainly_equal(window.after, 0)
