"""How torch writes each layer of a network, in its place: what `archcalc export` writes of it."""

from __future__ import annotations

from collections.abc import Callable

from archcalc.analysis import Analysis
from archcalc.graph import Node
from archcalc.layers.convolution import Conv
from archcalc.layers.sliding import pads_alike
from archcalc.torch_spelling import Setting, Spelling, spell
from archcalc.torch_spelling.sliding import windows_of


def spelled(analysis: Analysis) -> Callable[[Node], Spelling]:
    """A function that says how torch writes a layer of a network."""
    maps = analysis.maps
    layers = {layer.name: layer for layer in analysis.layers}
    unpooled = {node.indices for node in analysis.graph.nodes}
    uneven_same = any(
        isinstance(layer.node.layer, Conv)
        and layer.node.layer.padding == "same"
        and not pads_alike(windows_of(layer.node.layer, maps[layer.inputs[0]]))
        for layer in analysis.layers
    )

    def in_its_place(node: Node) -> Spelling:
        inputs = tuple([maps[name] for name in node.inputs])
        once = [
            number
            for number, name in enumerate(node.inputs)
            if name in layers and not layers[name].is_of_images
        ]
        return spell(node.layer, Setting(inputs, node.name in unpooled, uneven_same, tuple(once)))

    return in_its_place
