"""How torch spells each layer kind: a layer and the shapes of its inputs -> a module.

A module takes tensors (N, C, n…) and its state dict has the names and shapes that the layer's rule
states. Options go to torch as they stand in the spec, so that torch judges them.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any, cast

from torch import nn

from archcalc.feature_map import FeatureMap
from archcalc.layers import (
    Layer,
    activation,
    convolution,
    joining,
    linear,
    normalization,
    pooling,
    regularization,
    resampling,
    reshaping,
)
from archcalc.layers.layer import Axes, Padding, per_axis, per_side
from archcalc.torch_backend import modules
from archcalc.torch_backend.modules import Sides
from archcalc.window import Window

# By the number of spatial axes; torch has none of these for vectors.
CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
PADDED_CONV: dict[int, Any] = {
    1: modules.PaddedConv1d,
    2: modules.PaddedConv2d,
    3: modules.PaddedConv3d,
}
CONV_TRANSPOSE: dict[int, Any] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}
MAX_POOL: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVG_POOL: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
MAX_UNPOOL: dict[int, Any] = {1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}
ADAPTIVE_AVG_POOL: dict[int, Any] = {
    1: nn.AdaptiveAvgPool1d,
    2: nn.AdaptiveAvgPool2d,
    3: nn.AdaptiveAvgPool3d,
}
ADAPTIVE_MAX_POOL: dict[int, Any] = {
    1: nn.AdaptiveMaxPool1d,
    2: nn.AdaptiveMaxPool2d,
    3: nn.AdaptiveMaxPool3d,
}
ZERO_PAD: dict[int, Any] = {1: nn.ZeroPad1d, 2: nn.ZeroPad2d, 3: nn.ZeroPad3d}
# A vector is normalized as a sequence is.
BATCH_NORM: dict[int, Any] = {
    0: nn.BatchNorm1d,
    1: nn.BatchNorm1d,
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}


@singledispatch
def module_for(layer: Layer, *inputs: FeatureMap) -> nn.Module:
    """The module that does what `layer` does to inputs of these shapes, one for each branch.

    Raises:
        Exception: whatever torch raises of options that it refuses.
    """
    raise TypeError(f"no module is registered for the layer kind {layer.kind!r}")


def sides_of(
    padding: Padding, x: FeatureMap, kernel: Axes, stride: Axes, dilation: Axes = 1
) -> Sides:
    """The padding as (before, after) along each spatial axis of `x`."""
    if padding == "same":
        figures = [per_axis(value, x, "") for value in (kernel, stride, dilation)]
        windows = map(Window.same, *figures, x.sizes)
        return tuple([(window.before, window.after) for window in windows])
    return per_side(0 if padding == "valid" else cast(Axes, padding), x, "padding")


def is_symmetric(sides: Sides) -> bool:
    """Whether torch's own padding will do: the same on both sides of each axis."""
    return all(before == after for before, after in sides)


def _befores(sides: Sides) -> tuple[int, ...]:
    return tuple([before for before, _ in sides])


# ----- convolutions, fully connected -----


@module_for.register
def _(layer: convolution.Conv, x: FeatureMap) -> nn.Module:
    sides = sides_of(layer.padding, x, layer.kernel, layer.stride, layer.dilation)
    arguments = (x.channels, layer.channels, layer.kernel, layer.stride)
    options = {"dilation": layer.dilation, "groups": layer.groups, "bias": layer.bias}
    if is_symmetric(sides):
        conv: nn.Module = CONV[len(sides)](*arguments, padding=_befores(sides), **options)
    else:
        conv = PADDED_CONV[len(sides)](*arguments, sides=sides, **options)
    return conv


@module_for.register
def _(layer: convolution.ConvTranspose, x: FeatureMap) -> nn.Module:
    conv: nn.Module = CONV_TRANSPOSE[len(x.sizes)](
        x.channels,
        layer.channels,
        layer.kernel,
        layer.stride,
        layer.padding,
        layer.output_padding,
        layer.groups,
        layer.bias,
        layer.dilation,
    )
    return conv


@module_for.register
def _(layer: convolution.LocallyConnected, x: FeatureMap) -> nn.Module:
    return modules.LocallyConnected(
        x.channels,
        x.sizes,
        layer.channels,
        per_axis(layer.kernel, x, "kernel"),
        per_axis(layer.stride, x, "stride"),
        sides_of(layer.padding, x, layer.kernel, layer.stride),
        layer.bias,
    )


