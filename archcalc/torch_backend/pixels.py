"""The pixels that single units see, measured: where the gradient of a unit is not zero.

On a positive twin (`archcalc.torch_backend.probe`) of the network as it is, on an image of its
own size, borders and channels included; of a network too large for that, along one axis at a time,
on one channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from archcalc.analysis import Analysis
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis, total
from archcalc.record import Record
from archcalc.torch_backend.field import PositiveTwin, positive_twin
from archcalc.torch_backend.modes import one_thread

MOST_MACS = 10**9  # of a network that is measured as it is
MOST_VALUES = 2**24  # of its parameters, or of its activations

Unit = tuple[int, ...]
Pixels = frozenset[tuple[int, ...]]


class MeasuredPixels(Record):
    """What was measured of some units.

    Attributes:
        pixels: by layer and unit, the pixels that it sees; None where these were measured along
            each axis alone.
        along: by layer and unit, along each axis, where pixels are that it sees.
        left_out: by layer, why nothing was measured.
    """

    pixels: Mapping[tuple[str, Unit], Pixels] | None
    along: Mapping[tuple[str, Unit], tuple[frozenset[int], ...]]
    left_out: Mapping[str, str]


def measured_pixels(analysis: Analysis, units: Sequence[tuple[str, Unit]]) -> MeasuredPixels:
    """The pixels that some units see: of all channels of the image and of the unit together.

    Args:
        units: the names of layers, each with a position in its map, or of a vector a feature.
    """
    if _is_small(analysis):
        twin = positive_twin(analysis.graph, analysis.input)
        axes = {layer.name: layer.unit_axes for layer in analysis.layers}
        pixels = dict(_reached(twin, units, axes))
        along = {
            unit: tuple(
                frozenset(pixel[axis] for pixel in seen)
                for axis in range(len(analysis.input.sizes))
            )
            for unit, seen in pixels.items()
        }
        return MeasuredPixels(pixels, along, twin.left_out)
    return _along_each_axis(analysis, units)


def _is_small(analysis: Analysis) -> bool:
    activations = sum(layer.output.values for layer in analysis.layers)
    sums = total(analysis.layers, analysis.bytes_each)
    return sums.macs <= MOST_MACS * analysis.batch and max(sums.params, activations) <= MOST_VALUES


def _along_each_axis(analysis: Analysis, units: Sequence[tuple[str, Unit]]) -> MeasuredPixels:
    left_out: dict[str, str] = {}
    along: dict[tuple[str, Unit], tuple[frozenset[int], ...]] = dict.fromkeys(units, ())
    for axis, size in enumerate(analysis.input.sizes):
        twin = positive_twin(analysis.graph, FeatureMap(1, (size,)), axis)
        left_out |= twin.left_out
        with_place = {
            # Of a vector every feature is the only one of the thin network's, if that has but one.
            (name, unit): (name, (unit[axis] if analysis.layer(name).output.sizes else 0,))
            for name, unit in units
            if _is_map_or_vector(analysis.layer(name), len(analysis.input.sizes))
        }
        thin = twin.shapes
        places = [
            (name, place)
            for name, place in dict.fromkeys(with_place.values())
            if name in thin and (thin[name].sizes or thin[name].channels == 1)
        ]
        found = dict(_reached(twin, places))
        for unit in units:
            seen = found.get(with_place[unit]) if unit in with_place else None
            if seen is None:
                along.pop(unit, None)
                left_out.setdefault(unit[0], "features, in a network too large to be run whole")
            elif unit in along:
                along[unit] = (*along[unit], frozenset(pixel for (pixel,) in seen))
    return MeasuredPixels(None, along, left_out)


def _is_map_or_vector(layer: LayerAnalysis, axes: int) -> bool:
    """Whether its units stand along the axes of the image, or it is a vector."""
    return not layer.output.sizes or layer.unit_axes == (*range(1, axes + 1),)


def _reached(
    positive: PositiveTwin,
    units: Sequence[tuple[str, Unit]],
    unit_axes: Mapping[str, tuple[int, ...]] | None = None,
) -> Iterator[tuple[tuple[str, Unit], Pixels]]:
    """The pixels where the gradient of a unit is not zero, of those units that the twin has.

    `unit_axes` has by layer the axes along which its units stand; without it they stand along all
    but the first, and those of a vector along that.
    """
    unit_axes = unit_axes or {}
    twin = positive.twin.double()
    outputs: dict[str, Tensor] = {}

    def keep(name: str, module: nn.Module, given: object, output: Tensor) -> None:
        if output.requires_grad:
            # Sums of many paths would run out of range; only whether there is one counts.
            output.register_hook(_reached_or_not)  # type: ignore[no-untyped-call]  # torch gives no types
        outputs[name] = output

    for node in twin.graph.nodes:
        twin.module_of(node.name).register_forward_hook(partial(keep, node.name))
    shape, others = twin.graph.input.shape, positive.others(1)
    with torch.inference_mode(False), torch.enable_grad(), one_thread():
        image = torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True)
        twin(image, *others)
        for name, unit in units:
            if name not in outputs:
                continue
            of_unit = outputs[name][0]
            # A thin network has its one axis behind the channels.
            axes = unit_axes.get(name, range(of_unit.dim() > 1, of_unit.dim()))
            for axis, position in sorted(zip(axes, unit, strict=True), reverse=True):
                of_unit = of_unit.select(axis, position)
            gradient = None
            if of_unit.requires_grad:
                (gradient,) = torch.autograd.grad(
                    of_unit.sum(), image, retain_graph=True, allow_unused=True
                )
            seen = [] if gradient is None else gradient[0].sum(0).nonzero().tolist()
            yield (name, unit), frozenset(map(tuple, seen))


def _reached_or_not(gradient: Tensor) -> Tensor:
    return (gradient != 0).double()
