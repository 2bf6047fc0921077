"""How a PyTorch programmer writes each layer kind: a layer in its setting -> a `Spelling`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

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
from archcalc.layers.layer import Axes, per_axis, per_side
from archcalc.layers.sliding import sliding_windows
from archcalc.quantity import Quantity
from archcalc.render.torch_source.spelling import REQUIRED, Argument, Spelling, Weight
from archcalc.window import Window


@dataclass(frozen=True, slots=True)
class Setting:
    """What the spelling of a layer depends on beside the layer.

    Attributes:
        inputs: shapes of its inputs.
        keeps_indices: whether it is a max pool that is undone later.
        undone: for a max unpool, the max pool that it undoes, and the map that this took in.
        uneven_same: whether a convolution of the network has `same` padding that differs
            between two sides; all with `same` then find their padding when they run.
    """

    inputs: tuple[FeatureMap, ...]
    keeps_indices: bool = False
    undone: tuple[pooling.MaxPool, FeatureMap] | None = None
    uneven_same: bool = False

    @property
    def x(self) -> FeatureMap:
        """The shape of the first input."""
        return self.inputs[0]

    @property
    def axes(self) -> int:
        """Number of spatial axes of the first input."""
        return len(self.x.sizes)


@singledispatch
def spell(layer: Layer, at: Setting) -> Spelling:
    """`layer` as code."""
    raise NotImplementedError(f"no spelling is registered for the layer kind {layer.kind!r}")


# ----- arguments -----


def _given(name: str, value: object, role: str = "") -> Argument:
    """An argument that is given by its place."""
    return Argument(name, value, role or name, positional=True)


def _named(name: str, value: object, default: object = REQUIRED, role: str = "") -> Argument:
    """An argument that is given by its keyword, where its value is not the default."""
    return Argument(name, value, role or name, default)


def _in_call(name: str, value: object) -> Argument:
    """A figure that the call of the layer mentions."""
    return Argument(name, value, name, in_call=True)


def _tidy(value: Axes) -> object:
    """One number where it is the same along all axes."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def _shortest(value: float) -> float:
    """A whole number without its `.0`."""
    return int(value) if value.is_integer() else value


# ----- sliding windows -----

Sliding = convolution.Conv | convolution.LocallyConnected | pooling.MaxPool | pooling.AvgPool


def windows_of(layer: Sliding, x: FeatureMap) -> tuple[Window, ...]:
    """The window that `layer` slides along each axis of `x`."""
    stride = layer.kernel if layer.stride is None else layer.stride
    dilation = getattr(layer, "dilation", 1)
    return sliding_windows(x, layer.kernel, stride, layer.padding, dilation)


def is_even(windows: Iterable[Window]) -> bool:
    """Whether the padding is the same on both sides of each axis, as torch's own is."""
    return all(window.before == window.after for window in windows)


