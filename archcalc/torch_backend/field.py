"""The receptive field, measured: which units answer when a single pixel of an image is set.

On a positive twin (`archcalc.torch_backend.positive`) a unit answers exactly where the pixel can
influence it: where the gradient of the unit by that pixel is not zero. Neighbouring pixels, set
one at a time, show all that one unit sees, since what moves along the image by whole steps moves
every layer by whole units. The image is so large that nothing is cut off: what is seen counts
only if it is seen on an image of twice the size as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from math import ceil, lcm

import torch
from torch import Tensor, nn

from archcalc.analysis import Analysis
from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.graph import INPUT, Graph, Node
from archcalc.layers import Effect
from archcalc.layers.pooling import AdaptiveAvgPool, AdaptiveMaxPool, MaxUnpool
from archcalc.receptive_field import AxisField, Field, Interval, ListedPhases, PhasedField
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.positive import positive_module
from archcalc.torch_backend.thin import thin_layer
from archcalc.window import Reach

MOST_PIXELS = 2**14  # along an axis: where no field is found up to there, there is none
MOST_VALUES = 2**26  # in the images that are measured together: half a gigabyte


def measured_field(analysis: Analysis, name: str) -> tuple[AxisField | None, ...]:
    """As `measured_fields`, of one layer.

    Raises:
        UsageError: no such layer.
    """
    full = analysis.layer(name).name
    return measured_fields(analysis, [full])[full]


def measured_fields(
    analysis: Analysis, names: Collection[str]
) -> dict[str, tuple[AxisField | None, ...]]:
    """What the units of the layers called `names` see, along each spatial axis of the image.

    To be compared with `LayerAnalysis.field`, from which it takes hints alone: how many phases to
    look for, and how large an image to begin with. Units that all see all of it have `Reach.ALL`.
    None where there is nothing to find: the network refuses images of other sizes, a layer before
    mixes the axes, or a window grows with the image.
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


def _measured_along(analysis: Analysis, axis: int, names: Collection[str]) -> dict[str, AxisField]:
    """By name, the fields that are the same on two images, one twice as large as the other."""
    size, step = roomy_size(analysis, axis)
    most = max(MOST_PIXELS, 2 * size)
    found: dict[str, AxisField] = {}
    before: dict[str, AxisField] = {}
    while size <= most and 2 * step * size <= MOST_VALUES and len(found) < len(names):
        periods = {
            name: _period(analysis.layer(name).field[axis]) for name in names if name not in found
        }
        seen = _seen(analysis.graph, axis, size, step, periods)
        found |= {name: field for name, field in seen.items() if before.get(name) == field}
        before = seen
        size += ceil(size / step) * step  # at least twice as large
    # A window that grows with the image may see all of every image, and part of a larger one
    # where it does not grow.
    undecided = _behind_growing_windows(analysis.graph)
    return {
        name: field
        for name, field in found.items()
        if field is not Reach.ALL
        or name not in undecided
        or analysis.layer(name).field[axis] is Reach.ALL
    }


def _behind_growing_windows(graph: Graph) -> set[str]:
    """The layers that see the image through the windows of an adaptive pool."""
    found: set[str] = set()
    for node in graph.nodes:
        adaptive = isinstance(node.layer, (AdaptiveAvgPool, AdaptiveMaxPool))
        if adaptive or found.intersection(node.inputs):
            found.add(node.name)
    return found


def _period(field: AxisField) -> int:
    return field.period if isinstance(field, PhasedField) else 1


def roomy_size(analysis: Analysis, axis: int) -> tuple[int, int]:
    """The size of an image that is likely to hold the largest field, and a step along it.

    A whole step moves every layer by whole units. So in an image that is larger by whole steps
    everything fits together that fitted before.
    """
    rule = [layer.field[axis] for layer in analysis.layers]
    fields = [field for field in rule if isinstance(field, (Field, PhasedField))]
    step = lcm(*[f.jump if isinstance(f, Field) else f.advance for f in fields])
    largest = max([field.size for field in fields], default=1)
    size = analysis.input.sizes[axis]
    missing = 2 * largest + 4 * step - size  # some room: a field may lie off the middle
    return size + ceil(max(0, missing) / step) * step, step


def _seen(
    graph: Graph, axis: int, size: int, step: int, periods: dict[str, int]
) -> dict[str, AxisField]:
    """What the units of each layer of `periods` see of an image of `size` pixels.

    A layer is missing where that cannot be told.
    """
    first_pixel = size // 2 - step
    image = torch.zeros(2 * step, 1, size, dtype=torch.float64)
    image[range(2 * step), 0, range(first_pixel, first_pixel + 2 * step)] = 1
    found: dict[str, AxisField] = {}

    def look(name: str, module: nn.Module, given: object, output: Tensor) -> Tensor:
        answers = output != 0
        if name in periods:
            field = _field(answers.flatten(1), first_pixel, periods[name])
            if field is not None:
                found[name] = field
        return answers.double()  # neither a product of many layers nor a quotient runs out of range

    twin = positive_twin(graph, FeatureMap(1, (size,)), axis).double()
    for node in twin.graph.nodes:
        twin.module_of(node.name).register_forward_hook(partial(look, node.name))
    with torch.no_grad(), one_thread():
        twin(image)
    return found


def _field(answers: Tensor, first_pixel: int, period: int) -> AxisField | None:
    """The field of units that answered to pixels from `first_pixel` on, two whole steps of them.

    Args:
        answers: (pixels, units), whether the unit answers to the pixel.
        period: the number of phases, if so many repeat; else there is a phase for each unit of
            a whole step.
    """
    if bool(answers.all()):
        return Reach.ALL
    step = len(answers) // 2
    shift = _shift(answers[:step], answers[step:])
    if shift is None:
        return None
    phases = _phases(answers, first_pixel, step, shift)
    advance, rest = divmod(step * period, shift)
    if shift % period == 0 and rest == 0 and _repeats(phases, period, advance):
        phases, step = phases[:period], advance
    if len(phases) == 1 and phases[0] is not None:
        return Field(*phases[0], step)
    return ListedPhases(tuple(phases), step)


def _shift(earlier: Tensor, later: Tensor) -> int | None:
    """By how many units the answers to `later` pixels lie behind those to `earlier` ones.

    None where they do not differ by that alone.
    """
    starts = [answers.any(dim=0).nonzero() for answers in (earlier, later)]
    if not all(map(len, starts)):
        return None
    shift = int(starts[1][0]) - int(starts[0][0])
    if shift < 1 or not torch.equal(earlier[:, :-shift], later[:, shift:]):
        return None
    return shift


def _phases(answers: Tensor, first_pixel: int, step: int, shift: int) -> list[Interval]:
    """What the units 0 … shift - 1 see, if unit u + shift sees what u sees, a step further."""
    pixels, units = answers.nonzero(as_tuple=True)
    seen = pixels + first_pixel - step * (units // shift)
    phase = units % shift
    intervals: list[Interval] = []
    for number in range(shift):
        own = seen[phase == number]
        intervals.append((int(own.min()), int(own.max())) if len(own) else None)
    return intervals


def _repeats(phases: Sequence[Interval], period: int, advance: int) -> bool:
    return all(
        later == (earlier and (earlier[0] + advance, earlier[1] + advance))
        for earlier, later in zip(phases, phases[period:], strict=False)
    )


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
        if not all(name in maps for name in (*node.inputs, node.indices or INPUT)):
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
