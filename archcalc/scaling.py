"""How the figures of a network grow with its width, its depth and its resolution.

Each way to make a network larger is carried out, exactly, and what comes of it compared: the
ratio after doubling, the exponent that amounts to, and the degree of the polynomial in the factor,
which the exponent approaches.
Source: Tan & Le 2019 (arXiv:1905.11946), section 3.1, equation 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import gcd, log2
from typing import Any, TypeAlias

from archcalc.analysis import Analysis, require_numbers
from archcalc.claims.quantities import WEIGHT_KINDS, evaluate, longest_path
from archcalc.errors import LayerError, SpecError, UsageError, did_you_mean
from archcalc.expansion import build_graph
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node
from archcalc.layers import Join, Layer
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.linear import Linear
from archcalc.layers.resampling import PadChannels
from archcalc.layers.reshaping import ChannelSlice, Reshape
from archcalc.spec.values import ExpressionError, Value
from archcalc.walk import walk

WAYS = ("width", "depth", "resolution")
QUANTITIES: dict[str, str] = {
    "params": "params",
    "kinds[conv].weights": "conv weights",
    "kinds[linear].weights": "linear weights",
    "macs": "MACs",
    "other_ops": "other ops",
    "lecture_bytes": "memory, lecture",
    "peak_bytes": "memory, peak",
    "training_bytes": "memory, training",
    "weight_layers": "weight layers",
}
MOST_CHANNELS_OF_AN_IMAGE = 4
DEEPER = 2.05  # times as many layers with weights on a path: more is not twice as deep
# Sizes round alike at multiples of a high power of two.
_STEPS = {"width": 8, "resolution": 32}
# The first multiple to look at: so large that a peak has come to stay with one layer.
_STARTS = {"width": 2**10, "resolution": 2**8}
_START = 2**14
_POINTS = 6  # which determine a polynomial of degree 3, and leave two to check it

# The fields that say how wide a layer is.
_WIDTHS: dict[type[Layer], tuple[str, ...]] = {
    Conv: ("channels",),
    ConvTranspose: ("channels",),
    LocallyConnected: ("channels",),
    Linear: ("features",),
    PadChannels: ("before", "after"),
    ChannelSlice: ("start", "stop"),
}
_OF_INPUT: dict[type[Layer], tuple[str, ...]] = {
    Reshape: ("shape",)
}  # which grow where the input does


Grower: TypeAlias = Callable[[Fraction], Graph]  # makes the network larger by a factor


@dataclass(frozen=True, slots=True)
class Growth:
    """How one figure grows.

    Attributes:
        ratio: after doubling, to what it is now; None where it is 0.
        degree: of the polynomial in the factor that it is; None where it is none.
    """

    ratio: Fraction | None
    degree: int | None

    @property
    def exponent(self) -> float | None:
        """Of the power of the factor that the ratio amounts to; None where it is none."""
        return None if self.ratio is None or self.ratio <= 0 else log2(self.ratio)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to make a network larger.

    Attributes:
        name: one of `WAYS`, or a parameter.
        doubled: the network after doubling.
        change: what was changed, in words.
        growth: of each quantity.
    """

    name: str
    doubled: Analysis
    change: str
    growth: dict[str, Growth]


def scaling(analysis: Analysis, names: Sequence[str], quantities: Sequence[str]) -> list[Way]:
    """How `quantities` grow with each of the ways called so.

    Raises:
        UsageError: the network cannot grow that way; no such way, quantity, or plain number.
    """
    return [_way(analysis, name, quantities) for name in names]


def possible_ways(analysis: Analysis) -> list[str]:
    """Those of `WAYS` that the network can grow."""
    found = []
    for way in WAYS:
        try:
            scaled(analysis, way, 2)
        except (UsageError, SpecError):
            continue
        found.append(way)
    return found


def figures(analysis: Analysis, quantities: Sequence[str]) -> dict[str, int]:
    """The quantities of a network.

    Raises:
        UsageError: one is malformed, or no plain number; the network has free sizes.
    """
    require_numbers(analysis)
    found = {}
    for quantity in quantities:
        try:
            value = evaluate(quantity, analysis, _no_other)
        except ExpressionError as error:
            raise UsageError(f"{quantity}: {error}") from None
        if not isinstance(value, int) or isinstance(value, bool):
            raise UsageError(f"{quantity} is {value}, and no plain number")
        found[quantity] = value
    return found


def scaled(analysis: Analysis, way: str, factor: int) -> Analysis:
    """The network made larger by a whole factor.

    `width` multiplies the channels and features of all layers. The input and the classes stay,
    unless the input is a map of more channels than images have: then it is a module, whose input
    and output grow as well. `depth` multiplies the parameters that say how often blocks repeat,
    `resolution` the sizes of the input, and anything else the parameter called so.

    Raises:
        UsageError: the network cannot grow that way; a layer refuses what becomes of its input.
    """
    return _grow(analysis, _grower(analysis, way), way, factor)


