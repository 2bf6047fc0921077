"""Values of expressions, and how arithmetic is done with them: exactly, and within bounds.

Numbers are ints or exact fractions (`0.75` is 3/4, `7/2` is 7/2), symbols or arrays; a fraction
that is whole is an int. Arrays hold whole numbers, or are a `RealArray`: floats whose answers are
those of exact fractions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from archcalc.errors import ArchcalcError
from archcalc.quantity.arithmetic import LARGEST_INT64, largest, normal, smallest
from archcalc.quantity.conditions import (
    decided,
    found_once,
    is_array,
    is_real_array,
    is_symbol,
    merges_cases,
    named,
    one_for_all,
)

# What an expression can come out as: bool, int, Fraction, str, list, symbol or array.
Value: TypeAlias = Any

MAX_EXPONENT = 64
MAX_ITEMS = 256  # of a list
MAX_BITS = 1024  # of a numerator or denominator: some twenty floats multiplied
SIMPLE = 10**6  # the largest denominator of a fraction that a float is taken for


class ExpressionError(ArchcalcError):
    """An expression is malformed, or fails on the values it is given. Has no place yet."""


def own(value: Value) -> Value:
    """A scalar of numpy's as Python's own; all else as it is.

    Raises:
        ExpressionError: it is an array.
    """
    axes = getattr(value, "ndim", None)
    if axes:
        raise ExpressionError("an array, where one value is wanted; `sweep` takes arrays")
    return value.item() if axes == 0 else value


def exact_value(value: Value) -> Value:
    """A value from Python without the error of floats: 0.58 is 29/50, and 1/3 a third.

    A float is the simple fraction that Python has it for, or else the decimals that it shows.

    Raises:
        ExpressionError: it is infinite, or no number at all.
    """
    if isinstance(value, (list, tuple)):
        return [exact_value(item) for item in value]
    value = own(value)
    if isinstance(value, float):
        from fractions import Fraction

        if value - value != 0:
            raise ExpressionError(f"{value} is not a number")
        simple = Fraction(value).limit_denominator(SIMPLE)
        return bounded(simple if float(simple) == value else Fraction(repr(value)))
    return value


def short_list(values: list[Value]) -> list[Value]:
    """`values`, if it can be shown, compared and copied in no time.

    Raises:
        ExpressionError: it is too long, or holds lists of lists, of which a few would grow
            without bound.
    """
    if len(values) > MAX_ITEMS:
        raise ExpressionError(f"a list of {len(values)}; at most {MAX_ITEMS} items are read")
    inner = [item for value in values if isinstance(value, list) for item in value]
    if any(isinstance(item, list) for item in inner):
        raise ExpressionError("a list of lists of lists")
    return values


def computed(operation: Callable[[Value, Value], Value], a: Value, b: Value) -> Value:
    """What an operation gives on two numbers.

    Raises:
        ExpressionError: one is not a number, or the result does not fit in 64 bits.
    """
    a, b = _number(a), _number(b)
    if type(a) is int and type(b) is int:
        return bounded(operation(a, b))
    if _is_many(a) or _is_many(b):
        return found_once(_of_many, operation, a, b)
    return bounded(operation(a, b))


def _of_many(operation: Callable[[Value, Value], Value], a: Value, b: Value) -> Value:
    if operation is divide or not (_is_whole(a) and _is_whole(b)):
        from archcalc.quantity.real_array import RealArray

        a, b = RealArray.of(a), RealArray.of(b)
    return operation(a, b)


def _is_many(value: Value) -> bool:
    return is_array(value) or is_real_array(value)


def _is_whole(value: Value) -> bool:
    return type(value) is int or is_array(value)


def _number(value: Value) -> Value:
    if isinstance(value, (bool, str, list)) or hasattr(value, "dtype"):  # many truths
        raise ExpressionError(f"{str(value)[:40]!r} is not a number")
    return value


def equal(a: Value, b: Value) -> Value:
    """a == b; of symbols a condition on them, where sympy itself would compare the spelling."""
    numbers = not any(isinstance(value, (bool, str, list)) for value in (a, b))
    if numbers and (is_symbol(a) or is_symbol(b)):
        import sympy

        return sympy.Eq(a, b)
    return a == b


def negated(value: Value) -> Value:
    """Not a condition, of symbols and arrays too."""
    return not value if isinstance(value, bool) else ~value


def comparable(value: Value) -> Value:
    """A value as the operators of comparison take it.

    Raises:
        ExpressionError: it is a list of lists.
    """
    if is_array(value):
        return value.elements
    # Lists in lists could share their parts, and take without end to compare.
    if isinstance(value, list) and any(isinstance(item, list) for item in value):
        raise ExpressionError("lists of lists cannot be compared; their items can")
    return value


def bounded(value: Value) -> Value:
    """A number in its simplest type.

    Raises:
        ExpressionError: it does not fit in 64 bits.
    """
    if is_symbol(value):
        return _finite(value)
    if type(value) is int:
        if not -LARGEST_INT64 <= value <= LARGEST_INT64:
            raise ExpressionError("a number that does not fit in 64 bits")
        return value
    if hasattr(value, "denominator"):
        if value.denominator == 1:
            return bounded(int(value))
        if max(abs(value.numerator), value.denominator).bit_length() > MAX_BITS:
            raise ExpressionError(f"a fraction whose parts do not fit in {MAX_BITS} bits")
    return value


def _finite(formula: Value) -> Value:
    """A formula, as an int where it came out as one."""
    import sympy

    if formula.has(sympy.zoo, sympy.nan):
        raise ZeroDivisionError
    return normal(formula)


_TRUTHS = {"True": True, "False": False}  # what sympy calls them


def is_condition(value: Value) -> bool:
    """Whether it is true or false by what symbols stand for."""
    return is_symbol(value) and bool(value.is_Relational or value.is_Boolean)


def truth_of(value: Value) -> bool:
    """`value` as a condition.

    Raises:
        ExpressionError: it is not a plain truth value, as a comparison of symbols is not.
    """
    if type(value) is bool:
        return value
    agreed = one_for_all(value)
    if type(agreed) is bool:
        return agreed
    if is_condition(value):
        truth = _TRUTHS[str(value)] if str(value) in _TRUTHS else decided(value)
        if truth is not None:
            return truth
    raise ExpressionError(f"{str(value)[:60]!r} is neither true nor false")


def chosen(condition: Value, yes: Callable[[], Value], no: Callable[[], Value]) -> Value:
    """`yes()` where a condition holds, else `no()`.

    Where `conditions.merges_cases()`, of a condition on symbols one formula that is both.

    Raises:
        ExpressionError: as `truth_of`, and what the one that is chosen raises.
    """
    if is_symbol(condition) and merges_cases():
        merged = _both(condition, yes, no)
        if merged is not None:
            return merged
    return yes() if truth_of(condition) else no()


def _both(condition: Value, yes: Callable[[], Value], no: Callable[[], Value]) -> Value | None:
    """Two numbers as one formula; None where one of them is none, or may not exist."""
    from archcalc.quantity.symbolic import as_number

    holds = as_number(condition)
    try:
        a, b = yes(), no()
    except (ArchcalcError, ArithmeticError):
        return None
    if holds is None or not all(map(_is_defined, (a, b))):
        return None
    return bounded(b + (a - b) * holds)


def _is_defined(value: Value) -> bool:
    """Whether it is a number at whatever values of its symbols."""
    if is_symbol(value):
        return bool(value.as_numer_denom()[1].is_number) and not value.is_Boolean
    return type(value) is int or (hasattr(value, "denominator") and type(value) is not bool)


def item(values: Value, index: Value) -> Value:
    """An item of a list.

    Raises:
        ExpressionError: it has no such item.
    """
    found = as_list(values)
    index = one_for_all(index)
    if type(index) is not int:
        raise ExpressionError(f"{str(index)[:40]!r} is not an index")
    if not -len(found) <= index < len(found):
        raise ExpressionError(f"index {index} is outside a list of {len(found)}")
    return found[index]


def some_items(values: Value, first: Value, behind: Value) -> list[Value]:
    """The items of a list from number `first` on, up to the one before number `behind`.

    Either is None for all on its side, and counts from the end where it is negative.
    """
    ends = [one_for_all(end) for end in (first, behind)]
    for end in ends:
        if end is not None and type(end) is not int:
            raise ExpressionError(f"{str(end)[:40]!r} is not an index")
    return as_list(values)[slice(*ends)]


def text_of(value: Value) -> str:
    """A value as part of a name."""
    return str(one_for_all(value))


def as_list(value: Value) -> list[Value]:
    """A value that has to be a list."""
    if not isinstance(value, (list, tuple)):
        raise ExpressionError(f"{str(value)[:40]!r} is not a list")
    return cast(list[Value], value)


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

        return named((sympy.floor if way == "floor" else sympy.ceiling)(value))
    if is_array(value):
        return value
    if is_real_array(value):
        kind = type(value)
        return found_once(kind.floor if way == "floor" else kind.ceil, value)
    import math

    return cast(int, (math.floor if way == "floor" else math.ceil)(_number(value)))


def minimum(*values: Value) -> Value:
    """The smallest of several numbers, or of the items of one list."""
    return _extreme("min", values)


def maximum(*values: Value) -> Value:
    """The largest of several numbers, or of the items of one list."""
    return _extreme("max", values)


def _extreme(which: str, values: tuple[Value, ...]) -> Value:
    found = list(values[0]) if len(values) == 1 else list(values)
    result = _number(found[0])
    for value in found[1:]:
        result = _extreme_of_two(which, result, _number(value))
    return result


def _extreme_of_two(which: str, a: Value, b: Value) -> Value:
    """min or max of numbers of any type; of symbols and arrays as quantities."""
    if _is_many(a) or _is_many(b):
        if _is_whole(a) and _is_whole(b):
            return found_once(smallest if which == "min" else largest, a, b)
        from archcalc.quantity.real_array import RealArray

        return found_once(RealArray.min if which == "min" else RealArray.max, a, b)
    if is_symbol(a) or is_symbol(b):
        return (smallest if which == "min" else largest)(a, b)
    return (min if which == "min" else max)(a, b)


def total(values: Value) -> Value:
    """The sum of the items of a list."""
    result: Value = 0
    for value in as_list(values):
        result = computed(operator.add, result, value)
    return result


def length(values: Value) -> int:
    """The number of items of a list."""
    return len(as_list(values))


def divide(a: Value, b: Value) -> Value:
    """a / b, exact."""
    if isinstance(a, int) and isinstance(b, int):
        from fractions import Fraction

        return Fraction(a, b)
    return a / b


def power(a: Value, b: Value) -> Value:
    """a ** b, for whole numbers b up to `MAX_EXPONENT`.

    Raises:
        ExpressionError: the exponent is none of them, or `a` is a sum of free sizes.
    """
    b = one_for_all(b)
    if type(b) is not int or not -MAX_EXPONENT <= b <= MAX_EXPONENT:
        raise ExpressionError(
            f"an exponent of {str(b)[:40]}; whole numbers up to {MAX_EXPONENT} work"
        )
    a = named(a)
    if is_symbol(a) and not a.is_Symbol:  # multiplied out it could fill the memory
        raise ExpressionError(f"({a})**{b}: of free sizes, only a single name has powers")
    if isinstance(a, int) and b < 0:
        from fractions import Fraction

        return Fraction(a) ** b
    if is_array(a) and b < 0:
        from archcalc.quantity.real_array import RealArray

        a = RealArray.of(a)
    return a**b
