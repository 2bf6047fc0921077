"""Convolutions, fully connected layers and pools, and the padding that torch leaves to others."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.feature_map import FeatureMap
from archcalc.layers import convolution, fixed_conv, linear, pooling, unpooling
from archcalc.layers.along_axes import per_axis
from archcalc.layers.layer import Axes
from archcalc.layers.sliding import pads_alike, unchecked_windows
from archcalc.quantity.arithmetic import Quantity
from archcalc.torch_spelling.spelling import (
    Argument,
    Built,
    Setting,
    Spelling,
    Weight,
    given,
    in_call,
    named,
    spell,
    tidy,
)
from archcalc.window import TransposedWindow, Window

Sliding = convolution.Conv | convolution.LocallyConnected | pooling.MaxPool | pooling.AvgPool


def windows_of(layer: Sliding, x: FeatureMap) -> tuple[Window, ...]:
    """The window that `layer` slides along each axis of `x`, even where its rule refuses `x`."""
    dilation = getattr(layer, "dilation", 1)
    step = layer.step if isinstance(layer, pooling.Sliding) else layer.stride
    windows = unchecked_windows(x, layer.kernel, step, layer.padding, dilation)
    return layer.with_last_window(windows, x) if isinstance(layer, pooling.MaxPool) else windows


def _padding(windows: Sequence[Window], by_torch: bool, fill: str = "") -> tuple[Argument, str]:
    """The padding as an argument, and the input as it then enters: padded before, with zeros or
    as `fill` says, where torch's own padding will not do."""
    if by_torch:
        return named("padding", tidy(tuple([w.before for w in windows])), 0), "{0}"
    return in_call("pad", _last_axis_first(windows)), f"F.pad({{0}}, {{pad}}{fill})"


def _last_axis_first(windows: Sequence[Window | TransposedWindow]) -> tuple[Quantity, ...]:
    """The padding as `F.pad` takes it."""
    return tuple([n for w in reversed(windows) for n in (w.before, w.after)])


def _built(
    name: str, windows: Sequence[Window], arguments: Sequence[Argument] = (), **options: object
) -> Built:
    """What pads by itself, made with `arguments`; or without any, made around torch's own."""
    sides = tuple([(w.before, w.after) for w in windows])
    return Built(name, _made_with(arguments) | {"sides": sides} | options, around=not arguments)


def _made_with(arguments: Sequence[Argument]) -> dict[str, object]:
    return {a.name: a.value for a in arguments if not a.in_call}


# ----- convolutions, fully connected -----


@spell.register
def _(layer: convolution.Conv, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    by_torch = pads_alike(windows)
    padding, x = _padding(windows, by_torch)
    finds_padding = layer.padding == "same" and at.uneven_same
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.stride), 1),
        *([] if finds_padding else [padding]),
        named("dilation", tidy(layer.dilation), 1),
        named("groups", layer.groups, 1),
        named("bias", layer.bias, True),
    )
    name = f"Conv{at.axes}d"
    if finds_padding:
        return _learned(layer, f"{name}Same", arguments)
    built = None if by_torch else _built(f"Padded{name}", windows, arguments)
    return _learned(layer, f"nn.{name}", arguments, f"{{module}}({x})", built)


@spell.register
def _(layer: convolution.ConvTranspose, at: Setting) -> Spelling:
    windows, added = layer.windows_on(at.x)
    by_torch = pads_alike(windows)
    padding = named("padding", tidy(tuple([w.before for w in windows])), 0)
    if not by_torch:  # `F.pad` cuts off what is negative
        padding = in_call("pad", tuple([-n for n in _last_axis_first(windows)]))
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.stride), 1),
        padding,
        named("output_padding", tidy(added), 0),
        named("groups", layer.groups, 1),
        named("bias", layer.bias, True),
        named("dilation", tidy(layer.dilation), 1),
    )
    name = f"ConvTranspose{at.axes}d"
    if by_torch:
        return _learned(layer, f"nn.{name}", arguments)
    sides = tuple([(-w.before, -w.after) for w in windows])
    built = Built(f"Cropped{name}", _made_with(arguments) | {"sides": sides})
    return _learned(layer, f"nn.{name}", arguments, "F.pad({module}({0}), {pad})", built)