def _way(analysis: Analysis, name: str, quantities: Sequence[str]) -> Way:
    grower = _grower(analysis, name)
    doubled = _grow(analysis, grower, name, 2)
    now, then = figures(analysis, quantities), figures(doubled, quantities)
    rows = _along(analysis, name, grower, quantities)
    growth = {
        quantity: Growth(
            ratio=Fraction(then[quantity], now[quantity]) if now[quantity] else None,
            degree=_degree([row[quantity] for row in rows]),
        )
        for quantity in quantities
    }
    return Way(name, doubled, _change(analysis, doubled, name), growth)


def _grow(analysis: Analysis, grower: Grower, way: str, factor: int) -> Analysis:
    try:
        return walk(grower(Fraction(factor)), analysis.batch, analysis.dtype)
    except LayerError as error:
        raise UsageError(f"{analysis.name} at {factor} times the {way}: {error}") from None


def _along(
    analysis: Analysis, name: str, grower: Grower, quantities: Sequence[str]
) -> list[dict[str, int]]:
    """The figures at equal distances, as many as it takes to find the degrees of polynomials.

    Empty where they become too large to reckon.
    """
    for factors in _factors(analysis.graph, name, grower):
        rows: list[dict[str, int]] = []
        with suppress(SpecError, LayerError):
            for factor in factors:
                larger = walk(grower(factor), analysis.batch, analysis.dtype)
                rows.append(figures(larger, quantities))
                if all(_degree([row[q] for row in rows]) is not None for q in quantities):
                    break
            return rows
    return []


def _factors(graph: Graph, name: str, grower: Grower) -> Iterator[list[Fraction]]:
    """Factors at equal distances, the best first: large ones, unless they make more layers."""
    twice = grower(Fraction(2))
    if len(twice.nodes) != len(graph.nodes):
        before = graph.parameters
        changed = [value for key, value in twice.parameters.items() if value != before[key]]
        step = Fraction(2, gcd(*[n for value in changed for n in _items(value)]))
        yield [1 + step * k for k in range(_POINTS)]
        return
    step = Fraction(_STEPS.get(name, 1))
    for start in (_STARTS.get(name, _START), 1):
        yield [step * (start + k) for k in range(_POINTS)]


def _degree(values: Sequence[int]) -> int | None:
    """The degree of the polynomial that takes these values at equal distances."""
    for degree in range(len(values) - 2):
        values = [b - a for a, b in pairwise(values)]
        if not any(values):
            return degree
    return None


def _grower(analysis: Analysis, way: str) -> Grower:
    """What makes the network larger that way.

    Raises:
        UsageError: it cannot grow that way.
    """
    graph = analysis.graph
    if way == "width":
        return partial(_widened, analysis)
    if way == "resolution":
        if not graph.input.sizes:
            raise UsageError(f"{graph.name} takes a vector, which has no resolution")
        return partial(_larger, graph)
    counts = _depths(graph) if way == "depth" else {way: _number(graph, way)}
    return lambda factor: _with_parameters(
        graph, {name: _times(value, factor) for name, value in counts.items()}
    )


def _larger(graph: Graph, factor: Fraction) -> Graph:
    sizes = tuple(size * int(factor) for size in graph.input.sizes)
    return replace(graph, input=FeatureMap(graph.input.channels, sizes))


def _with_parameters(graph: Graph, changed: Mapping[str, Value]) -> Graph:
    """The network with other parameters; an input that it was given in place of its own stays."""
    own = build_graph(graph.network, parameters=graph.parameters).input
    given = None if own == graph.input else graph.input
    return build_graph(graph.network, input=given, parameters=graph.parameters | dict(changed))


# ----- width -----


def _widened(analysis: Analysis, factor: Fraction) -> Graph:
    graph = analysis.graph
    channels = {layer.name: layer.output.channels for layer in analysis.layers}
    channels[INPUT] = graph.input.channels
    is_module = bool(graph.input.sizes) and graph.input.channels > MOST_CHANNELS_OF_AN_IMAGE
    kept = [] if is_module else _layers_of_classes(graph)
    grows = {INPUT: is_module}  # whether a map has more channels than before
    nodes = []
    for node in graph.nodes:
        source = node.inputs[0]
        fields = () if node.name in kept else _widths(node.layer, channels[source], grows[source])
        wider = {field: _wider(vars(node.layer)[field], factor) for field in fields}
        nodes.append(replace(node, layer=type(node.layer)(**vars(node.layer) | wider)))
        given = node.name not in kept and any(grows[name] for name in node.inputs)
        grows[node.name] = bool(fields) or given
    if not any(grows.values()):
        raise UsageError(f"{graph.name} has no layer before the classes that says how wide it is")
    larger = FeatureMap(graph.input.channels * int(factor), graph.input.sizes)
    return replace(graph, nodes=tuple(nodes), input=larger if is_module else graph.input)


