"""What stands in the tree of an expression: which names, which calls, and what it costs."""

from __future__ import annotations

import ast

from archcalc.record import Record
from archcalc.spec.function_table import FUNCTIONS
from archcalc.spec.values import ExpressionError

TRUTHS = frozenset(("true", "false"))
SHAPE_OF = "shape_of"  # a function
SIZE_NAMES = frozenset(("in_channels", "in_shape", SHAPE_OF))  # what is known where layers stand
LIST_COST = 3000  # of what goes through a list, in operations on numbers
_THROUGH_LISTS = frozenset(("min", "max", "sum", "range", "zip"))
COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp)


class Call(Record):
    """How an expression calls a function that is written in the language itself.

    Attributes:
        count: how many arguments have no name.
        named: the names of the others.
    """

    name: str
    count: int
    named: tuple[str, ...]


def names_in(node: ast.AST) -> frozenset[str]:
    """The parameters that a tree mentions."""
    if isinstance(node, ast.Name):
        return frozenset((node.id,)) - TRUTHS
    if is_shape_of(node):
        return frozenset((SHAPE_OF,)).union(*map(names_in, layer_asked(node)))
    if isinstance(node, ast.Call):
        given = [*node.args, *[keyword.value for keyword in node.keywords]]
        return frozenset().union(*map(names_in, given))
    if isinstance(node, COMPREHENSIONS):
        (loop,) = node.generators
        inside = frozenset().union(*map(names_in, (node.elt, *loop.ifs)))
        return (inside - names_in(loop.target)) | names_in(loop.iter)
    return frozenset().union(*map(names_in, ast.iter_child_nodes(node)))


def is_shape_of(node: ast.AST) -> bool:
    """Whether it asks for the shape of a layer."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == SHAPE_OF


def layer_asked(node: ast.AST) -> list[ast.expr]:
    """The parts of the name of the layer whose shape is asked for: texts, and expressions.

    Raises:
        ExpressionError: it is not asked for by a name.
    """
    match node:
        case ast.Call(args=[ast.JoinedStr(values=parts)], keywords=[]) if parts:
            if not any(getattr(part, "format_spec", None) for part in parts):
                return [
                    part.value if isinstance(part, ast.FormattedValue) else part for part in parts
                ]
    raise ExpressionError(f"{SHAPE_OF} takes the name of an earlier layer: {SHAPE_OF}(stem)")


def is_defined(node: ast.AST) -> bool:
    """Whether it calls a function that is written in the language itself."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id not in FUNCTIONS
        and node.func.id != SHAPE_OF
        and all(keyword.arg is not None for keyword in node.keywords)
    )


def call_of(node: ast.AST) -> Call:
    """How it calls such a function."""
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return Call(node.func.id, len(node.args), tuple([str(one.arg) for one in node.keywords]))


def cost_of(nodes: list[ast.AST]) -> int:
    """One for each node, and more for a function that may go through a list."""
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    through = sum(getattr(call.func, "id", "") in _THROUGH_LISTS for call in calls)
    return len(nodes) + LIST_COST * through
