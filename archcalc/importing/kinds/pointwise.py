"""Functions of each value alone: a table; and softmax along an axis."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import NotCoveredError
from archcalc.importing.kinds.weights import all_held
from archcalc.importing.trace import Ref

# Operator -> kind, and of its settings the names: in torch, in archcalc.
FUNCTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": "slope"}),
    "elu": ("elu", {"alpha": "alpha"}),
    "selu": ("selu", {}),
    "celu": ("celu", {"alpha": "alpha"}),
    "gelu": ("gelu", {"approximate": "approximate"}),
    "silu": ("silu", {}),
    "mish": ("mish", {}),
    "sigmoid": ("sigmoid", {}),
    "expit": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "hardswish": ("hard_swish", {}),
    "hardsigmoid": ("hard_sigmoid", {}),
    "softplus": ("softplus", {"beta": "beta", "threshold": "threshold"}),
    "softsign": ("softsign", {}),
    "tanhshrink": ("tanhshrink", {}),
    "logsigmoid": ("log_sigmoid", {}),
    "log_sigmoid": ("log_sigmoid", {}),
    "rrelu": ("rrelu", {"lower": "lower", "upper": "upper"}),
    "softshrink": ("softshrink", {"lambd": "threshold"}),
    "hardshrink": ("hardshrink", {"lambd": "threshold"}),
    "_threshold": ("threshold", {"threshold": "threshold", "value": "value"}),
    "threshold": ("threshold", {"threshold": "threshold", "value": "value"}),
    "dropout": ("dropout", {"p": "p"}),
    "drop_path": ("drop_path", {"p": "p"}),
    "alpha_dropout": ("dropout", {"p": "p"}),
    "feature_alpha_dropout": ("dropout", {"p": "p"}),
    "dropout1d": ("dropout", {"p": "p"}),
    "dropout2d": ("dropout", {"p": "p"}),
    "dropout3d": ("dropout", {"p": "p"}),
    "feature_dropout": ("dropout", {"p": "p"}),
    **{
        name: (name, {})
        for name in (
            "square", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log", "log2", "log10",
            "log1p", "abs", "neg", "sign", "floor", "ceil", "round", "trunc", "frac", "sin", "cos",
            "tan", "atan", "sinh", "cosh", "erf", "erfc",
        )
    },
    "absolute": ("abs", {}),
    "__abs__": ("abs", {}),
    "negative": ("neg", {}),
    "__neg__": ("neg", {}),
    "arctan": ("atan", {}),
    "sgn": ("sign", {}),
    "fix": ("trunc", {}),
}  # fmt: skip


@handles(*FUNCTIONS)
def function(call: Call) -> None:
    """A function of each value alone."""
    kind, names = FUNCTIONS[call.operation.operator]
    fields = {ours: call.get(torch) for torch, ours in names.items() if call.has(torch)}
    call.layer(kind, call.value("input"), fields, apart=True)


@handles("hardtanh", "clamp", "clip", "clamp_min", "clamp_max")
def clamp(call: Call) -> None:
    """Values held between two limits."""
    low, high = call.get("min_val", "min"), call.get("max_val", "max")
    if isinstance(low, Ref) or isinstance(high, Ref):
        raise NotCoveredError("holds values between others")
    if call.operation.operator == "hardtanh":
        low, high = (-1.0 if low is None else low), (1.0 if high is None else high)
    value = call.value("input")
    if (low, high) == (0, 6):
        call.layer("relu6", value, apart=True)
    elif (low, high) == (0, None):
        call.layer("relu", value, apart=True)
    elif call.operation.operator == "hardtanh":
        call.layer("hard_tanh", value, {"min": low, "max": high}, apart=True)
    else:
        limits: dict[str, Any] = {"min": low, "max": high}
        call.layer("clamp", value, {k: v for k, v in limits.items() if v is not None}, apart=True)


@handles("prelu")
def prelu(call: Call) -> None:
    """A rectifier with a learned slope."""
    given = call.number_of("weight")
    if given not in call.lowering.learned:
        raise NotCoveredError("has slopes that do not learn")
    weight, *others = all_held(call.lowering, [given])
    if others:
        raise NotCoveredError("has slopes computed from several")
    several = call.shape(given) != (1,)
    call.layer("prelu", call.value("input"), {"per_channel": several}, {"weight": weight})


@handles("glu")
def glu(call: Call) -> None:
    """One half, by the sigmoid of the other."""
    taken = call.take(call.value("input"))
    call.of("glu", [taken], {"axis": taken.last_or(call.get("dim", default=-1))})


@handles("softmax", "log_softmax", "softmin", "_softmax", "_log_softmax")
def softmax(call: Call) -> None:
    """Exponentials that sum to 1 along an axis."""
    taken = call.take(call.value("input"), apart=True)
    dim = call.get("dim")
    if dim is None:
        raise NotCoveredError("works along an axis that is not said")
    call.of(call.operation.operator.lstrip("_"), [taken], {"axis": taken.last_or(dim)})
