"""From some values of a layer back to all values of the image that they are computed from."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.regions.bits import NotFollowedError
from archcalc.regions.patches import Patch, around, together, values_in

MOST_PATCHES = 32  # of one map; what takes more is bounded by one
MOST_WORK = 2**27  # numbers in the sets that are looked at


class Traced(NamedTuple):
    """What some values are computed from, whatever the weights and the image.

    Attributes:
        patches: of the image.
        exact: whether they are all that there is to it; else they hold it and may hold more.
    """

    patches: list[Patch]
    exact: bool


def trace(analysis: Analysis, layer: LayerAnalysis, patch: Patch) -> Traced:
    """What the values of `patch`, of the layer's output, are computed from.

    Within the borders of every map on the way: what a strided layer leaves over, or a crop cuts
    off, is not seen, though it lies within the receptive field.

    Raises:
        NotFollowedError: it is unknown, or takes too long to find.
    """
    maps = analysis.maps
    wanted: dict[str, list[Patch]] = {layer.name: [patch]}
    work, exact = 0, True
    for at in reversed(analysis.layers):
        if at.name not in wanted:
            continue
        patches = together(wanted.pop(at.name))
        if len(patches) > MOST_PATCHES:
            bound = around(patches)
            exact = exact and bound.values == values_in(patches)
            patches = [bound]
        sources = at.node.sources
        inputs = [maps[name] for name in sources]
        work += len(patches) * sum(map(sum, [x.shape for x in (at.output, *inputs)]))
        if work > MOST_WORK:
            raise NotFollowedError
        for part in patches:
            for number, read in at.node.layer.reads(part, inputs, at.effect.windows):
                wanted.setdefault(sources[number], []).append(read)
    return Traced(together(wanted.get(analysis.graph.first_input, [])), exact)
