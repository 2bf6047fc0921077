"""Layers in a row that a join takes, whose names count on: `layer1`, `layer2`, and so on.

Where such a row is long, or grows from one layer of a network to the next as in a DenseNet, whose
layers take all before them, a single name with a `range` in it says all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archcalc.folding.items import IN, Call, Group, Leaf, Repeat, Rounds, Row

MOST_NAMED = 5  # layers of a row, one by one
_NUMBER = re.compile(r"(?<![0-9])(?:0|[1-9][0-9]*)(?![0-9])")


class Counted(NamedTuple):
    """Layers whose names differ in a number, by what a body calls them.

    Attributes:
        head, tail: what stands before the number, and behind it.
        first: the number of the first.
        length: how many they are.
    """

    head: str
    tail: str
    first: int
    length: int

    @property
    def names(self) -> list[str]:
        return [f"{self.head}{self.first + n}{self.tail}" for n in range(self.length)]


def find_rows(root: Group) -> None:
    """Notes of each layer which of its inputs are a row, where such rows grow or are long."""
    found: list[tuple[Leaf, Row, tuple[object, ...]]] = []
    lengths: dict[tuple[object, ...], set[int]] = {}
    for leaf, group in _leaves(root):
        names = _names(leaf, group)
        for place, name in enumerate(names if len(names) > 1 else ()):
            for each in () if name is None else _rows(names, place):
                key: tuple[object, ...] = (leaf.name, place, *each[:3])
                lengths.setdefault(key, set()).add(each.length)
                found.append((leaf, Row(place, each.length, each.head, each.first), key))
    for leaf, row, key in found:
        if len(lengths[key]) > 1 or row.length > MOST_NAMED:
            leaf.rows.append(row)


def sources(leaf: Leaf, group: Group) -> list[int | Counted]:
    """The inputs of a layer: rows of them that count on, and the numbers of those in no row."""
    by_name = [_names(leaf, group, short) for short in (True, False)] if leaf.rows else []
    found: list[int | Counted] = []
    place = 0
    while place < len(leaf.node.inputs):
        rows = [
            each._replace(length=row.length)
            for row in leaf.rows
            if row.place == place
            for names in by_name
            for each in _rows(names, place)
            if each.first == row.first
            and each.head.endswith(row.head)
            and each.length >= row.length
        ]
        best = max(rows, key=lambda row: row.length, default=None)
        found.append(place if best is None else best)
        place += 1 if best is None else best.length
    return found


def reference(name: str, group: Group, *, short: bool = True) -> str | None:
    """What a layer or input is called in the body of a group; None of what stands outside.

    Args:
        short: whether what puts out what a block does is called as the block is.
    """
    if name == group.entering:
        return IN
    if not group.has(name):
        return None
    sibling = next((item.name for item in _placed(group) if short and item.end == name), None)
    return sibling or name.removeprefix(f"{group.path}." if group.path else "")


def _placed(group: Group) -> Iterator[Leaf | Group | Call]:
    for item in group.items:
        if not isinstance(item, Rounds):
            yield from item.calls if isinstance(item, Repeat) else (item,)


def _names(leaf: Leaf, group: Group, short: bool = True) -> list[str | None]:
    return [called_there(name, group, short=short) for name in leaf.node.inputs]


def called_there(name: str, group: Group, *, short: bool = True) -> str | None:
    """What a layer or input is called in the body of a group, where it may stand around it."""
    if (own := reference(name, group, short=short)) is not None:
        return own
    around = (reference(name, body, short=short) for body in group.bodies_around())
    found = next((each for each in around if each is not None), None)
    return None if found == IN else found  # which would be another inside


def numbers_in(names: Sequence[str | None]) -> tuple[str, str, list[int]] | None:
    """What stands before and behind the one number in which names differ, and that of each."""
    known = [name or "" for name in names]
    for match in _NUMBER.finditer(known[0]):
        head, tail = known[0][: match.start()], known[0][match.end() :]
        found = [name[len(head) : len(name) - len(tail)] for name in known]
        alike = [f"{head}{each}{tail}" for each in found] == known
        if alike and len({*found}) > 1 and all(_NUMBER.fullmatch(each) for each in found):
            return head, tail, [*map(int, found)]
    return None


def _rows(names: Sequence[str | None], place: int) -> Iterator[Counted]:
    """The longest rows that begin at a place, by each of the numbers in the name there."""
    name = names[place]
    for match in _NUMBER.finditer(name or ""):
        assert name is not None, "in which a number was found"
        row = Counted(name[: match.start()], name[match.end() :], int(match[0]), 1)
        if place and names[place - 1] == f"{row.head}{row.first - 1}{row.tail}":
            continue  # which begins before
        for following in names[place + 1 :]:
            if following != f"{row.head}{row.first + row.length}{row.tail}":
                break
            row = row._replace(length=row.length + 1)
        yield row


def _leaves(group: Group) -> Iterator[tuple[Leaf, Group]]:
    """All layers of a tree of groups, each with the group that it stands in."""
    for item in group.items:
        if isinstance(item, Leaf):
            yield item, group
        elif isinstance(item, Group):
            yield from _leaves(item)
