"""Expressions and names where layers stand: how they are evaluated, and what they stand for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence

from archcalc.errors import ArchcalcError, Place, SpecError, did_you_mean
from archcalc.expanding.scope import Home, Scope
from archcalc.expanding.sizes import RefusedError, Sizes, require_short
from archcalc.feature_map import FeatureMap
from archcalc.graph import Node
from archcalc.spec.closures import Environment
from archcalc.spec.expression import Expression, with_sizes
from archcalc.spec.fields import asking, cost_of, evaluate
from archcalc.spec.syntax import (
    NAME,
    Argument,
    IfStatement,
    NameTemplate,
    Network,
    RepeatStatement,
    every_statement,
)
from archcalc.spec.values import ExpressionError, Value, text_of, truth_of

MAX_STEPS = 20_000  # statements, inputs and branches carried out; ResNet-1202 takes 15,000
MAX_NAME = 400  # characters of a dotted name
_STEP = 100  # operations on numbers that take as long as a step
_UNNAMED = (RepeatStatement, IfStatement)


class Names(ABC):
    """What has a name so far, and what the expressions of a network come to.

    Attributes:
        nodes: the layers that are written out, by name.
        blocks: for each instance of a block, by its dotted name, the name of the block.
        ends: for each that is complete, the layer whose output is its own.
        inputs: what has values and is no layer: the inputs of the network.
        sizes: of what the layers put out, where somebody asks.
        cut: layers and inputs that are there for names and sizes alone, as they come before a part
            of a network: what stands in the place of each, or None.
    """

    def __init__(self, network: Network) -> None:
        self.inputs = {*network.inputs}
        self._work = 0
        self._training_only = False
        self.nodes: dict[str, Node] = {}
        self.blocks: dict[str, str] = {}
        self.ends: dict[str, str] = {}
        self.cut: dict[str, str | None] = {}
        self.sizes = Sizes(self.nodes, self.inputs, self.find_input)

    @abstractmethod
    def find_input(self, name: str) -> FeatureMap:
        """The shape of an input of the network."""

    # ----- expressions -----

    def _step(self, place: Place, operations: int = _STEP) -> None:
        try:
            self._work_on(operations)
        except ExpressionError as error:
            raise SpecError(str(error), place) from None

    def _work_on(self, operations: int) -> None:
        self._work += operations
        if self._work > MAX_STEPS * _STEP:
            raise ExpressionError(
                f"writing the network out takes more than {MAX_STEPS:,} steps; "
                "is a `repeat` or a block out of hand?"
            )

    def _evaluate(
        self, argument: Argument, scope: Scope, words: Mapping[str, Value] | None = None
    ) -> Value:
        """The value of an argument; `words` stand for themselves in it, unless hidden."""
        environment: Environment = scope.environment
        try:
            self._work_on(cost_of(argument.template))
            expressions = asking(argument.template)
            if expressions:
                environment = self._with_sizes(expressions, scope, argument.place)
            if words:
                environment = {**words, **environment}
            value = evaluate(argument.template, environment)
            if expressions:
                require_short(value)
            return value
        except (RefusedError, SpecError):
            raise
        except ArchcalcError as error:
            if error is self.sizes.failure:  # in the arithmetic of a layer, and not here
                raise
            raise SpecError(str(error), argument.place) from None

    def _with_sizes(
        self, expressions: Collection[Expression], scope: Scope, place: Place
    ) -> Environment:
        def shape(name: str) -> list[Value]:
            return [*self.sizes.of(name).shape]

        def present() -> list[Value]:
            assert scope.present is not None, "archcalc.spec.scopes has looked at all names"
            return shape(scope.present)

        return with_sizes(
            scope.environment,
            expressions,
            present,
            lambda name: shape(self._uncut(self._named(name, scope, place))),
        )

    def _truth(self, argument: Argument, scope: Scope, what: str) -> bool:
        try:
            return truth_of(self._evaluate(argument, scope))
        except ExpressionError as error:
            raise SpecError(f"{what}: {error}", argument.place) from None

    def _compute(self, let: Mapping[str, Argument], scope: Scope) -> None:
        """Makes the computed values visible in a scope, one after the other."""
        for name, argument in let.items():
            scope.environment[name] = self._evaluate(argument, scope)

    # ----- names -----

    def _name(self, template: NameTemplate | None, kind: str, scope: Scope) -> str:
        if template is not None:
            return self._text(template, scope)
        while True:
            number = scope.counts[kind] = scope.counts.get(kind, 0) + 1
            name = f"{kind}{number}"
            if name not in scope.names:
                return name

    def _new_name(
        self, name: str, template: NameTemplate | None, scope: Scope, place: Place
    ) -> str:
        """The dotted name of what is called `name` in a scope, if nothing has it yet."""
        full = scope.prefix + name
        if full in self.nodes or full in self.blocks:
            earlier = "layer" if full in self.nodes else "block"
            hint = "; in a `repeat`, give it an `index: i` and put {i} into the name"
            raise SpecError(
                f"an earlier {earlier} is called {full!r}{hint if template else ''}", place
            )
        if full in self.inputs or scope.home.local(full) in scope.home.inputs:
            raise SpecError(f"{full!r} is what an input of the network is called", place)
        if len(full) > MAX_NAME:
            raise SpecError(f"{full[:60]!r}…: a name of more than {MAX_NAME} characters", place)
        return full

    def _resolve(self, template: NameTemplate, scope: Scope) -> str:
        """The earlier layer whose output a name stands for, in this block or one around it."""
        return self._uncut(self._itself(template, scope))

    def _resolve_all(self, templates: Sequence[NameTemplate], scope: Scope) -> tuple[str, ...]:
        """The earlier layers that names stand for, in order; a list in one, for one of each item.

        Raises:
            SpecError: there is no such layer; all that the names stand for is empty lists.
        """
        found: list[str] = []
        for template in templates:
            for name in self._texts(template, scope):
                self._step(template.place)
                found.append(self._uncut(self._named(name, scope, template.place)))
        if templates and not found:
            raise SpecError("`from` names no layer: its list is empty", templates[0].place)
        return tuple(found)

    def _itself(self, template: NameTemplate, scope: Scope) -> str:
        """The earlier layer that has a name, even where something stands in its place."""
        self._step(template.place)
        return self._named(self._text(template, scope), scope, template.place)

    def _named(self, name: str, scope: Scope, place: Place) -> str:
        full = self._full_name(name, scope)
        if full is None:
            raise SpecError(
                f"no earlier layer is called {name!r}{self._guess(name, scope, place)}", place
            )
        node = self.nodes.get(full)
        if node is not None and node.training_only and not self._training_only:
            raise SpecError(f"{full!r} exists in training only, and what uses it does not", place)
        return full

    def _uncut(self, layer: str) -> str:
        """A layer or input, or what stands in its place."""
        while (found := self.cut.get(layer)) is not None:
            layer = found
        return layer

    def _full_name(self, name: str, scope: Scope) -> str | None:
        """What a name stands for: in its block, in one around it, or in the whole network.

        A dotted one goes into the blocks there. A block stands for the layer at its end.
        """
        for around in scope.chain():
            if name in around.names:
                return around.names[name]
            full = around.prefix + name
            if full in self.nodes:
                return full
            if full in self.ends:
                return self.ends[full]
        return None

    def _instance(self, name: str, scope: Scope) -> str | None:
        """The instance of a block that a name stands for, likewise; None where there is none."""
        return next((full for a in scope.chain() if (full := a.prefix + name) in self.ends), None)

    def _guess(self, name: str, scope: Scope, place: Place) -> str:
        """What may have been meant by the name of a layer that there is not."""
        home = scope.home
        if name in home.inputs:
            return f": nothing is given for this input of {home.name}"
        there = [home.local(full) for full in self.nodes if full.startswith(home.prefix)]
        known = [local for around in scope.chain() for local in around.names]
        return self._elsewhere(name, home, there, place) or did_you_mean(name, [*known, *there])

    def _elsewhere(self, name: str, home: Home, known: Iterable[str], place: Place) -> str:
        """Where the layer is that somebody may have meant: further down, or inside a block."""
        here = (place.line, place.column)
        for body in (home.body, *(block.body for block in home.blocks.values())):
            found = list(every_statement(body))
            if not found or found[0].place.source is not place.source:
                continue
            if (found[0].place.line, found[0].place.column) > here:
                continue
            for statement in found:
                template = None if isinstance(statement, _UNNAMED) else statement.name
                there = (statement.place.line, statement.place.column)
                if template is not None and template.parts == (name,) and there > here:
                    return f"; a later one is, in line {statement.place.line}"
        inside = [full for full in known if full.endswith("." + name)]
        return f"; did you mean {inside[-1]!r}?" if inside else ""

    def _text(self, template: NameTemplate, scope: Scope) -> str:
        first, *others = template.parts
        if isinstance(first, str) and not others:  # which the parser has looked at
            return first
        return _checked(self._filled(template, scope), template.place)

    def _texts(self, template: NameTemplate, scope: Scope) -> list[str]:
        """The names that a text stands for: a list in braces makes one for each of its items."""
        first, *others = template.parts
        if isinstance(first, str) and not others:
            return [first]
        parts = self._parts(template, scope)
        lists = [part for part in parts if isinstance(part, list)]
        if not lists:
            return [_checked(_joined(parts), template.place)]
        if len(lists) > 1:
            raise SpecError("more than one list in a name", template.place)
        filled = [[item if part is lists[0] else part for part in parts] for item in lists[0]]
        return [_checked(_joined(each), template.place) for each in filled]

    def _filled(self, template: NameTemplate, scope: Scope) -> str:
        """A text with the values of its expressions."""
        parts = self._parts(template, scope)
        if any(isinstance(part, list) for part in parts):
            fact = "a list in a name is for the `from` of a join, which takes several layers"
            raise SpecError(fact, template.place)
        return _joined(parts)

    def _parts(self, template: NameTemplate, scope: Scope) -> list[Value]:
        return [
            part if isinstance(part, str) else self._evaluate(Argument(part, template.place), scope)
            for part in template.parts
        ]


def _joined(parts: Iterable[Value]) -> str:
    return "".join(map(text_of, parts))


def _checked(text: str, place: Place) -> str:
    """A text that has to be a name."""
    if not NAME.fullmatch(text):
        raise SpecError(f"{text[:60]!r} is not a name", place)
    return text
