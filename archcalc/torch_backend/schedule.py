"""What a twin runs, in order: layers, and stretches of them that are checkpointed."""

from __future__ import annotations

from typing import TypeAlias

from archcalc.graph import Graph, Node, indices_of
from archcalc.record import Record


class Step(Record):
    """A layer in the order of execution, and the values that nobody needs after it.

    Attributes:
        keeps_indices: of a max pool, whether it hands its indices on.
    """

    node: Node
    keeps_indices: bool
    released: tuple[str, ...]


class Again(Record):
    """A stretch that is checkpointed: torch runs it again in the backward pass.

    Attributes:
        parts: what it runs.
        enters, leaves: the values that go into it, and those that are needed behind it.
        released: of what goes into it what nobody needs after it.
    """

    parts: tuple[Part, ...]
    enters: tuple[str, ...]
    leaves: tuple[str, ...]
    released: tuple[str, ...]


Part: TypeAlias = "Step | Again"


def schedule(graph: Graph, training: bool) -> tuple[list[Part], list[str]]:
    """What runs, and the names of the values that leave the network.

    Stretches are checkpointed in training; else their layers run like all others.
    """
    nodes = [node for node in graph.nodes if training or not node.training_only]
    names = {*graph.inputs, *[node.name for node in nodes]}
    outputs = [name for name in graph.outputs if name in names]
    unpooled = {node.indices for node in graph.nodes if node.indices is not None}
    last_use = dict.fromkeys(graph.inputs, 0)
    for number, node in enumerate(nodes):
        last_use |= dict.fromkeys([*node.taken, *_made(node, node.name in unpooled)], number)
    last_use |= dict.fromkeys(outputs, len(nodes))
    released: dict[int, list[str]] = {}
    for name, number in last_use.items():
        released.setdefault(number, []).append(name)
    parts: list[Part] = [
        Step(node, node.name in unpooled, tuple(released.get(number, ())))
        for number, node in enumerate(nodes)
    ]
    place = {node.name: number for number, node in enumerate(nodes)}
    stretches = graph.stretches if training else ()
    for stretch in reversed(stretches):  # those within others first
        first, last = place[stretch.layers[0]], place[stretch.layers[-1]]
        inside = nodes[first : last + 1]
        made = [name for node in inside for name in _made(node, node.name in unpooled)]
        taken = dict.fromkeys(name for node in inside for name in node.taken)
        enters = tuple([name for name in taken if name not in made])
        again = Again(
            parts=tuple([part for part in parts[first : last + 1] if part is not _WITHIN]),
            enters=enters,
            leaves=tuple([name for name in made if last_use[name] > last]),
            released=tuple([name for name in enters if first <= last_use[name] <= last]),
        )
        parts[first : last + 1] = [again, *[_WITHIN] * (last - first)]
    return [part for part in parts if part is not _WITHIN], outputs


_WITHIN = Again((), (), (), ())  # stands in the place of what a stretch before it has


def _made(node: Node, hands_on_indices: bool) -> list[str]:
    """The values that a layer gives."""
    return [node.name, *[indices_of(node.name)] * hands_on_indices]
