"""The numbers of a network that a user can name: parameters, items of lists, sizes of inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.errors import UsageError
from archcalc.expansion import build_graph, inputs_with, with_inputs
from archcalc.feature_map import FeatureMap
from archcalc.graph import Graph
from archcalc.loading import input_shapes
from archcalc.record import Record, replace
from archcalc.spec.labels import find_labelled
from archcalc.spec.values import ExpressionError, Value


class Variable(Record):
    """A number of a network, or a list of numbers, that may take other values.

    Attributes:
        label: what the user calls it: `alpha`, `depths`, `depths[2]`, `H`.
        parameter: the name of the parameter; None for a size of an input.
        number: of the item in the parameter's list, or of the size in the input, where 0 is the
            channels; None for a parameter as a whole.
        own: the value that the network has there.
        input: the name of the input; None for a parameter.
    """

    label: str
    parameter: str | None
    number: int | None
    own: Any
    input: str | None = None

    def __hash__(self) -> int:
        return hash((self.label, self.parameter, self.number))  # `own` may be a list

    @property
    def values(self) -> list[Any]:
        """Its number, or its list of numbers."""
        return self.own if isinstance(self.own, list) else [self.own]


def variable(label: str, graph: Graph, argument: str, others: Sequence[str] = ()) -> Variable:
    """The variable that a network has under a label. A parameter hides a size of the same name.

    Args:
        argument: that the label was given to, such as `symbols`, for the message.
        others: what else may be given there.

    Raises:
        UsageError: there is no such parameter, item or size, or it is not a number; with a guess.
    """
    shapes = {name: len(x.shape) for name, x in graph.inputs.items()}
    try:
        found = find_labelled(label, graph.name, graph.parameters, shapes, others)
    except ExpressionError as error:
        raise UsageError(str(error), argument) from None
    number = found.number
    if found.input is not None:
        size = graph.inputs[found.input].shape[number or 0]
        return Variable(label, None, number, size, found.input)
    assert found.parameter is not None, "it is a size of an input, or a parameter"
    own = graph.parameters[found.parameter]
    return Variable(label, found.parameter, number, own if number is None else own[number])


def rebuilt(graph: Graph, values: Mapping[Variable, Value]) -> Graph:
    """The network with other values of some variables; an input that it was given stays.

    Raises:
        UsageError, SpecError, LayerError: there is no such network.
    """
    parameters = dict(graph.parameters)
    for one, value in values.items():
        if one.parameter is not None and one.number is None:
            parameters[one.parameter] = value
        elif one.parameter is not None:
            items = list(parameters[one.parameter])
            items[one.number or 0] = value
            parameters[one.parameter] = items
    sizes = {(one.input, one.number): value for one, value in values.items() if one.input}
    given = {name: graph.inputs[name] for name in graph.given}
    if parameters == graph.parameters:
        return with_inputs(graph, _resized(graph.inputs, sizes)) if sizes else graph
    if not sizes:
        return build_graph(graph.network, input=given, parameters=parameters)
    own = inputs_with(graph.network, parameters, given)
    found = build_graph(graph.network, input=_resized(own, sizes), parameters=parameters)
    return replace(found, given=graph.given)


def _resized(
    inputs: Mapping[str, FeatureMap], sizes: Mapping[tuple[str, int | None], Value]
) -> dict[str, FeatureMap]:
    """The shapes of inputs with other sizes, by the input's name and the number of the size."""
    return input_shapes({
        name: [sizes.get((name, number), size) for number, size in enumerate(x.shape)]
        for name, x in inputs.items()
    })  # fmt: skip
