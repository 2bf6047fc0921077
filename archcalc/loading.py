"""Name, file, text or mapping -> Graph: what every function of the door takes as a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias, cast

from archcalc.errors import LayerError, UsageError, require_known
from archcalc.expansion import build_graph
from archcalc.feature_map import MOST_AXES, FeatureMap
from archcalc.given import only_input
from archcalc.graph import Graph
from archcalc.quantity.arithmetic import Quantity, require_at_least
from archcalc.quantity.conditions import is_array, is_symbol
from archcalc.spec.conversions import whole
from archcalc.spec.files import is_code
from archcalc.spec.library import find_network
from archcalc.spec.syntax import Network
from archcalc.spec.values import ExpressionError, Value, own

# What a function that is about a network takes: what `load` returned, or what `load` takes.
Spec: TypeAlias = "Graph | Network | str | PathLike[str] | Mapping[str, Any]"
# What is given in place of its own input: [channels, size…]; of several, of some by their names.
Input: TypeAlias = "Sequence[Value] | Mapping[str, Sequence[Value]]"


def load(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Graph:
    """A network, fully written out.

    Args:
        what: the name of a network that comes with archcalc; a spec file, `FILE` or
            `FILE#VARIANT`, or `REV:FILE` as git has it; a model in a file of ONNX, Caffe or
            darknet; what makes a torch module, `package.module:factory` or `file.py:Name`; a spec
            itself, as text of several lines or as the mapping that YAML makes of it; one of
            `networks()`; or a graph, of which another one is built where something is changed.
        input: [channels, size…] in place of its own; of a network with several inputs, such
            shapes by their names, in place of those.
        parameters, others: values in place of its own, of parameters by their names: those called
            like an argument in a mapping, the others there or by themselves.

    Raises:
        UsageError: no such network, file or parameter.
        SpecError: the spec is wrong.
    """
    network, given, changed = changes(what, input, parameters, others)
    if isinstance(what, Graph) and input is None and changed == what.parameters:
        return what
    return build_graph(network, input=input_shapes(given), parameters=changed)


def changes(
    what: Spec,
    input: Input | None,
    parameters: Mapping[str, Value] | None,
    others: dict[str, Value],
) -> tuple[Network, dict[str, list[Value]], dict[str, Value]]:
    """As `load`, before anything is built: the network, and what is given for it.

    Returns:
        The network, the sizes of those of its inputs that are given, and parameters.

    Raises:
        UsageError, SpecError: as `load`, where there is no such network, or an argument is none.
    """
    given = together(parameters, others)
    if not isinstance(what, Graph):
        if isinstance(what, str) and is_code(what):
            return _made(what, input, given)
        network = find_network(what, plain_shapes(input))
        return network, sizes_given(network, input), given
    before = {name: [*what.inputs[name].shape] for name in what.given}
    return what.network, before | sizes_given(what.network, input), {**what.parameters, **given}


def _made(
    name: str, input: Input | None, arguments: dict[str, Value]
) -> tuple[Network, dict[str, list[Value]], dict[str, Value]]:
    """As `changes`, of what code makes, with the arguments of a factory.

    It runs on what is given; where that has symbols on its own inputs, whose layers are walked.
    """
    from archcalc.importing.code import network_called

    for argument, value in arguments.items():
        if is_symbol(value) or getattr(value, "ndim", None):
            raise UsageError(f"{name} is code, which takes one plain value at a time", argument)
    shapes = plain_shapes(input)
    given = len(input) if isinstance(input, Mapping) else input is not None
    if len(shapes) == given:
        return network_called(name, shapes, arguments), {}, {}
    try:
        network = network_called(name, {}, arguments)
    except UsageError as error:
        if error.argument != "input":
            raise
        raise UsageError(
            f"{name} is code, and says no size that it was made for: give plain numbers", "input"
        ) from None
    return network, sizes_given(network, input), {}


def together(parameters: Mapping[str, Value] | None, others: dict[str, Value]) -> dict[str, Value]:
    """The parameters that were given in a mapping and by themselves.

    Raises:
        UsageError: one was given twice, or the mapping is none.
    """
    if parameters is None:
        return others
    if not isinstance(parameters, Mapping) or not all(isinstance(key, str) for key in parameters):
        raise UsageError(f"parameters must be a mapping of names to values, not {parameters!r}")
    for name in parameters.keys() & others.keys():
        raise UsageError(f"{name} is given twice, in `parameters` and by itself")
    return {**parameters, **others}


def input_shapes(given: Mapping[str, Sequence[Value]]) -> dict[str, FeatureMap]:
    """The shapes of inputs by name.

    Raises:
        UsageError: as `input_shape`.
    """
    return {name: input_shape(sizes) for name, sizes in given.items()}


def input_shape(sizes: Sequence[Value]) -> FeatureMap:
    """[channels, size…] as the shape of an input.

    Raises:
        UsageError: a size below 1, or or more numbers than a shape has.
    """
    if not 1 <= len(sizes) <= MOST_AXES:
        raise UsageError(f"an input is 1 to {MOST_AXES} numbers; {len(sizes)} were given")
    try:
        channels, *spatial = [cast(Quantity, whole(own(size))) for size in sizes]
        for size in (channels, *spatial):
            require_at_least(
                size, 1, "an input of {} has a size below 1", "x".join(map(str, sizes))
            )
    except ExpressionError as error:
        raise UsageError(f"input: {error}") from None
    except LayerError as error:
        raise UsageError(str(error)) from None
    return FeatureMap(channels, tuple(spatial))


def listed(names: Sequence[str] | str) -> list[str]:
    """Names as a list; of a text, what stands between commas, but for commas in brackets."""
    if isinstance(names, str):
        return [name.strip() for name in re.split(r",(?![^\[]*\])", names)]
    return [*names]


def sizes_given(network: Network, input: Any) -> dict[str, list[Value]]:
    """The sizes that are given for inputs of a network, by name.

    Raises:
        UsageError: there is no such input, or it is not a list; or it is not said which of several.
    """
    if input is None:
        return {}
    if not isinstance(input, Mapping):
        input = {only_input(network, input): input}
    for name in input:
        require_known(f"{network.name} has no input", name, network.inputs, lead="it has")
    return {name: _sizes(sizes) for name, sizes in input.items()}


def plain_shapes(input: Any) -> dict[str, tuple[int, ...]]:
    """The shapes that are given in plain numbers, by name; by "" the one without a name."""
    named = input if isinstance(input, Mapping) else {"": input}
    return {
        name: tuple(sizes)
        for name, sizes in named.items()
        if isinstance(sizes, (list, tuple))
        and sizes
        and all(type(n) is int and n > 0 for n in sizes)
    }


def _sizes(input: Any) -> list[Value]:
    """The sizes of an input as a list; of an array, its elements.

    Raises:
        UsageError: it is not a list.
    """
    if isinstance(input, str) or not isinstance(input, Iterable) or is_array(input):
        raise UsageError(f"input must be a list such as [3, 224, 224], not {input!r}")
    return [*input]
