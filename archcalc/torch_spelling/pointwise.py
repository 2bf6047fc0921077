"""Normalization, scales, activations and regularization."""

from __future__ import annotations

from functools import partial

from archcalc.layers import (
    Layer,
    activation,
    composed_functions,
    frozen_norm,
    functions,
    gating,
    instance_norm,
    l2_norm,
    local_response_norm,
    normalization,
    quantizing,
    regularization,
    softmax,
)
from archcalc.torch_spelling.spelling import (
    Argument,
    Setting,
    Spelling,
    dimension,
    given,
    in_call,
    named,
    spell,
)

# ----- normalization and scales -----


@spell.register
def _(layer: normalization.BatchNorm, at: Setting) -> Spelling:
    callee = f"nn.BatchNorm{max(at.axes, 1)}d"
    if layer.affine and not layer.gamma:
        callee = f"BatchNorm{max(at.axes, 1)}dWithoutScale"
    arguments = (
        given("num_features", at.x.channels, "in_channels"),
        named("eps", layer.eps, 1e-5),
        named("momentum", layer.momentum, 0.1),
        named("affine", layer.affine, True),
    )
    return Spelling(callee, arguments)


@spell.register
def _(layer: frozen_norm.FrozenBatchNorm, at: Setting) -> Spelling:
    features = given("num_features", at.x.channels, "in_channels")
    return Spelling("FrozenBatchNorm", (features, named("eps", layer.eps, 1e-5)))


@spell.register
def _(layer: normalization.LayerNorm, at: Setting) -> Spelling:
    options = (
        named("eps", layer.eps, 1e-5),
        named("elementwise_affine", layer.affine, True, "affine"),
        named("bias", layer.bias or not layer.affine, True),
    )
    if layer.over == "channels" and at.axes:
        return Spelling("ChannelNorm", (given("channels", at.x.channels, "in_channels"), *options))
    if not at.axes:
        return Spelling("nn.LayerNorm", (given("channels", at.x.channels, "in_channels"), *options))
    shape = at.x.shape if layer.over == "all" else at.x.sizes[-1]
    return Spelling("nn.LayerNorm", (given("normalized_shape", shape, "shape"), *options))


@spell.register
def _(layer: normalization.GroupNorm, at: Setting) -> Spelling:
    arguments = (
        given("num_groups", layer.groups, "groups"),
        given("num_channels", at.x.channels, "in_channels"),
        named("eps", layer.eps, 1e-5),
    )
    if layer.affine and not layer.bias:
        return Spelling("GroupNormWithoutBias", arguments)
    return Spelling("nn.GroupNorm", (*arguments, named("affine", layer.affine, True)))


@spell.register
def _(layer: instance_norm.InstanceNorm, at: Setting) -> Spelling:
    arguments = (
        given("num_features", at.x.channels, "in_channels"),
        named("eps", layer.eps, 1e-5),
        named("momentum", layer.momentum, 0.1),
        named("affine", layer.affine, False),
        named("track_running_stats", layer.track_running_stats, False),
    )
    return Spelling(f"nn.InstanceNorm{at.axes}d", arguments)


@spell.register
def _(layer: l2_norm.Normalize, at: Setting) -> Spelling:
    dim = dimension(layer.axis)
    if layer.scale:
        size = at.x.shape[layer.axis]
        eps = named("eps", layer.eps, 1e-12)
        return Spelling("Normalize", (given("features", size), given("dim", dim), eps))
    eps_given = "" if layer.eps == 1e-12 else ", eps={eps}"
    arguments = (in_call("dim", dim), *([in_call("eps", layer.eps)] if eps_given else []))
    return Spelling(None, arguments, f"F.normalize({{0}}, dim={{dim}}{eps_given})")


@spell.register
def _(layer: local_response_norm.LocalResponseNorm, at: Setting) -> Spelling:
    arguments = (
        given("size", layer.size),
        named("alpha", layer.alpha, 1e-4),
        named("beta", layer.beta, 0.75),
        named("k", layer.k, 1.0),
    )
    if layer.region == "within_channel":
        return Spelling("LocalResponseNormWithinChannel", arguments)
    return Spelling("nn.LocalResponseNorm", arguments)


@spell.register
def _(layer: normalization.Scale, at: Setting) -> Spelling:
    factor = in_call("factor", _shortest(layer.factor))
    shift = in_call("shift", _shortest(abs(layer.shift)))
    sign = "-" if layer.shift < 0 else "+"
    if layer.factor == 1 and layer.shift == 0:
        return Spelling("nn.Identity", inline="{0}")
    if layer.shift == 0:
        return Spelling(None, (factor,), "{factor} * {0}", operator="*")
    arguments: tuple[Argument, ...] = (factor, shift)
    call = f"{{factor}} * {{0}} {sign} {{shift}}"
    if layer.factor == -1:
        arguments = (in_call("shift", _shortest(layer.shift)),)
        call = "{shift} - {0}"
    elif layer.factor == 1:
        arguments, call = (shift,), f"{{0}} {sign} {{shift}}"
    return Spelling(None, arguments, call, operator="+")


