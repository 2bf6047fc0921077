"""Functions of each value alone that torch runs as one operator: one table, an entry for each.

An entry is all that it takes to add one: of it are made the kind, its rule, what torch runs for it
in training, and its spelling (`archcalc.torch_spelling.pointwise`). Operations count as in
`activation`: each entry writes out the formula that is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.activation import Activation
from archcalc.layers.effect import Effect, Saved, pointwise
from archcalc.layers.layer import REQUIRED
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order
from archcalc.layers.registry import register
from archcalc.record import replace


class Option(NamedTuple):
    """A constant of a function, a field of its kind.

    Attributes:
        name: the key in specs.
        default: its value where a spec gives none, which is torch's own; `REQUIRED` without one.
        torch: its keyword in torch; "" where it is given by its place.
    """

    name: str
    default: object = REQUIRED
    torch: str = ""


class Function(NamedTuple):
    """A function of each value alone.

    Attributes:
        kind: its name in specs and tables.
        formula: what it does to a value x, as it is counted.
        ops: the operations of that.
        torch: how torch writes it: a module, `nn.Name`, or a function of a tensor.
        keeps: what torch keeps for the backward pass; None for nothing.
        options: its constants.
        refuses: what torch refuses of these, and the sentence that says so.
        in_place: whether torch can write the output where the input lies.
        order: how the axes of the gradient lie in memory.
        made: how many tensors of the size of the gradient torch has alive beside it, while it
            multiplies out the derivative.
        gradient: how that comes about.
        operator: what autocast knows it by, where that is not its kind.
        source: where it is from.
    """

    kind: str
    formula: str
    ops: int
    torch: str
    keeps: Saved | None
    options: tuple[Option, ...] = ()
    refuses: tuple[Callable[..., bool], str] | None = None
    in_place: bool = False
    order: Order = Order.KEPT
    made: int = 0
    gradient: Gradient = Gradient.OWN
    operator: str = ""
    source: str = ""


_X, _Y = Saved.INPUT, Saved.OUTPUT
_LIMITS = (Option("min", -1.0, "min_val"), Option("max", 1.0, "max_val"))
_THRESHOLD = Option("threshold", 0.5, "lambd")

FUNCTIONS = (
    # ----- activations -----
    Function(
        "hard_tanh", "min(max(x, min), max)", 2, "nn.Hardtanh", _X, _LIMITS, in_place=True,
        refuses=(lambda min, max: min >= max, "min (={min}) is not below max (={max})"),
        source="Collobert 2004, Large scale machine learning, section 3.2",
    ),
    Function(
        "softplus", "log(1 + exp(beta x)) / beta", 5, "nn.Softplus", _X,
        (Option("beta", 1.0, "beta"), Option("threshold", 20.0, "threshold")),
        source="Dugas et al. 2001; torch has x itself where beta x is above the threshold",
    ),
    Function("mish", "x tanh(log(1 + exp(x)))", 5, "nn.Mish", _X, in_place=True,
             source="Misra 2019 (arXiv:1908.08681), eq. 1"),
    Function("selu", "scale x where positive, else scale alpha (exp(x) - 1)", 5, "nn.SELU", _X,
             in_place=True, source="Klambauer et al. 2017 (arXiv:1706.02515), eq. 2"),
    Function(
        "celu", "x where positive, else alpha (exp(x / alpha) - 1)", 5, "nn.CELU", _X,
        (Option("alpha", 1.0, "alpha"),), in_place=True,
        refuses=(lambda alpha: alpha == 0, "alpha (=0) is a divisor"),
        source="Barron 2017 (arXiv:1704.07483), eq. 2",
    ),
    Function(
        "softshrink", "x - threshold where above it, x + threshold where below -threshold, else 0",
        3, "nn.Softshrink", _X, (_THRESHOLD,),
        refuses=(lambda threshold: threshold < 0, "threshold (={threshold}) is negative"),
        source="Donoho 1995, De-noising by soft-thresholding",
    ),
    Function("hardshrink", "x where above threshold or below -threshold, else 0", 2,
             "nn.Hardshrink", _X, (_THRESHOLD,), source="Donoho & Johnstone 1994"),
    Function("threshold", "x where above threshold, else value", 1, "nn.Threshold", _X,
             (Option("threshold"), Option("value")), in_place=True, order=Order.GIVEN,
             source="torch.nn.Threshold"),
    # ----- powers, exponentials and logarithms -----
    Function("square", "x x", 1, "torch.square", _X, made=2, operator="pow"),
    Function("sqrt", "sqrt(x)", 1, "torch.sqrt", _Y, made=1),
    Function("rsqrt", "1 / sqrt(x)", 2, "torch.rsqrt", _Y, made=2, order=Order.ALONE),
    Function("reciprocal", "1 / x", 1, "torch.reciprocal", _Y, made=2, order=Order.ALONE),
    Function("exp", "exp(x)", 1, "torch.exp", _Y),
    Function("exp2", "2**x", 1, "torch.exp2", _Y, made=1),
    Function("expm1", "exp(x) - 1", 2, "torch.expm1", _Y, made=1),
    Function("log", "log(x)", 1, "torch.log", _X),
    Function("log2", "log2(x)", 1, "torch.log2", _X, made=1),
    Function("log10", "log10(x)", 1, "torch.log10", _X, made=1),
    Function("log1p", "log(1 + x)", 2, "torch.log1p", _X, made=1),
    # ----- signs and whole numbers -----
    Function("abs", "abs(x)", 1, "torch.abs", _X, made=1),
    Function("neg", "-x", 1, "torch.neg", None),
    Function("sign", "-1, 0 or 1", 1, "torch.sign", None),
    Function("floor", "x, rounded down", 1, "torch.floor", None),
    Function("ceil", "x, rounded up", 1, "torch.ceil", None),
    Function("round", "x, rounded, halves to even", 1, "torch.round", None),
    Function("trunc", "x, rounded towards 0", 1, "torch.trunc", None),
    Function("frac", "x - trunc(x)", 2, "torch.frac", None, gradient=Gradient.SAME),
    # ----- trigonometric and hyperbolic functions, and the error function -----
    Function("sin", "sin(x)", 1, "torch.sin", _X, made=1),
    Function("cos", "cos(x)", 1, "torch.cos", _X, made=2),
    Function("tan", "tan(x)", 1, "torch.tan", _Y, made=2),
    Function("atan", "atan(x)", 1, "torch.atan", _X, made=2),
    Function("sinh", "sinh(x)", 1, "torch.sinh", _X, made=1),
    Function("cosh", "cosh(x)", 1, "torch.cosh", _X, made=1),
    Function("erf", "erf(x)", 1, "torch.erf", _X, made=4, order=Order.GIVEN),
    Function("erfc", "1 - erf(x)", 2, "torch.erfc", _X, made=4, order=Order.GIVEN),
)  # fmt: skip


class PointwiseFunction(Activation):
    """A kind of the table.

    Class attributes:
        function: its entry.
    """

    function: ClassVar[Function]

    def effect_on(self, x: FeatureMap, /) -> Effect:
        f = self.function
        if f.refuses is not None:
            is_refused, sentence = f.refuses
            if is_refused(**vars(self)):
                raise LayerError(sentence.format(**vars(self)))
        return pointwise(x, ops_each=f.ops, saved=() if f.keeps is None else (f.keeps,))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        (x,) = found.takes
        made = (effect.output.values,) * self.function.made
        name = self.function.operator or self.kind
        return (replace(found, name=name, takes=(x._replace(scratch=made),)),)


def _kind_of(function: Function) -> type[PointwiseFunction]:
    source = f"\n\n    Source: {function.source}.\n    " if function.source else ""
    name = "".join([word.capitalize() for word in function.kind.split("_")])
    options = function.options
    return type(
        name,
        (PointwiseFunction,),
        {
            "__module__": __name__,
            "__doc__": f"{function.formula}. Shapes unchanged.{source}",
            "__annotations__": {option.name: "float" for option in options},
            **{option.name: option.default for option in options},
            "kind": function.kind,
            "function": function,
            "in_place": function.in_place,
            "gradient": function.gradient,
            "gradient_order": function.order,
        },
    )


for _function in FUNCTIONS:
    _kind = register(_kind_of(_function))
    globals()[_kind.__name__] = _kind  # where pickle looks for the class of a layer
