"""Names that nothing in a spec gives a meaning to: parameters in expressions, arguments of blocks.

All of the text is looked at, branches that are not taken and blocks that are not called included:
what is wrong there would show on the day that somebody takes the branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archcalc.errors import SpecError, suggestion
from archcalc.record import Record, as_dict
from archcalc.spec.expression import SIZE_NAMES, Expression, unknown_parameter
from archcalc.spec.fields import Template
from archcalc.spec.syntax import (
    Argument,
    Block,
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


def require_known_names(networks: Iterable[Network]) -> None:
    """Raises SpecError, at its place, for a name that nothing gives a meaning to.

    `networks` are the variants of one family: they differ in bodies and values, not in names.
    """
    bodies: dict[int, Body] = {}
    for network in networks:
        bodies[id(network.body)] = network.body
    scope = _with_let(frozenset(network.parameters), network.let) | SIZE_NAMES
    for body in bodies.values():
        _Checker(network.blocks).body(body, scope)
    for block in network.blocks.values():
        inside = scope
        for name, default in block.parameters.items():
            if default is not None:
                _require(default.template, inside, default)
            inside |= {name}
        _Checker(network.blocks).body(block.body, _with_let(inside, block.let))


class _Checker(Record):
    """Goes through bodies, whose statements may call `blocks`."""

    blocks: Mapping[str, Block]

    def body(self, body: Body, scope: frozenset[str]) -> None:
        for statement in body:
            self._statement(statement, scope)

    def _statement(self, statement: Statement, scope: frozenset[str]) -> None:
        for template in _name_templates(statement):
            for part in template.parts:
                if isinstance(part, Expression):
                    _require(part, scope, template)
        if not isinstance(statement, IfStatement | HeadStatement):
            for argument in as_dict(statement.training).values():
                if argument is not None:
                    _require(argument.template, scope, argument)
        if isinstance(statement, LayerStatement):
            for spec_field, argument in statement.arguments.values():
                _require(argument.template, scope | {*spec_field.type.words}, argument)
            for branch in statement.branches or ():
                self.body(branch, scope)
        elif isinstance(statement, BlockStatement):
            self._call(statement, scope)
        elif isinstance(statement, RepeatStatement):
            _require(statement.times.template, scope, statement.times)
            counter = {statement.counter} if statement.counter is not None else set()
            self.body(statement.body, scope | counter)
        elif isinstance(statement, IfStatement):
            _require(statement.condition.template, scope, statement.condition)
            self.body(statement.then, scope)
            self.body(statement.otherwise, scope)
        else:
            self.body(statement.body, scope)

    def _call(self, statement: BlockStatement, scope: frozenset[str]) -> None:
        block = self.blocks[statement.block]
        for name, argument in statement.arguments.items():
            _require(argument.template, scope, argument)
            if name not in block.parameters:
                known = list(block.parameters)
                guess = suggestion(name, known, "it takes")
                raise SpecError(
                    f"block {block.name!r} has no parameter {name!r}{guess}", argument.place
                )
        for name, default in block.parameters.items():
            if default is None and name not in statement.arguments:
                raise SpecError(f"block {block.name!r} needs `{name}`", statement.place)


def _with_let(scope: frozenset[str], let: Mapping[str, Argument]) -> frozenset[str]:
    for name, argument in let.items():
        _require(argument.template, scope, argument)
        scope |= {name}
    return scope


def _require(template: Template, scope: frozenset[str], at: Argument | NameTemplate) -> None:
    for name in _names_in(template):
        if name not in scope:
            raise SpecError(str(unknown_parameter(name, scope)), at.place)


def _names_in(template: Template) -> Iterator[str]:
    if isinstance(template, Expression):
        yield from sorted(template.names)
    elif isinstance(template, list):
        for item in template:
            yield from _names_in(item)


def _name_templates(statement: Statement) -> Iterator[NameTemplate]:
    """The names in a statement, in which expressions may stand."""
    if isinstance(statement, LayerStatement):
        found = (statement.name, *statement.sources, statement.weights, statement.indices)
    elif isinstance(statement, BlockStatement):
        found = (statement.name, statement.source)
    elif isinstance(statement, RepeatStatement | IfStatement):
        found = ()
    else:
        found = (statement.name,)
    return (template for template in found if template is not None)
