"""Functions in the language itself: those of a spec's own, and those that all specs have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from archcalc.errors import Place, Source, suggestion
from archcalc.spec.closures import (
    SHIPPED,
    WORK,
    Defined,
    Environment,
    charge,
    key_of_function,
    unknown_function,
)
from archcalc.spec.expression import parse
from archcalc.spec.fields import cost_of, evaluate
from archcalc.spec.syntax import Argument, Function
from archcalc.spec.trees import Call
from archcalc.spec.values import ExpressionError, Value

# By their names, the parameters with their defaults, and what they come to. All are exact, and
# work on symbols and arrays: none takes a decision.
_SHIPPED: dict[str, tuple[dict[str, str], str]] = {
    "ceil_div": ({"a": "", "b": ""}, "ceil(a/b)"),
    "clamp": ({"x": "", "low": "", "high": ""}, "max(low, min(x, high))"),
    "round_half_up": ({"x": ""}, "floor(x + 1/2)"),
    # Of two the even one, as Python's. Halfway below an odd number (2*x - 1)/4 is whole.
    "round": ({"x": ""}, "floor(x + 1/2) + ceil((2*x - 1)/4) - floor((2*x - 1)/4) - 1"),
    # To a multiple of the divisor, and down by no more than a tenth: `_make_divisible` of
    # torchvision.models, after tensorflow/models, slim/nets/mobilenet.
    "make_divisible": (
        {"v": "", "divisor": "8", "min_value": "divisor"},
        "_no_tenth_less(max(min_value, floor(v/divisor + 1/2)*divisor), v, divisor)",
    ),
    "_no_tenth_less": (
        {"found": "", "v": "", "divisor": ""},
        "found + divisor*min(1, ceil(max(0, 9*v/10 - found)))",
    ),
}


def defined(function: Function, around: dict[str, Value]) -> Defined:
    """A function as expressions call it; beside its parameters it sees what is `around` it."""
    cost = cost_of(function.value.template)

    def call(
        environment: Environment, arguments: Sequence[Value], named: Mapping[str, Value]
    ) -> Value:
        require_fitting(function, Call(function.name, len(arguments), tuple(named)))
        charge(environment, cost + len(around))
        inner = {**around, WORK: environment[WORK]}
        given = {**dict(zip(function.parameters, arguments, strict=False)), **named}
        for name, default in function.parameters.items():
            if name in given:
                inner[name] = given[name]
            elif default is not None:
                inner[name] = evaluate(default.template, inner)
        return evaluate(function.value.template, inner)

    return call


def with_functions(
    values: Mapping[str, Value], functions: Mapping[str, Function]
) -> dict[str, Value]:
    """An environment of parameters and functions, of which each sees those before it."""
    environment = dict(values)
    for name, function in functions.items():
        environment[key_of_function(name)] = defined(function, dict(environment))
    return environment


def require_known(call: Call, own: Mapping[str, Function]) -> None:
    """Raises ExpressionError unless there is such a function, and it is called as it can be."""
    function = own.get(call.name) or _shipped(call.name)
    if function is None:
        raise unknown_function(call.name, own)
    require_fitting(function, call)


def require_fitting(function: Function, call: Call) -> None:
    """Raises ExpressionError unless a call gives a function its parameters, each once."""
    names = [*function.parameters]
    takes = f"{function.name} takes {', '.join(names)}"
    if call.count > len(names):
        raise ExpressionError(f"{takes}; {call.count} are given")
    for name in call.named:
        if name not in names:
            raise ExpressionError(
                f"{function.name} has no {name!r}{suggestion(name, names, 'it takes')}"
            )
        if name in names[: call.count]:
            raise ExpressionError(f"{function.name} is given {name!r} twice")
    for name in names[call.count :]:
        if function.parameters[name] is None and name not in call.named:
            raise ExpressionError(f"{function.name} needs `{name}`")


@cache
def _shipped(name: str) -> Function | None:
    if name not in _SHIPPED:
        return None
    parameters, text = _SHIPPED[name]
    place = Place(Source("archcalc", text), 1, 1)
    defaults = {
        parameter: Argument(parse(default), place) if default else None
        for parameter, default in parameters.items()
    }
    return Function(name, defaults, Argument(parse(text), place), place)


def _call_shipped(name: str, *given: Any) -> Value:
    function = _shipped(name)
    assert function is not None, "it is among them"
    return defined(function, {})(*given)


SHIPPED.update({name: partial(_call_shipped, name) for name in _SHIPPED})