@spell.register
def _(layer: fixed_conv.FixedConv, at: Setting) -> Spelling:
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("kernel_size", per_axis(layer.kernel, at.x, "kernel"), "kernel"),
        named("stride", tidy(layer.stride), 1),
        named("padding", tidy(layer.padding), 0),
        named("dilation", tidy(layer.dilation), 1),
        named("groups", layer.groups, 1),
    )
    return Spelling("FixedConv", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: convolution.LocallyConnected, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    padding, x = _padding(windows, not any(_last_axis_first(windows)))
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("sizes", tuple(map(_placements, windows, at.x.sizes))),
        given("kernel_size", tuple([w.kernel for w in windows]), "kernel"),
        given("stride", tuple([w.stride for w in windows])),
        *([padding] if padding.in_call else []),
        named("bias", layer.bias, True),
    )
    return Spelling(
        "LocallyConnected",
        arguments,
        f"{{module}}({x})",
        weight=Weight.MAIN,
        built=_built("LocallyConnected", windows, arguments),
    )


def _placements(window: Window, size: int) -> int:
    """How often it fits: `Window.placements`, which refuses what torch is to refuse."""
    room = size + window.before + window.after - window.kernel
    return len(range(0, room + 1, window.stride or 1))


@spell.register
def _(layer: linear.Linear, at: Setting) -> Spelling:
    arguments = (
        given("in_features", at.x.shape[-1]),
        given("out_features", layer.features, "features"),
        named("bias", layer.bias, True),
    )
    return _learned(layer, "TransposedLinear" if layer.transposed else "nn.Linear", arguments)


def _learned(
    layer: convolution.Conv | convolution.ConvTranspose | linear.Linear,
    callee: str,
    arguments: tuple[Argument, ...],
    call: str = "{module}({0})",
    built: Built | None = None,
) -> Spelling:
    """One whose weight may be normalized."""
    how = "weight_norm" if layer.weight_norm else ""
    return Spelling(callee, arguments, call, weight=Weight.MAIN, parametrized=how, built=built)


# ----- pooling -----


@spell.register
def _(layer: pooling.MaxPool, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    by_torch = layer.is_padded_by_torch(windows)
    lowest = "torch.finfo({0}.dtype).min" if layer.ceil == "caffe" else 'float("-inf")'
    padding, x = _padding(windows, by_torch, f", value={lowest}")
    callee, returns = f"nn.MaxPool{at.axes}d", [named("return_indices", at.keeps_indices, False)]
    if at.keeps_indices and not by_torch:
        callee, returns = f"PaddedMaxPool{at.axes}d", []
        padding, x = named("pad", padding.value), "{0}"
    arguments = (
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.step)),
        padding,
        named("dilation", tidy(layer.dilation), 1),
        *returns,
        named("ceil_mode", bool(layer.ceil), False),
    )
    built = None if by_torch else _built("PaddedMaxPool", windows, finite=layer.ceil == "caffe")
    return Spelling(callee, arguments, f"{{module}}({x})", weight=Weight.MAIN, built=built)


@spell.register
def _(layer: pooling.AvgPool, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    by_torch = pads_alike(windows)
    padding, x = _padding(windows, by_torch)
    inside = not by_torch and not layer.count_include_pad
    call = f"{{module}}({x})"
    if inside:  # torch would count the padding as part of the input
        call += f" / {call.replace('{0}', 'torch.ones_like({0})')}"
    arguments = (
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.step)),
        padding,
        named("ceil_mode", layer.ceil, False),
        named("count_include_pad", layer.count_include_pad or inside, True),
    )
    return Spelling(
        f"nn.AvgPool{at.axes}d",
        arguments,
        call,
        operator="*" if inside else "",
        weight=Weight.MAIN,
        built=None if by_torch else _built("PaddedAvgPool", windows, counts=not inside),
    )


@spell.register
def _(layer: pooling.AdaptiveAvgPool, at: Setting) -> Spelling:
    return _adaptive("Avg", layer.output, at)


@spell.register
def _(layer: pooling.AdaptiveMaxPool, at: Setting) -> Spelling:
    return _adaptive("Max", layer.output, at)


@spell.register
def _(layer: pooling.GlobalAvgPool, at: Setting) -> Spelling:
    return _adaptive("Avg", 1, at)


def _adaptive(figure: str, output: Axes, at: Setting) -> Spelling:
    arguments = (given("output_size", tidy(output), "output"),)
    return Spelling(f"nn.Adaptive{figure}Pool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: unpooling.MaxUnpool, at: Setting) -> Spelling:
    arguments = [
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.step)),
        named("padding", tidy(layer.padding), 0),
    ]
    call, built = "{module}({0}, {1})", None
    if layer.output is not None:
        sizes = per_axis(layer.output, at.x, "output")
        arguments.append(in_call("output_size", sizes))
        call = "{module}({0}, {1}, output_size={output_size})"
        built = Built("MaxUnpool", {"sizes": sizes}, around=True)
    callee = f"nn.MaxUnpool{at.axes}d"
    return Spelling(callee, tuple(arguments), call, weight=Weight.MAIN, built=built)