def _widths(layer: Layer, inputs: int, grows: bool) -> tuple[str, ...]:
    """The fields that say how wide a layer is; the groups of a depthwise one follow its input."""
    is_depthwise = isinstance(layer, (Conv, ConvTranspose)) and layer.groups == inputs > 1
    following = (*(("groups",) if is_depthwise else ()), *_OF_INPUT.get(type(layer), ()))
    return (*_WIDTHS.get(type(layer), ()), *(following if grows else ()))


def _wider(value: Any, factor: Fraction) -> Any:
    """A number of channels, or a shape, in which they come first."""
    if isinstance(value, tuple):
        return (value[0] * int(factor), *value[1:])
    return value * int(factor)


def _layers_of_classes(graph: Graph) -> list[str]:
    """The last layer before each output that says how wide it is, in the order of outputs."""
    nodes = {node.name: node for node in graph.nodes}
    found = []
    for name in graph.outputs:
        node: Node | None = nodes.get(name)
        while node is not None and not isinstance(node.layer, Join):
            if type(node.layer) in _WIDTHS:
                found.append(node.name)
                break
            node = nodes.get(node.inputs[0])
    return list(dict.fromkeys(found))


# ----- depth, and other parameters -----


def _depths(graph: Graph) -> dict[str, Value]:
    """The parameters that say how often blocks repeat, with their values.

    Of such whose blocks stand in one another, those that make the network twice as deep: doubling
    all would make it four times as deep.

    Raises:
        UsageError: there is none.
    """
    found: dict[str, Value] = {}
    deepens = []
    now = reached = _depth(graph)
    for name, value in graph.parameters.items():
        depth = _depth_with_twice(graph, found | {name: value}) if _is_count(value) else 0
        if depth > reached:
            deepens.append(name)
            if depth <= DEEPER * now:
                found[name], reached = value, depth
    if found:
        return found
    if deepens:
        raise UsageError(
            f"{graph.name} becomes more than twice as deep with twice the {deepens[0]}; "
            f"try --by {deepens[0]}"
        )
    raise UsageError(f"{graph.name} has no parameter that says how often blocks repeat")


def _is_count(value: Value) -> bool:
    items = _items(value)
    return bool(items) and all(type(item) is int and item > 0 for item in items)


def _items(value: Value) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _depth_with_twice(graph: Graph, counts: Mapping[str, Value]) -> int:
    """The depth with twice the `counts`; 0 where there is no such network."""
    try:
        changed = {name: _times(value, 2) for name, value in counts.items()}
        return _depth(_with_parameters(graph, changed))
    except (SpecError, LayerError):
        return 0


def _depth(graph: Graph) -> int:
    """Layers with weights on the longest path; at least 1."""
    return max(1, longest_path(walk(graph, 1, "float32"), WEIGHT_KINDS))


def _number(graph: Graph, name: str) -> Value:
    if name not in graph.parameters:
        known = dict.fromkeys([*WAYS, *graph.parameters])
        guess = did_you_mean(name, known) or f"; known: {', '.join(known)}"
        raise UsageError(f"--by: {graph.name} has no {name!r}{guess}")
    value = graph.parameters[name]
    items = _items(value)
    if not items or any(isinstance(n, (bool, str, list)) or n is None for n in items):
        raise UsageError(f"--by: {name} is {value}, and no number")
    return value


def _times(value: Value, factor: int | Fraction) -> Value:
    if isinstance(value, list):
        return [_times(item, factor) for item in value]
    product = value * factor
    return int(product) if product == int(product) else product


def _change(analysis: Analysis, doubled: Analysis, name: str) -> str:
    """What doubling changed, in words."""
    if name == "width":
        kept = _layers_of_classes(analysis.graph)
        is_module = doubled.input.channels != analysis.input.channels
        but = f" but {', '.join(kept)}" if kept else ""
        return f"channels and features of all layers{' and the input' if is_module else but}"
    if name == "resolution":
        return f"input {doubled.input}"
    before, after = analysis.graph.parameters, doubled.graph.parameters
    return ", ".join(f"{k} = {after[k]}" for k in after if after[k] != before[k])


def _no_other(text: str) -> Any:
    raise UsageError(f"networks[{text}]: it is about one network")
