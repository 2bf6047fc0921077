"""Expressions at exact numbers: by their own arithmetic, so that nothing that sympy simplifies or
assumes of a symbol can reach what a formula is compared by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor, prod
from typing import Any, TypeAlias

import sympy

from archcalc.quantity.symbolic import ROUNDED

Exact: TypeAlias = int | Fraction
Given: TypeAlias = Mapping[Any, Exact]  # by symbol

_COMPARED: dict[Any, Callable[[Exact, Exact], bool]] = {
    sympy.Eq: lambda a, b: a == b,
    sympy.Ne: lambda a, b: a != b,
    sympy.Lt: lambda a, b: a < b,
    sympy.Le: lambda a, b: a <= b,
    sympy.Gt: lambda a, b: a > b,
    sympy.Ge: lambda a, b: a >= b,
}


def exact(number: Any) -> Exact:
    """A number of any type as an int, or as a Fraction where it is not whole."""
    if not isinstance(number, (int, Fraction)):
        rational = sympy.sympify(number)
        if not rational.is_Rational:
            rational = sympy.nsimplify(rational, rational=True)
        number = Fraction(int(rational.p), int(rational.q))
    return int(number) if number.denominator == 1 else number


def rational(number: Exact) -> Any:
    """A number as sympy's."""
    return sympy.Rational(number.numerator, number.denominator)


def value_at(expression: Any, given: Given) -> Exact:
    """The number that an expression is where its symbols are `given`.

    Raises:
        ZeroDivisionError: it divides by zero there.
    """
    return exact(_value(expression, given))


def holds_at(condition: Any, given: Given) -> bool:
    """Whether a condition holds where its symbols are `given`.

    Raises:
        ZeroDivisionError: it divides by zero there.
    """
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And):
        return all(holds_at(part, given) for part in condition.args)
    if isinstance(condition, sympy.Or):
        return any(holds_at(part, given) for part in condition.args)
    if isinstance(condition, sympy.Not):
        return not holds_at(condition.args[0], given)
    a, b = _value(condition.lhs, given), _value(condition.rhs, given)
    return _COMPARED[condition.func](a, b)


def _value(expression: Any, given: Given) -> Exact:
    if expression.is_Symbol:
        return given[expression]
    if expression.is_Rational:
        return exact(expression)
    parts = [_value(part, given) for part in expression.args]
    if expression.is_Add:
        return sum(parts)
    if expression.is_Mul:
        return prod(parts)
    if expression.is_Pow and exact(parts[1]).denominator == 1:
        return Fraction(parts[0]) ** int(parts[1])
    if isinstance(expression, ROUNDED):
        return (floor if isinstance(expression, sympy.floor) else ceil)(parts[0])
    if isinstance(expression, (sympy.Max, sympy.Min)):
        return (max if isinstance(expression, sympy.Max) else min)(parts)
    if isinstance(expression, sympy.Mod):
        return parts[0] % parts[1]
    raise ZeroDivisionError if expression in (sympy.zoo, sympy.nan) else AssertionError(expression)
