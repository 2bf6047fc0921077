"""Graphs made by hand, without a spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archcalc.errors import Place, Source
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node, with_purpose
from archcalc.layers import Layer
from archcalc.spec.syntax import About, Network

PLACE = Place(Source("<test>", ""), 1, 1)


def node(
    name: str,
    layer: Layer,
    *inputs: str,
    weights: str | None = None,
    indices: str | None = None,
    training_only: bool = False,
) -> Node:
    """A layer in its place; on the network's input unless `inputs` are named."""
    return Node(name, layer, inputs or (INPUT,), weights, indices, training_only, PLACE)


def graph(
    input: FeatureMap | Mapping[str, FeatureMap], nodes: Sequence[Node], outputs: Sequence[str] = ()
) -> Graph:
    """The network of these nodes; its output is the last node's unless `outputs` are named.

    Of several inputs, `input` has the shapes by name.
    """
    network = Network("test", About(), {}, {}, {}, {}, (), PLACE.source, PLACE)
    ends = tuple(outputs) or (nodes[-1].name,)
    purposes = with_purpose(nodes, ends)
    inputs = {INPUT: input} if isinstance(input, FeatureMap) else input
    return Graph(network, inputs, {}, purposes, {}, ends, own_inputs=inputs)
