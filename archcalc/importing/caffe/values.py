"""Layers that compute value by value, or normalize."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from archcalc.importing.builder import Value
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.layer import Layer, shown
from archcalc.importing.caffe.opaque import alike, length_over_all


def plainly(kind: str) -> Callable[[Layer], Value]:
    """What becomes a layer kind without settings."""
    return lambda layer: layer.alike(kind)


def relu(layer: Layer) -> Value:
    slope = layer.param("relu_param").real("negative_slope", 0.0)
    return layer.alike("leaky_relu", {"slope": slope}) if slope else layer.alike("relu")


def prelu(layer: Layer) -> Value:
    shared = layer.param("prelu_param").flag("channel_shared", False)
    return layer.alike("prelu", {"per_channel": not shared})


def elu(layer: Layer) -> Value:
    alpha = layer.param("elu_param").real("alpha", 1.0)
    return layer.alike("elu", {"alpha": alpha} if alpha != 1 else None)


def clip(layer: Layer) -> Value:
    param = layer.param("clip_param")
    for name in ("min", "max"):
        if name not in param:
            raise layer.error(f"{name} is missing")
    return layer.alike("clamp", {"min": param.real("min", 0.0), "max": param.real("max", 0.0)})


def swish(layer: Layer) -> Value:
    beta = layer.param("swish_param").real("beta", 1.0)
    if beta == 1:
        return layer.alike("silu")
    x = layer.x
    inner = layer.add("scale", (x,), x.shape, {"factor": beta}, "_scale")
    gate = layer.add("sigmoid", (inner,), x.shape, suffix="_sigmoid")
    return layer.add("multiply", (x, gate), x.shape)


def dropout(layer: Layer) -> Value:
    p = layer.param("dropout_param").real("dropout_ratio", 0.5)
    if not 0 <= p < 1:
        raise layer.error(f"dropout_ratio: {p:g} is no share below 1")
    return layer.alike("dropout", {"p": p} if p != 0.5 else None)


def power(layer: Layer) -> Value:
    """(shift + scale x)**power."""
    param = layer.param("power_param")
    exponent = param.real("power", 1.0)
    x = _shifted(layer, param, last=exponent == 1)
    return x if exponent == 1 else layer.add("power", (x,), x.shape, {"exponent": exponent})


def exponential(layer: Layer) -> Value:
    """base**(shift + scale x); a base of -1 stands for e."""
    param = layer.param("exp_param")
    x = _shifted(layer, param, _factor(layer, param, lambda base: math.log(base)))
    return layer.add("exp", (x,), x.shape)


def logarithm(layer: Layer) -> Value:
    """The logarithm of shift + scale x; a base of -1 stands for e."""
    param = layer.param("log_param")
    x = _shifted(layer, param)
    factor = _factor(layer, param, lambda base: 1 / math.log(base))
    if factor == 1:
        return layer.add("log", (x,), x.shape)
    x = layer.add("log", (x,), x.shape, suffix="_log")
    return layer.add("scale", (x,), x.shape, {"factor": factor})


def _factor(layer: Layer, param: Fields, of: Callable[[float], float]) -> float:
    base = param.real("base", -1.0)
    if base == -1:
        return 1.0
    if base <= 0 or base == 1:
        raise param.error(f"base: no power has the base {base:g}", "base")
    return of(base)


def _shifted(layer: Layer, param: Fields, times: float = 1.0, last: bool = False) -> Value:
    """times (shift + scale x), as a layer where it is not x itself."""
    scale, shift = param.real("scale", 1.0) * times, param.real("shift", 0.0) * times
    fields = ({"factor": scale} if scale != 1 else {}) | ({"shift": shift} if shift else {})
    if not fields:
        return layer.alike("identity") if last else layer.x
    return layer.alike("scale", fields, "" if last else "_scale")


def batch_norm(layer: Layer) -> Value:
    """Statistics alone; what scales and shifts stands in a Scale layer behind."""
    param = layer.param("batch_norm_param")
    return layer.alike("batch_norm", {"affine": False, **_statistics(param)})


def _statistics(param: Fields) -> dict[str, Any]:
    fields = {}
    eps, kept = param.real("eps", 1e-5), param.real("moving_average_fraction", 0.999)
    if eps != 1e-5:
        fields["eps"] = eps
    if "moving_average_fraction" in param:
        fields["momentum"] = round(1 - kept, 9)
    return fields


def whole_batch_norm(layer: Layer) -> Value:
    """SegNet's and PSPNet's BN, which scales and shifts itself."""
    return layer.alike("batch_norm", _statistics(layer.param("bn_param")))


def mvn(layer: Layer) -> Value:
    """Mean 0 and variance 1, of each channel or of all together."""
    param = layer.param("mvn_param")
    if not param.flag("normalize_variance", True):
        return alike(layer)  # the mean alone is taken out
    if param.flag("across_channels", False):
        return layer.alike("layer_norm", {"over": "all", "affine": False})
    return layer.alike("instance_norm")


def normalize(layer: Layer) -> Value:
    """SSD's: a length of 1 along the channels, then a learned factor for each, or one for all."""
    x = layer.x
    param = layer.param("norm_param")
    if param.flag("across_spatial", True):
        return length_over_all(layer, param)
    if not param.flag("channel_shared", True):
        return layer.alike("normalize", {"axis": 0, "scale": True})
    unit = layer.add("normalize", (x,), x.shape, {"axis": 0}, "_unit")
    factor = layer.add(
        "parameter", (), (1,) * len(x.shape), {"shape": [1] * len(x.shape)}, "_scale"
    )
    return layer.add("multiply", (unit, factor), x.shape)


