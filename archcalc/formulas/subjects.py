"""What formulas are in: numbers of a network that have a symbol in their place."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.quantity import is_symbol
from archcalc.spec.expression import Expression
from archcalc.spec.syntax import Network
from archcalc.variables import Variable, variable


class Subject(NamedTuple):
    """A number that a formula leaves open.

    Attributes:
        variable: the number.
        symbol: what stands for it: a positive number, and a whole one unless the spec only
            mentions it in floor(…) and ceil(…).
    """

    variable: Variable
    symbol: Any

    @property
    def label(self) -> str:
        """What the user calls it."""
        return self.variable.label


def subjects(labels: Sequence[str], graph: Graph) -> list[Subject]:
    """The subjects called so.

    Raises:
        UsageError: there is no such parameter or size, or it is no number; with a guess.
    """
    found = [_subject(label.strip(), graph) for label in labels]
    for number, subject in enumerate(found):
        if subject in found[:number]:
            raise UsageError(f"--symbols {','.join(labels)}: {subject.label} stands twice")
    return found


def _subject(label: str, graph: Graph) -> Subject:
    found = variable(label, graph, "--symbols")
    if isinstance(found.own, list):
        raise UsageError(f"--symbols: {label} is a list; name an item, such as {label}[0]")
    if is_symbol(found.own):
        raise UsageError(f"--symbols: {label} is {found.own} in the input already")
    name = found.parameter
    whole = name is None or (isinstance(found.own, int) and not _only_rounded(name, graph.network))
    return Subject(found, sympy.Symbol(label, positive=True, integer=True if whole else None))


def _only_rounded(name: str, network: Network) -> bool:
    """Whether the spec mentions a parameter in floor(…) and ceil(…) only."""
    trees = [
        ast.parse(expression.text.strip(), mode="eval")
        for expression in _expressions(network)
        if name in expression.names
    ]
    rounded = [node for tree in trees for node in _named(tree, name, inside=True)]
    return bool(rounded) and not any(_named(tree, name, inside=False) for tree in trees)


def _named(node: ast.AST, name: str, *, inside: bool, rounded: bool = False) -> list[ast.Name]:
    """Where a name stands inside of rounding, or outside of it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        rounded = rounded or node.func.id in ("floor", "ceil")
    if isinstance(node, ast.Name):
        return [node] if node.id == name and rounded == inside else []
    return [
        found
        for child in ast.iter_child_nodes(node)
        for found in _named(child, name, inside=inside, rounded=rounded)
    ]


def _expressions(part: object) -> Iterator[Expression]:
    """All expressions in a part of a network."""
    if isinstance(part, Expression):
        yield part
    elif isinstance(part, dict):
        yield from _expressions(list(part.values()))
    elif isinstance(part, (tuple, list)):
        for item in part:
            yield from _expressions(item)
