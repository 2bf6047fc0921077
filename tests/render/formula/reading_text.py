"""Reads the text form of formulas: expressions in Python's grammar, of exact fractions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor, nan
from typing import Any, NamedTuple, TypeAlias

Setting: TypeAlias = Mapping[str, Fraction]
Evaluated: TypeAlias = Callable[[Setting], Any]


class Row(NamedTuple):
    """One case: the items of its value, and when it holds."""

    items: Sequence[Evaluated]
    condition: Evaluated


Rows: TypeAlias = Sequence[Row]


def value_of(rows: Rows, setting: Setting) -> list[Fraction] | None:
    """What the first case that holds says; None if none does, or it has no value."""
    try:
        row = next((row for row in rows if row.condition(setting)), None)
        values = [] if row is None else [item(setting) for item in row.items]
    except ZeroDivisionError:
        return None
    return None if row is None or any(value != value for value in values) else values


def read_text(block: str) -> Rows:
    """The cases of one formula, whose lines start with `= `, `where ` or two spaces."""
    cases: list[str] = []
    names: list[str] = []
    for line in block.splitlines():
        if line.startswith("= "):
            cases.append(line[2:])
        elif names or line.startswith("where "):
            names.append(line.removeprefix("where "))
        else:
            cases[-1] += " " + line[2:]
    meanings: dict[str, Evaluated] = {}
    for name, tree in _definitions(" ".join(names)):
        meanings[name] = _read(tree, meanings)
    return [_row(case, meanings) for case in cases]


def _definitions(text: str) -> list[tuple[str, ast.expr]]:
    """`a = n/2, b = max(a, 3)` as names and what they stand for."""
    called = ast.parse(f"dict({' '.join(text.split())})", mode="eval").body
    assert isinstance(called, ast.Call)
    return [(str(keyword.arg), keyword.value) for keyword in called.keywords]


def _row(case: str, meanings: Mapping[str, Evaluated]) -> Row:
    text, _, condition = case.partition("  if ")
    tree = ast.parse(text.strip(), mode="eval").body
    items = tree.elts if isinstance(tree, ast.List) else [tree]
    holds = ast.parse(condition.strip() or "True", mode="eval").body
    return Row([_read(item, meanings) for item in items], _read(holds, meanings))


_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": lambda x: Fraction(floor(x)),
    "ceil": lambda x: Fraction(ceil(x)),
    "max": max,
    "min": min,
}


def _read(node: ast.expr, meanings: Mapping[str, Evaluated]) -> Evaluated:
    def read(part: ast.expr) -> Evaluated:
        return _read(part, meanings)

    match node:
        case ast.Constant(value=bool() as truth):
            return lambda at: truth
        case ast.Constant(value=int() as number):
            return lambda at: Fraction(number)
        case ast.Name(id="nan"):
            return lambda at: nan
        case ast.Name(id=name):
            return lambda at: meanings[name](at) if name in meanings else at[name]
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as index)):
            return lambda at: at[f"{name}[{index}]"]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = read(operand)
            return lambda at: -inner(at)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = read(operand)
            return lambda at: not inner(at)
        case ast.BinOp(left=left, op=op, right=right):
            reckon, a, b = _BINARY[type(op)], read(left), read(right)
            return lambda at: reckon(a(at), b(at))
        case ast.Compare(left=left, ops=[relation], comparators=[right]):
            compare, a, b = _BINARY[type(relation)], read(left), read(right)
            return lambda at: compare(a(at), b(at))
        case ast.BoolOp(op=word, values=values):
            parts = [read(value) for value in values]
            decide = all if isinstance(word, ast.And) else any
            return lambda at: decide(part(at) for part in parts)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            asked, yes, no = read(test), read(body), read(orelse)
            return lambda at: yes(at) if asked(at) else no(at)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            function, several = _FUNCTIONS[name], [read(argument) for argument in arguments]
            return lambda at: function(*[one(at) for one in several])
    raise AssertionError(f"not in the language of formulas: {ast.unparse(node)}")
