"""Layers in a row that come again under other names, where no dots say what a module was.

Caffe's ResNets call them `res2a_branch2a`, `bn2a_branch2a`, and then `res2b_branch2a`: the same
layers in each round, and one part of all names that goes on from round to round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from string import digits
from typing import NamedTuple

from archcalc.folding.items import Group, Item, Leaf, Rounds
from archcalc.record import replace

INDEX = "i"  # counts the rounds
_LONGEST = 60  # layers in a round
_AROUND = 3  # lines of a repeat beside its body


def with_rounds(group: Group) -> None:
    """Puts rounds in the place of layers in a row, where that takes fewer lines."""
    items: list[Item] = []
    place = 0
    while place < len(group.items):
        found = _rounds_at(group, place)
        items.append(found or group.items[place])
        place += len(found.leaves) * found.times if found else 1
    group.items = items


def _rounds_at(group: Group, place: int) -> Rounds | None:
    """The rounds that begin there and save the most lines."""
    best: Rounds | None = None
    saved = 0
    for each in range(2, _LONGEST + 1):
        rounds = [*_alike(group.items, place, each)]
        lines = each * len(rounds) - each - _AROUND
        if lines > saved and (found := _said(group, place, rounds)):
            best, saved = found, lines
    return best


def _alike(items: Sequence[Item], place: int, each: int) -> Iterator[list[Leaf]]:
    """So many layers at a time, as long as they are as those at the place."""
    first: list[Leaf] = []
    for start in range(place, len(items) - each + 1, each):
        found = [item for item in items[start : start + each] if isinstance(item, Leaf)]
        first = first or found
        if len(found) < each or not all(map(_same, first, found)):
            return
        yield found


def _same(one: Leaf, other: Leaf) -> bool:
    a, b = one.node, other.node
    plain = not any((a.weights, a.indices, b.weights, b.indices, one.rows, other.rows))
    alike = a.layer == b.layer and a.trainable == b.trainable
    return plain and alike and len(a.inputs) == len(b.inputs)


def _said(group: Group, place: int, rounds: Sequence[list[Leaf]]) -> Rounds | None:
    """The rounds with names and sources that go on with them; None where some cannot."""
    if len(rounds) < 2:
        return None
    going_on = _parts([leaves[0].name for leaves in rounds])
    leaves, chained = [], []
    for number, column in enumerate(zip(*rounds, strict=True)):
        name = _parts([leaf.name for leaf in column])
        if name is None or going_on is None or name.parts != going_on.parts:
            return None
        inputs = [_template(names) for names in zip(*[x.node.inputs for x in column], strict=True)]
        texts = [text for text in inputs if text is not None]
        if len(texts) < len(inputs):
            return None
        places = [place + number + len(rounds[0]) * n for n in range(len(rounds))]
        before = [group.items[n - 1].end if n else group.entering for n in places]
        chained.append([leaf.node.inputs[:1] for leaf in column] == [(name,) for name in before])
        node = replace(column[0].node, inputs=tuple(texts))
        leaves.append(Leaf(node, name.text, column[0].map))
    return Rounds(len(rounds), rounds[-1][-1].end, leaves, chained)


class _Parts(NamedTuple):
    """Names that have one beginning and one end, and what stands between in each."""

    head: str
    tail: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The names, as a repeat says them."""
        if all(part.isdigit() and str(int(part)) == part for part in self.parts):
            numbers = [*map(int, self.parts)]
            if all(b == a + 1 for a, b in pairwise(numbers)):
                counted = f"{INDEX} + {numbers[0]}" if numbers[0] else INDEX
                return f"{self.head}{{{counted}}}{self.tail}"
        listed = ", ".join(f"'{part}'" for part in self.parts)
        return f"{self.head}{{[{listed}][{INDEX}]}}{self.tail}"


def _parts(names: Sequence[str]) -> _Parts | None:
    """What goes on in names, with the whole of a number; None where they are not all others."""
    if len({*names}) < len(names):
        return None
    head = _common(names)
    if any(name[len(head) :][:1].isdigit() for name in names):
        head = head.rstrip(digits)
    rest = [name[len(head) :] for name in names]
    tail = _common([name[::-1] for name in rest])[::-1]
    if any(name[: len(name) - len(tail)][-1:].isdigit() for name in rest):
        tail = tail.lstrip(digits)
    parts = tuple([name[: len(name) - len(tail)] for name in rest])
    return _Parts(head, tail, parts) if all(part.isalnum() for part in parts) else None


def _template(names: Sequence[str]) -> str | None:
    """Sources of one layer in each round: one name for all, or a text that goes on."""
    if len({*names}) == 1:
        return names[0]
    found = _parts(names)
    return None if found is None else found.text


def _common(names: Sequence[str]) -> str:
    """The longest text that all begin with."""
    least, most = min(names), max(names)
    same = next((n for n, sign in enumerate(least) if sign != most[n]), len(least))
    return least[:same]
