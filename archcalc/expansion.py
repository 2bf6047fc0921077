"""Spec -> Graph: names resolved, parameters bound, blocks and repeats expanded, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archcalc.errors import LayerError, SpecError
from archcalc.expanding.parts import HEAD, PART_OF_HEAD, Parts
from archcalc.expanding.scope import Scope
from archcalc.expanding.sharing import SharedBlock
from archcalc.expanding.sizes import RefusedError
from archcalc.feature_map import FeatureMap
from archcalc.given import given_inputs, overrides, own_inputs
from archcalc.graph import Graph, Node, Stretch, in_order, stretch_of, with_purpose
from archcalc.layers import Join, Layer
from archcalc.quantity.conditions import one_for_all
from archcalc.record import replace
from archcalc.spec.conversions import shown
from archcalc.spec.fields import Field
from archcalc.spec.syntax import (
    AS_AROUND,
    Argument,
    BlockStatement,
    Body,
    HeadStatement,
    IfStatement,
    LayerStatement,
    NameTemplate,
    Network,
    NetworkStatement,
    RepeatStatement,
    Statement,
    layer_with,
    several_needed,
)
from archcalc.spec.values import Value

MAX_DEPTH = 100  # bodies of blocks, repeats, conditions, branches and heads within one another


class EndlessError(SpecError):
    """Blocks stand in one another without end, it seems."""


class ExpansionStopped(LayerError):
    """A layer refuses its input, and what comes behind it asks for its size.

    Attributes:
        graph: the network up to there; a walk over it says what the walk over all would say.
    """

    def __init__(self, message: str, graph: Graph) -> None:
        super().__init__(message)
        self.graph = graph

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.graph)


def build_graph(
    network: Network,
    *,
    input: FeatureMap | Mapping[str, FeatureMap] | None = None,
    parameters: Mapping[str, Value] | None = None,
) -> Graph:
    """The graph of `network`, with some of its parameters or its inputs, by name, changed.

    Raises:
        UsageError: a parameter or an input is unknown, or of another type than the one that it
            replaces; an input has more or fewer sizes than the network's own.
        SpecError: the spec is wrong: an expression fails, a name is unknown or repeated, a
            block calls itself without end.
        ExpansionStopped: a layer refuses its input, and an expression asks for its size.
    """
    values = network.parameters | overrides(network, parameters or {})
    given = {} if input is None else given_inputs(network, input)
    expander = _Expander(network, values, given)
    first = next(iter(network.inputs))
    top = Scope(expander.home, "", expander.home.values, None, first)
    top.names.update(zip(network.inputs, network.inputs, strict=True))
    refused: RefusedError | None = None
    try:
        last = expander.run(network.body, top, first)
    except RefusedError as error:
        refused, last = error, [*expander.nodes][-1]
    if not expander.nodes:
        raise SpecError(f"{network.name!r} has no layers with these parameters", network.place)
    if all(node.training_only for node in expander.nodes.values()):
        raise SpecError(f"{network.name!r} has layers in training only", network.place)
    own = own_inputs(network, expander.home.values, given)
    outputs: tuple[str, ...] = (last, *expander.heads)
    names: dict[str, str] = {}
    if network.outputs is not None and refused is None:
        names = expander.outputs(network.outputs, top)
        outputs = tuple(names)
    for head in expander.heads_of_parts:
        if expander.ends.get(head) not in outputs:
            expander.blocks[head] = PART_OF_HEAD
    graph = Graph(
        network=network,
        inputs={name: given[name] if name in given else own[name] for name in network.inputs},
        parameters=values,
        nodes=with_purpose(tuple(expander.nodes.values()), outputs),
        blocks={**_modules(network, expander.nodes), **expander.blocks},
        outputs=outputs,
        own_inputs=own,
        given=tuple(given),
        output_names={layer: name for layer, name in names.items() if layer != name},
        stretches=in_order(expander.nodes.values(), expander.stretches),
        asks_sizes=expander.sizes.were_asked_for,
    ).without_idle(expander.optional)
    expander.require_nothing_before(graph)
    if refused is not None:
        raise ExpansionStopped(str(refused), graph)
    return graph


def inputs_with(
    network: Network, parameters: Mapping[str, Value], given: Mapping[str, FeatureMap]
) -> dict[str, FeatureMap]:
    """The inputs that a network has with some of its parameters changed, without its layers.

    Args:
        given: inputs that stay as they are, by name.

    Raises:
        UsageError, SpecError: as `build_graph`.
    """
    expander = _Expander(network, network.parameters | overrides(network, parameters), given)
    return {name: expander.find_input(name) for name in network.inputs}


def _modules(network: Network, layers: Iterable[str]) -> dict[str, str]:
    """Of a model from elsewhere the modules whose layers stand in a row, with their classes."""
    if network.imported is None:
        return {}
    runs: dict[str, int] = {}
    before: list[str] = []
    names = [*layers]
    for name in names:
        parts = name.split(".")
        around = [".".join(parts[:n]) for n in range(1, len(parts))]
        for path in around:
            if path not in before:
                runs[path] = runs.get(path, 0) + 1
        before = around
    known, taken = network.imported.modules, {*names}
    alone = [path for path, times in runs.items() if times == 1 and path not in taken]
    return {path: known.get(path, "group") for path in alone}  # of a file no class is known


def with_inputs(graph: Graph, shapes: Mapping[str, FeatureMap]) -> Graph:
    """The network on inputs of other sizes; one that asks for sizes is written out anew.

    Raises:
        SpecError, ExpansionStopped: as `build_graph`.
    """
    found = graph.with_inputs(shapes)
    if not graph.asks_sizes or found.inputs == graph.inputs:
        return found
    found = build_graph(graph.network, input=found.inputs, parameters=graph.parameters)
    return replace(found, own_inputs=graph.own_inputs, given=graph.given)


class _Expander(Parts):
    """Carries the statements of a network out, one after the other."""

    def __init__(
        self, network: Network, values: dict[str, Value], given: Mapping[str, FeatureMap]
    ) -> None:
        super().__init__(network)
        self._network = network
        self._given = given
        self.heads: list[str] = []
        self.stretches: list[Stretch] = []
        self.home = self._home(network, values, "")

    def find_input(self, name: str) -> FeatureMap:
        if name in self.stand_ins:
            return self.stand_ins[name]
        return {**own_inputs(self._network, self.home.values, self._given), **self._given}[name]

    def outputs(self, wanted: Mapping[str, NameTemplate], scope: Scope) -> dict[str, str]:
        """For each layer whose output leaves the network the name of that output."""
        self._training_only = True  # an output may exist in training only
        found: dict[str, str] = {}
        for name, template in wanted.items():
            layer = self._resolve(template, scope)
            if layer not in self.nodes:
                raise SpecError(f"{layer!r} is an input, and no layer's output", template.place)
            if layer in found:
                both = f"{found[layer]!r} and {name!r}"
                raise SpecError(f"outputs: {both} are both {layer!r}", template.place)
            found[layer] = name
        if all(self.nodes[layer].training_only for layer in found):
            raise SpecError("outputs: all of them exist in training only", template.place)
        return found

    def run(self, body: Body, scope: Scope, current: str) -> str:
        """Carries `body` out on the output of layer `current`; the name of its last layer."""
        self._depth += 1
        for statement in body:
            if self._depth > MAX_DEPTH:
                raise EndlessError(
                    f"blocks, branches and conditions within one another, {MAX_DEPTH} deep; "
                    "does a block call itself without end?",
                    statement.place,
                )
            current = self._carry_out(statement, scope, current)
        self._depth -= 1
        return current

    def _carry_out(self, statement: Statement, scope: Scope, current: str) -> str:
        self._step(statement.place)
        scope.present = current
        if isinstance(statement, IfStatement):
            return self._choose(statement, scope, current)
        if isinstance(statement, HeadStatement):
            return self._head(statement, scope, current)
        if statement.training is AS_AROUND:
            return self._place(statement, scope, current)
        outer, training = self._trainable, statement.training
        nodes, blocks = len(self.nodes), len(self.blocks)
        if training.trainable is not None:
            self._trainable = self._truth(training.trainable, scope, "trainable")
        again = training.checkpoint
        checkpointed = again is not None and self._truth(again, scope, "checkpoint")
        try:
            return self._place(statement, scope, current)
        finally:  # a part of a network may end inside
            self._trainable = outer
            if checkpointed and len(self.nodes) > nodes:
                layers = tuple(self.nodes)[nodes:]
                is_block = isinstance(statement, BlockStatement | NetworkStatement)
                self.stretches.append(
                    Stretch(tuple(self.blocks)[blocks], layers) if is_block else stretch_of(layers)
                )

    def _place(
        self,
        statement: LayerStatement | BlockStatement | NetworkStatement | RepeatStatement,
        scope: Scope,
        current: str,
    ) -> str:
        if isinstance(statement, LayerStatement):
            return self._layer(statement, scope, current)
        if isinstance(statement, BlockStatement):
            return self._block(statement, scope, current)
        if isinstance(statement, NetworkStatement):
            return self._part(statement, scope, current)
        return self._repeat(statement, scope, current)

    # ----- layers -----

    def _layer(self, statement: LayerStatement, scope: Scope, current: str) -> str:
        if statement.sources:
            inputs = self._sources(statement, scope)
            current = inputs[0]
        else:
            inputs = () if statement.kind.is_source else (current,)
        if statement.branches is not None:
            inputs = tuple([self._branch(b, scope, current, statement) for b in statement.branches])
        if self.cut:
            inputs = tuple([self._uncut(x) for x in inputs])
        scope.present = current
        layer = statement.layer or self._make(statement, scope)
        weights = self._owner(statement.weights, scope, layer)
        indices = self._indices(statement.indices, scope)
        name = self._name(statement.name, statement.kind.kind, scope)
        full = self._new_name(name, statement.name, scope, statement.place)
        scope.names[name] = full
        trainable, place = self._trainable is not False, statement.place
        self._place_node(
            Node(full, layer, inputs, weights, indices, self._training_only, place, trainable)
        )
        return self._passed(full, full)

    def _sources(self, statement: LayerStatement, scope: Scope) -> tuple[str, ...]:
        if statement.branches is not None or not issubclass(statement.kind, Join):
            return tuple([self._resolve(source, scope) for source in statement.sources])
        found = self._resolve_all(statement.sources, scope)
        if len(found) == len(statement.sources) == 1 and not statement.kind.takes_one:
            raise SpecError(several_needed(statement.kind), statement.place)
        return found

    def _branch(self, body: Body, scope: Scope, current: str, join: LayerStatement) -> str:
        self._step(join.place)
        return self.run(body, scope, current)

    def _make(self, statement: LayerStatement, scope: Scope) -> Layer:
        def value_of(field: Field, argument: Argument) -> Value:
            return self._evaluate(argument, scope, {word: word for word in field.type.words})

        return layer_with(statement.kind, statement.arguments, value_of)

    # ----- structure -----

    def _block(self, statement: BlockStatement, scope: Scope, current: str) -> str:
        block = scope.home.blocks[statement.block]
        if statement.source is not None:
            current = self._resolve(statement.source, scope)
        scope.present = current
        given = {
            name: self._evaluate(argument, scope) for name, argument in statement.arguments.items()
        }
        home = self._home_of(block, scope.home)
        inner = Scope(home, "", dict(home.values), scope, current)
        for name, default in block.parameters.items():
            if name in given:
                inner.environment[name] = given[name]
            else:
                assert default is not None, "archcalc.spec.scopes has looked at all calls"
                inner.environment[name] = self._evaluate(default, inner)
        self._compute(block.let, inner)
        shared = self._block_shared(statement.weights, scope, block.name)
        name = self._name(statement.name, block.name, scope)
        full = self._new_name(name, statement.name, scope, statement.place)
        self.blocks[full] = block.name
        inner.prefix = full + "."
        around = self._shared_block
        if shared is not None:
            self._shared_block = SharedBlock(full, shared)
        self.ends[full] = scope.names[name] = last = self.run(block.body, inner, current)
        self._shared_block = around
        return self._passed(full, last)

    def _repeat(self, statement: RepeatStatement, scope: Scope, current: str) -> str:
        count = one_for_all(self._evaluate(statement.times, scope))
        if type(count) is not int or count < 0:
            raise SpecError(
                f"repeat: expected a number of times, found {shown(count)}", statement.times.place
            )
        hidden = scope.environment
        for index in range(count):
            self._step(statement.place)
            if statement.counter is not None:
                scope.environment = {**hidden, statement.counter: index}
            current = self.run(statement.body, scope, current)
        scope.environment = hidden
        return current

    def _choose(self, statement: IfStatement, scope: Scope, current: str) -> str:
        holds = self._truth(statement.condition, scope, "if")
        return self.run(statement.then if holds else statement.otherwise, scope, current)

    def _head(self, statement: HeadStatement, scope: Scope, current: str) -> str:
        name = self._name(statement.name, "head", scope)
        full = self._new_name(name, statement.name, scope, statement.place)
        self.blocks[full] = HEAD
        outer = self._training_only
        self._training_only = outer or statement.training_only
        is_of_part = scope.home.prefix != ""
        if is_of_part:
            self.heads_of_parts.append(full)
        inner = Scope(scope.home, full + ".", scope.environment, scope, current)
        self.ends[full] = scope.names[name] = last = self._last_of_head(statement, inner, current)
        if not is_of_part:
            self.heads.append(last)
        self._training_only = outer
        self._passed(full, last)
        return current

    def _last_of_head(self, statement: HeadStatement, inner: Scope, current: str) -> str:
        """Where a head ends; one for training that does not fit ends early, for the walk to say."""
        depth = self._depth
        try:
            return self.run(statement.body, inner, current)
        except RefusedError:
            if not self._training_only:
                raise
        self._depth = depth
        return [*self.nodes][-1]
