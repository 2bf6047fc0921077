"""The layers of two networks, aligned: which became which, which are gone, which are new.

Layers with the same name, where somebody gave it, and the same fields are the same. Between
these anchors the cheapest way from one list to the other is found by dynamic programming over
the pairs (Needleman & Wunsch 1970), at these costs:
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from archcalc.graph import Graph, Node

ALONE = 6  # a layer added or removed
FIELD = 3  # a field changed; the kind is one
RENAMED = 4  # another name
RENUMBERED = 1  # another number where archcalc counts: relu3 -> relu4
MOST_UNDER_ONE_NAME = 9  # for layers of the same kind and name, whatever their fields

MOST_PAIRS = 1_000_000  # between two anchors; beyond, nothing there corresponds


class Pair(NamedTuple):
    """A layer before and after; None where it is new, or gone."""

    before: Node | None
    after: Node | None


def align(before: Graph, after: Graph) -> list[Pair]:
    """The layers of two networks in pairs, in order; those removed come before those added."""
    a = [_Entry(node, before) for node in before.nodes]
    b = [_Entry(node, after) for node in after.nodes]
    pairs: list[Pair] = []
    start_a = start_b = 0
    for i, j in [*_anchors(a, b), (len(a), len(b))]:
        pairs += _aligned(a[start_a:i], b[start_b:j])
        if i < len(a):
            pairs.append(Pair(a[i].node, b[j].node))
        start_a, start_b = i + 1, j + 1
    return pairs


def stem(node: Node, graph: Graph) -> tuple[str | None, ...]:
    """The parts of a layer's dotted name, with None for those that archcalc counted: `relu3`."""
    parts = node.name.split(".")
    kinds = [graph.blocks.get(".".join(parts[:end])) for end in range(1, len(parts))]
    return tuple(
        None if kind and part.startswith(kind) and part[len(kind) :].isdecimal() else part
        for part, kind in zip(parts, [*kinds, node.layer.kind], strict=True)
    )


class _Entry:
    """A layer, with what of it is compared often.

    Attributes:
        is_named: whether somebody gave it the whole of its name, as far as that shows.
    """

    __slots__ = ("fields", "is_named", "kind", "module", "name", "node", "stem")

    def __init__(self, node: Node, graph: Graph) -> None:
        self.node = node
        self.name = node.name
        self.kind = node.layer.kind
        self.module = type(node.layer).__module__
        self.fields = vars(node.layer)
        self.stem = stem(node, graph)
        self.is_named = None not in self.stem


def _anchors(a: Sequence[_Entry], b: Sequence[_Entry]) -> list[tuple[int, int]]:
    """The longest chain of layers with the same given name and fields, as pairs of positions."""
    places = {entry.name: j for j, entry in enumerate(b) if entry.is_named}
    same = [
        (i, places[entry.name])
        for i, entry in enumerate(a)
        if entry.name in places and b[places[entry.name]].node.layer == entry.node.layer
    ]
    return _longest_rising(same)


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence whose second numbers rise, by patience sorting."""
    tops: list[int] = []  # the least last number of a rising sequence of each length
    ends: list[int] = []  # where that sequence ends
    previous: list[int | None] = []
    for place, (_, j) in enumerate(pairs):
        length = bisect_left(tops, j)
        previous.append(ends[length - 1] if length else None)
        tops[length : length + 1] = [j]
        ends[length : length + 1] = [place]
    chain = []
    last = ends[-1] if ends else None
    while last is not None:
        chain.append(pairs[last])
        last = previous[last]
    return chain[::-1]


def _aligned(a: Sequence[_Entry], b: Sequence[_Entry]) -> list[Pair]:
    """The cheapest alignment of two short lists."""
    if len(a) * len(b) > MOST_PAIRS or not a or not b:
        return [*(Pair(x.node, None) for x in a), *(Pair(None, y.node) for y in b)]
    costs = _Costs()
    # best[j]: the least cost of the first i layers of `a` against the first j of `b`.
    best = [ALONE * j for j in range(len(b) + 1)]
    moves: list[bytearray] = []
    for i, x in enumerate(a, 1):
        row, move = [ALONE * i], bytearray(len(b) + 1)
        for j, y in enumerate(b, 1):
            least, step = best[j - 1] + costs.of(x, y), _BOTH
            if row[j - 1] + ALONE < least:
                least, step = row[j - 1] + ALONE, _ADDED
            if best[j] + ALONE < least:
                least, step = best[j] + ALONE, _REMOVED
            row.append(least)
            move[j] = step
        best = row
        moves.append(move)
    return _traced(a, b, moves)


_BOTH, _ADDED, _REMOVED = range(3)


def _traced(a: Sequence[_Entry], b: Sequence[_Entry], moves: Sequence[bytearray]) -> list[Pair]:
    """The pairs along the cheapest way, from its end back."""
    pairs = []
    i, j = len(a), len(b)
    while i and j:
        step = moves[i - 1][j]
        i -= step != _ADDED
        j -= step != _REMOVED
        pairs.append(
            Pair(a[i].node if step != _ADDED else None, b[j].node if step != _REMOVED else None)
        )
    pairs += [Pair(None, y.node) for y in reversed(b[:j])]
    pairs += [Pair(x.node, None) for x in reversed(a[:i])]
    return pairs[::-1]


class _Costs:
    """What it costs to say that one layer became another."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], int] = {}

    def of(self, x: _Entry, y: _Entry) -> int:
        if x.module != y.module:  # a pool does not become an activation
            return 2 * ALONE + 1
        key = (id(x.node.layer), id(y.node.layer))
        if key not in self._known:
            self._known[key] = self._of_layers(x, y)
        cost = self._known[key]
        if x.name == y.name and x.is_named:
            return min(cost, MOST_UNDER_ONE_NAME) if x.kind == y.kind else cost
        if x.stem == y.stem and not x.is_named:
            return cost + (x.name != y.name) * RENUMBERED
        return cost + RENAMED

    def _of_layers(self, x: _Entry, y: _Entry) -> int:
        names = x.fields.keys() | y.fields.keys()
        changed = sum(bool(x.fields.get(name) != y.fields.get(name)) for name in names)
        return FIELD * (changed + (x.kind != y.kind))
