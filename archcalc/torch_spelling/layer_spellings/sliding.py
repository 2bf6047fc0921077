"""Convolutions, fully connected layers and pools, and the padding that torch leaves to others."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.feature_map import FeatureMap
from archcalc.layers import convolution, linear, pooling
from archcalc.layers.layer import per_axis
from archcalc.layers.sliding import sliding_windows
from archcalc.quantity.arithmetic import Quantity
from archcalc.torch_spelling.layer_spellings.setting import (
    Setting,
    given,
    in_call,
    named,
    spell,
    tidy,
)
from archcalc.torch_spelling.spelling import Argument, Spelling, Weight
from archcalc.window import Window

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
        return named("padding", tidy(tuple([w.before for w in windows])), 0), "{0}"
    return _padded_before(windows)


def _padded_before(windows: tuple[Window, ...], fill: str = "") -> tuple[Argument, str]:
    """As `_padding`, always padded before, with zeros or as `fill` says."""
    return in_call("pad", _last_axis_first(windows)), f"F.pad({{0}}, {{pad}}{fill})"


def _last_axis_first(windows: Iterable[Window]) -> tuple[Quantity, ...]:
    """As `F.pad` takes it."""
    return tuple([n for w in reversed(tuple(windows)) for n in (w.before, w.after)])


# ----- convolutions, fully connected -----


@spell.register
def _(layer: convolution.Conv, at: Setting) -> Spelling:
    padding, x = _padding(windows_of(layer, at.x))
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
    if finds_padding:
        return Spelling(f"Conv{at.axes}dSame", arguments, weight=Weight.MAIN)
    return Spelling(f"nn.Conv{at.axes}d", arguments, f"{{module}}({x})", weight=Weight.MAIN)


@spell.register
def _(layer: convolution.ConvTranspose, at: Setting) -> Spelling:
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.stride), 1),
        named("padding", tidy(layer.padding), 0),
        named("output_padding", tidy(layer.output_padding), 0),
        named("groups", layer.groups, 1),
        named("bias", layer.bias, True),
        named("dilation", tidy(layer.dilation), 1),
    )
    return Spelling(f"nn.ConvTranspose{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: convolution.LocallyConnected, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    padding, x = _padding(windows)
    if padding.value != 0:
        padding, x = _padded_before(windows)
    arguments = (
        given("in_channels", at.x.channels),
        given("out_channels", layer.channels, "channels"),
        given("sizes", layer.effect_on(at.x).output.sizes),
        given("kernel_size", tuple([w.kernel for w in windows]), "kernel"),
        given("stride", tuple([w.stride for w in windows])),
        *([padding] if padding.in_call else []),
        named("bias", layer.bias, True),
    )
    return Spelling("LocallyConnected", arguments, f"{{module}}({x})", weight=Weight.MAIN)


@spell.register
def _(layer: linear.Linear, at: Setting) -> Spelling:
    arguments = (
        given("in_features", at.x.shape[-1]),
        given("out_features", layer.features, "features"),
        named("bias", layer.bias, True),
    )
    return Spelling("nn.Linear", arguments, weight=Weight.MAIN)


# ----- pooling -----


@spell.register
def _(layer: pooling.MaxPool, at: Setting) -> Spelling:
    windows = windows_of(layer, at.x)
    padding, x = _padding(windows)
    callee = f"nn.MaxPool{at.axes}d"
    if not _is_for_max_pool(windows):
        if at.keeps_indices:
            callee = f"PaddedMaxPool{at.axes}d"
            padding, x = named("pad", _last_axis_first(windows)), "{0}"
        else:
            padding, x = _padded_before(windows, ', value=float("-inf")')
    returns_indices = callee.startswith("nn.")
    arguments = (
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.kernel if layer.stride is None else layer.stride)),
        padding,
        named("dilation", tidy(layer.dilation), 1),
        *([named("return_indices", at.keeps_indices, False)] if returns_indices else []),
        named("ceil_mode", layer.ceil, False),
    )
    return Spelling(callee, arguments, f"{{module}}({x})", weight=Weight.MAIN)


@spell.register
def _(layer: pooling.AvgPool, at: Setting) -> Spelling:
    padding, x = _padding(windows_of(layer, at.x))
    inside = padding.in_call and not layer.count_include_pad
    call = f"{{module}}({x})"
    if inside:  # torch would count the padding as part of the input
        call += f" / {call.replace('{0}', 'torch.ones_like({0})')}"
    arguments = (
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.kernel if layer.stride is None else layer.stride)),
        padding,
        named("ceil_mode", layer.ceil, False),
        named("count_include_pad", layer.count_include_pad or inside, True),
    )
    operator = "*" if inside else ""
    callee = f"nn.AvgPool{at.axes}d"
    return Spelling(callee, arguments, call, operator=operator, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.AdaptiveAvgPool, at: Setting) -> Spelling:
    arguments = (given("output_size", tidy(layer.output), "output"),)
    return Spelling(f"nn.AdaptiveAvgPool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.AdaptiveMaxPool, at: Setting) -> Spelling:
    arguments = (given("output_size", tidy(layer.output), "output"),)
    return Spelling(f"nn.AdaptiveMaxPool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.GlobalAvgPool, at: Setting) -> Spelling:
    arguments = (given("output_size", 1, "output"),)
    return Spelling(f"nn.AdaptiveAvgPool{at.axes}d", arguments, weight=Weight.MAIN)


@spell.register
def _(layer: pooling.MaxUnpool, at: Setting) -> Spelling:
    arguments = [
        given("kernel_size", tidy(layer.kernel), "kernel"),
        named("stride", tidy(layer.kernel if layer.stride is None else layer.stride)),
        named("padding", tidy(layer.padding), 0),
    ]
    call = "{module}({0}, {1})"
    if layer.output is not None:
        arguments.append(in_call("output_size", per_axis(layer.output, at.x, "output")))
        call = "{module}({0}, {1}, output_size={output_size})"
    callee = f"nn.MaxUnpool{at.axes}d"
    return Spelling(callee, tuple(arguments), call, weight=Weight.MAIN)
