"""Functions of the language of expressions that Python has: roots, logarithms, ranges, pairs."""

from __future__ import annotations

import math
from fractions import Fraction

from archcalc.quantity.conditions import is_array, is_real_array, is_symbol, one_for_all
from archcalc.spec.values import (
    MAX_ITEMS,
    ExpressionError,
    Value,
    as_list,
    bounded,
    power,
    short_list,
)


def square_root(x: Value) -> Value:
    """The square root: exact where it is a fraction, else the nearest float."""
    number = Fraction(_plain(x, "sqrt"))
    if number < 0:
        raise ExpressionError(f"sqrt of {number}, which is negative")
    above, below = math.isqrt(number.numerator), math.isqrt(number.denominator)
    if Fraction(above**2, below**2) == number:
        return bounded(Fraction(above, below))
    return bounded(Fraction(math.sqrt(number)))


def logarithm(x: Value, base: Value = None) -> Value:
    """The logarithm to a base, or else the natural one: exact where it is a whole number."""
    number = _plain(x, "log")
    if number <= 0:
        raise ExpressionError(f"log of {number}, which is not positive")
    if base is None:
        return bounded(Fraction(math.log(number)))
    to = _plain(base, "log")
    if to <= 0 or to == 1:
        raise ExpressionError(f"log to the base {to}")
    found = math.log(number) / math.log(to)
    nearest = round(found)
    try:
        if Fraction(power(to, nearest)) == number:
            return nearest
    except ExpressionError:  # an exponent beyond those that powers take
        pass
    return bounded(Fraction(found))


def binary_logarithm(x: Value) -> Value:
    """The logarithm to the base 2."""
    return logarithm(x, 2)


def numbers(*ends: Value) -> list[Value]:
    """The whole numbers below one, or from one on to below another, as Python's `range`."""
    found = range(*[_index(end) for end in ends])
    if len(found) > MAX_ITEMS:
        raise ExpressionError(f"a range of {len(found)}; at most {MAX_ITEMS} items are read")
    return [*found]


def pairs(*lists: Value) -> list[Value]:
    """Lists of the items that stand at the same place, as Python's `zip`, up to the shortest."""
    return short_list([[*items] for items in zip(*map(as_list, lists), strict=False)])


def _plain(x: Value, what: str) -> Value:
    number = one_for_all(x)
    if is_symbol(number) or is_array(number) or is_real_array(number):
        raise ExpressionError(f"{what} of {str(number)[:40]!r}, which is no plain number")
    if isinstance(number, (bool, str, list)) or number is None:
        raise ExpressionError(f"{str(number)[:40]!r} is not a number")
    return number


def _index(end: Value) -> int:
    number = one_for_all(end)
    if type(number) is not int:
        raise ExpressionError(f"range: expected a plain whole number, found {str(number)[:40]!r}")
    return number
