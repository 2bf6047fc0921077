"""The layers of two networks, aligned: which became which, which are gone, which are new.

Layers with the same name, where somebody gave it, and the same fields are the same. Between
these anchors the cheapest way from one list to the other is found by dynamic programming over
the pairs (Needleman & Wunsch 1970), at these costs:
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.graph import Graph, Node
from archcalc.layers import Layer
from archcalc.layers.layer import ALONG_AXES
from archcalc.layers.pooling import Sliding

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
    a, b = _entries(before), _entries(after)
    pairs: list[Pair] = []
    start_a = start_b = 0
    for i, j in [*_anchors(a, b), (len(a), len(b))]:
        pairs += _aligned(a[start_a:i], b[start_b:j])
        if i < len(a):
            pairs.append(Pair(a[i].node, b[j].node))
        start_a, start_b = i + 1, j + 1
    return pairs


def unequal_fields(before: Layer, after: Layer) -> list[str]:
    """The fields that say something else in two layers, and not the same in other words."""
    return _unequal(vars(before), vars(after), _meant(before), _meant(after))


def _unequal(
    old: Mapping[str, Any], new: Mapping[str, Any], *meant: Mapping[str, Any]
) -> list[str]:
    """The names of what differs both as it is written and as it is meant."""
    names = [name for name in {**old, **new} if bool(old.get(name) != new.get(name))]
    before, after = meant
    return [name for name in names if bool(before.get(name) != after.get(name))]


def _meant(layer: Layer) -> dict[str, Any]:
    """The fields of a layer, each as short as it could have been written."""
    fields = dict(vars(layer))
    if isinstance(layer, Sliding):
        fields["stride"] = layer.step
    for name, annotation in layer.types.items():
        if annotation in ALONG_AXES:
            fields[name] = _said_once(fields[name])
    return fields


def _said_once(value: Any) -> Any:
    """One number for axes, or sides of them, that have the same; 0 for `valid`."""
    if not isinstance(value, tuple):
        return 0 if isinstance(value, str) and value == "valid" else value
    items = tuple(map(_said_once, value))
    first, *others = items
    alike = not isinstance(first, tuple) and all(item == first for item in others)
    return first if alike else items


def stems(graph: Graph) -> dict[str, tuple[str | None, ...]]:
    """The parts of each layer's dotted name, with None for those that are counted: `relu3`.

    What a module of an imported model does again is counted too, `act_2`; and so is the first of
    such a row, `act`, and `relu` beside `relu1`.
    """
    names = {node.name for node in graph.nodes}
    return {node.name: _stem(node, graph, names) for node in graph.nodes}


def _stem(node: Node, graph: Graph, names: Collection[str]) -> tuple[str | None, ...]:
    parts = node.name.split(".")
    kinds = [graph.blocks.get(".".join(parts[:end])) for end in range(1, len(parts))]
    kinds.append(node.layer.kind)
    stem = [
        None if kind and part.startswith(kind) and part[len(kind) :].isdecimal() else part
        for part, kind in zip(parts, kinds, strict=True)
    ]
    first, _, number = node.name.rpartition("_")
    is_again = number.isdecimal() and first in names
    row = ("_1", "_2", "1") if parts[-1] == node.layer.kind else ("_1", "_2")
    if is_again or any(f"{node.name}{second}" in names for second in row):
        stem[-1] = None
    return tuple(stem)


class _Entry:
    """A layer, with what of it is compared often.

    Attributes:
        is_named: whether somebody gave it the whole of its name, as far as that shows.
    """

    __slots__ = ("category", "fields", "is_named", "kind", "meant", "name", "node", "stem")

    def __init__(self, node: Node, stem: tuple[str | None, ...]) -> None:
        self.node = node
        self.name = node.name
        self.kind = node.layer.kind
        self.category = node.layer.category
        self.fields = vars(node.layer)
        self.meant = _meant(node.layer)
        self.stem = stem
        self.is_named = None not in self.stem


def _entries(graph: Graph) -> list[_Entry]:
    names = stems(graph)
    return [_Entry(node, names[node.name]) for node in graph.nodes]


def _anchors(a: Sequence[_Entry], b: Sequence[_Entry]) -> list[tuple[int, int]]:
    """The longest chain of layers with the same given name and fields, as pairs of positions."""
    places = {entry.name: j for j, entry in enumerate(b) if entry.is_named}
    same = [
        (i, places[entry.name])
        for i, entry in enumerate(a)
        if entry.name in places and _are_alike(b[places[entry.name]], entry)
    ]
    return _longest_rising(same)


def _are_alike(x: _Entry, y: _Entry) -> bool:
    return x.kind == y.kind and not _unequal(x.fields, y.fields, x.meant, y.meant)


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
        if x.category is not y.category:  # a pool does not become an activation
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
        changed = _unequal(x.fields, y.fields, x.meant, y.meant)
        return FIELD * (len(changed) + (x.kind != y.kind))
