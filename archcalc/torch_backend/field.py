"""The receptive field, measured: which units answer when a single pixel of an image is set.

On a positive twin (`archcalc.torch_backend.probe`) a unit answers exactly where the pixel can
influence it: where the gradient of the unit by that pixel is not zero. Neighbouring pixels, set
one at a time, show all that one unit sees, since what moves along the image by whole steps moves
every layer by whole units. The image is so large that nothing is cut off: what is seen counts
only if it is seen on an image of twice the size as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from math import ceil, lcm

import torch
from torch import Tensor, nn

from archcalc.analysis import Analysis
from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.graph import Graph, Node
from archcalc.layers import Layer
from archcalc.layers.items import effect_with_items, of_one_item
from archcalc.layers.join import concatenates
from archcalc.layers.joining import Concat
from archcalc.layers.pooling import AdaptiveAvgPool, AdaptiveMaxPool, MaxPool
from archcalc.layers.upsampling import Upsample
from archcalc.receptive_field.field import (
    NOTHING,
    AxisField,
    Field,
    Interval,
    ListedPhases,
    PhasedField,
)
from archcalc.receptive_field.propagation import repeats
from archcalc.record import Record, replace
from archcalc.torch_backend.batches import zeros
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.one_axis import concatenated_axis, picks_channels, thin_layer
from archcalc.torch_backend.probe import positive_module, unpool_module
from archcalc.window import Reach

MOST_PIXELS = 2**14  # along an axis: where no field is found up to there, there is none
MOST_VALUES = 2**26  # in the images that are measured together: half a gigabyte


def measure_fields(analysis: Analysis, names: Collection[str]) -> list[AlongAxis]:
    """What the units of the layers called `names` see, along each spatial axis of the image.

    To be compared with `LayerAnalysis.field`, from which it takes hints alone: how many phases to
    look for, and how large an image to begin with. Units that all see all of it have `Reach.ALL`.
    """
    graph = analysis.graph
    measured: list[tuple[Graph, AlongAxis]] = []
    for axis, size in enumerate(graph.input.sizes):
        with torch.device("meta"):
            thin = positive_twin(graph, FeatureMap(1, (size,)), axis).twin.graph
        # Most networks do the same along all axes.
        along = next((found for other, found in measured if other == thin), None)
        measured.append((thin, _measured_along(analysis, axis, names) if along is None else along))
    return [along for _, along in measured]


class AlongAxis(Record):
    """What was measured along one axis.

    Attributes:
        found: by name, the fields of layers.
        left_out: by name, why there is none.
    """

    found: dict[str, AxisField]
    left_out: dict[str, str]


def _measured_along(analysis: Analysis, axis: int, names: Collection[str]) -> AlongAxis:
    found, left_out = _measured_at_once(analysis, axis, names)
    # What moves by a large step takes too many images; what moves by a smaller one takes fewer.
    own = {name: _step(analysis.layer(name).field[axis]) for name in names if name not in found}
    steps = sorted(set(own.values()))
    for step in steps if len(steps) > 1 else ():
        subset = [name for name, each in own.items() if each == step and name not in found]
        more, reasons = _measured_at_once(analysis, axis, subset)
        found, left_out = found | more, left_out | reasons
    # A window that grows with the image may see all of every image, and part of a larger one
    # where it does not grow.
    for name in _behind(_divides, analysis.graph).intersection(found):
        if found[name] is Reach.ALL and analysis.layer(name).field[axis] is not Reach.ALL:
            left_out[name] = "a window before it grows with the image"
            del found[name]
    # What resizes to a given size, or from corner to corner, does so by another factor there.
    for name in _behind(_resizes, analysis.graph).intersection(found):
        left_out[name] = "the factor of a resizing before it depends on the size of the image"
        del found[name]
    return AlongAxis(found, {name: why for name, why in left_out.items() if name not in found})


def _measured_at_once(
    analysis: Analysis, axis: int, names: Collection[str]
) -> tuple[dict[str, AxisField], dict[str, str]]:
    """By name, the fields that are the same on two images, one twice as large as the other.

    And why there are none of other layers.
    """
    size, step = large_enough_size(analysis, axis, names)
    most = max(MOST_PIXELS, 2 * size)
    found: dict[str, AxisField] = {}
    before: dict[str, AxisField] = {}
    left_out: dict[str, str] = {}
    why = ""
    while len(found) < len(names):
        if size > most or 2 * step * size > MOST_VALUES:
            why = f"it takes images of {size:,} pixels, {2 * step:,} of them: too many"
            if before:
                why = "what its units see changes with the size of the image"
            break
        periods = {
            name: _period(analysis.layer(name).field[axis]) for name in names if name not in found
        }
        seen, left_out = _seen(analysis.graph, axis, size, step, periods)
        found |= {name: field for name, field in seen.items() if before.get(name) == field}
        before = seen
        size += ceil(size / step) * step  # at least twice as large
    missing = [name for name in names if name not in found]
    return found, {name: left_out.get(name, why) for name in missing}


def _step(field: AxisField) -> int:
    """By how many pixels a field moves until it repeats."""
    if isinstance(field, Reach):
        return 1
    return max(1, field.jump if isinstance(field, Field) else field.advance)


def _behind(is_such: Callable[[Layer], bool], graph: Graph) -> set[str]:
    """Such layers, and those that see the image through one."""
    found: set[str] = set()
    for node in graph.nodes:
        if is_such(node.layer) or found.intersection(node.inputs):
            found.add(node.name)
    return found


def _divides(layer: Layer) -> bool:
    """Whether it has as many windows on an image of any size."""
    return isinstance(layer, (AdaptiveAvgPool, AdaptiveMaxPool))


def _resizes(layer: Layer) -> bool:
    """Whether it is a resizing by a factor that depends on the size of the image."""
    return isinstance(layer, Upsample) and (
        layer.size is not None or layer.align_corners or layer.mode == "area"
    )


def _period(field: AxisField) -> int:
    return field.period if isinstance(field, PhasedField) else 1


def large_enough_size(
    analysis: Analysis, axis: int, names: Collection[str] | None = None
) -> tuple[int, int]:
    """The size of an image that is likely to hold the largest field, and a step along it.

    Of the layers called `names`, by default of all.

    A whole step moves every layer by whole units. So in an image that is larger by whole steps
    everything fits together that fitted before.
    """
    layers = [layer for layer in analysis.layers if names is None or layer.name in names]
    rule = [layer.field[axis] for layer in layers]
    fields = [field for field in rule if isinstance(field, (Field, PhasedField))]
    step = lcm(*map(_step, fields))
    largest = max([field.size for field in fields], default=1)
    size = analysis.input.sizes[axis]
    missing = 2 * largest + 4 * step - size  # some room: a field may lie off the middle
    return size + ceil(max(0, missing) / step) * step, step


def _seen(
    graph: Graph, axis: int, size: int, step: int, periods: dict[str, int]
) -> tuple[dict[str, AxisField], dict[str, str]]:
    """What the units of each layer of `periods` see of an image of `size` pixels.

    A layer is missing where that cannot be told; where it was not run, with the reason.
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

    needed = replace(graph, outputs=tuple(periods)).without_unused()
    positive = positive_twin(needed, FeatureMap(1, (size,)), axis)
    found |= {name: NOTHING for name in positive.apart if name in periods}
    twin = positive.twin.double()
    for node in twin.graph.nodes:
        twin.module_of(node.name).register_forward_hook(partial(look, node.name))
    with torch.no_grad(), one_thread():
        twin(image, *positive.others(len(image)))
    return found, positive.left_out


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
    if shift % period == 0 and rest == 0 and repeats(phases, period, advance):
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


