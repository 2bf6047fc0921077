"""What a network is built with: its parameters and its input, and what is given in their place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from archcalc.errors import ArchcalcError, SpecError, UsageError, require_known
from archcalc.feature_map import FeatureMap
from archcalc.identity import value_text
from archcalc.quantity.arithmetic import Quantity, require_at_least, symbol
from archcalc.spec.closures import Environment
from archcalc.spec.conversions import shown, whole
from archcalc.spec.expression import Expression
from archcalc.spec.fields import Template, evaluate
from archcalc.spec.syntax import Argument, Network
from archcalc.spec.values import ExpressionError, Value, exact_value, is_condition

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
        kind = bool if is_condition(value) else type(value)
        if any(issubclass(kind, t) != isinstance(old, t) for t in _OTHER_THAN_NUMBERS):
            wanted = next((w for t, w in _OTHER_THAN_NUMBERS.items() if isinstance(old, t)), _ELSE)
            before = f"{value_text(old)} in {network.name}"
            raise UsageError(f"{name} must be {wanted} ({before}), not {shown(value)}")
        values[name] = value
    return values


def own_inputs(
    network: Network, environment: Environment, given: Collection[str]
) -> dict[str, FeatureMap]:
    """The inputs of the spec, without those that are `given` and it has none for at these values.

    Raises:
        SpecError: another one is no shape.
    """
    found = {}
    for name, input in network.inputs.items():
        try:
            channels, *sizes = [_size(argument, environment) for argument in input.sizes]
        except ArchcalcError:
            if name not in given:
                raise
        else:
            found[name] = FeatureMap(channels, tuple(sizes), dtype=input.dtype)
    return found


def only_input(network: Network, given: object) -> str:
    """The name of the one input of a network, which `given` is for.

    Raises:
        UsageError: there are several.
    """
    if len(network.inputs) > 1:
        raise UsageError(
            f"{network.name} has {len(network.inputs)} inputs, {', '.join(network.inputs)}; say "
            f"which of them is {given}",
            "input",
        )
    return next(iter(network.inputs))


def given_inputs(
    network: Network, given: FeatureMap | Mapping[str, FeatureMap]
) -> dict[str, FeatureMap]:
    """The shapes that are given for some inputs of a network, by name; of one, its shape will do.

    Raises:
        UsageError: there is no such input, or one has more or fewer sizes than its own.
    """
    if isinstance(given, FeatureMap):
        given = {only_input(network, given): given}
    found = {}
    for name, shape in given.items():
        require_known(f"{network.name} has no input", name, network.inputs, lead="it has")
        own = network.inputs[name]
        if len(shape.shape) != len(own.sizes):
            called = "an input" if len(network.inputs) == 1 else f"{name!r}, an input"
            raise UsageError(
                f"{network.name} takes {called} of {len(own.sizes)} numbers, channels and sizes; "
                f"{shape} has {len(shape.shape)} (images of a batch are not among them)"
            )
        found[name] = FeatureMap(shape.channels, shape.sizes, dtype=own.dtype)
    return found


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
