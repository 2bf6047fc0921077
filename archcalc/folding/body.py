"""The lines of a body: what some groups with the same items have in common, said once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.feature_map import FeatureMap
from archcalc.folding.columns import BEFORE, NO_DEFAULT, Expression, Parameters, Slot
from archcalc.folding.counted import (
    MOST_NAMED,
    Counted,
    called_there,
    numbers_in,
    reference,
    sources,
)
from archcalc.folding.items import IN, Call, Group, Item, Leaf, Ref, Repeat, Rounds, Steps
from archcalc.layers import Layer
from archcalc.layers.layer import REQUIRED
from archcalc.render.spec_text import is_branched, settings
from archcalc.spec.keys import NAMED
from archcalc.spec.writing import mapping, scalar, text_of

INDEX = "i"  # counts the times of a repeat
_PARTS = ("groups", "heads", "start", "stop", "shape")  # fields that mostly go with the channels


class NotFoldedError(Exception):
    """Something cannot be said from inside of a block."""


class Line(NamedTuple):
    """A line of a body, and how many levels deeper than that it stands."""

    depth: int
    text: str


def body(groups: Sequence[Group], parameters: Parameters) -> list[Line]:
    """The lines of groups with the same items; `parameters` are found on the way."""
    lines: list[Line] = []
    for number, item in enumerate(groups[0].items):
        items = [group.items[number] for group in groups]
        before = [_end_before(group, number) for group in groups]
        lines += _lines(item, items, groups, before, parameters)
    return lines


def _end_before(group: Group, number: int) -> str | None:
    """What flows into an item of a group: a head puts nothing out for what comes behind it."""
    for item in reversed(group.items[:number]):
        if not (isinstance(item, Group) and item.is_head):
            return item.end
    return group.entering


def _lines(
    item: Item,
    items: Sequence[Any],
    groups: Sequence[Group],
    before: Sequence[str | None],
    parameters: Parameters,
) -> Iterator[Line]:
    if isinstance(item, Leaf):
        yield Line(0, _statement(item.node.layer.kind, _leaf(items, groups, before, parameters)))
    elif isinstance(item, Call):
        keys = {"name": scalar(item.name)}
        entering = [call.group.entering for call in items]
        if entering != list(before) and entering[0] is not None:
            keys["from"] = _said_of([str(s) for s in entering], item.name, groups, parameters)
        keys |= _arguments(items, groups, parameters)
        yield Line(0, _statement(item.block.name, keys))
    elif isinstance(item, Rounds):
        yield Line(0, f"- repeat: {item.times}")
        yield Line(1, f"index: {INDEX}")
        yield Line(1, "layers:")
        for leaf, chained in zip(item.leaves, item.chained, strict=True):
            taken = leaf.node.inputs[0] if chained and leaf.node.inputs else None
            keys = _leaf([leaf], groups, [taken], parameters)
            yield Line(2, _statement(leaf.node.layer.kind, keys))
    elif isinstance(item, Group):
        assert item.is_head, "other groups are calls by now, or were dissolved"
        item.entering = before[0]
        yield Line(0, "- head:")
        yield Line(2, f"name: {scalar(item.name)}")
        yield Line(2, f"training_only: {scalar(item.training_only)}")
        yield Line(2, "layers:")
        yield from (Line(3 + line.depth, line.text) for line in body([item], parameters))
    else:
        slots = [Slot("times", item.prefix.rstrip("."), each.times) for each in items]
        yield Line(0, f"- repeat: {_text(parameters.said(slots))}")
        yield Line(1, f"index: {INDEX}")
        yield Line(1, "layers:")
        for place, call in enumerate(item.first):
            keys = {"name": scalar(_counting(item, place))}
            if item.sources[place] is not None:
                fixed = [str(each.sources[place]) for each in items]
                keys["from"] = _said_of(fixed, call.name, groups, parameters)
            keys |= _arguments([each.first[place] for each in items], groups, parameters)
            yield Line(2, _statement(call.block.name, keys))


def _statement(kind: str, keys: Mapping[str, str]) -> str:
    return f"- {kind}: {mapping(keys)}"


def _counting(repeat: Repeat, place: int) -> str:
    each, first = len(repeat.first), repeat.start + place
    times = INDEX if each == 1 else f"{each}*{INDEX}"
    return f"{repeat.prefix}{{{times} + {first}}}" if first else f"{repeat.prefix}{{{times}}}"


# ----- layers -----


def _leaf(
    items: Sequence[Leaf],
    groups: Sequence[Group],
    before: Sequence[str | None],
    parameters: Parameters,
) -> dict[str, str]:
    leaf, node = items[0], items[0].node
    keys = {"name": scalar(leaf.name)}
    if len(node.inputs) > 1:
        keys["from"] = f"[{', '.join(_sources(items, groups, parameters))}]"
    elif node.inputs and [each.node.inputs[0] for each in items] != list(before):
        keys["from"] = _source(items, 0, groups, parameters)
    if is_branched(node):
        keys["branches"] = "[[]]"
    for key, others in (("weights", [e.node.weights for e in items]),
                        ("indices", [e.node.indices for e in items])):  # fmt: skip
        if others[0] is not None:
            keys[key] = _said_of([str(o) for o in others], leaf.name, groups, parameters)
    if not node.trainable and node.weights is None:
        keys["trainable"] = "false"
    for slots in _fields(items, groups):
        said = parameters.said(slots)
        if isinstance(said, Expression) or said != slots[0].default:
            keys[slots[0].name] = _text(said)
    return keys


def _fields(items: Sequence[Leaf], groups: Sequence[Group]) -> Iterator[list[Slot]]:
    """What some layers of one kind say in each of their fields."""
    layer = items[0].node.layer
    given = [settings(item.node.layer) for item in items]
    for name in dict.fromkeys([*layer.defaults, *given[0]]):
        if name != NAMED and any(name in each for each in given):
            default = layer.defaults.get(name, REQUIRED)
            slots = []
            for item, each, group in zip(items, given, groups, strict=True):
                value = each.get(name, None if default is REQUIRED else default)
                width = name in _widths(item.node.layer, item.map)
                slots.append(
                    Slot(name, item.name, value, width, item.map, tuple(each.items()),
                         NO_DEFAULT if default is REQUIRED else default, group.map)
                )  # fmt: skip
            yield slots


def _widths(layer: Layer, x: FeatureMap | None) -> tuple[str, ...]:
    """The fields that grow with the channels, or features, that come in."""
    named = [name for name, _ in layer.given().get(NAMED, ())]
    widths = [] if x is None else [*layer.widths(x), *layer.widths(FeatureMap(x.shape[-1])),
                                   *layer.follows(x)]  # fmt: skip
    return (*widths, *_PARTS, *named)


# ----- references -----


def _sources(
    items: Sequence[Leaf], groups: Sequence[Group], parameters: Parameters
) -> Iterator[str]:
    """The inputs of joins: names, and of many that count on, or differently many, a `range`."""
    found = [sources(item, group) for item, group in zip(items, groups, strict=True)]
    if len({*map(len, found)}) > 1:
        raise NotFoldedError
    for each in zip(*found, strict=True):
        first = each[0]
        if isinstance(first, int):
            yield _source(items, first, groups, parameters)
            continue
        rows = [row for row in each if isinstance(row, Counted)]
        if len(rows) < len(each) or len({row[:3] for row in rows}) > 1:
            raise NotFoldedError
        if len({row.length for row in rows}) == 1 and rows[0].length <= MOST_NAMED:
            yield from map(scalar, first.names)
        else:
            ends = [Slot(BEFORE, items[0].name, row.first + row.length) for row in rows]
            start = f"{first.first}, " if first.first else ""
            numbers = f"range({start}{parameters.said(ends)})"
            yield scalar(f"{first.head}{{{numbers}}}{first.tail}")


def _source(
    items: Sequence[Leaf], number: int, groups: Sequence[Group], parameters: Parameters
) -> str:
    names = [item.node.inputs[number] for item in items]
    return _said_of(names, items[0].name, groups, parameters)


def _said_of(names: Sequence[str], of: str, groups: Sequence[Group], parameters: Parameters) -> str:
    """How a body calls what has these full names, one for each of the groups."""
    local = [reference(name, group) for name, group in zip(names, groups, strict=True)]
    if local[0] is not None:
        return scalar(local[0])
    called = [called_there(name, group) for name, group in zip(names, groups, strict=True)]
    if (numbers := numbers_in(called)) is not None:
        head, tail, found = numbers
        said = parameters.said([Slot("source", of, number) for number in found])
        return scalar(f"{head}{{{said}}}{tail}")
    said = parameters.said([Slot("source", of, Ref(name)) for name in names])
    return scalar(said if isinstance(said, Expression) else names[0])


# ----- calls -----


def _arguments(
    calls: Sequence[Call], groups: Sequence[Group], parameters: Parameters
) -> dict[str, str]:
    keys = {}
    for name, is_width in calls[0].block.widths.items():
        values = [call.arguments[name] for call in calls]
        if isinstance(values[0], Ref):
            keys[name] = _handed_on([v.name for v in values if isinstance(v, Ref)], name, calls[0],
                                    groups, parameters)  # fmt: skip
        elif isinstance(values[0], Steps):
            keys[name] = _steps(values[0])
        else:
            default = calls[0].block.defaults.get(name, NO_DEFAULT)
            said = parameters.said(
                [
                    Slot(name, calls[0].name, call.arguments[name], is_width, call.group.map, (),
                         default, group.map)
                    for call, group in zip(calls, groups, strict=True)
                ]
            )  # fmt: skip
            if isinstance(said, Expression) or said != default:
                keys[name] = _text(said)
    return keys


def _handed_on(
    names: Sequence[str], key: str, call: Call, groups: Sequence[Group], parameters: Parameters
) -> str:
    """The name of a layer as an argument: a text inside of an expression."""
    local = {reference(name, group) for name, group in zip(names, groups, strict=True)}
    if IN in local or len(local) > 1:
        raise NotFoldedError
    (found,) = local
    if found is None:
        said = parameters.said([Slot(key, call.name, Ref(name)) for name in names])
        if isinstance(said, Expression):
            return said.strip("{}")
        found = names[0]
    return f"\"'{found}'\""


def _steps(steps: Steps) -> str:
    if steps.by == 1:
        return f"{INDEX} + {steps.start}" if steps.start else INDEX
    return f"{steps.start} + {steps.by}*{INDEX}" if steps.start else f"{steps.by}*{INDEX}"


def _text(said: object) -> str:
    if isinstance(said, list):
        return f"[{', '.join(map(_text, said))}]"
    if isinstance(said, Expression):
        return f'"{said}"' if set(said) & set(",[]{}") else str(said)
    return text_of(said)
