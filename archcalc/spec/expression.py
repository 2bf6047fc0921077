"""Expressions over parameters: `4*width`, `max(8, floor(c*alpha))`, `depths[0]`, `n > 1`.

Python's grammar, of which a short list of constructs is let through; the tree is then turned
into closures. Nothing is ever handed to `eval`. Where layers stand, the present input has a size:
`in_channels`, `in_shape`, and `shape_of(stem)` of another layer.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from keyword import iskeyword
from typing import Any, TypeAlias

from archcalc.errors import QuantityError, did_you_mean
from archcalc.record import Record
from archcalc.spec.values import (
    MAX_EXPONENT,
    ExpressionError,
    Value,
    bounded,
    ceil,
    chosen,
    comparable,
    computed,
    divide,
    equal,
    floor,
    item,
    length,
    make_divisible,
    maximum,
    minimum,
    negated,
    power,
    short_list,
    some_items,
    text_of,
    total,
    truth_of,
)

Environment: TypeAlias = Mapping[str, Value]
_Closure: TypeAlias = Callable[[Environment], Value]

MAX_LENGTH = 400
_TRUTHS = frozenset(("true", "false"))
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_WORD = re.compile(r"[\w.]*[0-9][\w.]*")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|([0-9][0-9_]*\.?|\.)[0-9_]*([eE][0-9_]*)?[jJ]?"  # up to the sign of an exponent
)
LIST_COST = 3000  # of what goes through a list, in operations on numbers
SHAPE_OF = "shape_of"  # a function
SIZE_NAMES = frozenset(("in_channels", "in_shape", SHAPE_OF))  # what is known where layers stand
# The name of a layer stands for itself there, quoted or not, as it does behind `from`.
_UNQUOTED = re.compile(rf"\b{SHAPE_OF}\(\s*([A-Za-z0-9_][\w.\-]*)\s*\)")
_BRACED = re.compile(r"\{([^{}]*)\}")


class Expression(Record):
    """A parsed expression.

    Attributes:
        text: as it was written.
        names: the parameters that it mentions.
        cost: what it takes to evaluate, in operations on numbers.
        closure: what evaluates it.
        asks: whether it asks for sizes, of the present input or of a layer.
    """

    text: str
    names: frozenset[str]
    cost: int
    closure: _Closure
    asks: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its text: closures cannot be."""
        return parse, (self.text,)

    def evaluate(self, environment: Environment) -> Value:
        """Its value, with the parameters that `environment` gives.

        Raises:
            ExpressionError: a parameter is unknown, or the arithmetic fails.
        """
        try:
            return self.closure(environment)
        except (ExpressionError, QuantityError):
            raise
        except (ZeroDivisionError, FloatingPointError):
            raise ExpressionError(f"{self.text!r} divides by zero") from None
        except (TypeError, ValueError, AttributeError, IndexError):
            raise ExpressionError(
                f"{self.text!r} does not work on {self._given(environment)}"
            ) from None
        except (OverflowError, MemoryError, RecursionError):
            raise ExpressionError(f"{self.text!r} grows too large") from None

    def _given(self, environment: Environment) -> str:
        shown = [f"{name} = {str(environment.get(name))[:40]}" for name in sorted(self.names)]
        return ", ".join(shown) or "these values"


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """The expression that `text` spells.

    Raises:
        ExpressionError: `text` is not an expression, or uses what the language does not have.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"an expression of {len(text)} characters; at most {MAX_LENGTH} are read"
        )
    if (
        text.isidentifier() and not iskeyword(text) and text not in _TRUTHS
    ):  # most are a single name
        return Expression(text, frozenset((text,)), 1, _name(text), text in SIZE_NAMES)
    _require_clear(text)
    spelled = _UNQUOTED.sub(rf"{SHAPE_OF}('\1')", text) if SHAPE_OF in text else text
    try:
        tree = ast.parse(spelled.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"{text!r} is not an expression") from None
    nodes = list(ast.walk(tree))
    try:
        closure, layers = _closure(tree, spelled), _layers_in(nodes)
        names = _names_in(nodes).union(*[p.names for p in layers if not isinstance(p, str)])
        if layers:
            names |= {SHAPE_OF}
        asks = not SIZE_NAMES.isdisjoint(names)
        return Expression(text, names, _cost_of(nodes), closure, asks)
    except RecursionError:
        raise ExpressionError(f"{text[:40]!r}… is nested too deep") from None


def _require_clear(text: str) -> None:
    """Refuses what Python reads with a warning, on stderr: it is an error in its next versions."""
    if "\\" in text:
        raise ExpressionError(f"{text!r} is not an expression: a backslash stands for nothing")
    for word in _WORD.findall(_QUOTED.sub("''", text)):
        if not _NUMBER.fullmatch(word) and any(part[:1].isdigit() for part in word.split(".")):
            raise ExpressionError(
                f"{text!r} is not an expression: {word!r} is neither a number nor a name"
            )


def parse_with_symbols(text: str) -> Expression:
    """As `parse`, where a number may stand before a name: `32h` is `32*h`."""
    return parse(re.sub(r"(?<![\w.])(\d+)(?=[A-Za-z_])(?![eE]\d)", r"\1*", text))


def _names_in(nodes: list[ast.AST]) -> frozenset[str]:
    """The parameters that a tree mentions."""
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    return frozenset(node.id for node in names if id(node) not in called) - _TRUTHS


def template_parts(text: str) -> tuple[str | Expression, ...]:
    """`conv{i}_1` as its parts: plain text, and the expressions in braces.

    Raises:
        ExpressionError: what stands in braces is none.
    """
    parts: list[str | Expression] = []
    for number, part in enumerate(_BRACED.split(text)):
        if number % 2:
            parts.append(parse(part))
        elif part:
            parts.append(part)
    return tuple(parts)


def filled(parts: tuple[str | Expression, ...], environment: Environment) -> str:
    """The text that the parts of a template make."""
    return "".join([p if isinstance(p, str) else text_of(p.evaluate(environment)) for p in parts])


def _layers_in(nodes: list[ast.AST]) -> list[str | Expression]:
    """The parts of the names of layers whose shapes a tree asks for."""
    return [part for node in nodes if _is_shape_of(node) for part in _layer_asked(node)]


def _is_shape_of(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == SHAPE_OF


def _layer_asked(node: ast.AST) -> tuple[str | Expression, ...]:
    match node:
        case ast.Call(args=[ast.Constant(value=str() as name)], keywords=[]) if name:
            return template_parts(name)
    raise ExpressionError(f"{SHAPE_OF} takes the name of an earlier layer: {SHAPE_OF}(stem)")


def _cost_of(nodes: list[ast.AST]) -> int:
    """One for each node, and more for a function that may go through a list."""
    calls = sum(isinstance(node, ast.Call) and len(node.args) == 1 for node in nodes)
    return len(nodes) + LIST_COST * calls


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "floor": floor,
    "ceil": ceil,
    "min": minimum,
    "max": maximum,
    "len": length,
    "sum": total,
    "make_divisible": make_divisible,
}
_OPERATORS: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: divide,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Value, Value], Value]] = {
    ast.Eq: equal,
    ast.NotEq: lambda a, b: negated(equal(a, b)),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _closure(node: ast.expr, text: str) -> _Closure:
    match node:
        case ast.Constant(value=bool() | int() | str() as value):
            constant = bounded(value)
            return lambda env: constant
        case ast.Constant(value=float()):
            exact = _decimal(ast.get_source_segment(text.strip(), node) or "")
            return lambda env: exact
        case ast.Name(id="true" | "false" as word):
            truth = word == "true"
            return lambda env: truth
        case ast.Name(id=name):
            return _name(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            operation, a, b = _OPERATORS[type(op)], _closure(left, text), _closure(right, text)
            return lambda env: computed(operation, a(env), b(env))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _closure(operand, text)
            return lambda env: computed(operator.mul, -1, inner(env))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _closure(operand, text)
            return lambda env: not truth_of(inner(env))
        case ast.BoolOp(op=op, values=values):
            parts = [_closure(value, text) for value in values]
            decide = all if isinstance(op, ast.And) else any
            return lambda env: decide(truth_of(part(env)) for part in parts)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            comparison, a, b = _COMPARISONS[type(op)], _closure(left, text), _closure(right, text)
            return lambda env: comparison(comparable(a(env)), comparable(b(env)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            asked, yes, no = (_closure(n, text) for n in (test, body, orelse))
            return lambda env: chosen(asked(env), lambda: yes(env), lambda: no(env))
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=None)):
            of = _closure(value, text)
            ends = [None if end is None else _closure(end, text) for end in (lower, upper)]
            return lambda env: some_items(of(env), *[end and end(env) for end in ends])
        case ast.Subscript(value=value, slice=index):
            of, at = _closure(value, text), _closure(index, text)
            return lambda env: item(of(env), at(env))
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            closures = [_closure(element, text) for element in elements]
            return lambda env: short_list([closure(env) for closure in closures])
        case ast.Call() if _is_shape_of(node):
            return _shape_of(_layer_asked(node))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if args:
            return _call(name, [_closure(arg, text) for arg in args])
        case _:
            raise ExpressionError(f"{text!r} uses what the language of expressions does not have")


def _call(name: str, arguments: list[_Closure]) -> _Closure:
    function = FUNCTIONS.get(name)
    if function is None:
        guess = did_you_mean(name, FUNCTIONS)
        raise ExpressionError(
            f"unknown function {name!r}{guess or '; known: ' + ', '.join(FUNCTIONS)}"
        )
    return lambda env: function(*[argument(env) for argument in arguments])


def _shape_of(layer: tuple[str | Expression, ...]) -> _Closure:
    function = _name(SHAPE_OF)
    return lambda env: function(env)(filled(layer, env))


def with_sizes(
    environment: Environment,
    expressions: Collection[Expression],
    present: Callable[[], list[Value]],
    shape_of: Callable[[str], list[Value]],
) -> Environment:
    """An environment in which `expressions` find the sizes that they ask for.

    A parameter hides a size of the same name.

    Args:
        present: gives the shape of the present input, in torch's layout without the batch.
        shape_of: gives that of a layer.
    """
    found: dict[str, Value] = {SHAPE_OF: shape_of}
    if any(expression.names & SIZE_NAMES != {SHAPE_OF} for expression in expressions):
        shape = present()
        found |= {"in_channels": shape[0], "in_shape": shape}
    return {**found, **environment}


def _name(name: str) -> _Closure:
    def look_up(env: Environment) -> Value:
        try:
            return env[name]
        except KeyError:
            raise unknown_parameter(name, env) from None

    return look_up


def unknown_parameter(name: str, known: Collection[str]) -> ExpressionError:
    """The error for a name that is not a parameter here."""
    if name in SIZE_NAMES:
        return ExpressionError(f"{name!r} is known where layers stand; here there is no input")
    own = sorted(word for word in known if word.isidentifier() and word not in SIZE_NAMES)
    here = f"known: {', '.join(own)}" if own else "there are no parameters here"
    return ExpressionError(f"unknown parameter {name!r}{did_you_mean(name, known) or f'; {here}'}")


def _decimal(text: str) -> Value:
    from fractions import Fraction

    exponent = text.lower().partition("e")[2]
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise ExpressionError(f"{text} is out of range")
    return bounded(Fraction(text))
