"""Groups with the same items become blocks, calls in a row become repeats, from the inside out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from archcalc.folding.body import INDEX, body
from archcalc.folding.columns import Parameters
from archcalc.folding.counted import find_rows, reference, sources
from archcalc.folding.items import Block, Call, Group, Item, Leaf, Ref, Repeat, Rounds
from archcalc.folding.repeats import unrolled, with_repeats
from archcalc.folding.rounds import with_rounds
from archcalc.render.spec_text import settings

KEYS = frozenset([INDEX, "name", "from", "weights", "trainable", "checkpoint", "indices"])
_AROUND = 3  # lines of a block beside its body: its name, its parameters, `layers:`


def folded(root: Group, several: bool, rounds: bool) -> list[Block]:
    """Turns the groups within `root` into calls where that takes fewer lines; the blocks.

    Args:
        several: whether what takes more than one value from outside may be a block.
        rounds: whether layers without dots in their names may be a repeat.
    """
    blocks: list[Block] = []
    find_rows(root)
    while rest := [*_without_groups(root)]:
        for _, group in rest:
            with_repeats(group)
        alike: dict[Hashable, list[tuple[Group, Group]]] = {}
        for parent, group in rest:
            alike.setdefault(_signature(group), []).append((parent, group))
        for pairs in alike.values():
            block = _block([group for _, group in pairs], several)
            if block is not None:
                blocks.append(block)
            for parent, group in pairs:
                place = next(n for n, item in enumerate(parent.items) if item is group)
                parent.items[place : place + 1] = (
                    _dissolved(group) if block is None else [_call(block, group)]
                )
    heads = [item for item in root.items if isinstance(item, Group)]
    for group in (root, *heads):
        with_repeats(group)
        group.items = [item for each in group.items for item in unrolled(each)]
        if rounds:
            with_rounds(group)
    return blocks


def _without_groups(group: Group) -> Iterator[tuple[Group, Group]]:
    """The groups inside that have no groups inside, each behind the one that it stands in."""
    for item in group.items:
        if isinstance(item, Group):
            inner = [*_without_groups(item)]
            yield from inner or ([] if item.is_head else [(group, item)])


def _block(groups: list[Group], several: bool) -> Block | None:
    """The block that stands for groups with the same items; None where it saves no line."""
    if len(groups) < 2 or (not several and _takes_several(groups)):
        return None
    for place, item in reversed([*enumerate(groups[0].items)]):
        if isinstance(item, Repeat) and _times(groups, place) == {item.times}:
            for group in groups:
                group.items[place : place + 1] = unrolled(group.items[place])
    parameters = Parameters(KEYS)
    lines = len(body(groups, parameters))
    differ = any(len(_times(groups, n)) > 1 for n in range(len(groups[0].items)))
    if len(groups) * (lines - 1) <= lines + _AROUND and not differ:
        return None
    return Block(groups, parameters.columns, parameters.widths, parameters.defaults)


def _times(groups: Sequence[Group], place: int) -> set[int]:
    """How often the repeats at one place in groups are carried out."""
    items = (group.items[place] for group in groups)
    return {item.times for item in items if isinstance(item, Repeat)}


def _call(block: Block, group: Group) -> Call:
    number = next(n for n, each in enumerate(block.groups) if each is group)
    arguments = {name: column[number] for name, column in block.parameters.items()}
    return Call(block, group, group.name, arguments)


def _dissolved(group: Group) -> list[Item]:
    """The items of a group, for the body that it stands in."""
    group.is_dissolved = True
    items = [item for each in group.items for item in unrolled(each)]
    for item in items:
        if isinstance(item, Repeat):
            item.prefix = f"{group.name}.{item.prefix}"
            for call in item.calls:
                call.name = f"{group.name}.{call.name}"
        else:
            assert not isinstance(item, Rounds), "these are found last"
            item.name = f"{group.name}.{item.name}"
    return items


# ----- what is alike -----


def _takes_several(groups: Sequence[Group]) -> bool:
    outside = (
        reference(name, group) is None
        for group in groups
        for item in group.items
        for name in _taken(item)
    )
    return any(outside)


def _taken(item: Item) -> Iterator[str]:
    if isinstance(item, Leaf):
        node = item.node
        yield from (*node.inputs, *[x for x in (node.weights, node.indices) if x is not None])
    elif isinstance(item, Call):
        if item.group.entering is not None:
            yield item.group.entering
        yield from (value.name for value in item.arguments.values() if isinstance(value, Ref))
    elif isinstance(item, Repeat):
        for call in item.first:
            yield from _taken(call)


def _signature(group: Group) -> Hashable:
    return tuple([_of_item(item, group) for item in group.items])


def _of_item(item: Item, group: Group) -> Hashable:
    taken: tuple[Hashable, ...] = tuple([reference(name, group) for name in _taken(item)])
    if isinstance(item, Leaf):
        node = item.node
        if item.rows:
            inputs = (x if isinstance(x, int) else x[:3] for x in sources(item, group))
            own: list[Hashable] = [taken[x] if isinstance(x, int) else x for x in inputs]
            taken = (*own, *taken[len(node.inputs) :])
        fields = settings(item.node.layer)
        fixed = [(k, str(v)) for k, v in fields.items() if not isinstance(v, int | float | tuple)]
        kind = node.layer.kind
        return (kind, item.name, taken, tuple(fixed), node.trainable, node.weights is None)
    if isinstance(item, Call):
        return (id(item.block), item.name, taken)
    assert isinstance(item, Repeat), "groups are calls by now, or were dissolved"
    steps = [
        (name, value) for call in item.first for name, value in call.arguments.items()
        if not isinstance(value, (int, float, tuple, Ref))
    ]  # fmt: skip
    each = tuple([id(call.block) for call in item.first])
    flows = tuple([source is None for source in item.sources])
    return ("repeat", item.prefix, item.start, each, tuple(steps), taken, flows)
