"""What a module is made of, and what its `forward` does: a container -> a `Body`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.exporting.containers import Container, Flow, Piece, pieces_of
from archcalc.exporting.helpers import HELPERS
from archcalc.exporting.names import variable_name
from archcalc.exporting.records import PLAIN_CALL, Body, Item, ModuleClass, Path, Tie
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.graph import INPUT, OTHERS, WEIGHT, Graph, Node
from archcalc.record import replace
from archcalc.spelled import spelled
from archcalc.torch_spelling import Argument, Spelling, Weight


class BodyMaker:
    """Makes the bodies of a network's containers."""

    def __init__(self, analysis: Analysis, network: Container) -> None:
        """`network`: the container of all layers."""
        self._graph = analysis.graph
        self._flow = Flow(analysis.graph)
        self._layers = {layer.name: layer for layer in analysis.layers}
        self._pieces: dict[Path, list[Piece]] = {}
        self.brought: dict[str, str] = {}  # by name, the classes of other packages met so far
        self._spelled = spelled(analysis)
        self._containers = {container.path for container in network.walk()}
        self._shared: dict[Path, list[tuple[Node, Node, tuple[str, ...]]]] = {}
        for node, owner, tensors in self._sharing(analysis.graph):
            around = self._around(network, node, owner)
            self._shared.setdefault(around.path, []).append((node, owner, tensors))

    def pieces(self, container: Container) -> list[Piece]:
        """What the module of a container is made of, in order."""
        if container.path not in self._pieces:
            self._pieces[container.path] = pieces_of(container, self._flow)
        return self._pieces[container.path]

    def body(
        self,
        container: Container,
        modules: Mapping[Path, tuple[ModuleClass, tuple[Argument, ...]]],
    ) -> Body:
        """The body of a container.

        Args:
            modules: for each container in it the class of its module, and what to make it with.
        """
        nodes = container.nodes()
        flow = self._flow
        graph, inner = self._graph, container.path
        entering = flow.entering(nodes) if inner else tuple(graph.inputs)
        leaving = flow.leaving(nodes) if inner else graph.outputs
        number = {value: n for n, value in enumerate(entering)}
        side_only = bool(container.path) and all(node.training_only for node in nodes)
        items = []
        for piece in self.pieces(container):
            for value in self._given(piece):
                number[value] = len(number)
            if isinstance(piece.content, Container):
                item = self._block(piece, number, *modules[piece.content.path])
            else:
                item = self._layer(piece, piece.content, number)
            only = not side_only and all(node.training_only for node in piece.nodes)
            items.append(replace(item, training_only=only))
        outputs = [(number[v], self._in_training_only(v) and not side_only) for v in leaving]
        ties: list[Tie] = []
        for user, owner, tensors in self._shared.get(container.path, ()):
            self._share(container, user, owner, tensors, items, ties)
        chain = bool(container.path) and _is_chain(items, len(entering), outputs)
        if not chain:
            items, outputs = _without_idle_modules(items, outputs)
        names = {} if inner else self._names(outputs)
        return Body(len(entering), tuple(items), tuple(outputs), tuple(ties), chain, names)

    def _names(self, outputs: Sequence[tuple[int, bool]]) -> dict[int, str]:
        """What the values are called that enter the network and leave it, where the spec says."""
        inputs = [*self._graph.inputs]
        found = {} if inputs == [INPUT] else dict(enumerate(inputs))
        for (value, _), layer in zip(outputs, self._graph.outputs, strict=True):
            if layer in self._graph.output_names:
                found.setdefault(value, self._graph.output_names[layer])
        return {value: good for value, name in found.items() if (good := variable_name(name))}

    # ----- items -----

    def _given(self, piece: Piece) -> tuple[str, ...]:
        """The values that a piece gives to the module that it stands in."""
        if isinstance(piece.content, Container):
            return self._flow.leaving(piece.nodes)
        return self._flow.given(piece.content.node)

    def _layer(self, piece: Piece, layer: LayerAnalysis, number: Mapping[str, int]) -> Item:
        node = layer.node
        spelling = self._spelled(node)
        return Item(
            path=piece.path,
            callee=self._callee(spelling),
            arguments=spelling.arguments,
            call=spelling.call,
            operator=spelling.operator,
            inline=spelling.inline,
            weight=spelling.weight,
            inputs=tuple([number[v] for v in node.taken]),
            outputs=tuple([number[v] for v in self._given(piece)]),
            parametrized=spelling.parametrized,
        )

    def _block(
        self,
        piece: Piece,
        number: Mapping[str, int],
        module: ModuleClass,
        arguments: tuple[Argument, ...],
    ) -> Item:
        entering, leaving = self._flow.entering(piece.nodes), self._given(piece)
        given = ", ".join(f"{{{n}}}" for n in range(len(entering)))
        return Item(
            path=piece.path,
            callee=module,
            arguments=arguments,
            call=f"{{module}}({given})",
            operator="",
            inline=None,
            weight=Weight.MAIN,
            inputs=tuple([number[v] for v in entering]),
            outputs=tuple([number[v] for v in leaving]),
        )

    def _callee(self, spelling: Spelling) -> str | None:
        """The class of a module by the name that it has in the file."""
        home, _, name = (spelling.callee or "").rpartition(".")
        if spelling.callee is None or home in ("", "nn"):
            return spelling.callee
        if name in HELPERS or self.brought.setdefault(name, spelling.callee) != spelling.callee:
            raise UsageError(f"{spelling.callee}: another class of the file has its name")
        return name

    def _in_training_only(self, value: str) -> bool:
        layer = self._layers.get(value)
        return layer is not None and layer.training_only

    # ----- shared weights -----

    def _tensors(self, node: Node) -> tuple[str, ...]:
        return tuple([tensor.name for tensor in self._layers[node.name].effect.state])

    def _sharing(self, graph: Graph) -> Iterator[tuple[Node, Node, tuple[str, ...]]]:
        """Layers with those that have tensors of theirs, and which tensors; () for all."""
        owners, of_others = graph.weight_origins(), graph.weight_origins(OTHERS)
        nodes = {node.name: node for node in graph.nodes}
        for name, node in nodes.items():
            others = tuple([tensor for tensor in self._tensors(node) if tensor != WEIGHT])
            if owners[name] == of_others[name] != name and self._tensors(node):
                yield node, nodes[owners[name]], ()
            elif owners[name] != of_others[name]:
                yield node, nodes[owners[name]], (WEIGHT,)
                if of_others[name] != name and others:
                    yield node, nodes[of_others[name]], others

    def _share(
        self,
        container: Container,
        user: Node,
        owner: Node,
        tensors: tuple[str, ...],
        items: list[Item],
        ties: list[Tie],
    ) -> None:
        """Lets `user` have tensors of `owner`, or all: in its item, or by a tie."""
        paths = self._path_in(container, user), self._path_in(container, owner)
        mine, other = self._spelled(user), self._spelled(owner)
        same = not tensors and (mine.callee, _made_with(mine)) == (other.callee, _made_with(other))
        same = same and not any(tuple(n.name.split(".")) in self._containers for n in (user, owner))
        at = next((n for n, item in enumerate(items) if item.path == paths[0]), None)
        known = [item.path for item in items[:at]]
        if same and at is not None and paths[1] in known:
            mentioned = tuple([a for a in items[at].arguments if a.in_call])
            items[at] = replace(items[at], arguments=mentioned, shares=paths[1])
        else:
            ties.append(Tie(*paths, () if same else tensors or self._tensors(user)))

    def _around(self, container: Container, user: Node, owner: Node) -> Container:
        """The innermost container in `container` that is a module and has both layers in it."""
        inner = self._piece_of(container, user).content
        if isinstance(inner, Container) and inner.holds(owner):
            return self._around(inner, user, owner)
        return container

    def _path_in(self, container: Container, node: Node) -> Path:
        """Where the module of a layer stands in the module of a container."""
        piece = self._piece_of(container, node)
        if isinstance(piece.content, Container):
            return (*piece.path, *self._path_in(piece.content, node))
        return piece.path

    def _piece_of(self, container: Container, node: Node) -> Piece:
        return next(piece for piece in self.pieces(container) if piece.holds(node))


def _made_with(spelling: Spelling) -> list[Argument]:
    return [argument for argument in spelling.arguments if not argument.in_call]


def _is_chain(items: Sequence[Item], inputs: int, outputs: Sequence[tuple[int, bool]]) -> bool:
    last = 0
    for item in items:
        runs = not item.training_only and len(item.outputs) == 1
        if not runs or item.inputs != (last,) or item.call != PLAIN_CALL or len(item.path) > 1:
            return False
        last = item.outputs[0]
    return inputs == 1 and list(outputs) == [(last, False)]


def _without_idle_modules(
    items: Sequence[Item], outputs: Sequence[tuple[int, bool]]
) -> tuple[list[Item], list[tuple[int, bool]]]:
    """The items with an expression for each module that needs none, and none for the identity."""
    same: dict[int, int] = {}
    kept = []
    for item in items:
        item = replace(item, inputs=tuple([same.get(n, n) for n in item.inputs]))
        if item.inline is not None:
            item = replace(item, callee=None, call=item.inline)
        if item.inline == "{0}":
            same[item.outputs[0]] = item.inputs[0]
        else:
            kept.append(item)
    return kept, [(same.get(n, n), only) for n, only in outputs]
