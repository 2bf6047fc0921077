"""The settings of a space as arrays: all combinations of values, or draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.expansion import build_graph, with_inputs
from archcalc.graph import Graph
from archcalc.loading import input_shapes
from archcalc.parametric.axes import OVER, Axis, Interval, Steps
from archcalc.parametric.sweep import Sweep, sweep
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.record import Record
from archcalc.spec.expression import Expression
from archcalc.spec.labels import find_labelled
from archcalc.spec.syntax import Network
from archcalc.spec.values import ExpressionError, Value, exact_value
from archcalc.walk import walk

MOST_SETTINGS = 10_000_000  # that are held in memory at once
BLOCK = 1 << 16  # settings that are drawn from one state of the generator
# A float with so many digits is no other number's nearest one that a spec would read: neither a
# longer decimal's nor a simple fraction's, so that a drawn setting can be written down.
DIGITS = 8
_SURE = 4 * 10**9  # numerators up to which a float stands for the fraction that it came from


class Draws(Record):
    """How settings are drawn from a space.

    Attributes:
        count: how many.
        seed: of the generator.
        latin: whether each axis is cut into `count` parts of equal chances, each of which is drawn
            from once: a Latin hypercube (McKay, Beckman & Conover 1979).
    """

    count: int
    seed: int = 0
    latin: bool = False


def settings_of(axes: Sequence[Axis], draws: Draws | None) -> dict[str, NDArray[Any]]:
    """The values of each axis: along an axis of the array of its own, or of each draw.

    Raises:
        UsageError: there are too many settings, or no end of them.
    """
    if draws is not None:
        _require_few(draws.count)
        return drawn_of(axes, draws, 0, draws.count)
    counts = counts_of(axes)
    _require_few(math.prod(counts))
    return {
        axis.label: values_at(axis, np.arange(count)).reshape(
            [count if other is axis else 1 for other in axes]
        )
        for axis, count in zip(axes, counts, strict=True)
    }


def swept(graph: Graph, settings: Mapping[str, NDArray[Any]], *, batch: int, dtype: str) -> Sweep:
    """The figures of a network at settings: arrays by the labels of what they are for.

    Raises:
        UsageError: the network has no such parameter, item or size.
        QuantityError: a figure passes 64 bits.
    """
    parameters, inputs = _with(graph, settings)
    return sweep(graph.network, inputs=inputs, parameters=parameters, batch=batch, dtype=dtype)


def walked(
    graph: Graph, setting: Mapping[str, Value], *, batch: int, dtype: str, fields: bool
) -> Analysis:
    """The network at one setting, as `Sweep.analysis` has it.

    Args:
        setting: values by the labels of what they are for.
        fields: as for `archcalc.walk.walk`.

    Raises:
        LayerError, SpecError, UsageError: there is no network.
    """
    parameters, inputs = _with(graph, setting)
    shapes = input_shapes(inputs)
    if parameters == graph.parameters:  # the layers are the same, unless they follow from sizes
        found = with_inputs(graph, shapes)
    else:
        found = build_graph(graph.network, input=shapes, parameters=parameters)
    return walk(found, batch, dtype, fields=fields)


def _with(
    graph: Graph, settings: Mapping[str, Value]
) -> tuple[dict[str, Value], dict[str, list[Value]]]:
    """The parameters and the inputs of a network, with what is set under labels."""
    parameters: dict[str, Value] = dict(graph.parameters)
    inputs: dict[str, list[Value]] = {name: [*graph.inputs[name].shape] for name in graph.given}
    shapes = {name: len(x.shape) for name, x in graph.inputs.items()}
    for label, value in settings.items():
        if label in parameters:
            parameters[label] = value
            continue
        try:
            found = find_labelled(label, graph.name, graph.parameters, shapes)
        except ExpressionError as error:
            raise UsageError(str(error), OVER) from None
        number = found.number or 0
        if found.input is not None:
            _require_free(graph.network, found.input, label, settings)
            own = [*graph.inputs[found.input].shape]
            inputs.setdefault(found.input, own)[number] = value
        elif found.parameter is not None:
            items = [*parameters[found.parameter]]
            items[number] = value
            parameters[found.parameter] = items
    return parameters, inputs


def _require_free(network: Network, input: str, label: str, settings: Mapping[str, Value]) -> None:
    """Refuses to vary an input beside a parameter that it follows from, and which it would hide."""
    waiting: list[object] = [*network.inputs[input].sizes]
    follows: set[str] = set()
    while waiting:
        for name in _names(waiting.pop()) - follows:
            follows.add(name)
            waiting.append(network.let.get(name))
    for other in settings:
        if other.partition("[")[0] in follows:
            raise UsageError(
                f"{label} is a size of the input, which follows from {other}: vary one of them",
                OVER,
            )


def _names(argument: object) -> frozenset[str]:
    if isinstance(argument, Expression):
        return argument.names
    if isinstance(argument, list):
        return frozenset().union(*map(_names, argument))
    return _names(argument.template) if hasattr(argument, "template") else frozenset()


def _require_few(count: int) -> None:
    if count > MOST_SETTINGS:
        shown = f"{count:,}" if count < 10**15 else f"about 10^{len(str(count)) - 1}"
        raise UsageError(
            f"{shown} settings are more than {MOST_SETTINGS:,}, which are held at once; take "
            "longer steps, or draw some of them (sample)",
            OVER,
        )


# ----- all combinations -----


def counts_of(axes: Sequence[Axis]) -> list[int]:
    """How many values each axis has. Raises UsageError where there is no end of them."""
    counts = []
    for axis in axes:
        if axis.count is None:
            raise UsageError(
                f"{axis.label} is an interval, which has no end of values; give it a step, such as "
                "0.25:1:0.05, or draw some of them (sample)",
                OVER,
            )
        counts.append(axis.count)
    return counts


def values_at(axis: Axis, index: NDArray[np.int64]) -> NDArray[Any]:
    """The values of an axis that is no interval, by their numbers."""
    values = axis.values
    assert not isinstance(values, Interval), "it has numbers"
    if not isinstance(values, Steps):
        return _array(values)[index]
    below = math.lcm(values.first.denominator, values.step.denominator)
    first, step = int(values.first * below), int(values.step * below)
    most = max(abs(first), abs(first + step * (values.count - 1)))
    if below == 1 and most <= LARGEST_INT64:
        found: NDArray[Any] = first + step * index
        return found
    if most <= _SURE and below <= _SURE:
        return (first + step * index) / below
    return _array([exact_value(values.first + values.step * int(n)) for n in index])


def _array(values: Sequence[Value]) -> NDArray[Any]:
    """Whole numbers, or floats that stand for the exact values, or else these as they are."""
    if all(type(value) is int and abs(value) <= LARGEST_INT64 for value in values):
        return np.array(values, dtype=np.int64)
    numbers = all(hasattr(value, "denominator") and type(value) is not bool for value in values)
    if numbers and all(exact_value(float(value)) == value for value in values):
        return np.array([float(value) for value in values])
    found = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):  # numpy would make an axis of lists
        found[number] = value
    return found


# ----- draws -----


def drawn_of(
    axes: Sequence[Axis], draws: Draws, start: int, behind: int
) -> dict[str, NDArray[Any]]:
    """The draws from one number up to before another; of a Latin hypercube, all of them."""
    chances = _chances(len(axes), draws, start, behind)
    return {axis.label: _drawn(axis, u) for axis, u in zip(axes, chances, strict=True)}


def _chances(axes: int, draws: Draws, start: int, behind: int) -> NDArray[np.float64]:
    """For each axis and draw a number from 0 to below 1.

    Blocks of draws are independent of how many there are in all, but for a Latin hypercube.
    """
    blocks = range(start // BLOCK, -(-behind // BLOCK))
    found = np.concatenate(
        [np.random.default_rng([draws.seed, n]).random((axes, BLOCK)) for n in blocks]
        or [np.empty((axes, 0))],
        axis=1,
    )[:, start - blocks.start * BLOCK :][:, : behind - start]
    if draws.latin:
        for axis in range(axes):
            parts = np.random.default_rng([draws.seed, axis, 1]).permutation(draws.count)
            found[axis] = (parts + found[axis]) / draws.count
    return found


def _drawn(axis: Axis, chances: NDArray[np.float64]) -> NDArray[Any]:
    values = axis.values
    if not isinstance(values, Interval):
        count = axis.count or 0
        index = np.minimum(np.floor(chances * count), count - 1).astype(np.int64)
        return values_at(axis, index)
    low, high = float(values.low), float(values.high)
    if values.whole:
        drawn = np.floor(low * ((high + 1) / low) ** chances)
        return np.clip(drawn, low, high).astype(np.int64)
    if values.log:
        drawn = low * (high / low) ** chances
        steps: Any = 10.0 ** (DIGITS - 1 - np.floor(np.log10(drawn)))
    else:
        drawn = low + (high - low) * chances
        steps = 10.0 ** (DIGITS - 1 - math.floor(math.log10(max(abs(low), abs(high)))))
    found: NDArray[np.float64] = np.clip(np.rint(drawn * steps) / steps, low, high)
    return found
