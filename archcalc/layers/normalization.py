"""Normalizations, and the learned or constant scales that stand beside them."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import require_up_to_three
from archcalc.layers.effect import Effect, Extra, Saved, Storage, pointwise
from archcalc.layers.layer import (
    Category,
    Layer,
    require_divisible,
)
from archcalc.layers.mixing import all_channels, all_in_groups, along_axes
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Order,
    Taken,
    on_a_copy,
)
from archcalc.layers.registry import register
from archcalc.layers.state import Shape, buffers, count, parameters
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_equal,
    product,
)
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow, Groups
from archcalc.window import Reach, Windows

NormalizedAxes: TypeAlias = Literal["all", "channels", "last"]


class _Normalization(Layer):
    category: ClassVar[Category] = Category.NORMALIZATION


@register
class BatchNorm(_Normalization):
    """Batch normalization, as `torch.nn.BatchNorm1d/2d/3d`.

    Shapes unchanged. Weight gamma (C), bias beta (C); `affine: false` has neither,
    `gamma: false` beta alone (TF-Slim's scale=False).
    Buffers: running mean and variance, C each, and the count of batches, 1.
    Operations at inference: 2 for each value, y = x a + b with a and b fixed per channel, so
    that it is pointwise and adds nothing to the receptive field.
    Source: Ioffe & Szegedy 2015 (arXiv:1502.03167), algorithms 1 and 2.
    """

    kind: ClassVar[str] = "batch_norm"
    keeps_order: ClassVar[bool] = True
    pointwise: ClassVar[bool] = True

    affine: bool = True
    gamma: bool = True
    eps: float = 1e-5
    momentum: float = 0.1

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_up_to_three(x)
        each = (x.channels,)
        learned = parameters(
            weight=each if self.affine and self.gamma else None, bias=each if self.affine else None
        )
        kept = buffers(running_mean=each, running_var=each) + count("num_batches_tracked")
        statistics = Extra("statistics", 2 * x.channels, per_image=False)
        return pointwise(x, ops_each=2, saved=(Saved.INPUT, statistics), state=learned + kept)

    def workspace_on_gpu(self, effect: Effect, in_half: bool) -> tuple[Extra, ...]:
        # Mean and variance in the type in which it computes, where that is another.
        statistics = Extra("statistics", 2 * effect.output.channels, bytes_each=4, per_image=False)
        return (statistics,) if in_half else ()

    def orders_as_input(self, x: FeatureMap) -> bool:
        return False


@register
class LayerNorm(_Normalization):
    """Layer normalization over all values of an image, its channels, or its last axis.

    Shapes unchanged. Weight and bias have the shape of what is normalized together:
    `over: all` (C, n…), `channels` (C) at each position, `last` (n) along the last axis, as
    `torch.nn.LayerNorm` of that normalized_shape.
    Operations for each value: mean 1, variance 3, normalizing 1, and 1 each for weight and bias.
    Source: Ba et al. 2016 (arXiv:1607.06450), eq. 3.
    """

    kind: ClassVar[str] = "layer_norm"

    over: NormalizedAxes = "all"
    affine: bool = True
    bias: bool = True
    eps: float = 1e-5

    def effect_on(self, x: FeatureMap, /) -> Effect:
        shape: Shape
        windows: Windows
        if self.over == "channels" or not x.sizes:
            shape, windows = (x.channels,), Reach.SAME if x.sizes else Reach.STATISTICS
        elif self.over == "last":
            shape = x.sizes[-1:]
            windows = (Reach.SAME,) * (len(x.sizes) - 1) + (Reach.STATISTICS,)
        else:
            shape, windows = x.shape, Reach.STATISTICS
        groups = x.values // product(shape)
        effect = _normalized(x, windows, shape, groups, self.affine, self.affine and self.bias)
        alone = certainly_equal(x.channels, 1) or certainly_equal(x.positions, 1)
        if self.over == "channels" and not alone:
            # torch normalizes along the last axis: the result, before the channels come first
            return replace(effect, workspace=(Extra("intermediate", x.values),))
        return effect

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        if self.over == "channels" and inputs[0].sizes:  # which it works on as the last axis
            found = replace(found, takes=(Taken(0, viewed=True), *found.takes[1:]))
        if effect.workspace == effect.saved[1:]:
            return (found,)
        takes = (found.takes[0]._replace(order=Order.CHANGED), *found.takes[1:])
        normalized = replace(found, takes=takes, beside=(), makes="normalized")
        moved = Taken("normalized", Gradient.SAME, Order.CHANGED)
        channels_first = Operator("clone", (moved,), found.values, reshapes=True)
        return normalized, channels_first

    def workspace_on_gpu(self, effect: Effect, in_half: bool) -> tuple[Extra, ...]:
        return tuple(
            replace(extra, least_bytes=4) if extra.what == "statistics" else extra
            for extra in effect.workspace
        )

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if self.over == "last" and x.sizes else Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        if self.over == "channels" or not x.sizes:
            return all_channels(x)
        last = len(x.sizes)
        return along_axes(x, last, last) if self.over == "last" else all_in_groups(x, 1)


@register
class GroupNorm(_Normalization):
    """Group normalization, as `torch.nn.GroupNorm`; every position enters its statistics.

    Shapes unchanged. Weight and bias (C); `affine: false` has neither, `bias: false` the weight.
    Operations for each value: mean 1, variance 3, normalizing 1, and 1 each for weight and bias.
    Source: Wu & He 2018 (arXiv:1803.08494), eq. 7.
    """

    kind: ClassVar[str] = "group_norm"
    keeps_order: ClassVar[bool] = True
    closes_gaps: ClassVar[bool] = True

    groups: Quantity
    affine: bool = True
    bias: bool = True
    eps: float = 1e-5

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_divisible(x.channels, self.groups)
        bias = self.affine and self.bias
        return _normalized(x, Reach.STATISTICS, (x.channels,), self.groups, self.affine, bias)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        found = replace(found, contiguous=True)
        return on_a_copy(found, at.copied) if at.copied else (found,)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Groups(x.channels // self.groups, x.channels // self.groups)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return all_in_groups(x, self.groups)


@register
class Scale(_Normalization):
    """y = factor x + shift, both constant: residual scaling, survival probabilities, 1 - x.

    Shapes unchanged, no parameters. Operations for each value: 1 for each constant that acts.
    Source: Szegedy et al. 2017 (arXiv:1602.07261), section 3.3.
    """

    kind: ClassVar[str] = "scale"
    pointwise: ClassVar[bool] = True

    factor: float = 1.0
    shift: float = 0.0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        ops_each = (self.factor != 1) + (self.shift != 0)
        storage = Storage.OWN if ops_each else Storage.SHARED
        at_once = ops_each < 2 or self.factor == -1  # of a number a tensor is taken at once
        product_before_sum = () if at_once else (Extra("intermediate", x.values),)
        return pointwise(
            x, ops_each=ops_each, saved=(), workspace=product_before_sum, storage=storage
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        values, found = effect.output.values, []
        if self.factor == -1 and self.shift != 0:
            return (Operator("rsub", (Taken(0, order=Order.KEPT),), values),)
        if self.factor != 1:
            found.append(Operator("mul", (Taken(0, order=Order.KEPT),), values, makes="scaled"))
        if self.shift != 0:
            source = "scaled" if found else 0
            found.append(Operator("add", (Taken(source, Gradient.SAME),), values, makes="shifted"))
        return (*found[:-1], replace(found[-1], makes="")) if found else ()


@register
class ChannelScale(_Normalization):
    """y = w x + b with a learned w, and b where wanted, for each channel.

    Shapes unchanged. Weight (C), bias (C).
    Source: LeCun et al. 1998, layers S2 and S4; Touvron et al. 2021 (arXiv:2103.17239), eq. 4.
    """

    kind: ClassVar[str] = "channel_scale"
    pointwise: ClassVar[bool] = True
    keeps_for_weights: ClassVar[bool] = True

    bias: bool = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        each = (x.channels,)
        return pointwise(
            x,
            ops_each=2 if self.bias else 1,
            saved=(Saved.INPUT,),
            state=parameters(weight=each, bias=each if self.bias else None),
            workspace=(Extra("intermediate", x.values),) if self.bias else (),
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        takes = (
            Taken(0, order=Order.KEPT),
            Taken("weight", Gradient.SUMMED, viewed=True, by_view=True),
        )
        kept = (Kept(0, towards="weight"), Kept("weight", towards=0))
        scaled = Operator("mul", takes, effect.output.values, kept)
        if not self.bias:
            return (scaled,)
        takes = (Taken("scaled", Gradient.SAME), Taken("bias", viewed=True))
        return replace(scaled, makes="scaled"), Operator("add", takes, scaled.values)


def _normalized(
    x: FeatureMap, windows: Windows, shape: Shape, groups: Quantity, weight: bool, bias: bool
) -> Effect:
    """A norm whose statistics are taken for each image, in `groups` groups of values."""
    statistics = Extra("statistics", 2 * groups)
    return Effect(
        output=x,
        windows=windows,
        state=parameters(weight=shape if weight else None, bias=shape if bias else None),
        macs=0,
        other_ops=(5 + weight + bias) * x.values,
        saved=(Saved.INPUT, statistics),
        workspace=(statistics,),
        storage=Storage.OWN,
    )
