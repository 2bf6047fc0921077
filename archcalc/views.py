"""Which outputs are views of their inputs: where torch can, it gives a map another shape in place.

Behind a crop or a slice of the channels a map has gaps, and another shape may take a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from archcalc.analysis import Analysis
from archcalc.graph import INPUT
from archcalc.layers import Storage
from archcalc.layers.resampling import Crop
from archcalc.layers.reshaping import ChannelSlice, ChannelSplit, Flatten, Reshape

_LEAVES_GAPS = (Crop, ChannelSlice, ChannelSplit)
Strides: TypeAlias = "tuple[int, ...]"  # how many values apart neighbours along each axis lie


def views(analysis: Analysis, *, at_inference: bool) -> set[str]:
    """The layers whose outputs lie where their first inputs lie.

    Where sizes are free, or arrays, every layer that can be a view is one.
    """
    shared = {Storage.SHARED, *([Storage.SHARED_AT_INFERENCE] if at_inference else [])}
    found = {layer.name for layer in analysis.layers if layer.effect.storage in shared}
    gaps = any(isinstance(layer.node.layer, _LEAVES_GAPS) for layer in analysis.layers)
    numbers = [n for layer in analysis.layers for n in layer.output.shape]
    if gaps and all(isinstance(n, int) for n in (*analysis.input.shape, *numbers)):
        found -= _copies(analysis, found)
    return found


def _copies(analysis: Analysis, shared: set[str]) -> set[str]:
    """Those of `shared` that torch copies, since their inputs have gaps."""
    shapes = {INPUT: (analysis.batch, *analysis.input.shape)}
    strides = {INPUT: _without_gaps(shapes[INPUT])}
    copies = set()
    for layer in analysis.layers:
        source, shape = layer.inputs[0], (analysis.batch, *layer.output.shape)
        found: Strides | None = None
        if layer.name in shared:
            found = strides[source]
            if isinstance(layer.node.layer, (Flatten, Reshape)):
                found = strides_after(shapes[source], found, shape)
            if found is None:
                copies.add(layer.name)
        shapes[layer.name] = shape
        strides[layer.name] = found or _without_gaps(shape)
    return copies


def _without_gaps(shape: Sequence[int]) -> Strides:
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def strides_after(before: Sequence[int], strides: Strides, after: Sequence[int]) -> Strides | None:
    """The strides of the same values under another shape; None where they cannot stay in place.

    Axes that follow each other without a gap are one run of values, and a new axis has to lie
    within a run. Source: torch, `at::detail::computeStride` (aten/src/ATen/TensorUtils.cpp).
    """
    found = [0] * len(after)
    axis = len(after) - 1
    run, step = 1, strides[-1]  # values in the run, from the last axis on; how far apart they lie
    for old in reversed(range(len(before))):
        run *= before[old]
        goes_on = old > 0 and (before[old - 1] == 1 or strides[old - 1] == run * step)
        if goes_on:
            continue
        filled = 1
        while axis >= 0 and (filled < run or after[axis] == 1):
            found[axis] = filled * step
            filled *= after[axis]
            axis -= 1
        if filled != run:
            return None
        run, step = 1, strides[old - 1]
    return tuple(found) if axis < 0 else None
