"""ONNX's operators as calls of torch: functions of each value, alone or with others."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from archcalc.importing.onnx.graph import DTYPES, Node
from archcalc.importing.onnx.operators import Rule, Value, number, tensor


def _plain(call: Rule) -> Rule:
    return lambda node, x: call(x)


def _joined(call: Rule) -> Rule:
    """Of two or more, spread as numpy does; a known number stays a number."""

    def rule(node: Node, *values: Value) -> Any:
        like = next(v for v in values if isinstance(v, Tensor))
        parts = [number(v) for v in values]
        parts = [p if not isinstance(p, np.ndarray) else tensor(p, like) for p in parts]
        return reduce(call, parts)

    return rule


def _largest(call: Callable[[Tensor, Tensor], Tensor]) -> Rule:
    def rule(node: Node, *values: Value) -> Tensor:
        like = next(v for v in values if isinstance(v, Tensor))
        return reduce(call, [tensor(v, like) for v in values])

    return rule


def mean_of(node: Node, *values: Value) -> Any:
    total = _sum(node, *values)
    return total.div_(len(values)) if len(values) > 1 else total


def _sum(node: Node, *values: Value) -> Any:
    """Of two or more: one operator, and so one tensor."""
    first, *others = values
    total = _joined(operator.add)(node, first, *others[:1])
    for other in others[1:]:
        total = _joined(operator.iadd)(node, total, other)
    return total


def div(node: Node, a: Value, b: Value) -> Tensor:
    like = a if isinstance(a, Tensor) else b
    assert isinstance(like, Tensor), "one of them is not known"
    rounding = None if like.is_floating_point() else "trunc"
    first, second = (x if not isinstance(x, np.ndarray) else tensor(x, like) for x in
                     (number(a), number(b)))  # fmt: skip
    return torch.div(first, second, rounding_mode=rounding)


def clip(node: Node, x: Tensor, low: Value = None, high: Value = None) -> Tensor:
    least, most = number(low), number(high)
    least = node.of("min") if least is None else least
    most = node.of("max") if most is None else most
    if (least, most) == (0, 6):
        return F.relu6(x)
    return torch.clamp(x, least, most) if (least, most) != (None, None) else x


def prelu(node: Node, x: Tensor, slope: Value) -> Tensor:
    weight = tensor(slope, x)
    if weight.numel() == 1 or weight.numel() == x.shape[1]:
        return F.prelu(x, weight.reshape(-1) if weight.dim() != 1 else weight)
    return torch.where(x > 0, x, x * weight)


def hard_sigmoid(node: Node, x: Tensor) -> Tensor:
    alpha, beta = node.of("alpha", 0.2), node.of("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return F.hardsigmoid(x)
    return torch.clamp(x * alpha + beta, 0, 1)


def dropout(node: Node, x: Tensor, ratio: Value = None, training: Value = None) -> Any:
    share = node.of("ratio", 0.5) if ratio is None else number(ratio)
    found = F.dropout(x, share, False)
    return (found, torch.ones_like(x, dtype=torch.bool)) if len(node.outputs) > 1 else found


def softmax(call: Callable[..., Tensor]) -> Rule:
    def rule(node: Node, x: Tensor) -> Tensor:
        if node.opset >= 13:
            return call(x, node.of("axis", -1))
        axis = node.of("axis", 1) % x.dim()
        if axis == x.dim() - 1:
            return call(x, -1)
        return call(x.flatten(axis), -1).reshape(x.shape)  # over all axes from there on

    return rule


def cast(node: Node, x: Tensor) -> Tensor:
    dtype = getattr(torch, DTYPES.get(node.of("to"), "float32"))
    return x if x.dtype == dtype else x.to(dtype)


RULES: dict[str, Rule] = {
    "Add": _joined(operator.add),
    "Sub": _joined(operator.sub),
    "Mul": _joined(operator.mul),
    "Div": div,
    "Sum": _sum,
    "Mean": mean_of,
    "Max": _largest(torch.maximum),
    "Min": _largest(torch.minimum),
    "Pow": _joined(torch.pow),
    "Mod": _joined(torch.remainder),
    "And": _joined(torch.logical_and),
    "Or": _joined(torch.logical_or),
    "Xor": _joined(torch.logical_xor),
    "Not": _plain(torch.logical_not),
    "Equal": _joined(torch.eq),
    "Greater": _joined(torch.gt),
    "GreaterOrEqual": _joined(torch.ge),
    "Less": _joined(torch.lt),
    "LessOrEqual": _joined(torch.le),
    "IsNaN": _plain(torch.isnan),
    "Relu": _plain(F.relu),
    "LeakyRelu": lambda node, x: F.leaky_relu(x, node.of("alpha", 0.01)),
    "PRelu": prelu,
    "Elu": lambda node, x: F.elu(x, node.of("alpha", 1.0)),
    "Selu": _plain(F.selu),
    "Celu": lambda node, x: F.celu(x, node.of("alpha", 1.0)),
    "ThresholdedRelu": lambda node, x: F.threshold(x, node.of("alpha", 1.0), 0.0),
    "Gelu": lambda node, x: F.gelu(x, approximate=node.of("approximate", "none")),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": _plain(F.hardswish),
    "Mish": _plain(F.mish),
    "Swish": _plain(F.silu),
    "Sigmoid": _plain(torch.sigmoid),
    "Tanh": _plain(torch.tanh),
    "Softplus": _plain(F.softplus),
    "Softsign": _plain(F.softsign),
    "Shrink": lambda node, x: F.hardshrink(x, node.of("lambd", 0.5)),
    "Clip": clip,
    "Softmax": softmax(F.softmax),
    "LogSoftmax": softmax(F.log_softmax),
    "Erf": _plain(torch.erf),
    "Exp": _plain(torch.exp),
    "Log": _plain(torch.log),
    "Sqrt": _plain(torch.sqrt),
    "Reciprocal": _plain(torch.reciprocal),
    "Abs": _plain(torch.abs),
    "Neg": _plain(torch.neg),
    "Sign": _plain(torch.sign),
    "Floor": _plain(torch.floor),
    "Ceil": _plain(torch.ceil),
    "Round": _plain(torch.round),
    "Sin": _plain(torch.sin),
    "Cos": _plain(torch.cos),
    "Tan": _plain(torch.tan),
    "Atan": _plain(torch.atan),
    "Sinh": _plain(torch.sinh),
    "Cosh": _plain(torch.cosh),
    "Identity": _plain(lambda x: x),
    "Cast": cast,
    "Dropout": dropout,
}
