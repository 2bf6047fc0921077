"""Exact interpolation over whole numbers: the closed form of sums over blocks that repeat.

A count of blocks cannot be a symbol while the graph is built. So the graph is built for some
counts, and the polynomial found that passes through what comes of them (Newton's forward
differences), which may well have symbols in its coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import sympy

from archcalc.errors import ArchcalcError, LayerError, SpecError, UsageError
from archcalc.symbolic import ROUNDED

MOST_DEGREE = 6
MORE_POINTS = 3  # than a polynomial takes, all of which have to lie on it
LAST_START = 5

Values = Sequence[Any]  # of several quantities at once


class Polynomials(NamedTuple):
    """One polynomial for each quantity.

    Attributes:
        values: in the symbol.
        first, last: the points that they were found from and hold at.
    """

    values: list[Any]
    first: int
    last: int


def interpolate(at: Callable[[int], Values], symbol: Any) -> Polynomials:
    """The polynomials of least degree through the values at whole numbers.

    Args:
        at: the quantities at a number; may raise where there is no network.

    Raises:
        UsageError: they are no polynomials of degree `MOST_DEGREE` or less.
    """
    first, rows = _first(at)
    number = first
    while True:
        differences = _differences(rows)
        degree = len(rows) - 1 - MORE_POINTS
        if degree >= 0 and all(d == 0 for row in differences[degree + 1 :] for d in row):
            values = [
                sympy.expand(
                    sum(differences[k][q] * _choose(symbol - first, k) for k in range(degree + 1))
                )
                for q in range(len(rows[0]))
            ]
            return Polynomials(values, first, number)
        if degree == MOST_DEGREE:
            raise UsageError(
                f"no polynomial in {symbol} of degree {MOST_DEGREE} or less gives this"
                f"{_without_floors(rows)}"
            )
        number += 1
        try:
            rows.append(_row(at(number)))
        except (LayerError, SpecError):
            raise UsageError(
                f"no polynomial in {symbol} passes through {symbol} = {first} … {number - 1}, and "
                f"there is no network at {number} to look further"
            ) from None


def _without_floors(rows: list[list[Any]]) -> str:
    """What to assume where the values have floors of symbols, of which nothing is assumed yet."""
    rounded = {part for row in rows for value in row for part in value.atoms(*ROUNDED)}
    symbols = {symbol for part in rounded for symbol in part.free_symbols}
    named = [symbol for symbol in symbols if not isinstance(symbol, sympy.Dummy)]
    named.sort(key=str)
    assumed = [f"{s}%32==0" if s.is_integer else f"32*{s}%1==0" for s in named]
    if not named:
        return ""
    options = " ".join(f'--assume "{text}"' for text in assumed)
    return f", as long as {' and '.join(map(str, named))} can be rounded; try {options}"


def _first(at: Callable[[int], Values]) -> tuple[int, list[list[Any]]]:
    """The first number at which there is a network, and the quantities there."""
    for number in range(1, LAST_START):
        try:
            return number, [_row(at(number))]
        except (LayerError, SpecError) as error:
            refusal: ArchcalcError = error
    raise refusal


def _row(values: Values) -> list[Any]:
    return [sympy.expand(sympy.sympify(value)) for value in values]


def _differences(rows: list[list[Any]]) -> list[list[Any]]:
    """The forward differences of each order at the first point."""
    found, level = [], rows
    while level:
        found.append(level[0])
        level = [
            [sympy.expand(after - before) for before, after in zip(a, b, strict=True)]
            for a, b in pairwise(level)
        ]
    return found


def _choose(n: Any, k: int) -> Any:
    """n over k."""
    return sympy.prod([n - i for i in range(k)]) / sympy.factorial(k)