# ----- the twin -----


class PositiveTwin(Record):
    """A positive twin, as far as there is one.

    Attributes:
        twin: the twin.
        shapes: what comes out of each of its layers, by name, and the inputs.
        left_out: the layers that it lacks, by name, each with the reason.
        apart: what nothing of the image leads to, inputs and layers: those that the twin takes.
    """

    twin: Twin
    shapes: dict[str, FeatureMap]
    left_out: dict[str, str]
    apart: tuple[str, ...]

    def others(self, batch: int) -> tuple[Tensor, ...]:
        """The inputs of the twin beside the image, in which no pixel is set."""
        shapes = {name: self.shapes[name] for name in self.apart}
        return tuple([x.double() for x in zeros(shapes, batch, torch.float64, "cpu")])


def positive_twin(graph: Graph, image: FeatureMap, axis: int | None = None) -> PositiveTwin:
    """The positive twin of a network, for images of the given shape.

    With `axis` it is thin: one channel, and that axis of the image alone. Layers that refuse
    their input then, or have no such counterpart, are left out with all that depends on them.
    """
    maps = {graph.first_input: image}
    _, *apart = graph.inputs  # what nothing of the image leads to
    for name in apart:
        other = graph.inputs[name]
        maps[name] = other if axis is None else _thin(other, image, graph.input, axis)
    nodes: dict[str, Node] = {}
    modules: dict[str, nn.Module] = {}
    left_out: dict[str, str] = {}
    unlike: set[str] = set()  # whose channels need not see alike
    for node in graph.nodes:
        sources = node.sources
        missing = [left_out[name] for name in sources if name in left_out]
        if missing:
            left_out[node.name] = missing[0]
            continue
        inputs = [maps[name] for name in sources]
        try:
            layer = node.layer
            if axis is not None and not inputs:
                raise LayerError("it comes from no pixel")
            if axis is not None:
                if unlike.intersection(sources) and picks_channels(layer):
                    raise LayerError("channels that do not see alike are told apart before it")
                layer = thin_layer(layer, axis, len(graph.input.sizes), inputs[0])
        except LayerError as refusal:
            left_out[node.name] = str(refusal)
            continue
        try:
            if node.indices is not None:
                pool, pooled = nodes[node.indices].layer, maps[nodes[node.indices].inputs[0]]
                assert isinstance(pool, MaxPool)
                maps[node.name], modules[node.name] = pooled, unpool_module(pool, pooled)
            else:
                maps[node.name] = effect_with_items(layer, *inputs).output
                modules[node.name] = positive_module(layer, *of_one_item(layer, inputs))
        except LayerError as refusal:
            left_out[node.name] = f"images of another size do not fit: {refusal}"
            continue
        if _joins_channels(node.layer, axis, graph, inputs) or unlike.intersection(sources):
            unlike.add(node.name)
        if inputs and layer.channel_window(inputs[0]) is Reach.ALL:
            unlike.discard(node.name)
        if all(name in apart for name in sources):
            apart.append(node.name)
        nodes[node.name] = replace(node, layer=layer, inputs=sources, weights=None, indices=None)
    outputs = tuple([name for name in graph.outputs if name in nodes])
    kept = tuple([node for name, node in nodes.items() if name not in apart])
    taken = {name for node in kept for name in node.sources}
    apart = [name for name in apart if name in taken]
    entering = {name: maps[name] for name in (graph.first_input, *apart)}
    parts = {node.name: modules[node.name] for node in kept}
    twin = Twin(replace(graph, inputs=entering, nodes=kept, outputs=outputs), parts)
    return PositiveTwin(twin, maps, left_out, tuple(apart))


def _joins_channels(
    layer: Layer, axis: int | None, graph: Graph, inputs: Sequence[FeatureMap]
) -> bool:
    """Whether it puts channels in a row: of whole maps, or of those that stand for one axis."""
    if axis is not None and isinstance(layer, Concat):
        return concatenated_axis(layer, len(graph.input.sizes), inputs[0]) == 0
    return bool(inputs) and concatenates(layer, inputs[0])


def _thin(x: FeatureMap, image: FeatureMap, whole: FeatureMap, axis: int) -> FeatureMap:
    """Another input beside the one axis of an image: as much larger as that is."""
    if len(x.sizes) != len(whole.sizes):
        return x
    return FeatureMap(1, (x.sizes[axis] * image.sizes[0] // whole.sizes[axis],))
