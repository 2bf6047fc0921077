"""Where on a tape the stretches are that run again in the backward pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from archcalc.graph import Graph, indices_of


class Section(NamedTuple):
    """A stretch on a tape.

    Attributes:
        name: of the stretch.
        first, end: its operators, by number: from `first`, to before `end`.
        again: those from `first` to before this one run again, where anything is needed: here the
            last of what is kept in it has been seen.
        enters: the tensors from outside that go into it.
        around: the number of the section that it stands in; None where it stands in none.
    """

    name: str
    first: int
    end: int
    again: int
    enters: tuple[str, ...]
    around: int | None


class Saving(NamedTuple):
    """What an operator lets autograd save, whether or not a gradient comes back to it.

    Attributes:
        layer: of which it is.
        anything: whether it saves anything; parameters count.
        what_it_makes: whether something that it makes itself is among that, so that it has to run.
    """

    layer: str
    anything: bool
    what_it_makes: bool


def sections(
    graph: Graph, operators: Sequence[Saving], same: Mapping[str, str]
) -> tuple[Section, ...]:
    """The stretches of a network on a tape.

    Args:
        operators: of the tape, in order.
        same: the tensors that layers hand on which run nothing, by what they would be called.
    """
    numbers: dict[str, list[int]] = {}
    for number, operator in enumerate(operators):
        numbers.setdefault(operator.layer, []).append(number)
    nodes = {node.name: node for node in graph.nodes}
    order = [node.name for node in graph.nodes]
    found: list[Section] = []
    layers: list[set[str]] = []  # of each
    idle: dict[int, set[int]] = {}  # where in a section a stretch stands that runs nothing
    for stretch in graph.stretches:
        around = [n for n, inside in enumerate(layers) if inside.issuperset(stretch.layers)]
        own = [number for layer in stretch.layers for number in numbers.get(layer, ())]
        if own:
            inside = {*stretch.layers, *map(indices_of, stretch.layers)}
            taken = [name for layer in stretch.layers for name in nodes[layer].taken]
            enters = [same.get(name, name) for name in taken if name not in inside]
            first, end = own[0], own[-1] + 1
            section = Section(
                stretch.name, first, end, first, tuple(dict.fromkeys(enters)),
                around[-1] if around else None,
            )  # fmt: skip
            found.append(section)
            layers.append({*stretch.layers})
        elif around:
            before = order[: order.index(stretch.layers[0])]
            done = [number for layer in before for number in numbers.get(layer, ())]
            idle.setdefault(around[-1], set()).add(done[-1] + 1 if done else 0)
    return tuple(
        [
            section._replace(again=_where_it_stops(number, found, operators, idle.get(number, ())))
            for number, section in enumerate(found)
        ]
    )


def _where_it_stops(
    which: int, found: Sequence[Section], operators: Sequence[Saving], idle: Collection[int]
) -> int:
    """Before which operator a section stops when it runs again.

    What enters a stretch within it is saved like what an operator takes, before it runs; so it is
    before the operators that are `idle`, where a stretch stands that runs nothing.
    """
    section = found[which]
    inner = {s.first: s for s in reversed(found) if s.around == which}
    number = stops = section.first
    while number < section.end:
        if number in idle:
            stops = number
        if number in inner:
            stops, number = number, inner[number].end
            continue
        if operators[number].anything:
            stops = number + operators[number].what_it_makes
        number += 1
    return section.end if section.end in idle else stops
