"""Spec -> Graph: names resolved, parameters bound, blocks and repeats expanded, in order.

A layer may name only earlier layers, so the list of nodes is in order of execution and a cycle
cannot be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archcalc.errors import ArchcalcError, Place, SpecError, UsageError, did_you_mean
from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer
from archcalc.layers.pooling import MaxPool
from archcalc.quantity import symbol
from archcalc.spec.expression import Environment, Expression, ExpressionError, Value, truth_of
from archcalc.spec.fields import Template, convert, evaluate, whole
from archcalc.spec.syntax import (
    Argument,
    BlockStatement,
    Body,
    HeadStatement,
    IfStatement,
    LayerStatement,
    NameTemplate,
    Network,
    RepeatStatement,
    Statement,
)

INPUT = "input"  # the name of the network's input, as a source of layers

MAX_STEPS = 20_000  # statements carried out; ResNet-1202 takes 9,000
MAX_DEPTH = 40  # blocks within blocks


@dataclass(frozen=True, slots=True)
class Node:
    """A layer in its place.

    Attributes:
        name: unique; dots separate the blocks that it stands in.
        layer: the layer itself.
        inputs: names of the layers whose outputs it takes, or `INPUT`.
        weights: name of the layer whose weights it shares, or None.
        indices: name of the max pool that it undoes, or None.
        training_only: whether it belongs to a side output that exists in training only.
        place: where the spec says so.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    weights: str | None
    indices: str | None
    training_only: bool
    place: Place = field(repr=False)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network, fully written out.

    Attributes:
        network: what it was built from.
        input: channels and sizes of an input image.
        parameters: the value of each parameter that it was built with.
        nodes: the layers, in order of execution.
        blocks: for each instance of a block, by its dotted name, the name of the block.
        outputs: names of the layers whose outputs leave the network, the main path's first.
    """

    network: Network
    input: FeatureMap
    parameters: dict[str, Value]
    nodes: tuple[Node, ...]
    blocks: dict[str, str]
    outputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.network.name


def build_graph(
    network: Network,
    *,
    input: FeatureMap | None = None,
    parameters: Mapping[str, Value] | None = None,
) -> Graph:
    """The graph of `network`, with some of its parameters or its input changed.

    Raises:
        UsageError: a parameter is unknown, or of another type than the one it replaces.
        SpecError: the spec is wrong: an expression fails, a name is unknown or stands twice, a
            block calls itself without end.
    """
    values = network.parameters | _overrides(network, parameters or {})
    environment = _with_let(values, network.let)
    expander = _Expander(network)
    scope = _Scope("", environment, None)
    last = expander.run(network.body, scope, INPUT)
    return Graph(
        network=network,
        input=input or _input_of(network, environment),
        parameters=values,
        nodes=tuple(expander.nodes.values()),
        blocks=expander.blocks,
        outputs=(last, *expander.heads),
    )


def _overrides(network: Network, given: Mapping[str, Value]) -> dict[str, Value]:
    values = {}
    for name, value in given.items():
        if name not in network.parameters:
            known = list(network.parameters)
            guess = did_you_mean(name, known) or f"; it has {', '.join(known) or 'none'}"
            raise UsageError(f"{network.name} has no parameter {name!r}{guess}")
        old = network.parameters[name]
        if any(isinstance(value, t) != isinstance(old, t) for t in (list, str, bool)):
            raise UsageError(
                f"{name} is {_shown(old)} in {network.name}; {_shown(value)} does not fit"
            )
        values[name] = value
    return values


def _shown(value: Value) -> str:
    return (
        "a list"
        if isinstance(value, list)
        else str(value)[:40].lower()
        if isinstance(value, bool)
        else repr(value)[:40]
    )


def _with_let(values: dict[str, Value], let: Mapping[str, Argument]) -> dict[str, Value]:
    environment = dict(values)
    for name, argument in let.items():
        environment[name] = _evaluate(argument.template, environment, argument.place)
    return environment


def _input_of(network: Network, environment: Environment) -> FeatureMap:
    sizes = []
    for argument in network.input:
        template: Template = argument.template
        known = dict(environment)
        if isinstance(template, Expression):  # a name that is no parameter is a free size
            known |= {name: symbol(name) for name in template.names if name not in known}
        try:
            sizes.append(whole(_evaluate(template, known, argument.place)))
        except ExpressionError as error:
            raise SpecError(str(error), argument.place) from None
    return feature_map_of(sizes, network.place)


def feature_map_of(sizes: list[Value], place: Place | None) -> FeatureMap:
    """[channels, size…] as a feature map; sizes below 1 are refused."""
    for size in sizes:
        if type(size) is int and size < 1:
            raise SpecError(f"an input of {'x'.join(map(str, sizes))}", place)
    return FeatureMap(sizes[0], tuple(sizes[1:]))


def _evaluate(template: Template, environment: Environment, place: Place) -> Value:
    try:
        return evaluate(template, environment)
    except ArchcalcError as error:
        raise SpecError(str(error), place) from None


class _Scope:
    """What names mean inside one instance of a block.

    Attributes:
        prefix: the dotted name of the instance, with a dot behind; empty at the top.
        environment: the parameters that are visible.
        counts: how many layers of each kind were numbered so far.
        names: the layer that each local name stands for.
        outer: the scope of the caller, where names are looked up next.
    """

    def __init__(self, prefix: str, environment: dict[str, Value], outer: _Scope | None) -> None:
        self.prefix = prefix
        self.environment = environment
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {}
        self.outer = outer


class _Expander:
    """Carries the statements of a network out, one after the other."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._globals: dict[str, Value] | None = None
        self._steps = 0
        self._depth = 0
        self._training_only = False
        self.nodes: dict[str, Node] = {}
        self.blocks: dict[str, str] = {}
        self.heads: list[str] = []

    def run(self, body: Body, scope: _Scope, current: str) -> str:
        """Carries `body` out on the output of layer `current`; the name of its last layer."""
        if self._globals is None:
            self._globals = scope.environment
        for statement in body:
            current = self._carry_out(statement, scope, current)
        return current

    def _carry_out(self, statement: Statement, scope: _Scope, current: str) -> str:
        self._step(statement.place)
        if isinstance(statement, LayerStatement):
            return self._layer(statement, scope, current)
        if isinstance(statement, BlockStatement):
            return self._block(statement, scope, current)
        if isinstance(statement, RepeatStatement):
            return self._repeat(statement, scope, current)
        if isinstance(statement, IfStatement):
            return self._choose(statement, scope, current)
        return self._head(statement, scope, current)

    def _step(self, place: Place) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise SpecError(f"the network has more than {MAX_STEPS:,} layers", place)

    # ----- layers -----

    def _layer(self, statement: LayerStatement, scope: _Scope, current: str) -> str:
        if statement.sources:
            inputs = tuple([self._resolve(source, scope) for source in statement.sources])
            current = inputs[0]
        else:
            inputs = (current,)
        if statement.branches is not None:
            inputs = tuple([self.run(branch, scope, current) for branch in statement.branches])
        layer = statement.layer or self._make(statement, scope.environment)
        weights = self._resolve(statement.weights, scope) if statement.weights else None
        indices = self._resolve(statement.indices, scope) if statement.indices else None
        if weights:
            self._require_same_kind(layer, weights, statement)
        if indices and not isinstance(self.nodes[indices].layer, MaxPool):
            raise SpecError(f"{indices!r} is no max_pool", statement.place)
        name = self._name(statement.name, statement.kind.kind, scope, statement.place)
        full = scope.prefix + name
        if full in self.nodes or full == INPUT:
            raise SpecError(
                f"a second layer is called {full!r}{_index_hint(statement.name)}", statement.place
            )
        scope.names[name] = full
        self.nodes[full] = Node(
            full, layer, inputs, weights, indices, self._training_only, statement.place
        )
        return full

    def _make(self, statement: LayerStatement, environment: Environment) -> Layer:
        values = {}
        for name, (spec_field, argument) in statement.arguments.items():
            value = _evaluate(argument.template, environment, argument.place)
            values[name] = convert(spec_field, value, argument.place)
        return statement.kind(**values)

    def _require_same_kind(self, layer: Layer, owner: str, statement: LayerStatement) -> None:
        node = self.nodes[owner]
        if type(node.layer) is not type(layer):
            raise SpecError(
                f"a {layer.kind} cannot share the weights of {owner!r}, a {node.layer.kind}",
                statement.place,
            )

    # ----- structure -----

    def _block(self, statement: BlockStatement, scope: _Scope, current: str) -> str:
        block = self._network.blocks[statement.block]
        if statement.source is not None:
            current = self._resolve(statement.source, scope)
        given = {
            name: _evaluate(argument.template, scope.environment, argument.place)
            for name, argument in statement.arguments.items()
        }
        for name, argument in statement.arguments.items():
            if name not in block.parameters:
                known = list(block.parameters)
                guess = did_you_mean(name, known) or f"; it takes {', '.join(known) or 'none'}"
                raise SpecError(
                    f"block {block.name!r} has no parameter {name!r}{guess}", argument.place
                )
        environment = dict(self._globals or {})
        for name, default in block.parameters.items():
            if name in given:
                environment[name] = given[name]
            elif default is None:
                raise SpecError(f"block {block.name!r} needs `{name}`", statement.place)
            else:
                environment[name] = _evaluate(default.template, environment, default.place)
        environment = _with_let(environment, block.let)
        name = self._name(statement.name, block.name, scope, statement.place)
        full = scope.prefix + name
        if full in self.blocks or full in self.nodes:
            raise SpecError(
                f"a second block is called {full!r}{_index_hint(statement.name)}", statement.place
            )
        self.blocks[full] = block.name
        if self._depth == MAX_DEPTH:
            raise SpecError(
                f"block {block.name!r}: blocks within blocks, {MAX_DEPTH} deep", statement.place
            )
        self._depth += 1
        last = self.run(block.body, _Scope(full + ".", environment, scope), current)
        self._depth -= 1
        scope.names[name] = last
        return last

    def _repeat(self, statement: RepeatStatement, scope: _Scope, current: str) -> str:
        count = _evaluate(statement.times.template, scope.environment, statement.times.place)
        if type(count) is not int or count < 0:
            raise SpecError(
                f"repeat: expected a number of times, found {str(count)[:40]!r}",
                statement.times.place,
            )
        hidden = scope.environment
        for index in range(count):
            self._step(statement.place)
            if statement.counter is not None:
                scope.environment = {**hidden, statement.counter: index}
            current = self.run(statement.body, scope, current)
        scope.environment = hidden
        return current

    def _choose(self, statement: IfStatement, scope: _Scope, current: str) -> str:
        place = statement.condition.place
        value = _evaluate(statement.condition.template, scope.environment, place)
        try:
            chosen = statement.then if truth_of(value) else statement.otherwise
        except ExpressionError as error:
            raise SpecError(f"if: {error}", place) from None
        return self.run(chosen, scope, current)

    def _head(self, statement: HeadStatement, scope: _Scope, current: str) -> str:
        name = self._name(statement.name, "head", scope, statement.place)
        full = scope.prefix + name
        if full in self.blocks or full in self.nodes:
            raise SpecError(f"a second head is called {full!r}", statement.place)
        self.blocks[full] = "head"
        outer = self._training_only
        self._training_only = outer or statement.training_only
        inner = _Scope(full + ".", scope.environment, scope)
        self.heads.append(self.run(statement.body, inner, current))
        self._training_only = outer
        return current

    # ----- names -----

    def _name(self, template: NameTemplate | None, kind: str, scope: _Scope, place: Place) -> str:
        if template is not None:
            return _text(template, scope.environment)
        while True:
            number = scope.counts[kind] = scope.counts.get(kind, 0) + 1
            name = f"{kind}{number}"
            if name not in scope.names:
                return name

    def _resolve(self, template: NameTemplate, scope: _Scope) -> str:
        """The earlier layer that a name stands for, in this block or one around it."""
        name = _text(template, scope.environment)
        around: _Scope | None = scope
        while around is not None:
            if name in around.names:
                return around.names[name]
            around = around.outer
        if name in self.nodes or name == INPUT:
            return name
        guess = did_you_mean(name, self.nodes)
        raise SpecError(f"no earlier layer is called {name!r}{guess}", template.place)


def _text(template: NameTemplate, environment: Environment) -> str:
    parts = [
        part if isinstance(part, str) else str(_evaluate(part, environment, template.place))
        for part in template.parts
    ]
    return "".join(parts)


def _index_hint(template: NameTemplate | None) -> str:
    return "; in a `repeat`, give it an `index: i` and put {i} into the name" if template else ""
