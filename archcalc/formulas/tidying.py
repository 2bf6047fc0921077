"""Expressions as a person would write them: sizes whole, terms collected, factors taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from archcalc.symbolic import floor, linear

MOST_TO_FACTOR = 40  # terms: factoring more takes long, and makes them no shorter
SHORTER = 0.8  # a product has to be so much shorter than the sum


def size_shifts(sizes: Iterable[Any]) -> dict[Any, int]:
    """For each floor that a size is, but for a constant, the constant.

    `floor((H - 1)/2) + 1` is better written as `floor((H + 1)/2)`.
    """
    shifts: dict[Any, int] = {}
    for size in sizes:
        constant, rest = sympy.sympify(size).as_coeff_Add()
        if isinstance(rest, sympy.floor) and constant.is_Integer:
            shifts.setdefault(rest, int(constant))
    return shifts


def tidy(expression: Any, shifts: Mapping[Any, int]) -> Any:
    """The expression with its floors merged with constants, collected and, where shorter, factored.

    Args:
        shifts: of the sizes that it is about.
    """
    expression = sympy.sympify(expression)
    stand_ins: dict[Any, Any] = {}
    written: dict[Any, Any] = {}
    for largest in _outermost(expression, (sympy.Max, sympy.Min)):
        stand_in = sympy.Dummy("x", nonnegative=True)
        stand_ins[largest] = stand_in
        written[stand_in] = largest.func(
            *[tidy(argument, shifts) for argument in largest.args], evaluate=False
        )
    rest = expression.xreplace(stand_ins)
    for rounded in rest.atoms(sympy.floor):
        shift = shifts.get(rounded, 0)
        stand_in = sympy.Dummy("n", integer=True, nonnegative=True)
        stand_ins[rounded] = stand_in - shift
        written[stand_in] = _written(rounded.args[0] + shift)
    collected = sympy.expand(expression.xreplace(stand_ins))
    return _shorter(collected).xreplace(written)


def _outermost(expression: Any, kinds: tuple[Any, ...]) -> list[Any]:
    if isinstance(expression, kinds):
        return [expression]
    return list(dict.fromkeys(x for part in expression.args for x in _outermost(part, kinds)))


def _shorter(collected: Any) -> Any:
    """The sum, or its factors where that is much shorter."""
    terms = sympy.Add.make_args(collected)
    if not 1 < len(terms) <= MOST_TO_FACTOR:
        return collected
    factored = sympy.factor(collected)
    return factored if len(str(factored)) < SHORTER * len(str(collected)) else collected


def _written(inside: Any) -> Any:
    """floor(inside), as a ceiling where that is shorter: floor((H + 31)/32) is ceiling(H/32)."""
    found = linear(inside)
    if found is not None:
        coefficients, constant, denominator = found
        if constant == denominator - 1 > 0:
            total = sum(n * symbol for symbol, n in coefficients.items())
            return sympy.ceiling(total / sympy.Integer(denominator))
    return sympy.floor(inside.replace(floor, sympy.floor))  # equal to what a user writes
