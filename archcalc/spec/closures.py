"""The tree of an expression -> the closure that evaluates it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from archcalc.errors import did_you_mean
from archcalc.spec.function_table import FUNCTIONS
from archcalc.spec.trees import (
    SHAPE_OF,
    SIZE_NAMES,
    call_of,
    cost_of,
    is_defined,
    is_shape_of,
    layer_asked,
)
from archcalc.spec.values import (
    MAX_EXPONENT,
    ExpressionError,
    Value,
    as_list,
    bounded,
    chosen,
    comparable,
    computed,
    divide,
    equal,
    item,
    negated,
    power,
    short_list,
    some_items,
    text_of,
    truth_of,
)

if TYPE_CHECKING:
    pass

# Values by name; beside them `key_of_function` of functions, and `WORK`.
Environment: TypeAlias = Mapping[str, Value]
Closure: TypeAlias = Callable[[Environment], Value]

# What an expression calls: with its environment, and the arguments without and with names.
Defined: TypeAlias = Callable[[Environment, Sequence[Value], Mapping[str, Value]], Value]
SHIPPED: dict[str, Defined] = {}  # what all specs have, from `archcalc.spec.functions`

WORK = "()"  # what an environment calls the function that is told of work, before it is done


class Allowance:
    """Refuses work beyond so many operations on numbers."""

    def __init__(self, operations: int) -> None:
        self._left = operations

    def __call__(self, operations: int) -> None:
        self._left -= operations
        if self._left < 0:
            raise ExpressionError("an expression that takes too long to evaluate")


def charge(environment: Environment, operations: int) -> None:
    """Tells of work that is about to be done.

    Raises:
        ExpressionError: it is too much.
    """
    environment[WORK](operations)


def key_of_function(name: str) -> str:
    """What an environment calls a function: no parameter has that name."""
    return f"{name}()"


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


def closure(node: ast.expr, text: str) -> Closure:
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
            return name_closure(name)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            operation, a, b = _OPERATORS[type(op)], closure(left, text), closure(right, text)
            return lambda env: computed(operation, a(env), b(env))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = closure(operand, text)
            return lambda env: computed(operator.mul, -1, inner(env))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = closure(operand, text)
            return lambda env: not truth_of(inner(env))
        case ast.BoolOp(op=op, values=values):
            parts = [closure(value, text) for value in values]
            decide = all if isinstance(op, ast.And) else any
            return lambda env: decide(truth_of(part(env)) for part in parts)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            comparison, a, b = _COMPARISONS[type(op)], closure(left, text), closure(right, text)
            return lambda env: comparison(comparable(a(env)), comparable(b(env)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            asked, yes, no = (closure(n, text) for n in (test, body, orelse))
            return lambda env: chosen(asked(env), lambda: yes(env), lambda: no(env))
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=None)):
            of = closure(value, text)
            ends = [None if end is None else closure(end, text) for end in (lower, upper)]
            return lambda env: some_items(of(env), *[end and end(env) for end in ends])
        case ast.Subscript(value=value, slice=index):
            of, at = closure(value, text), closure(index, text)
            return lambda env: item(of(env), at(env))
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            closures = [closure(element, text) for element in elements]
            return lambda env: short_list([closure(env) for closure in closures])
        case ast.Call() if is_shape_of(node):
            return _shape_of([closure(part, text) for part in layer_asked(node)])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in FUNCTIONS:
            if keywords:
                raise ExpressionError(f"{name} takes no names")
            return _call(name, [closure(arg, text) for arg in args])
        case ast.Call(args=args, keywords=keywords) if is_defined(node):
            named = {str(keyword.arg): closure(keyword.value, text) for keyword in keywords}
            return _call_defined(call_of(node).name, [closure(arg, text) for arg in args], named)
        case (
            ast.ListComp(elt=elt, generators=[loop]) | ast.GeneratorExp(elt=elt, generators=[loop])
        ):
            return _comprehension(elt, loop, text)
        case _:
            raise ExpressionError(f"{text!r} uses what the language of expressions does not have")


def _call(name: str, arguments: list[Closure]) -> Closure:
    function, least, most = FUNCTIONS[name]
    count = len(arguments)
    if count < least or (most is not None and count > most):
        takes = (
            "values" if most is None else "1 value" if most == 1 else f"{least} to {most} values"
        )
        raise ExpressionError(f"{name} takes {takes}; {count or 'none'} given")
    return lambda env: function(*[argument(env) for argument in arguments])


def _call_defined(name: str, arguments: list[Closure], named: dict[str, Closure]) -> Closure:
    key = key_of_function(name)

    def call(env: Environment) -> Value:
        function = env.get(key) or SHIPPED.get(name)
        if function is None:
            raise unknown_function(name, ())
        given = {name: argument(env) for name, argument in named.items()}
        return function(env, [argument(env) for argument in arguments], given)

    return call


def _comprehension(elt: ast.expr, loop: ast.comprehension, text: str) -> Closure:
    """`[f(x) for x in values if x > 0]`."""
    match loop.target:
        case ast.Name(id=name):
            names = [name]
        case ast.Tuple(elts=targets) if all(isinstance(target, ast.Name) for target in targets):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        case _:
            raise ExpressionError(f"{text!r} uses what the language of expressions does not have")
    over, each = closure(loop.iter, text), closure(elt, text)
    conditions = [closure(condition, text) for condition in loop.ifs]
    cost = cost_of([inner for part in (elt, *loop.ifs) for inner in ast.walk(part)])

    def items(env: Environment) -> Value:
        inner, found = dict(env), []
        charge(env, len(inner))
        for value in as_list(over(env)):
            charge(env, cost)
            values = [value] if len(names) == 1 else as_list(value)
            if len(values) != len(names):
                raise ExpressionError(f"{len(values)} items for {', '.join(names)}")
            inner.update(zip(names, values, strict=True))
            if all(truth_of(condition(inner)) for condition in conditions):
                found.append(each(inner))
        return short_list(found)

    return items


def _shape_of(layer: list[Closure]) -> Closure:
    function = name_closure(SHAPE_OF)
    return lambda env: function(env)("".join([text_of(part(env)) for part in layer]))


def unknown_function(name: str, own: Collection[str]) -> ExpressionError:
    """The error for a function that there is not."""
    known = [*own, *FUNCTIONS, *[shipped for shipped in SHIPPED if not shipped.startswith("_")]]
    guess = did_you_mean(name, known)
    return ExpressionError(f"unknown function {name!r}{guess or '; known: ' + ', '.join(known)}")


def name_closure(name: str) -> Closure:
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
