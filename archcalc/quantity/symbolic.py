"""Arithmetic of free sizes: floors within floors become one, and a largest is a short list.

Imports sympy, and is itself imported only where a user brings symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from math import gcd, lcm, prod
from typing import Any

import sympy

ROUNDED = (sympy.floor, sympy.ceiling)
MOST_REMAINDERS = 256  # that are looked at together
EXTREMES = (sympy.Max, sympy.Min)


class floor(sympy.floor):  # type: ignore[misc]  # prints and is found as sympy's
    """A floor that is not negative: how often a window fits beyond its first placement."""

    def _eval_is_nonnegative(self) -> bool:
        return True


@lru_cache(maxsize=4096)
def floor_div(a: Any, b: Any) -> Any:
    """a / b, rounded down, with the floors in `a` merged: floor(floor(n/2)/2) is floor(n/4).

    For whole numbers e and d >= 1, floor((floor(x) + e)/d) is floor((x + e)/d). The result
    counts as not negative.
    """
    a, b = sympy.sympify(a), sympy.sympify(b)
    if b == 1 and a.is_integer:
        return a
    if not b.is_Integer or b < 1:
        return floor(a / b)
    constant, rest = sympy.expand(a).as_coeff_Add()
    if isinstance(rest, sympy.floor) and constant.is_integer:
        return _floor((rest.args[0] + constant) / b)
    return _floor((rest + constant) / b)


def ceil_div(a: Any, b: Any) -> Any:
    """a / b, rounded up; of a whole number, so that it is a floor, too."""
    if sympy.sympify(a).is_integer and sympy.sympify(b).is_Integer:
        return floor_div(a + b - 1, b)
    return sympy.ceiling(sympy.sympify(a) / b)


def same_padding(stride: int, extent: int, size: Any) -> Any:
    """What `same` pads: as much as the last window needs beyond the 1 to `stride` positions that
    are left for it. That depends on the remainder of the size alone, and is at most extent - 1."""
    missing = extent - 1 - sympy.Mod(size - 1, stride)
    return missing if extent >= stride else sympy.Max(0, missing)


@lru_cache(maxsize=4096)
def is_certainly_no_less(a: Any, b: Any) -> bool:
    """Whether a >= b whatever the symbols stand for: positive whole numbers where they say so.

    Remainders are looked at one by one, where they are few.
    """
    difference = sympy.expand(sympy.sympify(a) - sympy.sympify(b))
    remainders = [r for r in difference.atoms(sympy.Mod) if _is_one_of_few(r)]
    if prod(int(r.args[1]) for r in remainders) > MOST_REMAINDERS:
        return False
    return all(
        _above_one(difference.xreplace(dict(zip(remainders, known, strict=True)))).is_nonnegative
        for known in product(*[map(sympy.Integer, range(int(r.args[1]))) for r in remainders])
    )


def _is_one_of_few(remainder: Any) -> bool:
    of, by = remainder.args
    return bool(of.is_integer and by.is_Integer and 0 < by <= MOST_REMAINDERS)


def _is_a_bit(expression: Any) -> bool:
    """Whether it is 0 or 1: a remainder by 2."""
    is_remainder = isinstance(expression, sympy.Mod) and expression.args[1] == 2
    return is_remainder and bool(expression.args[0].is_integer)


def largest_of(values: Iterable[Any]) -> Any:
    """The largest of expressions in positive symbols.

    Leaves out what cannot be the largest since another has no smaller coefficient in any term,
    written in how much larger than 1 each symbol is; comparing as sympy does would take minutes.
    """
    expanded = dict.fromkeys(map(sympy.expand, map(sympy.sympify, values)))
    terms = {value: _above_one(value).as_coefficients_dict() for value in expanded}
    left: list[Any] = []
    for value in sorted(terms, key=lambda v: -sum(terms[v].values())):
        if not any(_is_no_less(terms[other], terms[value]) for other in left):
            left.append(value)
    return left[0] if len(left) == 1 else sympy.Max(*left, evaluate=False)


def replaced(expression: Any, values: Mapping[Any, Any]) -> Any:
    """The expression with `values` in the place of symbols.

    As sympy's `xreplace`, but that a largest or smallest of several does not compare them again.
    """
    if not expression.has(*EXTREMES):
        return expression.xreplace(values)
    parts = [replaced(part, values) for part in expression.args]
    if isinstance(expression, EXTREMES):
        return expression.func(*parts, evaluate=all(part.is_number for part in parts))
    return expression.func(*parts)


def as_number(condition: Any) -> Any | None:
    """A condition as a formula that is 1 where it holds and 0 elsewhere; None if it is none.

    x > 0 is min(1, max(0, ceil(x))), for whatever real x.
    """
    if condition in (sympy.true, sympy.false):
        return sympy.Integer(bool(condition))
    if isinstance(condition, sympy.Not):
        inner = as_number(condition.args[0])
        return None if inner is None else 1 - inner
    if not condition.is_Relational:
        return None
    a, b = condition.lhs, condition.rhs
    if isinstance(condition, (sympy.Eq, sympy.Ne)):
        differs = _is_above(a, b) + _is_above(b, a)
        return differs if isinstance(condition, sympy.Ne) else 1 - differs
    if isinstance(condition, (sympy.Gt, sympy.Lt)):
        return _is_above(a, b) if isinstance(condition, sympy.Gt) else _is_above(b, a)
    return 1 - (_is_above(b, a) if isinstance(condition, sympy.Ge) else _is_above(a, b))


def _is_above(a: Any, b: Any) -> Any:
    difference = sympy.expand(a - b)
    whole = difference if difference.is_integer else sympy.ceiling(difference)
    return sympy.Min(1, sympy.Max(0, whole))


def linear(expression: Any) -> tuple[dict[Any, int], int, int] | None:
    """(coefficients, constant, denominator) of a sum of whole numbers; None if it is none.

    The expression is (sum of coefficient x symbol + constant) / denominator, all whole.
    """
    constant, rest = sympy.expand(expression).as_coeff_Add()
    parts = [term.as_coeff_Mul() for term in sympy.Add.make_args(rest)]
    numbers = [constant, *[coefficient for coefficient, _ in parts]]
    if not all(n.is_Rational for n in numbers) or not all(s.is_integer for _, s in parts):
        return None
    denominator = lcm(*[int(n.q) for n in numbers])
    whole = [int(n * denominator) for n in numbers]
    return {s: n for (_, s), n in zip(parts, whole[1:], strict=True)}, whole[0], denominator


def _above_one(expression: Any) -> Any:
    """The expression in symbols that are one less, and not negative; floors stay as they are."""
    floors = [f for f in expression.atoms(sympy.floor) if f.is_nonnegative]
    outside = expression.xreplace({f: _not_negative(f) for f in floors})
    whole = [s for s in outside.free_symbols if s.is_positive and s.is_integer]
    return sympy.expand(outside.xreplace({s: 1 + _not_negative(s) for s in whole}))


@lru_cache(maxsize=4096)
def _not_negative(of: Any) -> Any:
    """A symbol that stands for a floor, or for what is beyond 1 of a symbol."""
    return sympy.Dummy(str(of), nonnegative=True)


def _is_no_less(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    """Whether no term of a - b is negative: that suffices for a >= b."""
    for term in {**a, **b}:
        difference = a.get(term, 0) - b.get(term, 0)
        if difference and not (difference * term).is_nonnegative:
            return False
    return True


def _floor(expression: Any) -> Any:
    """The floor, with no larger a constant than it takes: floor((2 n + 1)/4) is floor(n/2)."""
    found = linear(expression)
    if found is None:
        return floor(expression)
    coefficients, constant, denominator = found
    if len(coefficients) == 1 and all(map(_is_a_bit, coefficients)):
        ((bit, slope),) = coefficients.items()
        zero, one = constant // denominator, (constant + slope) // denominator
        return zero + (one - zero) * bit
    if any(n < 0 for n in coefficients.values()):
        # Without its constant, what shrinks may well be negative.
        return floor(expression, evaluate=False)
    step = gcd(denominator, *coefficients.values())
    terms = {**coefficients, sympy.S.One: constant // step * step}
    outside = sum(n // denominator * s for s, n in terms.items() if n % denominator == 0)
    inside = {s: n for s, n in terms.items() if n % denominator}
    if not inside:
        return outside
    # Of what grows without bound, sympy would find no number, after asking for long.
    fraction = sum(n * s for s, n in inside.items()) / sympy.Integer(denominator)
    return outside + floor(fraction, evaluate=not coefficients)
