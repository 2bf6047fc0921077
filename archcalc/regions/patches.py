"""Patches: some channels of a map, at some positions along each of its axes.

A set of values is a list of patches that may overlap. Sets are bits (`archcalc.regions.bits`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from math import prod
from operator import or_
from typing import NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.regions.bits import chunks, full, repeated

MOST_COMPARED = 512  # patches of which each is compared with each


class Patch(NamedTuple):
    """All values of some channels at some positions.

    Attributes:
        channels: which of them; of a vector, which of its features.
        positions: which of them, along each spatial axis.
    """

    channels: int
    positions: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many values it has."""
        return prod(bits.bit_count() for bits in (self.channels, *self.positions))


def whole(x: FeatureMap) -> Patch:
    """All values of a map."""
    return Patch(full(x.channels), tuple(map(full, x.sizes)))


def around(patches: Sequence[Patch]) -> Patch:
    """The smallest patch that holds all of them; of no patches there is none."""
    channels, *positions = (reduce(or_, sets) for sets in zip(*map(_sets, patches), strict=True))
    return Patch(channels, tuple(positions))


def together(patches: Iterable[Patch]) -> list[Patch]:
    """The same values in fewer patches, none of them empty; few of them not inside another."""
    found = list(dict.fromkeys(patch for patch in patches if patch.values))
    before = 0
    while len(found) > 1 and len(found) != before:
        before = len(found)
        for number in range(1 + len(found[0].positions)):
            found = _merged(found, number)
        if len(found) <= MOST_COMPARED:
            found = _outermost(found)
    return found


def _merged(patches: Sequence[Patch], number: int) -> list[Patch]:
    """With those as one that differ in one of their sets alone, the one of that number."""
    alike: dict[tuple[int, ...], int] = {}
    for patch in patches:
        sets = _sets(patch)
        others = (*sets[:number], *sets[number + 1 :])
        alike[others] = alike.get(others, 0) | sets[number]
    joined = [(*others[:number], own, *others[number:]) for others, own in alike.items()]
    return [Patch(sets[0], sets[1:]) for sets in joined]


def _outermost(patches: Sequence[Patch]) -> list[Patch]:
    """Without those that lie inside another."""
    largest_first = sorted(patches, key=lambda patch: patch.values, reverse=True)
    kept: list[Patch] = []
    for patch in largest_first:
        if not any(_holds(other, patch) for other in kept):
            kept.append(patch)
    return kept


def _holds(outer: Patch, inner: Patch) -> bool:
    return all(not b & ~a for a, b in zip(_sets(outer), _sets(inner), strict=True))


def _sets(patch: Patch) -> tuple[int, ...]:
    return (patch.channels, *patch.positions)


def values_in(patches: Collection[Patch]) -> int:
    """How many values lie in the patches; one that lies in several counts once."""
    return _count([_sets(patch) for patch in patches])


def _count(products: Collection[tuple[int, ...]]) -> int:
    if len(products) < 2:
        return sum(prod(bits.bit_count() for bits in sets) for sets in products)
    # The numbers of the first set, parted by the products that they lie in.
    parts: list[tuple[int, list[tuple[int, ...]]]] = [(reduce(or_, [p[0] for p in products]), [])]
    for first, *rest in products:
        parts = [
            (part, kept)
            for bits, others in parts
            for part, kept in ((bits & first, [*others, tuple(rest)]), (bits & ~first, others))
            if part
        ]
    # With the last set, there are no further ones: then the product of none is 1.
    return sum(bits.bit_count() * _count(dict.fromkeys(others)) for bits, others in parts)


# ----- values in their order -----


def flat(patch: Patch, x: FeatureMap) -> int:
    """The numbers of the values of a patch, where those of `x` are counted, channels slowest."""
    *outer, inner = _sets(patch)
    size = x.shape[-1]
    for places, number in zip(reversed(outer), reversed(x.shape[:-1]), strict=True):
        inner = repeated(inner, size, places)
        size *= number
    return inner


def unflattened(bits: int, x: FeatureMap) -> list[Patch]:
    """The values of those numbers, where the values of `x` are counted, channels slowest."""
    if bits == full(x.values):
        return [whole(x)]
    return [Patch(sets[0], sets[1:]) for sets in _cut(bits, x.shape)]


def _cut(bits: int, shape: Sequence[int]) -> list[tuple[int, ...]]:
    if len(shape) == 1:
        return [(bits,)]
    parts = chunks(bits, shape[0], prod(shape[1:]))
    return [(places, *sets) for part, places in parts.items() for sets in _cut(part, shape[1:])]
