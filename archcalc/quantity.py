"""Quantities: whole numbers, symbols or arrays, and the few helpers with which rules reckon.

A *quantity* is one of

* an `int`: exact and fast;
* a sympy expression: the rule then yields a formula in its symbols;
* an `IntegerArray`: the rule then yields the figures of many settings at once.

A rule uses `+ - * // **` and the helpers below, and never `if`, `==`, `max` or `%` on a
quantity: on symbols a comparison has no answer yet, and on arrays it has many.
A check that cannot be decided on a symbol passes; one that is certainly wrong raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from archcalc.errors import LayerError

if TYPE_CHECKING:
    import sympy

# To the type checker a quantity is an int: a rule may do with it just what ints, symbols and
# arrays have in common, and every use that ints refuse is refused.
Quantity: TypeAlias = int

LARGEST_INT64 = 2**63 - 1


def is_symbol(value: object) -> bool:
    """Whether `value` is a sympy expression. Does not import sympy."""
    return hasattr(value, "free_symbols")


def is_array(value: object) -> bool:
    """Whether `value` is an `IntegerArray`. Does not import numpy."""
    return hasattr(value, "elements")


def symbol(name: str) -> Quantity:
    """A symbol that stands for a positive whole number."""
    import sympy

    return cast(Quantity, sympy.Symbol(name, integer=True, positive=True))


def normal(value: Quantity) -> Quantity:
    """A symbolic result that came out as a plain number, as an `int`; all else unchanged."""
    if type(value) is not int and getattr(value, "is_Integer", False):
        return int(value)
    return value


def plain(value: object) -> object:
    """`value` in types that JSON knows: arrays as lists, symbols and fractions as text."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if is_array(value):
        return cast(Any, value).elements.tolist()
    found = normal(cast(Quantity, value))
    return found if type(found) is int else str(found)


def product(factors: Iterable[Quantity]) -> Quantity:
    """The product of all `factors`; 1 of none."""
    result = 1
    for factor in factors:
        result = result * factor
    return result


def smallest(a: Quantity, b: Quantity) -> Quantity:
    """The smaller of two, element by element for arrays."""
    if type(a) is int and type(b) is int:
        return a if a < b else b
    return _choose("Min", a, b)


def largest(a: Quantity, b: Quantity) -> Quantity:
    """The larger of two, element by element for arrays."""
    if type(a) is int and type(b) is int:
        return a if a > b else b
    return _choose("Max", a, b)


def _choose(which: str, a: Quantity, b: Quantity) -> Quantity:
    if is_array(a) or is_array(b):
        from archcalc.integer_array import IntegerArray

        return cast(Quantity, getattr(IntegerArray, which.lower())(a, b))
    import sympy

    return normal(cast(Quantity, getattr(sympy, which)(a, b)))


def ceil_div(a: Quantity, b: Quantity) -> Quantity:
    """a / b, rounded up."""
    if is_symbol(a) or is_symbol(b):
        import sympy

        return normal(cast(Quantity, sympy.ceiling(sympy.sympify(a) / b)))
    return -(-a // b)


def certainly_divides(divisor: Quantity, value: Quantity) -> bool:
    """Whether both are plain ints and `divisor` divides `value`. False where undecided."""
    return type(divisor) is int and type(value) is int and value % divisor == 0


def certainly_one(value: Quantity) -> bool:
    """Whether `value` is the plain int 1. False where undecided."""
    return type(value) is int and value == 1


def require_at_least(value: Quantity, low: Quantity, message: str, *shown: object) -> None:
    """Raises LayerError unless value >= low; `message.format(*shown)` is its text."""
    if type(value) is int and type(low) is int:
        failed = value < low
    elif is_array(value) or is_array(low):
        failed = _any_negative(value - low)
    else:
        failed = _symbolic(value - low).is_negative is True
    if failed:
        raise LayerError(message.format(*shown))


def require_equal(a: Quantity, b: Quantity, message: str, *shown: object) -> None:
    """Raises LayerError unless a == b; `message.format(*shown)` is its text."""
    if type(a) is int and type(b) is int:
        failed = a != b
    elif is_array(a) or is_array(b):
        failed = _any_negative(a - b) or _any_negative(b - a)
    else:
        failed = _symbolic(a - b).is_zero is False
    if failed:
        raise LayerError(message.format(*shown))


def require_multiple(value: Quantity, divisor: Quantity, message: str, *shown: object) -> None:
    """Raises LayerError unless `divisor` >= 1 divides `value`."""
    require_at_least(divisor, 1, message, *shown)
    require_equal(value, value // divisor * divisor, message, *shown)


def _any_negative(difference: Any) -> bool:
    return bool((difference.elements < 0).any())


def _symbolic(difference: Quantity) -> sympy.Expr:
    import sympy

    return sympy.expand(difference)
