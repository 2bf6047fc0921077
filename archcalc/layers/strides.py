"""How far apart the values of a tensor lie, and whether it can be seen under another shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

Strides: TypeAlias = "tuple[int, ...]"  # how many values apart neighbours along each axis lie


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


def dense_strides(shape: Sequence[int]) -> Strides:
    """Of values that lie one behind the other, without gaps."""
    return tuple([prod(shape[axis + 1 :]) for axis in range(len(shape))])
