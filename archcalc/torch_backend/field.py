"""The receptive field, measured: the pixels that the gradient of a unit reaches.

On a positive twin (`archcalc.torch_backend.positive`) the gradient is not zero exactly where a
pixel can influence the unit. The image is made so large that nothing is cut off: what is seen on
one image counts only if it is seen on one of twice the size as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from math import ceil, lcm
from typing import TypeAlias

import torch
from torch import Tensor, nn

from archcalc.analysis import Analysis
from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node
from archcalc.layers import Effect
from archcalc.layers.pooling import MaxUnpool
from archcalc.receptive_field import AxisField, Field, Interval, PhasedField
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.positive import positive_module
from archcalc.torch_backend.thin import thin_layer
from archcalc.window import Reach

MOST_PIXELS = 2**14  # along an axis: where no field is found up to there, there is none to find
ROWS = 16  # units measured together, each on an image of its own


def measured_fields(
    analysis: Analysis, names: Collection[str]
) -> dict[str, tuple[AxisField | None, ...]]:
    """What the units of the layers called `names` see, along each spatial axis of the image.

    To be compared with `LayerAnalysis.field`, from which it takes the number of phases and how
    large an image to begin with, and nothing else. Units that see all of any image have
    `Reach.ALL`. None where there is nothing to find: the network refuses images of other sizes,
    a layer before mixes the axes, or a window grows with the image.
    """
    graph = analysis.graph
    measured: list[tuple[Graph, dict[str, AxisField]]] = []
    for axis, size in enumerate(graph.input.sizes):
        with torch.device("meta"):
            thin = positive_twin(graph, FeatureMap(1, (size,)), axis).graph
        # Most networks do the same along all axes.
        along = next((found for other, found in measured if other == thin), None)
        measured.append((thin, _measured_along(analysis, axis, names) if along is None else along))
    return {name: tuple([found.get(name) for _, found in measured]) for name in names}


def measured_field(analysis: Analysis, name: str) -> tuple[AxisField | None, ...]:
    """As `measured_fields`, of one layer.

    Raises:
        UsageError: no such layer.
    """
    full = analysis.layer(name).name
    return measured_fields(analysis, [full])[full]


@dataclass(frozen=True, slots=True)
class _Whole:
    """What units see that all see the same, the whole image but for some pixels at its border.

    Such pixels are left over where no window fits any more.
    """

    before: int
    after: int


_Seen: TypeAlias = "Field | PhasedField | _Whole"


def _measured_along(analysis: Analysis, axis: int, names: Collection[str]) -> dict[str, AxisField]:
    """By name, the fields that are the same on two images, one twice as large as the other."""
    periods = {name: _period(analysis.layer(name).field[axis]) for name in names}
    size, step = _image(analysis, axis)
    found: dict[str, AxisField] = {}
    before: dict[str, _Seen] = {}
    while size <= MOST_PIXELS and len(found) < len(names):
        left = {name: period for name, period in periods.items() if name not in found}
        seen = _seen(analysis.graph, axis, size, left)
        for name, field in seen.items():
            if before.get(name) == field:
                found[name] = Reach.ALL if isinstance(field, _Whole) else field
        before = seen
        size += ceil(size / step) * step
    return found


def _period(field: AxisField) -> int:
    return len(field.phases) if isinstance(field, PhasedField) else 1


def _image(analysis: Analysis, axis: int) -> tuple[int, int]:
    """The size of an image that is likely to hold the largest field, and a step to larger ones.

    Whole steps move every layer by whole units, so that what fitted together still does.
    """
    rule = [layer.field[axis] for layer in analysis.layers]
    fields = [field for field in rule if isinstance(field, (Field, PhasedField))]
    step = lcm(*[f.jump if isinstance(f, Field) else f.advance for f in fields])
    largest = max([field.size for field in fields], default=1)
    size = analysis.input.sizes[axis]
    return size + ceil(max(0, 2 * largest + 2 * step - size) / step) * step, step


def _seen(graph: Graph, axis: int, size: int, periods: dict[str, int]) -> dict[str, _Seen]:
    """What the units in the middle see on an image of `size` pixels, for each layer of `periods`.

    A layer is missing where its field cannot be told: it has too few units, or no counterpart.
    """
    twin = positive_twin(graph, FeatureMap(1, (size,)), axis).double()
    rows = max(ROWS, 2 * max(periods.values()))
    image = torch.zeros(rows, 1, size, dtype=torch.float64, requires_grad=True)
    outputs = run(twin, image)
    units = {
        name: _middle(outputs[name][0].numel(), period)
        for name, period in periods.items()
        if name in outputs
    }
    fields = {}
    for together in _batches(units, rows):
        for name, intervals in _intervals(outputs, image, together).items():
            fields[name] = _field(intervals, units[name], periods[name], size)
    return {name: field for name, field in fields.items() if field is not None}


def _middle(outputs: int, period: int) -> range:
    """Two periods of units in the middle, from the first phase on; all units if they are fewer."""
    start = max(0, (outputs - 2 * period) // 2 // period * period)
    return range(start, min(start + 2 * period, outputs))


def _batches(units: dict[str, range], rows: int) -> Iterator[dict[str, range]]:
    """The layers in batches of at most `rows` units."""
    batch: dict[str, range] = {}
    for name, some in units.items():
        if sum(map(len, batch.values())) + len(some) > rows:
            yield batch
            batch = {}
        batch[name] = some
    yield batch


def _intervals(
    outputs: dict[str, Tensor], image: Tensor, units: dict[str, range]
) -> dict[str, list[Interval]]:
    """The first and last pixel that each of the units sees, each in an image of its own."""
    seeds = []
    row = 0
    for name, some in units.items():
        seed = torch.zeros_like(outputs[name]).flatten(1)
        rows = range(row, row + len(some))
        seed[list(rows), list(some)] = 1
        seeds.append(seed.view_as(outputs[name]))
        row = rows.stop
    heads = [outputs[name] for name in units]
    (gradient,) = torch.autograd.grad(heads, image, seeds, retain_graph=True)
    seen = iter([row.nonzero() for row in gradient[:, 0]])
    return {
        name: [
            (int(pixels[0]), int(pixels[-1])) if len(pixels) else None
            for pixels in islice(seen, len(some))
        ]
        for name, some in units.items()
    }


def _field(intervals: Sequence[Interval], units: range, period: int, size: int) -> _Seen | None:
    """The field that `units` have if it repeats after `period` of them; None if it does not."""
    first = intervals[0]
    if first is not None and all(interval == first for interval in intervals):
        return _Whole(first[0], size - 1 - first[1])
    if len(intervals) < 2 * period:
        return None
    earlier, later = intervals[:period], intervals[period:]
    advance = next((b[0] - a[0] for a, b in zip(earlier, later, strict=True) if a and b), 0)
    if later != [_moved(interval, advance) for interval in earlier]:
        return None
    phases = [_moved(interval, -(units[0] // period) * advance) for interval in earlier]
    if len(phases) == 1 and phases[0] is not None:
        return Field(*phases[0], advance)
    return PhasedField(tuple(phases), advance)


def _moved(interval: Interval, pixels: int) -> Interval:
    return None if interval is None else (interval[0] + pixels, interval[1] + pixels)


# ----- the twin -----


def positive_twin(graph: Graph, image: FeatureMap, axis: int | None = None) -> Twin:
    """The positive twin of a network, for images of the given shape.

    With `axis` it is thin: one channel, and that axis of the image alone. Layers that refuse
    their input then, or have no such counterpart, are left out with all that hangs on them.
    """
    maps = {INPUT: image}
    nodes: dict[str, Node] = {}
    modules: dict[str, nn.Module] = {}
    for node in graph.nodes:
        if not all(name in maps for name in node.inputs):
            continue
        inputs = [maps[name] for name in node.inputs]
        try:
            layer = node.layer
            if axis is not None:
                layer = thin_layer(layer, axis, len(graph.input.sizes), inputs[0])
            if isinstance(layer, MaxUnpool) and node.indices is not None:
                # What the pool took in is of this image's size, not of the spec's.
                inputs.append(maps[nodes[node.indices].inputs[0]])
                layer = MaxUnpool(**vars(layer) | {"output": inputs[-1].sizes})
            rule: Callable[..., Effect] = layer.effect_on  # some take several maps
            maps[node.name] = rule(*inputs).output
        except LayerError:
            continue
        modules[node.name] = positive_module(layer, *inputs[: len(node.inputs)])
        nodes[node.name] = replace(node, layer=layer, weights=None, indices=None)
    outputs = tuple([name for name in graph.outputs if name in maps])
    kept = tuple(nodes.values())
    return Twin(replace(graph, input=image, nodes=kept, outputs=outputs), modules)


def run(twin: Twin, image: Tensor) -> dict[str, Tensor]:
    """What each layer of a twin returns for the images, by name."""
    outputs: dict[str, Tensor] = {}

    def catch(name: str, module: nn.Module, given: object, output: Tensor) -> None:
        outputs[name] = output

    for node in twin.graph.nodes:
        twin.get_submodule(node.name).register_forward_hook(partial(catch, node.name))
    twin(image)
    return outputs
