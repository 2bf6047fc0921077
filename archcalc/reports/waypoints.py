"""The layers that every path through a network takes: where its growth can be read off.

Where there is none for long, as within the skips of a U-Net or a dense block, those on the longest
path stand in.
"""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.record import replace
from archcalc.window import Reach

LONGEST_GAP = 12  # layers that slide a window; a larger one is filled


class Waypoint(NamedTuple):
    """A layer that all paths from the input to the output lead through, or the longest does.

    Attributes:
        depth: how many layers that slide a window or see everything (convolutions, pools, linear
            layers) stand on the longest path up to it.
    """

    layer: LayerAnalysis
    depth: int


def waypoints(analysis: Analysis) -> list[Waypoint]:
    """The waypoints of a network, from the input to the output."""
    # The layers that lead to the first output.
    wanted = replace(analysis.graph, outputs=analysis.graph.outputs[:1]).with_gradient()
    leading = [layer for layer in analysis.layers if layer.name in wanted]
    order = {layer.name: place for place, layer in enumerate(leading)}
    last_use = {name: order[layer.name] for layer in leading for name in layer.inputs}
    points: dict[str, Waypoint] = {}
    # What follows from learned tensors alone is on no path, and has none.
    depth = dict.fromkeys(analysis.graph.inputs, 0)
    found: list[Waypoint] = []
    open_until = max(last_use.get(name, 0) for name in analysis.graph.inputs)
    for place, layer in enumerate(leading):
        before = [depth[name] for name in layer.inputs if name in depth]
        if not before:
            continue
        depth[layer.name] = max(before) + _widens(layer)
        points[layer.name] = Waypoint(layer, depth[layer.name])
        if open_until <= place:
            last = found[-1] if found else None
            if depth[layer.name] - (last.depth if last else 0) > LONGEST_GAP:
                found += _longest_path(points, layer, last)
            found.append(points[layer.name])
        open_until = max(open_until, last_use.get(layer.name, place))
    return found


def _longest_path(
    points: dict[str, Waypoint], to: LayerAnalysis, start: Waypoint | None
) -> list[Waypoint]:
    """The layers on the path with the most windows that leads to a layer, from `start` on."""
    path: list[Waypoint] = []
    inputs = to.inputs
    while before := [points[name] for name in inputs if name in points]:
        longest = max(before, key=lambda point: point.depth)
        if longest == start:
            break
        path.append(longest)
        inputs = longest.layer.inputs
    return path[::-1]


def _widens(layer: LayerAnalysis) -> bool:
    """Whether it slides a window, or reaches further than a position."""
    windows = layer.effect.windows
    return windows not in (Reach.SAME, Reach.STATISTICS, ())
