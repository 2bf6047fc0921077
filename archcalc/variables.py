"""The numbers of a network that a user can name: parameters, items of lists, sizes of the input."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archcalc.errors import UsageError, did_you_mean
from archcalc.expansion import build_graph
from archcalc.graph import Graph
from archcalc.spec.fields import shown
from archcalc.spec.values import Value
from archcalc.walk import input_shape

# What the sizes of an input are called, by their number; C is its channels.
_SIZES = ((), ("L",), ("H", "W"), ("D", "H", "W"))
_LABEL = re.compile(r"(?P<name>[^\W\d]\w*)(\[(?P<item>0|[1-9][0-9]{0,2})\])?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A number of a network, or a list of numbers, that may take other values.

    Attributes:
        label: what the user calls it: `alpha`, `depths`, `depths[2]`, `H`.
        parameter: the name of the parameter; None for a size of the input.
        number: of the item in the parameter's list, or of the size in the input, where 0 is the
            channels; None for a parameter as a whole.
        own: the value that the network has there.
    """

    label: str
    parameter: str | None
    number: int | None
    own: Any = field(hash=False)  # a list has none

    @property
    def values(self) -> list[Any]:
        """Its number, or its list of numbers."""
        return self.own if isinstance(self.own, list) else [self.own]


def size_labels(count: int) -> tuple[str, ...]:
    """What the sizes of an input with so many spatial axes are called."""
    return _SIZES[count]


def variable(label: str, graph: Graph, option: str, others: Sequence[str] = ()) -> Variable:
    """The variable that a network has under a label. A parameter hides a size called the same.

    Args:
        option: that the label was given to, such as `--by`, for the message.
        others: what else may be given there.

    Raises:
        UsageError: there is no such parameter, item or size, or it is no number; with a guess.
    """
    match = _LABEL.fullmatch(label)
    if match is None:
        raise UsageError(
            f"{option}: {label[:40]!r} is no name; expected such as H, classes or depths[0]"
        )
    name, item = match["name"], match["item"]
    if name in graph.parameters:
        return _parameter(label, graph.parameters[name], option, match)
    sizes = {"C": 0} | {s: n for n, s in enumerate(size_labels(len(graph.input.sizes)), 1)}
    if name in sizes and item is None:
        return Variable(label, None, sizes[name], graph.input.shape[sizes[name]])
    known = [*others, *graph.parameters, *sizes]
    guess = did_you_mean(name, known) or f"; known: {', '.join(dict.fromkeys(known))}"
    raise UsageError(f"{option}: {graph.name} has no {label!r}{guess}")


def rebuilt(graph: Graph, values: Mapping[Variable, Value]) -> Graph:
    """The network with other values of some variables; an input that it was given stays.

    Raises:
        UsageError, SpecError: there is no such network.
    """
    parameters = dict(graph.parameters)
    for one, value in values.items():
        if one.parameter is not None and one.number is None:
            parameters[one.parameter] = value
        elif one.parameter is not None:
            items = list(parameters[one.parameter])
            items[one.number or 0] = value
            parameters[one.parameter] = items
    found = graph
    if parameters != graph.parameters:
        given = graph.input if graph.input_given else None
        found = build_graph(graph.network, input=given, parameters=parameters)
    sizes = {one.number: value for one, value in values.items() if one.parameter is None}
    if not sizes:
        return found
    shape = [sizes.get(number, size) for number, size in enumerate(found.input.shape)]
    return replace(found, input=input_shape(shape))


def _parameter(label: str, value: Value, option: str, match: re.Match[str]) -> Variable:
    name, item = match["name"], None if match["item"] is None else int(match["item"])
    if item is not None:
        if not isinstance(value, list) or item >= len(value):
            raise UsageError(f"{option}: {name} is {shown(value)}, and has no item {item}")
        value = value[item]
        if isinstance(value, list):
            raise UsageError(f"{option}: {label} is {shown(value)}, and no number")
    found = Variable(label, name, item, value)
    if value is None:
        raise UsageError(f"{option}: {label} is {shown(value)}; --set it to a number")
    if not found.values or any(isinstance(n, (bool, str, list)) for n in found.values):
        raise UsageError(f"{option}: {label} is {shown(value)}, and no number")
    return found
