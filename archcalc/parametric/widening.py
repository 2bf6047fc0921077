"""The network with more channels and features in all layers: its width times a factor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.graph import Graph, Node
from archcalc.layers import Join, Layer
from archcalc.record import replace

MOST_CHANNELS_OF_AN_IMAGE = 4


def widened(analysis: Analysis, factor: int) -> Graph:
    """The network with the channels and features of all layers times `factor`.

    What layers put out that have no input, such as learned tensors, stays. The input and the
    classes stay too, unless the input is a map of more channels than images have: then it is a
    module, whose input and output grow as well.

    Raises:
        UsageError: no layer says how wide the network is.
    """
    graph = analysis.graph
    maps = analysis.maps
    is_module = _is_module(analysis)
    kept = layers_of_classes(analysis)
    grows = dict.fromkeys(graph.inputs, False)  # whether a map has more channels than before
    grows[graph.first_input] = is_module
    nodes = []
    for node in graph.nodes:
        layer = node.layer
        fields: tuple[str, ...] = ()
        if node.inputs and node.name not in kept:
            x = maps[node.inputs[0]]
            fields = layer.widths(x) + (layer.follows(x) if grows[node.inputs[0]] else ())
        nodes.append(replace(node, layer=wider_layer(layer, fields, factor)))
        given = node.name not in kept and any(grows[name] for name in node.inputs)
        grows[node.name] = bool(fields) or given
    if not any(grows.values()):
        raise UsageError(f"{graph.name} has no layer before the classes that says how wide it is")
    network, imported = graph.network, graph.network.imported
    if imported is not None:  # what was captured of it is not of the wider one
        network = replace(network, imported=replace(imported, shapes={}, macs=None))
    wider = replace(graph, nodes=tuple(nodes), network=network)
    if not is_module:
        return wider
    return wider.with_input(FeatureMap(graph.input.channels * factor, graph.input.sizes))


def wider_layer(layer: Layer, fields: Iterable[str], factor: int) -> Layer:
    """The layer with some fields, numbers of channels, times a factor."""
    wider = {field: _wider(vars(layer)[field], factor) for field in fields}
    return type(layer)(**vars(layer) | wider)


def _wider(value: Any, factor: int) -> Any:
    """A number of channels, or a shape, in which they come first."""
    if isinstance(value, tuple):
        return (value[0] * factor, *value[1:])
    return value * factor


def layers_of_classes(analysis: Analysis) -> list[str]:
    """The last layer before each output that says how wide it is, in the order of outputs.

    Empty for a module, whose outputs are not classes.
    """
    if _is_module(analysis):
        return []
    maps = analysis.maps
    nodes = {node.name: node for node in analysis.graph.nodes}
    found = []
    for name in analysis.graph.outputs:
        node: Node | None = nodes.get(name)
        while node is not None and node.inputs and not isinstance(node.layer, Join):
            if node.layer.widths(maps[node.inputs[0]]):
                found.append(node.name)
                break
            node = nodes.get(node.inputs[0])
    return list(dict.fromkeys(found))


def _is_module(analysis: Analysis) -> bool:
    return bool(analysis.input.sizes) and analysis.input.channels > MOST_CHANNELS_OF_AN_IMAGE
