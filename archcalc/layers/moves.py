"""Values that change places: axes taken apart into factors, and put together from these anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from itertools import product as combinations
from math import prod
from typing import NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.layers.operator import Turn
from archcalc.quantity.arithmetic import Quantity, certainly_equal, certainly_one, product
from archcalc.regions.bits import chunks, full, repeated
from archcalc.regions.patches import Patch


class Moved(NamedTuple):
    """Where the values of a map go: its axes as factors, and the new axes as products of these.

    Items come first in both, as an axis of their own. A factor that is in no new axis is 1.

    Attributes:
        split: for the items and for each axis, the sizes of its factors, the slowest first.
        joined: for the new items and each new axis, the numbers of its factors, the slowest first;
            factors are counted through all of `split`. An axis of none has a size of 1.
    """

    split: tuple[tuple[Quantity, ...], ...]
    joined: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> list[Quantity]:
        """The size of each factor."""
        return [size for factors in self.split for size in factors]

    @property
    def output(self) -> FeatureMap:
        """The new shape."""
        sizes = self.sizes
        items, first, *others = [product([sizes[n] for n in axis]) for axis in self.joined]
        return FeatureMap(first, tuple(others), items)

    @property
    def turn(self) -> Turn:
        """How it takes axes apart and puts others together, those of one value left out."""
        sizes = self.sizes
        moving = [n for n, size in enumerate(sizes) if not certainly_one(size)]
        places = {n: place for place, n in enumerate(moving)}
        numbers = iter(range(len(sizes)))
        split, joined = (
            [tuple([places[n] for n in axis if n in places]) for axis in axes]
            for axes in ([[next(numbers) for _ in own] for own in self.split], self.joined)
        )
        items = (bool(split[0]), bool(joined[0]))
        return Turn(tuple(filter(None, split)), tuple(filter(None, joined)), items)

    @property
    def keeps_order(self) -> bool:
        """Whether the values stay in their order, whatever the sizes that are open."""
        factors = [n for axis in self.turn.joined for n in axis]
        return all(a < b for a, b in pairwise(factors))

    @property
    def is_nothing(self) -> bool:
        """Whether every axis stays where it is: of what else there is torch records a view."""
        single = not self.split[0] and all(len(factors) == 1 for factors in self.split[1:])
        return single and self.joined == ((), *[(n,) for n in range(len(self.sizes))])

    def read(self, patch: Patch) -> Iterator[Patch]:
        """The values of the map that end up in a patch, of plain sizes and without items."""
        sizes = self.sizes
        choices = []
        for axis, bits in zip(self.joined[1:], (patch.channels, *patch.positions), strict=True):
            choices.append([dict(zip(axis, sets, strict=True)) for sets in _cut(bits, axis, sizes)])
        for chosen in combinations(*choices):
            sets = {n: bits for part in chosen for n, bits in part.items()}
            number, found = 0, []
            for factors in self.split:
                own = range(number, number + len(factors))
                number += len(factors)
                found.append(_as_one([sets.get(n, 1) for n in own], factors))
            yield Patch(found[1], tuple(found[2:]))

    def reached(self, channels: int, x: FeatureMap) -> int:
        """The numbers along the first new axis that values of some channels of `x` end up at."""
        turned = self.turned_back()
        return next(_around(turned.read(Patch(channels, tuple(map(full, x.sizes))))))

    def turned_back(self) -> Moved:
        """What puts the values back where they were."""
        sizes = self.sizes
        order = [n for axis in self.joined for n in axis]
        place = {n: number for number, n in enumerate(order)}
        number, joined = 0, []
        for factors in self.split:
            own = range(number, number + len(factors))
            number += len(factors)
            joined.append(tuple([place[n] for n in own if n in place]))
        return Moved(
            tuple([tuple([sizes[n] for n in axis]) for axis in self.joined]), tuple(joined)
        )


def in_order(before: Sequence[Quantity], after: Sequence[Quantity]) -> Moved | None:
    """How values in their order lie under another shape; None where its axes cross the old ones."""
    split: list[list[Quantity]] = [[] for _ in before]
    joined: list[list[int]] = [[] for _ in after]
    left, wanted = [*before], [*after]  # of each axis, what is still to be shared out
    old = new = 0
    factors: list[tuple[int, int, Quantity]] = []  # the axes that each is of, and its size
    while old < len(left) and new < len(wanted):
        a, b = left[old], wanted[new]
        if certainly_equal(a, b):
            factors.append((old, new, a))
            old, new = old + 1, new + 1
        elif certainly_one(a) or new == len(wanted) - 1:
            factors.append((old, new, a))
            old += 1
            if isinstance(a, int) and isinstance(b, int):
                wanted[new] = b // a
        elif certainly_one(b) or old == len(left) - 1:
            factors.append((old, new, b))
            new += 1
            if isinstance(a, int) and isinstance(b, int):
                left[old] = a // b
        elif not (isinstance(a, int) and isinstance(b, int)) or max(a, b) % min(a, b):
            return None
        elif a < b:
            factors.append((old, new, a))
            old, wanted[new] = old + 1, b // a
        else:
            factors.append((old, new, b))
            new, left[old] = new + 1, a // b
    factors += [(n, len(after) - 1, left[n]) for n in range(old, len(left))]
    factors += [(len(before) - 1, n, wanted[n]) for n in range(new, len(wanted))]
    for number, (one, other, size) in enumerate(sorted(factors, key=lambda f: f[:2]), 1):
        split[one].append(size)
        joined[other].append(number)
    return Moved(((1,), *map(tuple, split)), ((0,), *map(tuple, joined)))


def _around(patches: Iterator[Patch]) -> Iterator[int]:
    bits = 0
    for patch in patches:
        bits |= patch.channels
    yield bits


def _cut(bits: int, axis: Sequence[int], sizes: Sequence[Quantity]) -> list[tuple[int, ...]]:
    """A set along an axis as sets along its factors, of which each combination is in it."""
    if not axis:
        return [()] if bits else []
    if len(axis) == 1:
        return [(bits,)]
    own = [sizes[n] for n in axis]
    if bits == full(prod(own)):
        return [tuple(map(full, own))]
    parts = chunks(bits, own[0], prod(own[1:]))
    return [
        (places, *sets) for part, places in parts.items() for sets in _cut(part, axis[1:], sizes)
    ]


def _as_one(sets: Sequence[int], sizes: Sequence[Quantity]) -> int:
    """Sets along factors as the set along their product."""
    if not sets:
        return 1
    *outer, inner = sets
    size = sizes[-1]
    for places, count in zip(reversed(outer), reversed(sizes[:-1]), strict=True):
        inner = repeated(inner, size, places)
        size *= count
    return inner