@module_for.register
def _(layer: linear.Linear, x: FeatureMap) -> nn.Module:
    return nn.Linear(x.shape[-1], layer.features, layer.bias)


# ----- pooling -----


@module_for.register
def _(layer: pooling.MaxPool, x: FeatureMap) -> nn.Module:
    stride = layer.kernel if layer.stride is None else layer.stride
    sides = sides_of(layer.padding, x, layer.kernel, stride, layer.dilation)
    # torch pads by half a kernel at most, which "same" passes where the window is dilated.
    dilated = any(d != 1 for d in per_axis(layer.dilation, x, "dilation"))
    symmetric = is_symmetric(sides) and not (layer.padding == "same" and dilated)
    pool: nn.Module = MAX_POOL[len(sides)](
        layer.kernel,
        stride,
        padding=_befores(sides) if symmetric else 0,
        dilation=layer.dilation,
        ceil_mode=layer.ceil,
    )
    return pool if symmetric else modules.PaddedMaxPool(pool, sides)


@module_for.register
def _(layer: pooling.AvgPool, x: FeatureMap) -> nn.Module:
    stride = layer.kernel if layer.stride is None else layer.stride
    sides = sides_of(layer.padding, x, layer.kernel, stride)
    symmetric = is_symmetric(sides)
    pool: nn.Module = AVG_POOL[len(sides)](
        layer.kernel,
        stride,
        padding=_befores(sides) if symmetric else 0,
        ceil_mode=layer.ceil,
        count_include_pad=layer.count_include_pad,
    )
    return pool if symmetric else modules.PaddedAvgPool(pool, sides, layer.count_include_pad)


@module_for.register
def _(layer: pooling.AdaptiveAvgPool, x: FeatureMap) -> nn.Module:
    pool: nn.Module = ADAPTIVE_AVG_POOL[len(x.sizes)](layer.output)
    return pool


@module_for.register
def _(layer: pooling.AdaptiveMaxPool, x: FeatureMap) -> nn.Module:
    pool: nn.Module = ADAPTIVE_MAX_POOL[len(x.sizes)](layer.output)
    return pool


@module_for.register
def _(layer: pooling.GlobalAvgPool, x: FeatureMap) -> nn.Module:
    pool: nn.Module = ADAPTIVE_AVG_POOL[len(x.sizes)](1)
    return pool


@module_for.register
def _(layer: pooling.MaxUnpool, x: FeatureMap) -> nn.Module:
    unpool = MAX_UNPOOL[len(x.sizes)](layer.kernel, layer.stride, layer.padding)
    sizes = None if layer.output is None else per_axis(layer.output, x, "output")
    return modules.MaxUnpool(unpool, sizes)


# ----- resampling -----


@module_for.register
def _(layer: resampling.Upsample, x: FeatureMap) -> nn.Module:
    factors = per_axis(layer.factor, x, "factor")
    return nn.Upsample(scale_factor=tuple(map(float, factors)), mode=layer.mode)


@module_for.register
def _(layer: resampling.PixelShuffle, x: FeatureMap) -> nn.Module:
    return nn.PixelShuffle(layer.factor)


@module_for.register
def _(layer: resampling.Pad, x: FeatureMap) -> nn.Module:
    sides = per_side(layer.sides, x, "sides")
    pad: nn.Module = ZERO_PAD[len(sides)](tuple([n for side in reversed(sides) for n in side]))
    return pad


@module_for.register
def _(layer: resampling.Crop, x: FeatureMap) -> nn.Module:
    return modules.Crop(per_side(layer.sides, x, "sides"))


@module_for.register
def _(layer: resampling.PadChannels, x: FeatureMap) -> nn.Module:
    return modules.PadChannels(layer.before, layer.after)


# ----- normalization and scales -----


@module_for.register
def _(layer: normalization.BatchNorm, x: FeatureMap) -> nn.Module:
    norm: nn.Module = BATCH_NORM[len(x.sizes)](
        x.channels, eps=layer.eps, momentum=layer.momentum, affine=layer.affine
    )
    if not layer.gamma:
        norm.register_parameter("weight", None)
    return norm


