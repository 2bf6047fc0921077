"""Axes of captured tensors as products of factors, with the batch among these."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import prod
from typing import NamedTuple, TypeAlias

Sizes: TypeAlias = tuple[int, ...]  # of one axis or factor, in each run of a trace

_numbers = count(1)


class Factor(NamedTuple):
    """A factor of the size of an axis: one that a view has cut off, the batch, or all of it."""

    number: int
    sizes: Sizes
    is_batch: bool = False

    @property
    def size(self) -> int:
        """Of one that is the same in each run."""
        return self.sizes[0]


Axis: TypeAlias = tuple[Factor, ...]  # the slowest first; () of a size of 1
Axes: TypeAlias = tuple[Axis, ...]


def factor(sizes: Sizes) -> Factor:
    """A new factor."""
    return Factor(next(_numbers), sizes)


def axis_of(sizes: Sizes) -> Axis:
    """An axis of one new factor, or of none where its size is 1."""
    return () if set(sizes) == {1} else (factor(sizes),)


def factors_of(axes: Axes) -> Iterator[Factor]:
    """The factors of some axes, in order."""
    for axis in axes:
        yield from axis


def size_of(axis: Axis) -> int:
    """The size of an axis without the batch."""
    return prod([each.size for each in axis if not each.is_batch])


def batch_axis(axes: Axes) -> int | None:
    """The number of the axis that the batch is in; None where it is in none."""
    return next((n for n, axis in enumerate(axes) if any(each.is_batch for each in axis)), None)


def without_batch(axis: Axis) -> Axis:
    """The factors of an axis but the batch."""
    return tuple([each for each in axis if not each.is_batch])


def before_batch(axes: Axes, dim: int) -> Axes | None:
    """The axes with the one of the batch as two: whole batches one behind the other, the batch.

    None where the axis does not end in the batch, so that no part of it is whole batches.
    """
    *before, last = axes[dim]
    return (*axes[:dim], tuple(before), (last,), *axes[dim + 1 :]) if last.is_batch else None


def replaced(axes: Axes, parts: Mapping[Factor, Axis]) -> Axes:
    """The axes with some factors replaced by others."""
    while any(each in parts for each in factors_of(axes)):
        axes = tuple(
            [tuple([part for each in axis for part in parts.get(each, (each,))]) for axis in axes]
        )
    return axes


def regrouped(axes: Axes, sizes: Sequence[Sizes]) -> tuple[Axes, dict[Factor, Axis]] | None:
    """The same factors, in their order, as axes of other sizes, and which were cut into which.

    None where that takes factors apart that have no common boundary, as of (4, 6) and (3, 8).
    """
    queue = deque(factors_of(axes))
    found: list[Axis] = []
    parts: dict[Factor, Axis] = {}
    for want in sizes:
        group: list[Factor] = []
        while queue and set(queue[0].sizes) == {1}:
            group.append(queue.popleft())  # a batch of one
        while set(want) != {1}:
            if not queue:
                return None
            first = queue.popleft()
            if _divides(first.sizes, want):
                group.append(first)
                want = _over(want, first.sizes)
            elif _divides(want, first.sizes) and not first.is_batch:
                parts[first] = (factor(want), factor(_over(first.sizes, want)))
                group.append(parts[first][0])
                queue.appendleft(parts[first][1])
                break
            else:
                return None
        found.append(tuple(group))
    if queue and all(set(each.sizes) == {1} for each in queue) and found:
        found[-1] += tuple(queue)
        queue.clear()
    return None if queue else (tuple(found), parts)


def _divides(small: Sizes, large: Sizes) -> bool:
    return all(n % m == 0 for m, n in zip(small, large, strict=True))


def _over(large: Sizes, small: Sizes) -> Sizes:
    return tuple([n // m for m, n in zip(small, large, strict=True)])
