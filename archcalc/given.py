"""What a network is built with: its parameters and its input, and what is given in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from archcalc.errors import ArchcalcError, SpecError, UsageError, require_known
from archcalc.feature_map import FeatureMap
from archcalc.identity import value_text
from archcalc.quantity.arithmetic import Quantity, require_at_least, symbol
from archcalc.spec.expression import Environment, Expression
from archcalc.spec.fields import Template, evaluate, shown, whole
from archcalc.spec.syntax import Argument, Network
from archcalc.spec.values import ExpressionError, Value, exact_value

MAX_FREE_SIZE = 40  # characters of an expression with a free size: formulas grow fast
_OTHER_THAN_NUMBERS = {list: "a list", str: "text", bool: "true or false"}
_ELSE = "a number"


def overrides(network: Network, given: Mapping[str, Value]) -> dict[str, Value]:
    """The values that are given for some parameters of a network.

    Raises:
        UsageError: one is unknown, or of another type than the one that it replaces.
    """
    values = {}
    for name, value in given.items():
        require_known(f"{network.name} has no parameter", name, network.parameters, lead="it has")
        old = network.parameters[name]
        try:
            value = exact_value(value)
        except ExpressionError as error:
            raise UsageError(f"{name}: {error}") from None
        if any(isinstance(value, t) != isinstance(old, t) for t in _OTHER_THAN_NUMBERS):
            wanted = next((w for t, w in _OTHER_THAN_NUMBERS.items() if isinstance(old, t)), _ELSE)
            before = f"{value_text(old)} in {network.name}"
            raise UsageError(f"{name} must be {wanted} ({before}), not {shown(value)}")
        values[name] = value
    return values


def _input_of(network: Network, environment: Environment) -> FeatureMap:
    channels, *sizes = [_size(argument, environment) for argument in network.input]
    return FeatureMap(channels, tuple(sizes))


def own_input(network: Network, environment: Environment, *, is_needed: bool) -> FeatureMap | None:
    """The input of the spec; None where it has none with these values, and none is needed."""
    try:
        return _input_of(network, environment)
    except ArchcalcError:
        if is_needed:
            raise
        return None


def _size(argument: Argument, environment: Environment) -> Value:
    template: Template = argument.template
    known = dict(environment)
    if isinstance(template, Expression):  # a name that is not a parameter is a free size
        free = {name: symbol(name) for name in template.names if name not in known}
        if free and len(template.text) > MAX_FREE_SIZE:
            raise SpecError(f"a free size takes up to {MAX_FREE_SIZE} characters", argument.place)
        known |= free
    try:
        size = whole(evaluate(template, known))
        require_at_least(cast(Quantity, size), 1, "an input size of {}", size)
    except ArchcalcError as error:
        raise SpecError(str(error), argument.place) from None
    return size
