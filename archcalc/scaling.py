"""How the figures of a network grow with its width, its depth and its resolution.

Each way to make a network larger is carried out, exactly, and what comes of it compared: the
ratio after doubling, the exponent that amounts to, and the degree of the polynomial in the factor,
which the exponent approaches.
Source: Tan & Le 2019 (arXiv:1905.11946), section 3.1, equation 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import gcd, log2
from typing import Any

from archcalc.analysis import Analysis
from archcalc.claims.quantities import WEIGHT_KINDS, evaluate, longest_path
from archcalc.errors import LayerError, SpecError, UsageError, did_you_mean
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node, build_graph
from archcalc.layers import Join, Layer
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.linear import Linear
from archcalc.layers.resampling import PadChannels
from archcalc.layers.reshaping import ChannelSlice
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
# Sizes round alike at multiples of a high power of two, and a peak stays with one layer.
_STEPS = {"width": 8, "resolution": 32}
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
        LayerError: a layer refuses what becomes of its input.
    """
    return [_way(analysis, name, quantities) for name in names]


def possible_ways(analysis: Analysis) -> list[str]:
    """Those of `WAYS` that the network can grow."""
    found = []
    for way in WAYS:
        try:
            scaled(analysis, way, 2)
        except (UsageError, LayerError, SpecError):
            continue
        found.append(way)
    return found


def figures(analysis: Analysis, quantities: Sequence[str]) -> dict[str, int]:
    """The quantities of a network.

    Raises:
        UsageError: one is malformed, or no plain number.
    """
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
        UsageError: the network cannot grow that way.
        LayerError: a layer refuses what becomes of its input.
    """
    return walk(_graph(analysis, way, factor), analysis.batch, analysis.dtype)


def _way(analysis: Analysis, name: str, quantities: Sequence[str]) -> Way:
    doubled = scaled(analysis, name, 2)
    now, then = figures(analysis, quantities), figures(doubled, quantities)
    rows = _along(analysis, name, quantities)
    growth = {
        quantity: Growth(
            ratio=Fraction(then[quantity], now[quantity]) if now[quantity] else None,
            degree=None if rows is None else _degree([row[quantity] for row in rows]),
        )
        for quantity in quantities
    }
    return Way(name, doubled, _change(analysis, doubled, name), growth)


def _along(analysis: Analysis, name: str, quantities: Sequence[str]) -> list[dict[str, int]] | None:
    """The figures at multiples of a step; None where they become too large to reckon."""
    base = _shrunk(analysis) if name == "depth" else analysis
    step = _STEPS.get(name, 1)
    try:
        return [figures(scaled(base, name, step * k), quantities) for k in range(1, _POINTS + 1)]
    except (SpecError, LayerError):
        return None


def _shrunk(analysis: Analysis) -> Analysis:
    """The shallowest network of which the depth is a multiple."""
    counts = _depths(analysis.graph)
    numbers = [
        n for value in counts.values() for n in (value if isinstance(value, list) else [value])
    ]
    divisor = gcd(*numbers)
    graph = _with_parameters(
        analysis.graph, {k: _times(v, Fraction(1, divisor)) for k, v in counts.items()}
    )
    return walk(graph, analysis.batch, analysis.dtype)


def _degree(values: Sequence[int]) -> int | None:
    """The degree of the polynomial that takes these values at equal distances."""
    for degree in range(len(values) - 2):
        values = [b - a for a, b in pairwise(values)]
        if not any(values):
            return degree
    return None


def _graph(analysis: Analysis, way: str, factor: int) -> Graph:
    graph = analysis.graph
    if way == "width":
        return _widened(analysis, factor)
    if way == "resolution":
        if not graph.input.sizes:
            raise UsageError(f"{graph.name} takes a vector, which has no resolution")
        sizes = tuple(size * factor for size in graph.input.sizes)
        return replace(graph, input=FeatureMap(graph.input.channels, sizes))
    counts = _depths(graph) if way == "depth" else {way: _number(graph, way)}
    return _with_parameters(graph, {name: _times(value, factor) for name, value in counts.items()})


def _with_parameters(graph: Graph, changed: Mapping[str, Value]) -> Graph:
    """The network with other parameters; an input that it was given in place of its own stays."""
    own = build_graph(graph.network, parameters=graph.parameters).input
    given = None if own == graph.input else graph.input
    return build_graph(graph.network, input=given, parameters=graph.parameters | dict(changed))


# ----- width -----


def _widened(analysis: Analysis, factor: int) -> Graph:
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
        wider = {field: vars(node.layer)[field] * factor for field in fields}
        nodes.append(replace(node, layer=type(node.layer)(**vars(node.layer) | wider)))
        given = node.name not in kept and any(grows[name] for name in node.inputs)
        grows[node.name] = bool(fields) or given
    if not any(grows.values()):
        raise UsageError(f"{graph.name} has no layer before the classes that says how wide it is")
    larger = FeatureMap(graph.input.channels * factor, graph.input.sizes)
    return replace(graph, nodes=tuple(nodes), input=larger if is_module else graph.input)


def _widths(layer: Layer, inputs: int, grows: bool) -> tuple[str, ...]:
    """The fields that say how wide a layer is; the groups of a depthwise one follow its input."""
    is_depthwise = isinstance(layer, (Conv, ConvTranspose)) and layer.groups == inputs > 1
    return (*_WIDTHS.get(type(layer), ()), *(("groups",) if is_depthwise and grows else ()))


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

    Raises:
        UsageError: there is none.
    """
    found = {
        name: value
        for name, value in graph.parameters.items()
        if _is_count(value) and _deepens(graph, name, value)
    }
    if not found:
        raise UsageError(f"{graph.name} has no parameter that says how often blocks repeat")
    return found


def _is_count(value: Value) -> bool:
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(type(item) is int and item > 0 for item in items)


def _deepens(graph: Graph, name: str, value: Value) -> bool:
    """Whether there are more layers with weights on a path, and all else is possible."""
    try:
        deeper = _with_parameters(graph, {name: _times(value, 2)})
        before, after = walk(graph, 1, "float32"), walk(deeper, 1, "float32")
    except (SpecError, LayerError):
        return False
    return longest_path(after, WEIGHT_KINDS) > longest_path(before, WEIGHT_KINDS)


def _number(graph: Graph, name: str) -> Value:
    if name not in graph.parameters:
        known = [*WAYS, *graph.parameters]
        guess = did_you_mean(name, known) or f"; known: {', '.join(known)}"
        raise UsageError(f"--by: {graph.name} has no {name!r}{guess}")
    value = graph.parameters[name]
    items = value if isinstance(value, list) else [value]
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
        where = (
            "of all layers and the input" if is_module else f"of all layers but {', '.join(kept)}"
        )
        return f"channels and features {where}"
    if name == "resolution":
        return f"input {doubled.input}"
    before, after = analysis.graph.parameters, doubled.graph.parameters
    return ", ".join(f"{k} = {after[k]}" for k in after if after[k] != before[k])


def _no_other(text: str) -> Any:
    raise UsageError(f"networks[{text}]: it is about one network")
