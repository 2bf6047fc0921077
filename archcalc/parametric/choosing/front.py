"""Pareto fronts: what no other beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1 << 9  # points that are compared with the front so far
_COMPARED = 1 << 22  # pairs of points that are compared at once


def front(points: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the points are beaten by no other: in each column less is better.

    A point beats another if it is as good in each column and better in one. So of points that are
    the same in all columns each is there, or none.

    Args:
        points: a row for each.
    """
    # In lexicographic order what beats a point stands before it.
    order = np.lexsort(points.T[::-1])
    in_order = points[order]
    is_first = np.ones(len(points), dtype=bool)
    is_first[1:] = (in_order[1:] != in_order[:-1]).any(axis=1)
    unique = in_order[is_first]
    kept = _pair_front(unique) if points.shape[1] == 2 else _any_front(unique)
    found = np.empty(len(points), dtype=bool)
    found[order] = kept[np.cumsum(is_first) - 1]
    return found


def _pair_front(points: NDArray[np.int64]) -> NDArray[np.bool_]:
    second = points[:, 1]
    best = np.minimum.accumulate(second)
    return np.concatenate([np.ones(min(1, len(second)), dtype=bool), second[1:] < best[:-1]])


def _any_front(points: NDArray[np.int64]) -> NDArray[np.bool_]:
    found = np.zeros(len(points), dtype=bool)
    best = points[:0]
    for start in range(0, len(points), _AT_ONCE):
        some = points[start : start + _AT_ONCE]
        left = np.flatnonzero(~_beaten(some, best))
        for number in range(len(left)):
            one = some[left[number]]
            if not (some[left[:number]] <= one).all(axis=1).any():
                found[start + left[number]] = True
        best = np.concatenate([best, some[found[start : start + _AT_ONCE]]])
    return found


def _beaten(points: NDArray[np.int64], by: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the points are beaten by others, all of them different and earlier in order."""
    beaten = np.zeros(len(points), dtype=bool)
    step = max(1, _COMPARED // max(1, len(points)))
    for start in range(0, len(by), step):
        some = by[start : start + step]
        worse = np.ones((len(points), len(some)), dtype=bool)
        for column in range(points.shape[1]):
            worse &= some[None, :, column] <= points[:, None, column]
        beaten |= worse.any(axis=1)
    return beaten
