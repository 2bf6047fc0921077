"""Names that nothing in a spec gives a meaning to: parameters in expressions, arguments of blocks.

All of the text is looked at, branches that are not taken and blocks that are not called included:
what is wrong there would show on the day that somebody takes the branch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from archcalc.errors import SpecError, suggestion
from archcalc.record import Record, as_dict
from archcalc.spec.closures import unknown_parameter
from archcalc.spec.expression import Expression
from archcalc.spec.fields import Template
from archcalc.spec.functions import require_known
from archcalc.spec.syntax import (
    Argument,
    Block,
    BlockFile,
    BlockStatement,
    Body,
    Function,
    HeadStatement,
    IfStatement,
    LayerStatement,
    NameTemplate,
    Network,
    NetworkStatement,
    RepeatStatement,
    Statement,
    every_statement,
)
from archcalc.spec.trees import SIZE_NAMES
from archcalc.spec.values import ExpressionError


def require_known_names(networks: Iterable[Network]) -> None:
    """Raises SpecError, at its place, for a name that nothing gives a meaning to.

    `networks` are the variants of one family: they differ in bodies and values, not in names.
    """
    bodies: dict[int, Body] = {}
    for network in networks:
        bodies[id(network.body)] = network.body
    known = _with_functions(_Known(frozenset(network.parameters), {}), network.functions)
    scope = _with_let(known, network.let).with_names(SIZE_NAMES)
    for body in bodies.values():
        _Checker(network.blocks).body(body, scope)
    for block in network.blocks.values():
        if block.file is None:  # else it was looked at where it is defined
            _require_known_in(block, network.blocks, scope)


def require_closed(file: BlockFile, names: Iterable[str]) -> None:
    """Raises SpecError where blocks that others import mention what only their file has."""
    known = _with_functions(_Known(frozenset(), {}, file.unseen), file.functions)
    known = known.with_names(SIZE_NAMES)
    todo = [*names]
    for name in todo:
        block = file.blocks[name]
        if block.file == file.key:
            _require_known_in(block, file.blocks, known)
            called = [s.block for s in every_statement(block.body) if isinstance(s, BlockStatement)]
            todo += [name for name in dict.fromkeys(called) if name not in todo]


def _require_known_in(block: Block, blocks: Mapping[str, Block], around: _Known) -> None:
    inside = _with_parameters(around, block.parameters)
    _Checker(blocks).body(block.body, _with_let(inside, block.let))


class _Known(Record):
    """What expressions may mention at some place.

    Attributes:
        names: of parameters, and of sizes.
        functions: of the spec's own.
        unseen: parameters of a file, which blocks that others import do not see.
    """

    names: frozenset[str]
    functions: Mapping[str, Function]
    unseen: frozenset[str] = frozenset()

    def with_names(self, names: Collection[str]) -> _Known:
        """With more names."""
        if not names:
            return self
        return _Known(self.names.union(names), self.functions, self.unseen)

    def require(self, template: Template, at: Argument | NameTemplate) -> None:
        """Raises SpecError where a template mentions something else."""
        for expression in _expressions_in(template):
            if not expression.names <= self.names:
                name = min(expression.names - self.names)
                if name in self.unseen:
                    fact = "a block that others import does not see the parameters of its file"
                    raise SpecError(f"{name!r}: {fact}; hand it down", at.place)
                raise SpecError(str(unknown_parameter(name, self.names)), at.place)
            for call in expression.calls:
                try:
                    require_known(call, self.functions)
                except ExpressionError as error:
                    raise SpecError(str(error), at.place) from None


def _with_functions(scope: _Known, functions: Mapping[str, Function]) -> _Known:
    for name, function in functions.items():
        inside = _with_parameters(scope, function.parameters)
        inside.require(function.value.template, function.value)
        scope = _Known(scope.names, {**scope.functions, name: function}, scope.unseen)
    return scope


def _with_parameters(scope: _Known, parameters: Mapping[str, Argument | None]) -> _Known:
    for name, default in parameters.items():
        if default is not None:
            scope.require(default.template, default)
        scope = scope.with_names([name])
    return scope


class _Checker(Record):
    """Goes through bodies, whose statements may call `blocks`."""

    blocks: Mapping[str, Block]

    def body(self, body: Body, scope: _Known) -> None:
        for statement in body:
            self._statement(statement, scope)

    def _statement(self, statement: Statement, scope: _Known) -> None:
        for template in _name_templates(statement):
            for part in template.parts:
                if isinstance(part, Expression):
                    scope.require(part, template)
        if not isinstance(statement, IfStatement | HeadStatement):
            for argument in as_dict(statement.training).values():
                if argument is not None:
                    scope.require(argument.template, argument)
        if isinstance(statement, LayerStatement):
            for spec_field, argument in statement.arguments.values():
                known = scope.with_names(spec_field.type.words)
                known.require(argument.template, argument)
            for branch in statement.branches or ():
                self.body(branch, scope)
        elif isinstance(statement, BlockStatement):
            self._call(statement, scope)
        elif isinstance(statement, NetworkStatement):
            for argument in statement.parameters.values():
                scope.require(argument.template, argument)
        elif isinstance(statement, RepeatStatement):
            scope.require(statement.times.template, statement.times)
            counter = [] if statement.counter is None else [statement.counter]
            self.body(statement.body, scope.with_names(counter))
        elif isinstance(statement, IfStatement):
            scope.require(statement.condition.template, statement.condition)
            self.body(statement.then, scope)
            self.body(statement.otherwise, scope)
        else:
            self.body(statement.body, scope)

    def _call(self, statement: BlockStatement, scope: _Known) -> None:
        block = self.blocks[statement.block]
        for name, argument in statement.arguments.items():
            scope.require(argument.template, argument)
            if name not in block.parameters:
                known = list(block.parameters)
                guess = suggestion(name, known, "it takes")
                raise SpecError(
                    f"block {block.name!r} has no parameter {name!r}{guess}", argument.place
                )
        for name, default in block.parameters.items():
            if default is None and name not in statement.arguments:
                raise SpecError(f"block {block.name!r} needs `{name}`", statement.place)


def _with_let(scope: _Known, let: Mapping[str, Argument]) -> _Known:
    for name, argument in let.items():
        scope.require(argument.template, argument)
        scope = scope.with_names([name])
    return scope


def _expressions_in(template: Template) -> Iterator[Expression]:
    if isinstance(template, Expression):
        yield template
    elif isinstance(template, list):
        for item in template:
            yield from _expressions_in(item)


def _name_templates(statement: Statement) -> Iterator[NameTemplate]:
    """The names in a statement, in which expressions may stand."""
    if isinstance(statement, LayerStatement):
        found = (statement.name, *statement.sources, statement.weights, statement.indices)
    elif isinstance(statement, BlockStatement):
        found = (statement.name, statement.source, statement.weights)
    elif isinstance(statement, NetworkStatement):
        ends = (statement.after, statement.until)
        found = (statement.of, statement.name, *statement.sources, statement.weights, *ends)
    elif isinstance(statement, RepeatStatement | IfStatement):
        found = ()
    else:
        found = (statement.name,)
    return (template for template in found if template is not None)
