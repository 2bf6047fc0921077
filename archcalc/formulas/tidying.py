"""Expressions as a person would write them: sizes whole, terms collected, factors taken out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import sympy

from archcalc.symbolic import floor, linear

MOST_TO_FACTOR = 40  # terms: factoring more takes long, and makes them no shorter
SHORTER = 0.8  # a product has to be so much shorter than the sum


class Sizes:
    """The sizes of the maps that formulas are about, and how each is written.

    `floor((H - 1)/2) + 1` is better written as `floor((H + 1)/2)`, or `ceiling(H/2)`.

    Attributes:
        shifts: for each floor that a size is, but for a constant, the constant; the first, where
            it stands in several sizes.
        maps: the sizes of each map, if some differ by a constant alone; else none.
    """

    def __init__(self, maps: Iterable[Sequence[Any]]) -> None:
        found = list(dict.fromkeys(tuple(map(sympy.sympify, sizes)) for sizes in maps))
        self.shifts: dict[Any, int] = {}
        several = False
        for size in dict.fromkeys(size for sizes in found for size in sizes):
            constant, rest = size.as_coeff_Add()
            if rest.free_symbols and constant.is_Integer:
                several |= self.shifts.setdefault(rest, int(constant)) != constant
        self.maps = found if several else []


def tidy(expression: Any, sizes: Sizes) -> Any:
    """The expression in terms of sizes, collected and, where shorter, factored."""
    expression = sympy.sympify(expression)
    stand_ins: dict[Any, Any] = {}
    written: dict[Any, Any] = {}
    for largest in _outermost(expression, (sympy.Max, sympy.Min)):
        stand_in = sympy.Dummy("x", nonnegative=True)
        stand_ins[largest] = stand_in
        written[stand_in] = largest.func(
            *[tidy(argument, sizes) for argument in largest.args], evaluate=False
        )
    rest = expression.xreplace(stand_ins)
    for rounded in rest.atoms(sympy.floor):
        shift = sizes.shifts.get(rounded, 0)
        stand_in = sympy.Dummy("n", integer=True, nonnegative=True)
        stand_ins[rounded] = stand_in - shift
        written[stand_in] = _written(rounded.args[0] + shift)
    collected = sympy.expand(expression.xreplace(stand_ins))
    shown = _shorter(collected).xreplace(written)
    maps = [[size.xreplace(stand_ins) for size in found] for found in sizes.maps]
    mentioned = [m for m in maps if not any(size.has(sympy.floor) for size in m)]
    by_map = _by_map(collected, mentioned)
    if by_map is None:
        return shown
    return min(shown, by_map.xreplace(written), key=_length)


def _by_map(collected: Any, maps: Sequence[Sequence[Any]]) -> Any | None:
    """The expression as multiples of the positions of maps, and a constant; None if it is none.

    `16*(H - 4)*(W - 4) + 8*H*W`, which multiplied out has four terms and hides what it is.
    """
    positions = {sympy.expand(prod(sizes)): prod(sizes) for sizes in maps if sizes}
    variables = sorted({v for p in positions for v in p.free_symbols}, key=str)
    if not variables or not collected.is_polynomial(*variables):
        return None
    weights = [sympy.Dummy("w") for _ in positions]
    left = collected - sum(w * p for w, p in zip(weights, positions, strict=True))
    unequal = sympy.Poly(left, *variables).as_dict()
    unequal.pop((0,) * len(variables), None)
    for solution in sympy.linsolve(list(unequal.values()), weights):
        found = [weight.xreplace(dict.fromkeys(weights, 0)) for weight in solution]
        multiples = zip(found, positions.items(), strict=True)
        rest = sympy.expand(collected - sum(w * p for w, (p, _) in multiples))
        products = [w * p for w, p in zip(found, positions.values(), strict=True)]
        return sympy.Add(*products, rest)
    return None


def _length(expression: Any) -> tuple[int, int]:
    """In terms, then in characters."""
    return len(sympy.Add.make_args(expression)), len(str(expression))


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