@module_for.register
def _(layer: normalization.LayerNorm, x: FeatureMap) -> nn.Module:
    options: dict[str, Any] = {
        "eps": layer.eps,
        "elementwise_affine": layer.affine,
        "bias": layer.bias,
    }
    if layer.over == "channels" or not x.sizes:
        return modules.ChannelNorm(x.channels, **options)
    return nn.LayerNorm(x.shape if layer.over == "all" else x.sizes[-1:], **options)


@module_for.register
def _(layer: normalization.GroupNorm, x: FeatureMap) -> nn.Module:
    return nn.GroupNorm(layer.groups, x.channels, eps=layer.eps, affine=layer.affine)


@module_for.register
def _(layer: normalization.LocalResponseNorm, x: FeatureMap) -> nn.Module:
    return nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)


@module_for.register
def _(layer: normalization.Scale, x: FeatureMap) -> nn.Module:
    return modules.Scale(layer.factor, layer.shift)


@module_for.register
def _(layer: normalization.ChannelScale, x: FeatureMap) -> nn.Module:
    return modules.ChannelScale(x.channels, layer.bias)


# ----- activations -----


@module_for.register
def _(layer: activation.ReLU, x: FeatureMap) -> nn.Module:
    return nn.ReLU()


@module_for.register
def _(layer: activation.ReLU6, x: FeatureMap) -> nn.Module:
    return nn.ReLU6()


@module_for.register
def _(layer: activation.LeakyReLU, x: FeatureMap) -> nn.Module:
    return nn.LeakyReLU(layer.slope)


@module_for.register
def _(layer: activation.PReLU, x: FeatureMap) -> nn.Module:
    return nn.PReLU(x.channels if layer.per_channel else 1)


@module_for.register
def _(layer: activation.ELU, x: FeatureMap) -> nn.Module:
    return nn.ELU(layer.alpha)


@module_for.register
def _(layer: activation.GELU, x: FeatureMap) -> nn.Module:
    return nn.GELU()


@module_for.register
def _(layer: activation.SiLU, x: FeatureMap) -> nn.Module:
    return nn.SiLU()


@module_for.register
def _(layer: activation.Sigmoid, x: FeatureMap) -> nn.Module:
    return nn.Sigmoid()


@module_for.register
def _(layer: activation.Tanh, x: FeatureMap) -> nn.Module:
    return nn.Tanh()


@module_for.register
def _(layer: activation.Softmax, x: FeatureMap) -> nn.Module:
    return nn.Softmax(dim=1)


@module_for.register
def _(layer: activation.HardSwish, x: FeatureMap) -> nn.Module:
    return nn.Hardswish()


@module_for.register
def _(layer: activation.HardSigmoid, x: FeatureMap) -> nn.Module:
    return nn.Hardsigmoid()


# ----- regularization -----


@module_for.register
def _(layer: regularization.Dropout, x: FeatureMap) -> nn.Module:
    return nn.Dropout(layer.p)


@module_for.register
def _(layer: regularization.DropPath, x: FeatureMap) -> nn.Module:
    return modules.DropPath(layer.p)


# ----- reshaping -----


@module_for.register
def _(layer: reshaping.Identity, x: FeatureMap) -> nn.Module:
    return nn.Identity()


@module_for.register
def _(layer: reshaping.Flatten, x: FeatureMap) -> nn.Module:
    return nn.Flatten()


@module_for.register
def _(layer: reshaping.Reshape, x: FeatureMap) -> nn.Module:
    return modules.Reshape(layer.shape)


@module_for.register
def _(layer: reshaping.ChannelShuffle, x: FeatureMap) -> nn.Module:
    return nn.ChannelShuffle(layer.groups)


@module_for.register
def _(layer: reshaping.ChannelSlice, x: FeatureMap) -> nn.Module:
    return modules.ChannelSlice(layer.start, layer.stop)


@module_for.register
def _(layer: reshaping.ChannelSplit, x: FeatureMap) -> nn.Module:
    return modules.ChannelSplit(layer.parts, layer.part)


# ----- joins -----


@module_for.register
def _(layer: joining.Concat, *inputs: FeatureMap) -> nn.Module:
    return modules.Concat()


@module_for.register
def _(layer: joining.Add, *inputs: FeatureMap) -> nn.Module:
    return modules.Add()


@module_for.register
def _(layer: joining.Mean, *inputs: FeatureMap) -> nn.Module:
    return modules.Mean()


@module_for.register
def _(layer: joining.Multiply, *inputs: FeatureMap) -> nn.Module:
    return modules.Multiply()
