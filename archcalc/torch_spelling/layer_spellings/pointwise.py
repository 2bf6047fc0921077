"""Normalization, scales, activations and regularization."""

from __future__ import annotations

from archcalc.layers import activation, normalization, regularization
from archcalc.torch_spelling.layer_spellings.setting import (
    Setting,
    given,
    in_call,
    named,
    shortest,
    spell,
)
from archcalc.torch_spelling.spelling import Spelling

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
        named("affine", layer.affine, True),
    )
    return Spelling("nn.GroupNorm", arguments)


@spell.register
def _(layer: normalization.LocalResponseNorm, at: Setting) -> Spelling:
    arguments = (
        given("size", layer.size),
        named("alpha", layer.alpha, 1e-4),
        named("beta", layer.beta, 0.75),
        named("k", layer.k, 1.0),
    )
    return Spelling("nn.LocalResponseNorm", arguments)


@spell.register
def _(layer: normalization.Scale, at: Setting) -> Spelling:
    factor = in_call("factor", shortest(layer.factor))
    shift = in_call("shift", shortest(abs(layer.shift)))
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
        given("channels", at.x.channels, "in_channels"),
        named("bias", layer.bias, False),
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
    return Spelling("nn.Softmax", (named("dim", 1),))


@spell.register
def _(layer: activation.HardSwish, at: Setting) -> Spelling:
    return Spelling("nn.Hardswish")


@spell.register
def _(layer: activation.HardSigmoid, at: Setting) -> Spelling:
    return Spelling("nn.Hardsigmoid")


# ----- regularization -----


@spell.register
def _(layer: regularization.Dropout, at: Setting) -> Spelling:
    return Spelling("nn.Dropout", (given("p", layer.p),))


@spell.register
def _(layer: regularization.DropPath, at: Setting) -> Spelling:
    return Spelling("DropPath", (given("p", layer.p),))
