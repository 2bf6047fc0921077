"""Spec -> Graph: names resolved, parameters bound, blocks and repeats expanded, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from archcalc.errors import ArchcalcError, Place, SpecError, UsageError, did_you_mean
from archcalc.feature_map import FeatureMap
from archcalc.given import overrides, own_input
from archcalc.graph import INPUT, Graph, Node, Stretch, in_order, stretch_of, with_purpose
from archcalc.layers import Layer
from archcalc.layers.pooling import MaxPool
from archcalc.quantity.conditions import one_for_all
from archcalc.spec.expression import Environment
from archcalc.spec.fields import Field, cost_of, evaluate, shown
from archcalc.spec.syntax import (
    AS_AROUND,
    NAME,
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
    every_statement,
    layer_with,
)
from archcalc.spec.values import ExpressionError, Value, truth_of

MAX_STEPS = 20_000  # statements, inputs and branches carried out; ResNet-1202 takes 15,000
MAX_DEPTH = 100  # bodies of blocks, repeats, conditions, branches and heads within one another
MAX_NAME = 400  # characters of a dotted name
_STEP = 100  # operations on numbers that take as long as a step


class EndlessError(SpecError):
    """Blocks stand in one another without end, it seems."""


def build_graph(
    network: Network,
    *,
    input: FeatureMap | None = None,
    parameters: Mapping[str, Value] | None = None,
) -> Graph:
    """The graph of `network`, with some of its parameters or its input changed.

    Raises:
        UsageError: a parameter is unknown, or of another type than the one it replaces; an input
            has more or fewer sizes than the network's own.
        SpecError: the spec is wrong: an expression fails, a name is unknown or repeated, a
            block calls itself without end.
    """
    values = network.parameters | overrides(network, parameters or {})
    if input is not None and len(input.shape) != len(network.input):
        raise UsageError(
            f"{network.name} takes an input of {len(network.input)} numbers, channels and sizes; "
            f"{input} has {len(input.shape)} (images of a batch are not among them)"
        )
    expander = _Expander(network, values)
    last = expander.run(network.body, _Scope("", expander.globals, None), INPUT)
    if not expander.nodes:
        raise SpecError(f"{network.name!r} has no layers with these parameters", network.place)
    if all(node.training_only for node in expander.nodes.values()):
        raise SpecError(f"{network.name!r} has layers in training only", network.place)
    own = own_input(network, expander.globals, is_needed=input is None)
    outputs = (last, *expander.heads)
    return Graph(
        network=network,
        input=input or cast(FeatureMap, own),
        parameters=values,
        nodes=with_purpose(tuple(expander.nodes.values()), outputs),
        blocks=expander.blocks,
        outputs=outputs,
        input_given=input is not None,
        own_input=own,
        stretches=in_order(expander.nodes.values(), expander.stretches),
    )


_UNNAMED = (RepeatStatement, IfStatement)


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
    """Carries the statements of a network out, one after the other.

    `globals` are the values that are visible in every block.
    """

    def __init__(self, network: Network, values: dict[str, Value]) -> None:
        self._network = network
        self._work = 0
        self._depth = 0
        self._training_only = False
        self._trainable: bool | None = None  # as what stands around says
        self.nodes: dict[str, Node] = {}
        self.blocks: dict[str, str] = {}
        self.heads: list[str] = []
        self.stretches: list[Stretch] = []
        self.globals = self._with_let(values, network.let)

    def run(self, body: Body, scope: _Scope, current: str) -> str:
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

    def _carry_out(self, statement: Statement, scope: _Scope, current: str) -> str:
        self._step(statement.place)
        if isinstance(statement, IfStatement):
            return self._choose(statement, scope, current)
        if isinstance(statement, HeadStatement):
            return self._head(statement, scope, current)
        if statement.training is AS_AROUND:
            return self._place(statement, scope, current)
        outer, training = self._trainable, statement.training
        nodes, blocks = len(self.nodes), len(self.blocks)
        if training.trainable is not None:
            self._trainable = self._truth(training.trainable, scope.environment, "trainable")
        again = training.checkpoint
        checkpointed = again is not None and self._truth(again, scope.environment, "checkpoint")
        last = self._place(statement, scope, current)
        self._trainable = outer
        if checkpointed and len(self.nodes) > nodes:
            layers = tuple(self.nodes)[nodes:]
            is_block = isinstance(statement, BlockStatement)
            self.stretches.append(
                Stretch(tuple(self.blocks)[blocks], layers) if is_block else stretch_of(layers)
            )
        return last

    def _place(
        self,
        statement: LayerStatement | BlockStatement | RepeatStatement,
        scope: _Scope,
        current: str,
    ) -> str:
        if isinstance(statement, LayerStatement):
            return self._layer(statement, scope, current)
        if isinstance(statement, BlockStatement):
            return self._block(statement, scope, current)
        return self._repeat(statement, scope, current)

    def _step(self, place: Place, work: int = _STEP) -> None:
        self._work += work
        if self._work > MAX_STEPS * _STEP:
            raise SpecError(
                f"writing the network out takes more than {MAX_STEPS:,} steps; "
                "is a `repeat` or a block out of hand?",
                place,
            )

    def _evaluate(self, argument: Argument, environment: Environment) -> Value:
        self._step(argument.place, cost_of(argument.template))
        try:
            return evaluate(argument.template, environment)
        except ArchcalcError as error:
            raise SpecError(str(error), argument.place) from None

    def _truth(self, argument: Argument, environment: Environment, what: str) -> bool:
        try:
            return truth_of(self._evaluate(argument, environment))
        except ExpressionError as error:
            raise SpecError(f"{what}: {error}", argument.place) from None

    def _with_let(self, values: dict[str, Value], let: Mapping[str, Argument]) -> dict[str, Value]:
        environment = dict(values)
        for name, argument in let.items():
            environment[name] = self._evaluate(argument, environment)
        return environment

    # ----- layers -----

    def _layer(self, statement: LayerStatement, scope: _Scope, current: str) -> str:
        if statement.sources:
            inputs = tuple([self._resolve(source, scope) for source in statement.sources])
            current = inputs[0]
        else:
            inputs = (current,)
        if statement.branches is not None:
            inputs = tuple([self._branch(b, scope, current, statement) for b in statement.branches])
        layer = statement.layer or self._make(statement, scope.environment)
        weights = self._owner(statement.weights, scope, type(layer), "weights")
        indices = self._owner(statement.indices, scope, MaxPool, "indices")
        name = self._name(statement.name, statement.kind.kind, scope, statement.place)
        full = self._new_name(scope.prefix + name, statement.name, statement.place)
        scope.names[name] = full
        trainable = self._trainable is not False
        if weights is not None:
            trainable = self._as_owner(full, weights, statement.place)
        self.nodes[full] = Node(
            full, layer, inputs, weights, indices, self._training_only, statement.place, trainable
        )
        return full

    def _as_owner(self, name: str, owner: str, place: Place) -> bool:
        """Whether a layer learns that has the weights of another."""
        trainable = self.nodes[owner].trainable
        if self._trainable is not None and self._trainable is not trainable:
            state = "learn" if trainable else "are frozen"
            raise SpecError(
                f"trainable: {str(self._trainable).lower()}, but {name!r} has the weights of "
                f"{owner!r}, which {state}; say it there",
                place,
            )
        return trainable

    def _branch(self, body: Body, scope: _Scope, current: str, join: LayerStatement) -> str:
        self._step(join.place)
        return self.run(body, scope, current)

    def _make(self, statement: LayerStatement, environment: Environment) -> Layer:
        def value_of(field: Field, argument: Argument) -> Value:
            words = {word: word for word in field.type.words}
            return self._evaluate(argument, {**words, **environment} if words else environment)

        return layer_with(statement.kind, statement.arguments, value_of)

    def _owner(
        self, template: NameTemplate | None, scope: _Scope, kind: type[Layer], what: str
    ) -> str | None:
        """The earlier layer whose weights or indices are shared, if there is one."""
        if template is None:
            return None
        name = self._resolve(template, scope)
        found = None if name == INPUT else self.nodes[name].layer
        if type(found) is not kind:
            is_a = "the network's input" if found is None else f"a {found.kind}"
            raise SpecError(f"{what} of a {kind.kind}, but {name!r} is {is_a}", template.place)
        return name

    # ----- structure -----

    def _block(self, statement: BlockStatement, scope: _Scope, current: str) -> str:
        block = self._network.blocks[statement.block]
        if statement.source is not None:
            current = self._resolve(statement.source, scope)
        given = {
            name: self._evaluate(argument, scope.environment)
            for name, argument in statement.arguments.items()
        }
        environment = dict(self.globals)
        for name, default in block.parameters.items():
            if name in given:
                environment[name] = given[name]
            else:
                assert default is not None, "archcalc.spec.scopes has looked at all calls"
                environment[name] = self._evaluate(default, environment)
        environment = self._with_let(environment, block.let)
        name = self._name(statement.name, block.name, scope, statement.place)
        full = self._new_name(scope.prefix + name, statement.name, statement.place)
        self.blocks[full] = block.name
        last = self.run(block.body, _Scope(full + ".", environment, scope), current)
        scope.names[name] = last
        return last

    def _repeat(self, statement: RepeatStatement, scope: _Scope, current: str) -> str:
        count = one_for_all(self._evaluate(statement.times, scope.environment))
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

    def _choose(self, statement: IfStatement, scope: _Scope, current: str) -> str:
        holds = self._truth(statement.condition, scope.environment, "if")
        return self.run(statement.then if holds else statement.otherwise, scope, current)

    def _head(self, statement: HeadStatement, scope: _Scope, current: str) -> str:
        name = self._name(statement.name, "head", scope, statement.place)
        full = self._new_name(scope.prefix + name, statement.name, statement.place)
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
            return self._text(template, scope.environment)
        while True:
            number = scope.counts[kind] = scope.counts.get(kind, 0) + 1
            name = f"{kind}{number}"
            if name not in scope.names:
                return name

    def _new_name(self, full: str, template: NameTemplate | None, place: Place) -> str:
        """`full`, if nothing has that name yet."""
        if full in self.nodes or full in self.blocks:
            earlier = "layer" if full in self.nodes else "block"
            hint = "; in a `repeat`, give it an `index: i` and put {i} into the name"
            raise SpecError(
                f"an earlier {earlier} is called {full!r}{hint if template else ''}", place
            )
        if full == INPUT:
            raise SpecError(f"{INPUT!r} is what the network's input is called", place)
        if len(full) > MAX_NAME:
            raise SpecError(f"{full[:60]!r}…: a name of more than {MAX_NAME} characters", place)
        return full

    def _resolve(self, template: NameTemplate, scope: _Scope) -> str:
        """The earlier layer that a name stands for, in this block or one around it."""
        self._step(template.place)
        name = self._text(template, scope.environment)
        around: _Scope | None = scope
        known: list[str] = []
        while around is not None and name not in around.names:
            known += around.names
            around = around.outer
        full = name if around is None else around.names[name]
        if full != INPUT and full not in self.nodes:
            guess = self._elsewhere(name, template.place)
            guess = guess or did_you_mean(name, [*known, *self.nodes])
            raise SpecError(f"no earlier layer is called {name!r}{guess}", template.place)
        if full != INPUT and self.nodes[full].training_only and not self._training_only:
            raise SpecError(
                f"{full!r} exists in training only, and what uses it does not", template.place
            )
        return full

    def _elsewhere(self, name: str, place: Place) -> str:
        """Where the layer is that somebody may have meant: further down, or inside a block."""
        here = (place.line, place.column)
        for body in (self._network.body, *(b.body for b in self._network.blocks.values())):
            found = list(every_statement(body))
            if not found or (found[0].place.line, found[0].place.column) > here:
                continue
            for statement in found:
                template = None if isinstance(statement, _UNNAMED) else statement.name
                there = (statement.place.line, statement.place.column)
                if template is not None and template.parts == (name,) and there > here:
                    return f"; a later one is, in line {statement.place.line}"
        inside = [full for full in self.nodes if full.endswith("." + name)]
        return f"; did you mean {inside[-1]!r}?" if inside else ""

    def _text(self, template: NameTemplate, environment: Environment) -> str:
        first, *others = template.parts
        if isinstance(first, str) and not others:  # which the parser has looked at
            return first
        parts = []
        for part in template.parts:
            if not isinstance(part, str):
                value = self._evaluate(Argument(part, template.place), environment)
                part = str(one_for_all(value))
            parts.append(part)
        text = "".join(parts)
        if not NAME.fullmatch(text):
            raise SpecError(f"{text[:60]!r} is not a name", template.place)
        return text