def _shortest(value: float) -> float:
    """A whole number without its `.0`, unless torch would take the integer for too large."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


@spell.register
def _(layer: normalization.ChannelScale, at: Setting) -> Spelling:
    arguments = (
        given("channels", at.x.channels, "in_channels"),
        named("bias", layer.bias, False),
    )
    return Spelling("ChannelScale", arguments)


# ----- activations -----

_WITHOUT_OPTIONS: dict[type[Layer], Spelling] = {
    activation.ReLU: Spelling("nn.ReLU"),
    activation.ReLU6: Spelling("nn.ReLU6"),
    activation.SiLU: Spelling("nn.SiLU"),
    activation.Sigmoid: Spelling("nn.Sigmoid"),
    activation.Tanh: Spelling("nn.Tanh"),
    activation.HardSwish: Spelling("nn.Hardswish"),
    activation.HardSigmoid: Spelling("nn.Hardsigmoid"),
    composed_functions.Softsign: Spelling("nn.Softsign"),
    composed_functions.Tanhshrink: Spelling("nn.Tanhshrink"),
    composed_functions.LogSigmoid: Spelling("nn.LogSigmoid"),
}


def _fixed(spelling: Spelling, layer: Layer, at: Setting) -> Spelling:
    return spelling


for _kind, _spelling in _WITHOUT_OPTIONS.items():
    spell.register(_kind, partial(_fixed, _spelling))


@spell.register
def _(layer: activation.LeakyReLU, at: Setting) -> Spelling:
    return Spelling("nn.LeakyReLU", (given("negative_slope", layer.slope, "slope"),))


@spell.register
def _(layer: activation.PReLU, at: Setting) -> Spelling:
    if layer.per_channel:
        return Spelling("nn.PReLU", (given("num_parameters", at.x.channels, "in_channels"),))
    return Spelling("nn.PReLU")


@spell.register
def _(layer: activation.ELU, at: Setting) -> Spelling:
    return Spelling("nn.ELU", (named("alpha", layer.alpha, 1.0),))


@spell.register
def _(layer: activation.GELU, at: Setting) -> Spelling:
    return Spelling("nn.GELU", (named("approximate", layer.approximate, "none"),))


_ALONG: dict[type[Layer], str] = {
    softmax.Softmax: "nn.Softmax",
    softmax.LogSoftmax: "nn.LogSoftmax",
    softmax.Softmin: "nn.Softmin",
    gating.GLU: "nn.GLU",
}


@spell.register
def _(layer: softmax.SoftmaxAlong | gating.GLU, at: Setting) -> Spelling:
    return Spelling(_ALONG[type(layer)], (named("dim", dimension(layer.axis)),))


@spell.register
def _(layer: functions.PointwiseFunction, at: Setting) -> Spelling:
    function, options = layer.function, layer.function.options
    if not function.torch.startswith("nn."):
        return Spelling(None, call=f"{function.torch}({{0}})")
    arguments = [
        named(option.torch, getattr(layer, option.name), option.default, option.name)
        if option.torch
        else given(option.name, getattr(layer, option.name))
        for option in options
    ]
    return Spelling(function.torch, tuple(arguments))


@spell.register
def _(layer: composed_functions.RReLU, at: Setting) -> Spelling:
    arguments = (named("lower", layer.lower, 1 / 8), named("upper", layer.upper, 1 / 3))
    return Spelling("nn.RReLU", arguments)


@spell.register
def _(layer: composed_functions.Clamp, at: Setting) -> Spelling:
    limits = [(name, getattr(layer, name)) for name in ("min", "max")]
    arguments = tuple([in_call(name, value) for name, value in limits if value is not None])
    written = ", ".join([f"{argument.name}={{{argument.name}}}" for argument in arguments])
    return Spelling(None, arguments, f"{{0}}.clamp({written})")


@spell.register
def _(layer: composed_functions.Power, at: Setting) -> Spelling:
    return Spelling(None, (in_call("exponent", layer.exponent),), "{0}.pow({exponent})")


# ----- regularization -----


@spell.register
def _(layer: regularization.Dropout, at: Setting) -> Spelling:
    return Spelling("nn.Dropout", (given("p", layer.p),))


@spell.register
def _(layer: regularization.DropPath, at: Setting) -> Spelling:
    return Spelling("DropPath", (given("p", layer.p),))


@spell.register
def _(layer: quantizing.Quantize, at: Setting) -> Spelling:
    return Spelling("Quantize", (named("dtype", layer.dtype, "int8"),))


@spell.register
def _(layer: quantizing.Dequantize, at: Setting) -> Spelling:
    return Spelling("Dequantize")