def softmax(layer: Layer) -> Value:
    axis = layer.axis(layer.param("softmax_param").whole("axis", 1, least=-8), layer.x)
    return layer.alike("softmax", {"axis": axis} if axis else None)


# ----- several blobs -----


def eltwise(layer: Layer) -> Value:
    """The product, the sum with coefficients, or the largest."""
    layer.require_bottoms(2, 1_000)
    _require_alike(layer, layer.bottoms)
    param = layer.param("eltwise_param")
    operation = param.word("operation", ("PROD", "SUM", "MAX"), "SUM")
    coefficients = param.reals("coeff")
    if coefficients and len(coefficients) != len(layer.bottoms):
        raise param.error(f"{len(coefficients)} of coeff for {len(layer.bottoms)} bottoms", "coeff")
    if coefficients and operation != "SUM":
        raise param.error("coeff is for SUM", "coeff")
    shape = layer.bottoms[0].shape
    if operation != "SUM":
        kind = "multiply" if operation == "PROD" else "maximum"
        return layer.add(kind, layer.bottoms, shape)
    if coefficients == [1, -1]:
        return layer.add("subtract", layer.bottoms, shape)
    terms = list(layer.bottoms)
    for i, factor in enumerate(coefficients):
        if factor != 1:
            terms[i] = layer.add("scale", (terms[i],), shape, {"factor": factor}, f"_scale{i}")
    return layer.add("add", terms, shape)


def _require_alike(layer: Layer, values: Sequence[Value]) -> None:
    for value in values[1:]:
        if value.shape != values[0].shape:
            raise layer.error(f"{shown(values[0])} and {shown(value)} are not alike")


def axpy(layer: Layer) -> Value:
    """a x + y, with a number for each channel: squeeze and excitation, in one layer."""
    layer.require_bottoms(3)
    a, x, y = layer.bottoms
    _require_alike(layer, (x, y))
    if a.shape[:1] != x.shape[:1] or any(n != 1 for n in a.shape[1:]):
        raise layer.error(f"{shown(a)} has no number for each channel of {shown(x)}")
    a = _spread(layer, a, len(x.shape))
    scaled = layer.add("multiply", (x, a), x.shape, suffix="_scaled")
    return layer.add("add", (scaled, y), x.shape)


def scale(layer: Layer) -> Value:
    """w x + b, with learned w and b or those of another layer."""
    param = layer.param("scale_param")
    bias = param.flag("bias_term", False)
    layer.require_bottoms(1, 2)
    x = layer.bottoms[0]
    axis, covered = _covered(layer, param, x)
    if len(layer.bottoms) == 1 and axis == 0 and covered == 1 and len(x.shape) > 0:
        return layer.add("channel_scale", (x,), x.shape, {"bias": bias})
    factor = _operand(layer, x, axis, covered, "_weight")
    scaled = layer.add("multiply", (x, factor), x.shape, suffix="_scaled" if bias else "")
    if not bias:
        return scaled
    term = _learned(layer, x, axis, covered, "_bias")
    return layer.add("add", (scaled, term), x.shape)


def bias(layer: Layer) -> Value:
    """x + b, with a learned b or that of another layer."""
    layer.require_bottoms(1, 2)
    x = layer.bottoms[0]
    axis, covered = _covered(layer, layer.param("bias_param"), x)
    return layer.add("add", (x, _operand(layer, x, axis, covered, "_bias")), x.shape)


def _covered(layer: Layer, param: Fields, x: Value) -> tuple[int, int]:
    """The first axis of an image that a factor or a bias has, and how many it has."""
    given = param.whole("axis", 1, least=-8)
    if len(layer.bottoms) == 2:
        first = given + len(x.shape) + 1 if given < 0 else given
        if first != 0:
            raise layer.error("the second bottom has an axis of images too: axis has to be 0")
        return 0, len(layer.bottoms[1].shape)
    axis = layer.axis(given, x)
    count = param.whole("num_axes", 1, least=-1)
    count = len(x.shape) - axis if count == -1 else count
    if axis + count > len(x.shape):
        raise param.error(f"{count} axes from {axis + 1} on, of {shown(x)}", "num_axes")
    return axis, count


def _operand(layer: Layer, x: Value, axis: int, covered: int, suffix: str) -> Value:
    if len(layer.bottoms) == 1:
        return _learned(layer, x, axis, covered, suffix)
    other = layer.bottoms[1]
    if other.shape != x.shape[:covered]:
        raise layer.error(f"{shown(other)} does not begin {shown(x)}")
    return _spread(layer, other, len(x.shape))


def _learned(layer: Layer, x: Value, axis: int, covered: int, suffix: str) -> Value:
    shape = [n if axis <= i < axis + covered else 1 for i, n in enumerate(x.shape)]
    return layer.add("parameter", (), shape, {"shape": shape}, suffix)


def _spread(layer: Layer, value: Value, rank: int) -> Value:
    """With axes of one position behind its own, so that it has `rank`."""
    missing = rank - len(value.shape)
    if not missing:
        return value
    kept = [f"in_shape[{i}]" if i else "in_channels" for i in range(len(value.shape))]
    shape = (*value.shape, *[1] * missing)
    return layer.add("reshape", (value,), shape, {"shape": [*kept, *[1] * missing]}, "_spread")
