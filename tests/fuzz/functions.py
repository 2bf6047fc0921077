"""Functions of each value alone, one for each kind: in torch, what is counted, which constants."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

from tests.fuzz.windows import Fields


class Function(NamedTuple):
    """What torch calls it on a value and its fields; operations for each value; its fields."""

    call: Callable[..., Tensor]
    ops: int
    draws: Callable[[random.Random], Fields] = lambda rng: {}


def _some(**values: float) -> Callable[[random.Random], Fields]:
    """Each field now and then."""
    return lambda rng: {name: value for name, value in values.items() if rng.random() < 0.5}


def _clamped(rng: random.Random) -> Fields:
    return rng.choice(({"min": 0.0}, {"max": 0.5}, {"min": -0.5, "max": 0.5}))


FUNCTIONS: dict[str, Function] = {
    "hard_tanh": Function(
        lambda x, min=-1.0, max=1.0: F.hardtanh(x, min, max), 2, _some(min=-2.0, max=0.5)
    ),
    "softplus": Function(F.softplus, 5, _some(beta=2.0, threshold=4.0)),
    "softsign": Function(F.softsign, 3),
    "mish": Function(F.mish, 5),
    "selu": Function(F.selu, 5),
    "celu": Function(F.celu, 5, _some(alpha=0.5)),
    "log_sigmoid": Function(F.logsigmoid, 5),
    "tanhshrink": Function(F.tanhshrink, 2),
    "softshrink": Function(lambda x, threshold=0.5: F.softshrink(x, threshold), 3,
                           _some(threshold=0.25)),
    "hardshrink": Function(lambda x, threshold=0.5: F.hardshrink(x, threshold), 2,
                           _some(threshold=0.25)),
    "threshold": Function(F.threshold, 1, lambda rng: {"threshold": 0.5, "value": 0.25}),
    "square": Function(lambda x: x**2, 1),
    "power": Function(lambda x, exponent: x**exponent, 1,
                      lambda rng: {"exponent": rng.choice((0.0, 0.5, 2.0, 3.0))}),
    "sqrt": Function(torch.sqrt, 1),
    "rsqrt": Function(torch.rsqrt, 2),
    "reciprocal": Function(torch.reciprocal, 1),
    "exp": Function(torch.exp, 1),
    "exp2": Function(torch.exp2, 1),
    "expm1": Function(torch.expm1, 2),
    "log": Function(torch.log, 1),
    "log2": Function(torch.log2, 1),
    "log10": Function(torch.log10, 1),
    "log1p": Function(torch.log1p, 2),
    "abs": Function(torch.abs, 1),
    "neg": Function(torch.neg, 1),
    "sign": Function(torch.sign, 1),
    "clamp": Function(lambda x, **limits: x.clamp(**limits), 1, _clamped),
    "floor": Function(torch.floor, 1),
    "ceil": Function(torch.ceil, 1),
    "round": Function(torch.round, 1),
    "trunc": Function(torch.trunc, 1),
    "frac": Function(torch.frac, 2),
    "sin": Function(torch.sin, 1),
    "cos": Function(torch.cos, 1),
    "tan": Function(torch.tan, 1),
    "atan": Function(torch.atan, 1),
    "sinh": Function(torch.sinh, 1),
    "cosh": Function(torch.cosh, 1),
    "erf": Function(torch.erf, 1),
    "erfc": Function(torch.erfc, 2),
}  # fmt: skip


def function_of(kind: str) -> Callable[..., Tensor]:
    """The operator of a kind, as `operators.OPERATORS` has them."""

    def apply(x: Tensor, fields: Fields, *_: Any) -> Tensor:
        return FUNCTIONS[kind].call(x, **{name: float(value) for name, value in fields.items()})

    return apply


def ops_each(kind: str, fields: Fields) -> int:
    """Operations for each value: of a clamp one for each limit that is given."""
    return len(fields) if kind == "clamp" else FUNCTIONS[kind].ops
