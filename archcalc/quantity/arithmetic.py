"""Quantities: whole numbers, symbols or arrays, and the few helpers with which rules compute.

A *quantity* is one of

* an `int`: exact and fast; `Traced` is an int that remembers how it was computed;
* a sympy expression: the rule then yields a formula in its symbols;
* an `IntegerArray`: the rule then yields the figures of many settings at once. Where a condition
  holds for some of them only, they diverge: `parametric.sweep` goes on with each group;
* of a cost that is not known, an `AtLeast` of any of these.

A rule uses `+ - * // **` and the helpers below, and never `if`, `==`, `max` or `%` on a
quantity: on symbols a comparison has no answer yet, and on arrays it has many.
A check that cannot be decided on a symbol passes; one that is certainly wrong raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from archcalc.errors import LayerError, require_extra
from archcalc.quantity.at_least import is_open
from archcalc.quantity.conditions import (
    NOT_NEGATIVE,
    all_or_none,
    decided,
    follower,
    holds_there,
    is_array,
    is_symbol,
    named,
    tell,
)

if TYPE_CHECKING:
    from fractions import Fraction

    import sympy

# To the type checker a quantity is an int: a rule may do with it just what ints, symbols and
# arrays have in common, and every use that ints refuse is refused.
Quantity: TypeAlias = int

LARGEST_INT64 = 2**63 - 1


def symbol(name: str) -> Quantity:
    """A symbol that stands for a positive whole number.

    Raises:
        MissingExtraError: sympy is not installed.
    """
    require_extra("a free size", "sympy", "symbols")
    import sympy

    return cast(Quantity, sympy.Symbol(name, integer=True, positive=True))


def normal(value: Quantity) -> Quantity:
    """A symbolic result that came out as a plain number, as an `int`; all else unchanged."""
    if type(value) is not int and getattr(value, "is_Integer", False):
        return int(value)
    return value


def plain(value: object) -> object:
    """`value` in types that JSON knows: arrays as lists, symbols and fractions as text.

    None of what is not known in full: whoever does not ask for more has no number then.
    """
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if is_open(value):
        return None
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


def largest_of(values: Iterable[Quantity]) -> Quantity:
    """The largest of several quantities that are not negative; 0 of none."""
    several = [0, *values]
    if any(map(is_symbol, several)):
        from archcalc.quantity import symbolic

        if follower() is None:
            return normal(symbolic.largest_of(several))
    result = 0
    for value in several:
        result = largest(result, value)
    return result


def _choose(which: str, a: Quantity, b: Quantity) -> Quantity:
    if is_array(a) or is_array(b):
        array, other = (a, b) if is_array(a) else (b, a)
        return cast(Quantity, getattr(array, which.lower())(other))
    if isinstance(a, int) and isinstance(b, int):
        from archcalc.quantity.traced import extreme

        return extreme(which.lower(), a, b)
    import sympy

    if follower() is not None and a != b:  # sympy would compare the two, which may take long
        return cast(Quantity, named(getattr(sympy, which)(a, b, evaluate=False)))
    return normal(cast(Quantity, getattr(sympy, which)(a, b)))


def floor_div(a: Quantity, b: Quantity) -> Quantity:
    """a / b >= 0, rounded down: as `//`, but of symbols floors within floors become one."""
    if is_symbol(a) or is_symbol(b):
        from archcalc.quantity import symbolic

        return cast(Quantity, named(normal(symbolic.floor_div(a, b))))
    return a // b


def ceil_div(a: Quantity, b: Quantity) -> Quantity:
    """a / b >= 0, rounded up."""
    if is_symbol(a) or is_symbol(b):
        from archcalc.quantity import symbolic

        return cast(Quantity, named(normal(symbolic.ceil_div(a, b))))
    return -(-a // b)


def same_padding(outputs: Quantity, stride: Quantity, extent: Quantity, size: Quantity) -> Quantity:
    """What `same` pads: as much as `outputs` = ceil(size / stride) windows stick out; 0 or more."""
    if is_symbol(size) and isinstance(stride, int) and isinstance(extent, int):
        from archcalc.quantity import symbolic

        return normal(symbolic.same_padding(stride, extent, size))
    return largest(0, (outputs - 1) * stride + extent - size)


def certainly_divides(divisor: Quantity, value: Quantity) -> bool:
    """Whether `divisor` divides `value`. False where undecided."""
    if isinstance(divisor, int) and isinstance(value, int):
        return value % divisor == 0
    if is_symbol(value) or is_symbol(divisor):
        found = bool(value // divisor * divisor == value)
        return found or holds_there("Divides", value, divisor)
    return _of_arrays(value, divisor) and _all(value, "==", value // divisor * divisor)


def certainly_at_least(value: Quantity, low: Quantity) -> bool:
    """Whether value >= low. False where undecided."""
    if isinstance(value, int) and isinstance(low, int):
        return value >= low
    if is_symbol(value) or is_symbol(low):
        from archcalc.quantity import symbolic

        if follower() is not None:
            return holds_there("Ge", value, low)
        return symbolic.is_certainly_no_less(value, low)
    return _of_arrays(value, low) and _all(value, ">=", low)


def certainly_one(value: Quantity) -> bool:
    """Whether `value` is 1. False where undecided."""
    if isinstance(value, int):
        return value == 1
    if is_symbol(value):
        return holds_there("Eq", value, 1)
    return is_array(value) and _all(value, "==", 1)


def is_one(value: Quantity) -> bool | None:
    """Whether `value` is 1; None of a symbol that may stand for it, where nobody decides."""
    if not is_symbol(value) or follower() is not None:
        return certainly_one(value)
    if not may_be_one(value):
        return False
    import sympy

    return decided(sympy.Eq(_symbolic(value), 1))


def may_be_one(value: Quantity) -> bool:
    """Whether `value` is 1, or a symbol that may stand for it."""
    if is_symbol(value) and follower() is None:
        return _symbolic(value - 1).is_zero is not False
    return certainly_one(value)


def certainly_equal(a: Quantity | Fraction, b: Quantity | Fraction) -> bool:
    """Whether two quantities are the same. False where undecided. No total may depend on it."""
    if _of_arrays(a, b) and all(is_array(value) or isinstance(value, int) for value in (a, b)):
        difference: Any = a - b
        return all_or_none(difference.elements == 0, otherwise=False, for_totals=False)
    return bool(a == b) or _equal_there(a, b)


def equal_somewhere(a: Quantity, b: Quantity) -> bool:
    """As `certainly_equal`, but of arrays whether any elements are the same. Totals may depend on
    it: where some elements only are, a sweep looks at those by themselves."""
    if _of_arrays(a, b):
        difference: Any = a - b
        return all_or_none(difference.elements == 0, otherwise=True)
    return bool(a == b) or _equal_there(a, b)


def _equal_there(a: object, b: object) -> bool:
    return (is_symbol(a) or is_symbol(b)) and holds_there("Eq", a, b)


def require_at_least(value: Quantity, low: Quantity, message: str, *shown: object) -> None:
    """Raises LayerError unless value >= low; `message.format(*shown)` is its text."""
    if isinstance(value, int) and isinstance(low, int):
        failed = value < low
    elif _of_arrays(value, low):
        failed = not _all(value, ">=", low)
    else:
        one = follower()
        if one is not None:
            failed = not one.requires("Ge", value, low, message, shown)
        else:
            difference = _symbolic(value - low)
            tell(NOT_NEGATIVE, difference)
            failed = difference.is_negative is True
    if failed:
        raise LayerError(message.format(*shown))


def require_equal(a: Quantity, b: Quantity, message: str, *shown: object) -> None:
    """Raises LayerError unless a == b; `message.format(*shown)` is its text."""
    if isinstance(a, int) and isinstance(b, int):
        failed = a != b
    elif _of_arrays(a, b):
        failed = not _all(a, "==", b)
    elif (one := follower()) is not None:
        failed = not one.requires("Eq", a, b, message, shown)
    else:
        failed = _symbolic(a - b).is_zero is False
    if failed:
        raise LayerError(message.format(*shown))


def require_certainly_equal(a: Quantity, b: Quantity, message: str, *shown: object) -> None:
    """As `require_equal`, but raises too where a symbol leaves it undecided."""
    require_equal(a, b, message, *shown)
    if follower() is not None:
        return
    if (is_symbol(a) or is_symbol(b)) and _symbolic(a - b).is_zero is not True:
        raise LayerError(message.format(*shown))


def require_multiple(value: Quantity, divisor: Quantity, message: str, *shown: object) -> None:
    """Raises LayerError unless `divisor` >= 1 divides `value`."""
    require_at_least(divisor, 1, message, *shown)
    one = follower()
    if one is not None and (is_symbol(value) or is_symbol(divisor)):
        if not one.requires("Divides", value, divisor, message, shown):
            raise LayerError(message.format(*shown))
        return
    require_equal(value, value // divisor * divisor, message, *shown)


def _of_arrays(a: object, b: object) -> bool:
    return is_array(a) or is_array(b)


def _all(a: Any, relation: Literal[">=", "=="], b: Any) -> bool:
    """Whether the relation holds for all elements of two quantities, one or both of them arrays."""
    (a_low, a_high), (b_low, b_high) = _bounds(a), _bounds(b)
    if a_low >= b_high and (relation == ">=" or a_high <= b_low):
        return True
    elements = (a - b).elements
    return all_or_none(elements >= 0 if relation == ">=" else elements == 0, otherwise=False)


def _bounds(value: Any) -> tuple[int, int]:
    return (value.low, value.high) if is_array(value) else (value, value)


def _symbolic(difference: Quantity) -> sympy.Expr:
    import sympy

    return sympy.expand(difference)
