"""The layers of a graph by the dots in their names, as torch nests modules in modules.

A container is what stands before a dot: `layer1.0` of `layer1.0.conv1`. It becomes a module with
a `forward` of its own, unless a layer from outside has to run between its layers: then the
module around it calls them one by one.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import Graph, Node, indices_of
from archcalc.torch_spelling.module_names import part_names


@dataclass(eq=False, slots=True)
class Container:
    """The layers whose names begin alike.

    Attributes:
        path: what their names begin with, in parts; () for the whole network.
        layers, containers: what stands in it, by the next part of the name.
    """

    path: tuple[str, ...]
    layers: dict[str, LayerAnalysis] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)

    def walk(self) -> Iterator[Container]:
        """It and all containers in it, the inner ones first."""
        for container in self.containers.values():
            yield from container.walk()
        yield self

    def holds(self, node: Node) -> bool:
        """Whether a layer is in it, at any depth."""
        return tuple(node.name.split(".")[: len(self.path)]) == self.path

    def nodes(self) -> list[Node]:
        """The layers in it, at any depth."""
        return [layer.node for container in self.walk() for layer in container.layers.values()]


def whole(analysis: Analysis) -> Container:
    """The container of all layers."""
    root = Container(())
    for layer in analysis.layers:
        *path, last = layer.name.split(".")
        container = root
        for part in path:
            inner = Container((*container.path, part))
            container = container.containers.setdefault(part, inner)
        container.layers[last] = layer
    return root


class Flow:
    """Which values the layers of a graph take and give; each leads to an output.

    A value is called as the layer that gives it; the indices of a max pool that is unpooled later
    are a value of their own.

    Attributes:
        position: the place of each layer in the order of execution.
    """

    def __init__(self, graph: Graph) -> None:
        self.position = {node.name: number for number, node in enumerate(graph.nodes)}
        self._outputs = frozenset(graph.outputs)
        self._unpooled = frozenset(node.indices for node in graph.nodes if node.indices)
        self._readers: dict[str, list[str]] = {}
        for node in reversed(graph.nodes):
            for value in node.taken:
                self._readers.setdefault(value, []).append(node.name)

    def is_unpooled(self, node: Node) -> bool:
        """Whether it is a max pool that a later layer undoes."""
        return node.name in self._unpooled

    def given(self, node: Node) -> tuple[str, ...]:
        """The values that a layer gives."""
        return (node.name, *([indices_of(node.name)] if self.is_unpooled(node) else []))

    def entering(self, nodes: Iterable[Node]) -> tuple[str, ...]:
        """The values from outside that `nodes` take, in the order in which they first do."""
        inside = {value for node in nodes for value in self.given(node)}
        running = sorted(nodes, key=lambda n: self.position[n.name])
        return tuple(dict.fromkeys([v for node in running for v in node.taken if v not in inside]))

    def leaving(self, nodes: Iterable[Node]) -> tuple[str, ...]:
        """The values of `nodes` that are taken outside, or leave the network."""
        inside = {node.name for node in nodes}
        return tuple(
            [
                value
                for node in nodes
                for value in self.given(node)
                if value in self._outputs or not inside.issuperset(self._readers.get(value, ()))
            ]
        )


@dataclass(eq=False, slots=True)
class Piece:
    """What a module is made of: a layer, or a container that is a module with a `forward`.

    Attributes:
        path: where it stands in the module, in names that torch accepts; in more than one part
            where a container between has no `forward`.
        nodes: the layers in it.
    """

    path: tuple[str, ...]
    content: LayerAnalysis | Container
    nodes: list[Node]

    def holds(self, node: Node) -> bool:
        """Whether a layer is in it."""
        if isinstance(self.content, Container):
            return self.content.holds(node)
        return self.content.node is node


def pieces_of(container: Container, flow: Flow) -> list[Piece]:
    """What the module of `container` is made of, in the order in which it runs."""
    pieces = _parts(container, ())
    while True:
        order, knot = _in_order(pieces, flow)
        containers = [piece for piece in knot or order if isinstance(piece.content, Container)]
        apart = containers if knot else _interrupted(containers, order, flow)
        if not apart:
            return order
        tied = apart[0]
        pieces.remove(tied)
        assert isinstance(tied.content, Container)
        pieces += _parts(tied.content, tied.path)


def _interrupted(containers: list[Piece], pieces: list[Piece], flow: Flow) -> list[Piece]:
    """The containers that others run in the midst of: as one they would run in another order."""
    of = {flow.position[node.name]: piece for piece in pieces for node in piece.nodes}
    runs = Counter(id(piece) for piece, _ in groupby(of[n] for n in sorted(of)))
    return [piece for piece in containers if runs[id(piece)] > 1]


def _parts(container: Container, path: tuple[str, ...]) -> list[Piece]:
    """The layers and containers that stand right in `container`, which stands at `path`."""
    pieces: list[Piece] = []
    owners = {part for part, layer in container.layers.items() if layer.effect.state}
    containers, layers = part_names(container.containers, container.layers, owners)
    for part, inner in container.containers.items():
        at = (*path, containers[part])
        if part in owners:
            pieces += _parts(inner, at)  # its modules belong to that layer's
        else:
            pieces.append(Piece(at, inner, inner.nodes()))
    for part, layer in container.layers.items():
        pieces.append(Piece((*path, layers[part]), layer, [layer.node]))
    return pieces


def _in_order(pieces: Sequence[Piece], flow: Flow) -> tuple[list[Piece], list[Piece]]:
    """The pieces in an order in which they can run, and those that wait for each other."""
    giver = {
        v: n for n, piece in enumerate(pieces) for node in piece.nodes for v in flow.given(node)
    }
    needs = [
        {giver[v] for node in piece.nodes for v in node.taken if v in giver} - {number}
        for number, piece in enumerate(pieces)
    ]
    serves: list[set[int]] = [set() for _ in pieces]
    for number, needed in enumerate(needs):
        for other in needed:
            serves[other].add(number)
    first = [min(flow.position[node.name] for node in piece.nodes) for piece in pieces]
    ready = [(first[number], number) for number, needed in enumerate(needs) if not needed]
    heapq.heapify(ready)
    order = []
    while ready:
        _, number = heapq.heappop(ready)
        order.append(number)
        for other in serves[number]:
            needs[other].remove(number)
            if not needs[other]:
                heapq.heappush(ready, (first[other], other))
    knot = set(range(len(pieces))).difference(order)
    while idle := {number for number in knot if not serves[number] & knot}:
        knot -= idle  # these only wait for the knot
    return [pieces[number] for number in order], [pieces[number] for number in sorted(knot)]