def _is_for_max_pool(windows: Iterable[Window]) -> bool:
    """Whether torch's max pools take such padding: half a kernel at most, dilated or not."""
    return is_even(windows) and all(window.before <= window.kernel // 2 for window in windows)


def _padding(windows: tuple[Window, ...]) -> tuple[Argument, str]:
    """The padding as an argument, and the input as it then enters: padded before, if uneven."""
    if is_even(windows):
        return _named("padding", _tidy(tuple([w.before for w in windows])), 0), "{0}"
    return _padded_before(windows)


def _padded_before(windows: tuple[Window, ...], fill: str = "") -> tuple[Argument, str]:
    """As `_padding`, always padded before, with zeros or as `fill` says."""
    return _in_call("pad", _last_axis_first(windows)), f"F.pad({{0}}, {{pad}}{fill})"


def _last_axis_first(windows: Iterable[Window]) -> tuple[Quantity, ...]:
    """As `F.pad` takes it."""
    return tuple([n for w in reversed(tuple(windows)) for n in (w.before, w.after)])


# ----- convolutions, fully connected -----


@spell.register
def _(layer: convolution.Conv, at: Setting) -> Spelling:
    padding, x = _padding(windows_of(layer, at.x))
    finds_padding = layer.padding == "same" and at.uneven_same
    arguments = (
        _given("in_channels", at.x.channels),
        _given("out_channels", layer.channels, "channels"),
        _given("kernel_size", _tidy(layer.kernel), "kernel"),
        _named("stride", _tidy(layer.stride), 1),
        *([] if finds_padding else [padding]),
        _named("dilation", _tidy(layer.dilation), 1),
        _named("groups", layer.groups, 1),
        _named("bias", layer.bias, True),
    )
    if finds_padding:
        return Spelling(f"Conv{at.axes}dSame", arguments, weight=Weight.MAIN)
    return Spelling(f"nn.Conv{at.axes}d", arguments, f"{{module}}({x})", weight=Weight.MAIN)


@spell.register
def _(layer: convolution.ConvTranspose, at: Setting) -> Spelling:
    arguments = (
        _given("in_channels", at.x.channels),
        _given("out_channels", layer.channels, "channels"),
        _given("kernel_size", _tidy(layer.kernel), "kernel"),
        _named("stride", _tidy(layer.stride), 1),
        _named("padding", _tidy(layer.padding), 0),
        _named("output_padding", _tidy(layer.output_padding), 0),
        _named("groups", layer.groups, 1),
        _named("bias", layer.bias, True),
        _named("dilation", _tidy(layer.dilation), 1),
    )
    return Spelling(f"nn.ConvTranspose{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: convolution.LocallyConnected, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    padding, x = _padding(windows)
    if padding.value != 0:
        padding, x = _padded_before(windows)
    arguments = (
        _given("in_channels", at.x.channels),
        _given("out_channels", layer.channels, "channels"),
        _given("sizes", layer.effect_on(at.x).output.sizes),
        _given("kernel_size", tuple([w.kernel for w in windows]), "kernel"),
        _given("stride", tuple([w.stride for w in windows])),
        *([padding] if padding.in_call else []),
        _named("bias", layer.bias, True),
    )
    return Spelling("LocallyConnected", arguments, f"{{module}}({x})", weight=Weight.MAIN)


@spell.register
def _(layer: linear.Linear, at: Setting) -> Spelling:
    arguments = (
        _given("in_features", at.x.shape[-1]),
        _given("out_features", layer.features, "features"),
        _named("bias", layer.bias, True),
    )
    return Spelling("nn.Linear", arguments, weight=Weight.MAIN)


# ----- pooling -----


@spell.register
def _(layer: pooling.MaxPool, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    padding, x = _padding(windows)
    if not _is_for_max_pool(windows):
        padding, x = _padded_before(windows, ', value=float("-inf")')
    arguments = (
        _given("kernel_size", _tidy(layer.kernel), "kernel"),
        _named("stride", _tidy(layer.kernel if layer.stride is None else layer.stride)),
        padding,
        _named("dilation", _tidy(layer.dilation), 1),
        _named("return_indices", at.keeps_indices, False),
        _named("ceil_mode", layer.ceil, False),
    )
    return Spelling(f"nn.MaxPool{at.axes}d", arguments, f"{{module}}({x})", weight=Weight.MAIN)


@spell.register
def _(layer: pooling.AvgPool, at: Setting) -> Spelling:
    padding, x = _padding(windows_of(layer, at.x))
    inside = padding.in_call and not layer.count_include_pad
    call = f"{{module}}({x})"
    if inside:  # torch would count the padding as part of the input
        call += f" / {call.replace('{0}', 'torch.ones_like({0})')}"
    arguments = (
        _given("kernel_size", _tidy(layer.kernel), "kernel"),
        _named("stride", _tidy(layer.kernel if layer.stride is None else layer.stride)),
        padding,
        _named("ceil_mode", layer.ceil, False),
        _named("count_include_pad", layer.count_include_pad or inside, True),
    )
    operator = "*" if inside else ""
    callee = f"nn.AvgPool{at.axes}d"
    return Spelling(callee, arguments, call, operator=operator, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.AdaptiveAvgPool, at: Setting) -> Spelling:
    arguments = (_given("output_size", _tidy(layer.output), "output"),)
    return Spelling(f"nn.AdaptiveAvgPool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.AdaptiveMaxPool, at: Setting) -> Spelling:
    arguments = (_given("output_size", _tidy(layer.output), "output"),)
    return Spelling(f"nn.AdaptiveMaxPool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.GlobalAvgPool, at: Setting) -> Spelling:
    arguments = (_given("output_size", 1, "output"),)
    return Spelling(f"nn.AdaptiveAvgPool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.MaxUnpool, at: Setting) -> Spelling:
    assert at.undone is not None  # the walk refuses a max unpool without its pool
    pool, pooled = at.undone
    windows = windows_of(pool, pooled)
    arguments = [
        _given("kernel_size", _tidy(layer.kernel), "kernel"),
        _named("stride", _tidy(layer.kernel if layer.stride is None else layer.stride)),
        _named("padding", _tidy(layer.padding), 0),
    ]
    call = "{module}({0}, {1})"
    if not _is_for_max_pool(windows):  # the indices are offsets into the padded map
        padded = [n + w.before + w.after for n, w in zip(pooled.sizes, windows, strict=True)]
        arguments.append(_in_call("output_size", tuple(padded)))
        cut = ", ".join(
            f"{w.before}:{w.before + n}" for n, w in zip(pooled.sizes, windows, strict=True)
        )
        call = f"{{module}}({{0}}, {{1}}, output_size={{output_size}})[:, :, {cut}]"
    elif layer.output is not None:
        arguments.append(_in_call("output_size", per_axis(layer.output, at.x, "output")))
        call = "{module}({0}, {1}, output_size={output_size})"
    callee = f"nn.MaxUnpool{at.axes}d"
    return Spelling(callee, tuple(arguments), call, weight=Weight.MAIN)


# ----- resampling -----


@spell.register
def _(layer: resampling.Upsample, at: Setting) -> Spelling:
    arguments = (
        _named("scale_factor", _tidy(layer.factor), role="factor"),
        _named("mode", layer.mode, "nearest"),
    )
    return Spelling("nn.Upsample", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: resampling.PixelShuffle, at: Setting) -> Spelling:
    return Spelling(
        "nn.PixelShuffle", (_given("upscale_factor", layer.factor, "factor"),), weight=Weight.MAIN
    )


@spell.register
def _(layer: resampling.Pad, at: Setting) -> Spelling:
    sides = per_side(layer.sides, at.x, "sides")
    amounts = tuple([n for side in reversed(sides) for n in side])
    return Spelling(f"nn.ZeroPad{at.axes}d", (_given("padding", _tidy(amounts)),))


@spell.register
def _(layer: resampling.Crop, at: Setting) -> Spelling:
    sides = per_side(layer.sides, at.x, "sides")
    cuts = [f"{before or ''}:{-after if after else ''}" for before, after in sides]
    return Spelling(None, call=f"{{0}}[:, :, {', '.join(cuts)}]")


@spell.register
def _(layer: resampling.PadChannels, at: Setting) -> Spelling:
    call = f"F.pad({{0}}, ({'0, 0, ' * at.axes}{{before}}, {{after}}))"
    return Spelling(None, (_in_call("before", layer.before), _in_call("after", layer.after)), call)


# ----- normalization and scales -----


@spell.register
def _(layer: normalization.BatchNorm, at: Setting) -> Spelling:
    callee = f"nn.BatchNorm{max(at.axes, 1)}d"
    if layer.affine and not layer.gamma:
        callee = f"BatchNorm{max(at.axes, 1)}dWithoutScale"
    arguments = (
        _given("num_features", at.x.channels, "in_channels"),
        _named("eps", layer.eps, 1e-5),
        _named("momentum", layer.momentum, 0.1),
        _named("affine", layer.affine, True),
    )
    return Spelling(callee, arguments)


@spell.register
def _(layer: normalization.LayerNorm, at: Setting) -> Spelling:
    options = (
        _named("eps", layer.eps, 1e-5),
        _named("elementwise_affine", layer.affine, True, "affine"),
        _named("bias", layer.bias or not layer.affine, True),
    )
    if layer.over == "channels" and at.axes:
        return Spelling("ChannelNorm", (_given("channels", at.x.channels, "in_channels"), *options))
    if not at.axes:
        return Spelling(
            "nn.LayerNorm", (_given("channels", at.x.channels, "in_channels"), *options)
        )
    shape = at.x.shape if layer.over == "all" else at.x.sizes[-1]
    return Spelling("nn.LayerNorm", (_given("normalized_shape", shape, "shape"), *options))


@spell.register
def _(layer: normalization.GroupNorm, at: Setting) -> Spelling:
    arguments = (
        _given("num_groups", layer.groups, "groups"),
        _given("num_channels", at.x.channels, "in_channels"),
        _named("eps", layer.eps, 1e-5),
        _named("affine", layer.affine, True),
    )
    return Spelling("nn.GroupNorm", arguments)


@spell.register
def _(layer: normalization.LocalResponseNorm, at: Setting) -> Spelling:
    arguments = (
        _given("size", layer.size),
        _named("alpha", layer.alpha, 1e-4),
        _named("beta", layer.beta, 0.75),
        _named("k", layer.k, 1.0),
    )
    return Spelling("nn.LocalResponseNorm", arguments)


@spell.register
def _(layer: normalization.Scale, at: Setting) -> Spelling:
    factor = _in_call("factor", _shortest(layer.factor))
    shift = _in_call("shift", _shortest(abs(layer.shift)))
    sign = "-" if layer.shift < 0 else "+"
    if layer.factor == 1 and layer.shift == 0:
        return Spelling("nn.Identity", inline="{0}")
    if layer.shift == 0:
        return Spelling(None, (factor,), "{factor} * {0}", operator="*")
    if layer.factor == -1 and layer.shift > 0:
        return Spelling(None, (shift,), "{shift} - {0}", operator="+")
    if layer.factor == 1:
        return Spelling(None, (shift,), f"{{0}} {sign} {{shift}}", operator="+")
    return Spelling(None, (factor, shift), f"{{factor}} * {{0}} {sign} {{shift}}", operator="+")


@spell.register
def _(layer: normalization.ChannelScale, at: Setting) -> Spelling:
    arguments = (
        _given("channels", at.x.channels, "in_channels"),
        _named("bias", layer.bias, False),
    )
    return Spelling("ChannelScale", arguments)


# ----- activations -----


@spell.register
def _(layer: activation.ReLU, at: Setting) -> Spelling:
    return Spelling("nn.ReLU")


@spell.register
def _(layer: activation.ReLU6, at: Setting) -> Spelling:
    return Spelling("nn.ReLU6")


@spell.register
def _(layer: activation.LeakyReLU, at: Setting) -> Spelling:
    return Spelling("nn.LeakyReLU", (_given("negative_slope", layer.slope, "slope"),))


@spell.register
def _(layer: activation.PReLU, at: Setting) -> Spelling:
    if layer.per_channel:
        return Spelling("nn.PReLU", (_given("num_parameters", at.x.channels, "in_channels"),))
    return Spelling("nn.PReLU")


@spell.register
def _(layer: activation.ELU, at: Setting) -> Spelling:
    return Spelling("nn.ELU", (_named("alpha", layer.alpha, 1.0),))


@spell.register
def _(layer: activation.GELU, at: Setting) -> Spelling:
    return Spelling("nn.GELU")


@spell.register
def _(layer: activation.SiLU, at: Setting) -> Spelling:
    return Spelling("nn.SiLU")


@spell.register
def _(layer: activation.Sigmoid, at: Setting) -> Spelling:
    return Spelling("nn.Sigmoid")


@spell.register
def _(layer: activation.Tanh, at: Setting) -> Spelling:
    return Spelling("nn.Tanh")


@spell.register
def _(layer: activation.Softmax, at: Setting) -> Spelling:
    return Spelling("nn.Softmax", (_named("dim", 1),))


@spell.register
def _(layer: activation.HardSwish, at: Setting) -> Spelling:
    return Spelling("nn.Hardswish")


@spell.register
def _(layer: activation.HardSigmoid, at: Setting) -> Spelling:
    return Spelling("nn.Hardsigmoid")


# ----- regularization -----


@spell.register
def _(layer: regularization.Dropout, at: Setting) -> Spelling:
    return Spelling("nn.Dropout", (_given("p", layer.p),))


@spell.register
def _(layer: regularization.DropPath, at: Setting) -> Spelling:
    return Spelling("DropPath", (_given("p", layer.p),))


# ----- reshaping -----


@spell.register
def _(layer: reshaping.Identity, at: Setting) -> Spelling:
    return Spelling("nn.Identity", inline="{0}")


@spell.register
def _(layer: reshaping.Flatten, at: Setting) -> Spelling:
    return Spelling("nn.Flatten", inline="{0}.flatten(1)")


@spell.register
def _(layer: reshaping.Reshape, at: Setting) -> Spelling:
    sizes = [_in_call(f"size{number}", size) for number, size in enumerate(layer.shape)]
    shape = ", ".join(f"{{{size.name}}}" for size in sizes)
    return Spelling(None, tuple(sizes), f"{{0}}.reshape(-1, {shape})")


@spell.register
def _(layer: reshaping.ChannelShuffle, at: Setting) -> Spelling:
    return Spelling("nn.ChannelShuffle", (_given("groups", layer.groups),))


@spell.register
def _(layer: reshaping.ChannelSlice, at: Setting) -> Spelling:
    return Spelling(
        None,
        (_in_call("start", layer.start), _in_call("stop", layer.stop)),
        "{0}[:, {start}:{stop}]",
    )


@spell.register
def _(layer: reshaping.ChannelSplit, at: Setting) -> Spelling:
    return Spelling(
        None,
        (_in_call("parts", layer.parts), _in_call("part", layer.part)),
        "{0}.chunk({parts}, 1)[{part}]",
    )


# ----- joins -----


@spell.register
def _(layer: joining.Concat, at: Setting) -> Spelling:
    return _join(at, f"torch.cat([{_all(at, ', ')}], 1)", "")


@spell.register
def _(layer: joining.Add, at: Setting) -> Spelling:
    return _join(at, _all(at, " + "), "+")


@spell.register
def _(layer: joining.Mean, at: Setting) -> Spelling:
    return _join(at, f"({_all(at, ' + ')}) / {len(at.inputs)}", "*")


@spell.register
def _(layer: joining.Multiply, at: Setting) -> Spelling:
    return _join(at, _all(at, " * "), "*")


def _join(at: Setting, call: str, operator: str) -> Spelling:
    if len(at.inputs) == 1:
        return Spelling("nn.Identity", inline="{0}")
    return Spelling(None, call=call, operator=operator, weight=Weight.JOIN)


def _all(at: Setting, between: str) -> str:
    return between.join(f"{{{number}}}" for number in range(len(at.inputs)))
