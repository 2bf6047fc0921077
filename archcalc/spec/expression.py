"""Expressions over parameters: `4*width`, `max(8, floor(c*alpha))`, `depths[0]`, `n > 1`.

Python's grammar, of which a short list of constructs is let through; the tree is then turned
into closures. Nothing is ever handed to `eval`. Numbers are ints or exact fractions
(`0.75` is 3/4, `7/2` is 7/2), symbols or arrays; a fraction that is whole is an int.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from keyword import iskeyword
from typing import Any, NamedTuple, TypeAlias, cast

from archcalc.errors import ArchcalcError, QuantityError, did_you_mean
from archcalc.quantity import (
    LARGEST_INT64,
    all_or_none,
    decided,
    is_array,
    is_symbol,
    largest,
    normal,
    one_for_all,
    smallest,
)

# What an expression can come out as: bool, int, Fraction, str, list, symbol or array.
Value: TypeAlias = Any
Environment: TypeAlias = Mapping[str, Value]
_Closure: TypeAlias = Callable[[Environment], Value]

MAX_LENGTH = 400
MAX_EXPONENT = 64
MAX_ITEMS = 256  # of a list
LIST_COST = 3000  # of what goes through a list, in operations on numbers


class ExpressionError(ArchcalcError):
    """An expression is malformed, or fails on the values it is given. Has no place yet."""


class Expression(NamedTuple):
    """A parsed expression.

    Attributes:
        text: as it was written.
        names: the parameters that it mentions.
        cost: what it takes to evaluate, in operations on numbers.
        closure: what evaluates it.
    """

    text: str
    names: frozenset[str]
    cost: int
    closure: _Closure

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
        ExpressionError: `text` is no expression, or uses what the language does not have.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters; {MAX_LENGTH} are the most")
    if (
        text.isidentifier() and not iskeyword(text) and text not in ("true", "false")
    ):  # most are a single name
        return Expression(text, frozenset((text,)), 1, _name(text))
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f"{text!r} is not an expression") from None
    nodes = list(ast.walk(tree))
    try:
        return Expression(text, _names_in(nodes), _cost_of(nodes), _closure(tree, text))
    except RecursionError:
        raise ExpressionError(f"{text[:40]!r}… is nested too deep") from None


def parse_with_symbols(text: str) -> Expression:
    """As `parse`, where a number may stand before a name: `32h` is `32*h`."""
    return parse(re.sub(r"(?<![\w.])(\d+)(?=[A-Za-z_])(?![eE]\d)", r"\1*", text))


def _names_in(nodes: list[ast.AST]) -> frozenset[str]:
    """The parameters that a tree mentions."""
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    return frozenset(node.id for node in names if id(node) not in called)


def _cost_of(nodes: list[ast.AST]) -> int:
    """One for each node, and more for a function that may go through a list."""
    calls = sum(isinstance(node, ast.Call) and len(node.args) == 1 for node in nodes)
    return len(nodes) + LIST_COST * calls


def short_list(values: list[Value]) -> list[Value]:
    """`values`, if it can be shown, compared and copied in no time.

    Raises:
        ExpressionError: it is too long, or holds lists of lists, of which a few would grow
            without bound.
    """
    if len(values) > MAX_ITEMS:
        raise ExpressionError(f"a list of {len(values)}; {MAX_ITEMS} items are the most")
    inner = [item for value in values if isinstance(value, list) for item in value]
    if any(isinstance(item, list) for item in inner):
        raise ExpressionError("a list of lists of lists")
    return values


def floor(value: Value) -> Value:
    """The largest whole number that is not above `value`."""
    return _round(value, "floor")


def ceil(value: Value) -> Value:
    """The smallest whole number that is not below `value`."""
    return _round(value, "ceil")


def _round(value: Value, way: str) -> Value:
    if type(value) is int:
        return value
    if is_symbol(value):
        import sympy

        return (sympy.floor if way == "floor" else sympy.ceiling)(value)
    if is_array(value):
        return value
    if hasattr(value, "dtype"):
        import numpy as np

        from archcalc.integer_array import as_quantity

        rounded = (np.floor if way == "floor" else np.ceil)(value)
        if not (abs(rounded) < 2.0**63).all():
            raise QuantityError("a number that does not fit in 64 bits")
        return as_quantity(rounded.astype(np.int64))
    import math

    return cast(int, (math.floor if way == "floor" else math.ceil)(_number(value)))


def _extreme(which: Callable[[Value, Value], Value], values: tuple[Value, ...]) -> Value:
    found = list(values[0]) if len(values) == 1 else list(values)
    result = _number(found[0])
    for value in found[1:]:
        result = which(result, _number(value))
    return result


def _plainly(which: str, a: Value, b: Value) -> Value:
    """min or max of numbers of any type; of symbols and arrays as quantities."""
    if any(is_symbol(v) or is_array(v) for v in (a, b)):
        return (smallest if which == "min" else largest)(a, b)
    if any(hasattr(v, "dtype") for v in (a, b)):
        import numpy as np

        return (np.minimum if which == "min" else np.maximum)(a, b)
    return (min if which == "min" else max)(a, b)


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "floor": floor,
    "ceil": ceil,
    "min": lambda *values: _extreme(lambda a, b: _plainly("min", a, b), values),
    "max": lambda *values: _extreme(lambda a, b: _plainly("max", a, b), values),
    "len": lambda values: len(_list(values)),
    "sum": lambda values: _total(_list(values)),
}


def _total(values: list[Value]) -> Value:
    result: Value = 0
    for value in values:
        result = _reckon(operator.add, result, value)
    return result


def _divide(a: Value, b: Value) -> Value:
    if isinstance(a, int) and isinstance(b, int):
        from fractions import Fraction

        return Fraction(a, b)
    return a / b


def _power(a: Value, b: Value) -> Value:
    b = one_for_all(b)
    if type(b) is not int or not -MAX_EXPONENT <= b <= MAX_EXPONENT:
        raise ExpressionError(
            f"an exponent of {str(b)[:40]}; whole numbers up to {MAX_EXPONENT} work"
        )
    if is_symbol(a) and not a.is_Symbol:  # multiplied out it could fill the memory
        raise ExpressionError(f"({a})**{b}: of free sizes, only a single name has powers")
    if isinstance(a, int) and b < 0:
        from fractions import Fraction

        return Fraction(a) ** b
    return a**b


_OPERATORS: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Value, Value], Value]] = {
    ast.Eq: lambda a, b: _equal(a, b),
    ast.NotEq: lambda a, b: _negated(_equal(a, b)),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _closure(node: ast.expr, text: str) -> _Closure:
    match node:
        case ast.Constant(value=bool() | int() | str() as value):
            constant = _bounded(value)
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
            return lambda env: _reckon(operation, a(env), b(env))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _closure(operand, text)
            return lambda env: _reckon(operator.mul, -1, inner(env))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _closure(operand, text)
            return lambda env: not truth_of(inner(env))
        case ast.BoolOp(op=op, values=values):
            parts = [_closure(value, text) for value in values]
            decide = all if isinstance(op, ast.And) else any
            return lambda env: decide(truth_of(part(env)) for part in parts)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            comparison, a, b = _COMPARISONS[type(op)], _closure(left, text), _closure(right, text)
            return lambda env: comparison(_comparable(a(env)), _comparable(b(env)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            asked, yes, no = (_closure(n, text) for n in (test, body, orelse))
            return lambda env: yes(env) if truth_of(asked(env)) else no(env)
        case ast.Subscript(value=value, slice=index):
            of, at = _closure(value, text), _closure(index, text)
            return lambda env: _item(of(env), at(env))
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            closures = [_closure(element, text) for element in elements]
            return lambda env: short_list([closure(env) for closure in closures])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if args:
            return _call(name, [_closure(arg, text) for arg in args])
        case _:
            raise ExpressionError(f"{text!r} uses what the language of expressions does not have")


def _call(name: str, arguments: list[_Closure]) -> _Closure:
    function = _FUNCTIONS.get(name)
    if function is None:
        guess = did_you_mean(name, _FUNCTIONS)
        raise ExpressionError(
            f"unknown function {name!r}{guess or '; known: ' + ', '.join(_FUNCTIONS)}"
        )
    return lambda env: function(*[argument(env) for argument in arguments])


def _name(name: str) -> _Closure:
    def look_up(env: Environment) -> Value:
        try:
            return env[name]
        except KeyError:
            guess = did_you_mean(name, env) or _known(env)
            raise ExpressionError(f"unknown parameter {name!r}{guess}") from None

    return look_up


def _known(env: Environment) -> str:
    return f"; known: {', '.join(sorted(env))}" if env else "; there are no parameters here"


def _reckon(operation: Callable[[Value, Value], Value], a: Value, b: Value) -> Value:
    a, b = _number(a), _number(b)
    if type(a) is int and type(b) is int:
        return _bounded(operation(a, b))
    if _is_many(a) or _is_many(b):
        if operation is operator.mul and _is_fraction(a):
            a, b = b, a
        if operation is operator.mul and is_array(a) and _is_fraction(b):
            # One rounding, of an exact product: floor(100 * 29/100) is 29, and not 28.
            return (a * b.numerator).elements / b.denominator
        a, b = _beside_arrays(a), _beside_arrays(b)
        if hasattr(a, "dtype") or hasattr(b, "dtype") or operation is _divide:
            import numpy as np

            divides = operation in (_divide, operator.floordiv, operator.mod)
            if divides and all_or_none(np.equal(_as_floats(b), 0), otherwise=True):
                raise ZeroDivisionError
            with np.errstate(all="raise"):  # and no warning, with infinities to follow
                return operation(_as_floats(a), _as_floats(b))
    return _bounded(operation(a, b))


def _is_many(value: Value) -> bool:
    return is_array(value) or hasattr(value, "dtype")


def _beside_arrays(value: Value) -> Value:
    """A fraction as a float: arrays hold whole numbers or floats, and round when asked to."""
    if _is_fraction(value):
        import numpy as np

        return np.float64(value)
    return value


def _is_fraction(value: Value) -> bool:
    return hasattr(value, "denominator") and type(value) is not int and not _is_many(value)


def _as_floats(value: Value) -> Value:
    return value.elements.astype(float) if is_array(value) else value


def _number(value: Value) -> Value:
    if isinstance(value, (bool, str, list)):
        raise ExpressionError(f"{str(value)[:40]!r} is not a number")
    return value


def _equal(a: Value, b: Value) -> Value:
    """a == b; of symbols a condition on them, where sympy itself would compare the spelling."""
    numbers = not any(isinstance(value, (bool, str, list)) for value in (a, b))
    if numbers and (is_symbol(a) or is_symbol(b)):
        import sympy

        return sympy.Eq(a, b)
    return a == b


def _negated(value: Value) -> Value:
    return not value if isinstance(value, bool) else ~value


def _comparable(value: Value) -> Value:
    if is_array(value):
        return value.elements
    # Lists in lists could share their parts, and take without end to compare.
    if isinstance(value, list) and any(isinstance(item, list) for item in value):
        raise ExpressionError("lists of lists cannot be compared; their items can")
    return value


def _bounded(value: Value) -> Value:
    if is_symbol(value):
        return _finite(value)
    if type(value) is int:
        if not -LARGEST_INT64 <= value <= LARGEST_INT64:
            raise ExpressionError("a number that does not fit in 64 bits")
        return value
    if hasattr(value, "denominator"):
        if value.denominator == 1:
            return _bounded(int(value))
        if max(abs(value.numerator), value.denominator) > LARGEST_INT64:
            raise ExpressionError("a fraction whose parts do not fit in 64 bits")
    return value


def _finite(formula: Value) -> Value:
    """A formula, as an int where it came out as one."""
    import sympy

    if formula.has(sympy.zoo, sympy.nan):
        raise ZeroDivisionError
    return normal(formula)


def _decimal(text: str) -> Value:
    from fractions import Fraction

    exponent = text.lower().partition("e")[2]
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise ExpressionError(f"{text} is out of range")
    return _bounded(Fraction(text))


_TRUTHS = {"True": True, "False": False}  # what sympy calls them


def truth_of(value: Value) -> bool:
    """`value` as a condition.

    Raises:
        ExpressionError: it is no plain truth value, as a comparison of symbols is not.
    """
    if type(value) is bool:
        return value
    agreed = one_for_all(value)
    if type(agreed) is bool:
        return agreed
    if is_symbol(value) and (value.is_Relational or value.is_Boolean):
        truth = _TRUTHS[str(value)] if str(value) in _TRUTHS else decided(value)
        if truth is not None:
            return truth
    raise ExpressionError(f"{str(value)[:60]!r} is neither true nor false")


def _item(values: Value, index: Value) -> Value:
    found = _list(values)
    index = one_for_all(index)
    if type(index) is not int:
        raise ExpressionError(f"{str(index)[:40]!r} is no index")
    if not -len(found) <= index < len(found):
        raise ExpressionError(f"index {index} is outside a list of {len(found)}")
    return found[index]


def _list(value: Value) -> list[Value]:
    if not isinstance(value, (list, tuple)):
        raise ExpressionError(f"{str(value)[:40]!r} is not a list")
    return cast(list[Value], value)
