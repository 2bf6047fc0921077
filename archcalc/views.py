"""How torch lays maps out in memory: which are views, and what is copied for want of one.

Where torch can, it gives a map another shape in place. Behind a crop or a slice of the channels a
map has gaps; then another shape may take a copy, and some layers copy what they take in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple, TypeAlias

from archcalc.analysis import Analysis
from archcalc.graph import INPUT
from archcalc.layers import Extra, Layer, Storage
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import GroupNorm
from archcalc.layers.resampling import Crop
from archcalc.layers.reshaping import ChannelSlice, ChannelSplit, Flatten, Reshape
from archcalc.quantity import one_for_all

_LEAVES_GAPS = (Crop, ChannelSlice, ChannelSplit)
Strides: TypeAlias = "tuple[int, ...]"  # how many values apart neighbours along each axis lie


class Layout(NamedTuple):
    """Where the outputs of layers lie.

    Attributes:
        views: the layers whose outputs lie where their first inputs lie.
        copies: what layers make beside their outputs, since their inputs have gaps.
    """

    views: set[str]
    copies: dict[str, Extra]


class _Placed(NamedTuple):
    """A map in memory, with the batch."""

    shape: tuple[int, ...]
    strides: Strides

    def has_gaps(self) -> bool:
        dense = _without_gaps(self.shape).strides
        return any(n > 1 and a != b for n, a, b in zip(*self, dense, strict=True))


def layout(analysis: Analysis, *, at_inference: bool) -> Layout:
    """Where the outputs of layers lie, at inference or in training.

    Where sizes are free, or arrays, every layer that can be a view is one.
    """
    shared = {Storage.SHARED, *([Storage.SHARED_AT_INFERENCE] if at_inference else [])}
    found = Layout({layer.name for layer in analysis.layers if layer.effect.storage in shared}, {})
    if any(isinstance(layer.node.layer, _LEAVES_GAPS) for layer in analysis.layers):
        shapes = _shapes(analysis)
        if all(isinstance(n, int) for shape in shapes.values() for n in shape):
            _look_for_copies(analysis, shapes, found, at_inference)
    return found


def unsettled(analysis: Analysis) -> str | None:
    """A layer of which free sizes leave open whether it copies; None if there is none."""
    if all(isinstance(n, int) for shape in _shapes(analysis).values() for n in shape):
        return None
    with_gaps: set[str] = set()
    for layer in analysis.layers:
        behind_gaps = layer.inputs[0] in with_gaps
        if behind_gaps and isinstance(layer.node.layer, (Flatten, Reshape, GroupNorm, Linear)):
            return layer.name
        is_view = layer.effect.storage is not Storage.OWN
        if is_view and (behind_gaps or isinstance(layer.node.layer, _LEAVES_GAPS)):
            with_gaps.add(layer.name)
    return None


def _shapes(analysis: Analysis) -> dict[str, tuple[Any, ...]]:
    """The shapes of all maps, with the batch."""
    return {name: (analysis.batch, *map(one_for_all, x.shape)) for name, x in analysis.maps.items()}


def _look_for_copies(
    analysis: Analysis,
    shapes: Mapping[str, tuple[int, ...]],
    found: Layout,
    at_inference: bool,
) -> None:
    """Takes out of the views what torch copies, and enters what layers copy."""
    placed = {INPUT: _without_gaps(shapes[INPUT])}
    for layer in analysis.layers:
        source, shape = placed[layer.inputs[0]], shapes[layer.name]
        strides: Strides | None = None
        if layer.name in found.views:
            strides = source.strides
            if isinstance(layer.node.layer, (Flatten, Reshape)):
                strides = strides_after(*source, shape)
            if strides is None:
                found.views.remove(layer.name)
        placed[layer.name] = _without_gaps(shape) if strides is None else _Placed(shape, strides)
        if source.has_gaps():
            copied = _copied(layer.node.layer, source, prod(shape[1:]), at_inference)
            if copied:
                found.copies[layer.name] = Extra("copy of its input", copied)


def _copied(layer: Layer, source: _Placed, outputs: int, at_inference: bool) -> int:
    """The values, for each image, of what a layer makes beside its output of an input with gaps.

    Source: torch, `at::group_norm` and `at::linear`
    (aten/src/ATen/native/group_norm.cpp, Linear.cpp, LinearAlgebra.cpp).
    """
    inputs = prod(source.shape[1:])
    if isinstance(layer, GroupNorm):
        return inputs
    if not isinstance(layer, Linear) or len(source.shape) == 2:
        return 0
    *leading, last = source.shape  # the product is one of matrices
    copied = inputs if strides_after(*source, (prod(leading), last)) is None else 0
    # The bias is added to the product, in a tensor of its own.
    return max(copied, outputs) if at_inference and layer.bias else copied


def _without_gaps(shape: tuple[int, ...]) -> _Placed:
    return _Placed(shape, tuple(prod(shape[axis + 1 :]) for axis in range(len(shape))))


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
