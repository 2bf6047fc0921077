"""Where one map lies in memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from archcalc.layers.strides import Strides, dense_strides


class Placed(NamedTuple):
    """A map in memory, with the batch."""

    shape: tuple[int, ...]
    strides: Strides

    def has_gaps(self) -> bool:
        """Whether values lie apart, or axes in another order than their own."""
        dense = without_gaps(self.shape).strides
        return any(n > 1 and a != b for n, a, b in zip(*self, dense, strict=True))

    def may_lie_channels_last(self) -> bool:
        """Whether torch may see a map of channels and positions as one with channels last.

        Source: torch, `is_channels_last_strides_2d_s4` (c10/core/MemoryFormat.h), by the axes of
        more than one value: what it makes of the others depends on strides that nothing else does.
        """
        order = [0, *range(2, len(self.shape)), 1]
        steps = [(self.shape[n], self.strides[n]) for n in order if self.shape[n] > 1]
        return all(slow >= n * fast > 0 for (_, slow), (n, fast) in pairwise(steps))


def without_gaps(shape: tuple[int, ...]) -> Placed:
    """A map of its own, its axes in their order."""
    return Placed(shape, dense_strides(shape))


def made_by_value(sources: Sequence[Placed]) -> Placed:
    """A new map that torch computes value by value from others, two at a time.

    Source: torch, `TensorIteratorBase::reorder_dimensions` (aten/src/ATen/TensorIterator.cpp).
    """
    first, *others = sources
    pairs: list[tuple[Placed, ...]] = [(first, other) for other in others] or [(first,)]
    found = first
    for _, *other in pairs:
        found = _in_their_order([found, *other])
    return found


def _in_their_order(sources: Sequence[Placed]) -> Placed:
    """A map whose axes lie in the order of those of others, one value along an axis for all."""
    shape = tuple(map(max, zip(*[source.shape for source in sources], strict=True)))
    along = [
        [
            step if n == m else 0
            for n, m, step in zip(source.shape, shape, source.strides, strict=True)
        ]
        for source in sources
    ]
    closest = [*reversed(range(len(shape)))]
    for start in range(1, len(closest)):
        at = start
        for before in reversed(range(start)):
            later = _lies_before(closest[before], closest[at], shape, along)
            if later is False:
                break
            if later:
                closest[before], closest[at] = closest[at], closest[before]
                at = before
    strides, step = [0] * len(shape), 1
    for axis in closest:
        strides[axis] = step
        step *= shape[axis]
    return Placed(shape, tuple(strides))


def _lies_before(
    one: int, other: int, shape: Sequence[int], along: Sequence[Sequence[int]]
) -> bool | None:
    """Whether values along `other` lie closer than along `one`; None where nothing tells it."""
    for strides in along:
        a, b = strides[one], strides[other]
        if a and b and (a != b or shape[one] > shape[other]):
            return a >= b
    return None
