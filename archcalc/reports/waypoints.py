"""The layers that every path through a network takes: where its growth can be read off."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis import Analysis, LayerAnalysis
from archcalc.graph import INPUT
from archcalc.window import Reach


class Waypoint(NamedTuple):
    """A layer that all paths from the input to the output lead through.

    Attributes:
        depth: how many layers that slide a window or see everything (convolutions, pools, linear
            layers) stand on the longest path up to it.
    """

    layer: LayerAnalysis
    depth: int


def waypoints(analysis: Analysis) -> list[Waypoint]:
    """The waypoints of a network, from the input to the output."""
    leading = _leading(analysis)
    order = {layer.name: place for place, layer in enumerate(leading)}
    last_use = {name: order[layer.name] for layer in leading for name in layer.inputs}
    depth = {INPUT: 0}
    found = []
    open_until = last_use.get(INPUT, 0)
    for place, layer in enumerate(leading):
        before = max(depth[name] for name in layer.inputs)
        depth[layer.name] = before + _widens(layer)
        if open_until <= place:
            found.append(Waypoint(layer, depth[layer.name]))
        open_until = max(open_until, last_use.get(layer.name, place))
    return found


def _leading(analysis: Analysis) -> list[LayerAnalysis]:
    """The layers that lead to the network's first output."""
    wanted = {analysis.graph.outputs[0]}
    found = []
    for layer in reversed(analysis.layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
            found.append(layer)
    return found[::-1]


def _widens(layer: LayerAnalysis) -> bool:
    """Whether it slides a window, or reaches further than a position."""
    windows = layer.effect.windows
    return windows is not Reach.SAME and windows != ()
