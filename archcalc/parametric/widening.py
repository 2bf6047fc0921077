"""The network with more channels and features in all layers: its width times a factor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node
from archcalc.layers import Join, Layer
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.linear import Linear
from archcalc.layers.resampling import PadChannels
from archcalc.layers.reshaping import ChannelSlice, Reshape

MOST_CHANNELS_OF_AN_IMAGE = 4

# The fields that say how wide a layer is.
_WIDTHS: dict[type[Layer], tuple[str, ...]] = {
    Conv: ("channels",),
    ConvTranspose: ("channels",),
    LocallyConnected: ("channels",),
    Linear: ("features",),
    PadChannels: ("before", "after"),
}
_OF_INPUT: dict[type[Layer], tuple[str, ...]] = {
    Reshape: ("shape",),
    ChannelSlice: ("start", "stop"),
}  # which grow where the input does


def widened(analysis: Analysis, factor: int) -> Graph:
    """The network with the channels and features of all layers times `factor`.

    The input and the classes stay, unless the input is a map of more channels than images have:
    then it is a module, whose input and output grow as well.

    Raises:
        UsageError: no layer says how wide the network is.
    """
    graph = analysis.graph
    maps = analysis.maps
    is_module = _is_module(analysis)
    kept = layers_of_classes(analysis)
    grows = {INPUT: is_module}  # whether a map has more channels than before
    nodes = []
    for node in graph.nodes:
        source = node.inputs[0]
        fields = () if node.name in kept else _widths(node.layer, maps[source], grows[source])
        wider = {field: _wider(vars(node.layer)[field], factor) for field in fields}
        nodes.append(replace(node, layer=type(node.layer)(**vars(node.layer) | wider)))
        given = node.name not in kept and any(grows[name] for name in node.inputs)
        grows[node.name] = bool(fields) or given
    if not any(grows.values()):
        raise UsageError(f"{graph.name} has no layer before the classes that says how wide it is")
    larger = FeatureMap(graph.input.channels * factor, graph.input.sizes)
    return replace(graph, nodes=tuple(nodes), input=larger if is_module else graph.input)


def _widths(layer: Layer, x: FeatureMap, grows: bool) -> tuple[str, ...]:
    """The fields that grow: those that say how wide a layer is, and where its input grows also
    such as the groups of a depthwise convolution."""
    is_depthwise = isinstance(layer, (Conv, ConvTranspose)) and layer.groups == x.channels > 1
    following = (*(("groups",) if is_depthwise else ()), *_OF_INPUT.get(type(layer), ()))
    return (*_own_widths(layer, x), *(following if grows else ()))


def _own_widths(layer: Layer, x: FeatureMap) -> tuple[str, ...]:
    """The fields that say how wide a layer is; a linear on a map gives a size, and no channels."""
    return () if isinstance(layer, Linear) and x.sizes else _WIDTHS.get(type(layer), ())


def _wider(value: Any, factor: int) -> Any:
    """A number of channels, or a shape, in which they come first."""
    if isinstance(value, tuple):
        return (value[0] * factor, *value[1:])
    return value * factor


def layers_of_classes(analysis: Analysis) -> list[str]:
    """The last layer before each output that says how wide it is, in the order of outputs.

    Empty for a module, whose outputs are no classes.
    """
    if _is_module(analysis):
        return []
    maps = analysis.maps
    nodes = {node.name: node for node in analysis.graph.nodes}
    found = []
    for name in analysis.graph.outputs:
        node: Node | None = nodes.get(name)
        while node is not None and not isinstance(node.layer, Join):
            if _own_widths(node.layer, maps[node.inputs[0]]):
                found.append(node.name)
                break
            node = nodes.get(node.inputs[0])
    return list(dict.fromkeys(found))


def _is_module(analysis: Analysis) -> bool:
    return bool(analysis.input.sizes) and analysis.input.channels > MOST_CHANNELS_OF_AN_IMAGE
