"""Expressions as a person would write them: sizes whole, terms collected, factors taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any

import sympy

from archcalc.quantity.symbolic import EXTREMES, ROUNDED, floor, linear

MOST_TO_FACTOR = 40  # terms: factoring more takes long, and makes them no shorter
# What is not part of a polynomial; of a remainder sympy makes none, and ends in an exception.
OPAQUE = (*EXTREMES, sympy.Mod)
SHORTER = 0.8  # a product has to be so much shorter than the sum


class Sizes:
    """The sizes of the maps that formulas are about, and how each is written.

    `floor((H - 1)/2) + 1` is better written as `floor((H + 1)/2)`, or `ceiling(H/2)`.

    Attributes:
        shifts: for each floor that a size is, but for a constant, the constant; the first, where
            it stands in several sizes.
        maps: the sizes of each map.
        mixed: whether some sizes differ by a constant alone: multiplied out, they would mix.
    """

    def __init__(self, maps: Iterable[Sequence[Any]]) -> None:
        self.maps = list(dict.fromkeys(tuple(map(sympy.sympify, sizes)) for sizes in maps))
        self.shifts: dict[Any, int] = {}
        self.mixed = False
        for size in dict.fromkeys(size for sizes in self.maps for size in sizes):
            constant, rest = size.as_coeff_Add()
            if rest.free_symbols and constant.is_Integer:
                self.mixed |= self.shifts.setdefault(rest, int(constant)) != constant
        self._names: dict[Any, tuple[Any, Any]] = {}
        self._positions: dict[tuple[Any, ...], Any] = {}

    def name_of(self, rounded: Any) -> tuple[Any, Any]:
        """What stands for a floor, with the constant that it takes up, and how that is written."""
        if rounded not in self._names:
            shift = self.shifts.get(rounded, 0)
            is_size = rounded in self.shifts or rounded.is_nonnegative
            name = sympy.Dummy("n", integer=True, nonnegative=is_size or None)
            self._names[rounded] = name, _written(rounded.args[0] + shift)
        return self._names[rounded]

    def positions(self, sizes: tuple[Any, ...]) -> Any:
        """The positions of a map of these sizes, multiplied out."""
        if sizes not in self._positions:
            self._positions[sizes] = sympy.expand(prod(sizes))
        return self._positions[sizes]


class _Spelling:
    """Names for the floors of an expression, which take up the constants beside them.

    Attributes:
        names: for each floor what replaces it.
        written: what each name is written as.
        positions: of each map in these names, multiplied out, of those that have no other floors;
            with its sizes.
    """

    def __init__(self, expression: Any, sizes: Sizes) -> None:
        self.names: dict[Any, Any] = {}
        self.written: dict[Any, Any] = {}
        for rounded in expression.atoms(sympy.floor):
            name, self.written[name] = sizes.name_of(rounded)
            self.names[rounded] = name - sizes.shifts.get(rounded, 0)
        self._sizes = sizes

    @cached_property
    def positions(self) -> dict[Any, tuple[Any, ...]]:
        named = (tuple([size.xreplace(self.names) for size in found]) for found in self._sizes.maps)
        whole = [m for m in named if m and not any(size.has(*ROUNDED, *OPAQUE) for size in m)]
        return {self._sizes.positions(sizes): sizes for sizes in whole}

    def collected(self, expression: Any) -> Any:
        """The expression in these names, multiplied out."""
        return sympy.expand(expression.xreplace(self.names))


def tidy(expression: Any, sizes: Sizes) -> Any:
    """The expression in terms of sizes, collected and, where shorter, factored."""
    expression = sympy.sympify(expression)
    opaque = {found: _name_of(found) for found in _outermost(expression, OPAQUE)}
    written = {name: _tidy_inside(found, sizes) for found, name in opaque.items()}
    rest = expression.xreplace(opaque)
    spelling = _Spelling(rest, sizes)
    collected = spelling.collected(rest)
    spelled = [_shorter(collected)]
    if sizes.mixed and (by_map := _by_map(collected, spelling.positions)) is not None:
        spelled.append(by_map)
    # One after the other: they may stand inside a floor.
    found = [x.xreplace(spelling.written).xreplace(written) for x in spelled]
    return min(found, key=_length) if len(found) > 1 else found[0]


def _name_of(part: Any) -> Any:
    return sympy.Dummy("x", integer=part.is_integer, nonnegative=part.is_nonnegative or None)


def _tidy_inside(part: Any, sizes: Sizes) -> Any:
    """An extreme or a remainder of expressions that are tidied."""
    arguments = part.args
    if isinstance(part, sympy.Max):
        arguments = _without_smaller(arguments, sizes)
    return part.func(*[tidy(argument, sizes) for argument in arguments], evaluate=False)


def with_floors_merged(expression: Any) -> Any:
    """The expression with one floor in place of a floor within a floor."""
    return expression.replace(
        lambda part: isinstance(part, sympy.floor),
        lambda part: sympy.floor(_without_inner_floor(part.args[0])),
    )


def _without_smaller(arguments: Sequence[Any], sizes: Sizes) -> list[Any]:
    """Those that are not smaller in every map than another: no map has less than one position."""
    spelling = _Spelling(sympy.Add(*arguments, evaluate=False), sizes)
    weights = {x: _weights(spelling.collected(x), spelling.positions) for x in arguments}
    known = {x: w for x, w in weights.items() if w and all(map(_is_not_negative, w.values()))}
    left: list[Any] = []
    for x in sorted(known, key=lambda x: -sum(known[x].values())):
        if not any(all(known[y][p] >= w for p, w in known[x].items()) for y in left):
            left.append(x)
    return [x for x in arguments if x not in known or x in left]


def _is_not_negative(number: Any) -> bool:
    return bool(number.is_number and number >= 0)


def _by_map(collected: Any, maps: Mapping[Any, Sequence[Any]]) -> Any | None:
    """The expression as multiples of the positions of maps, and a constant; None if it is none.

    `16*(H - 4)*(W - 4) + 8*H*W`, which multiplied out has four terms and hides what it is.
    """
    weights = _weights(collected, maps)
    if not weights:
        return None
    positions = {position: prod(sizes) for position, sizes in maps.items()} | {1: 1}
    return sympy.Add(*[weight * positions[position] for position, weight in weights.items()])


def _weights(collected: Any, maps: Iterable[Any]) -> dict[Any, Any]:
    """How often the positions of each map, and 1, go into an expression; empty if it is no sum.

    Args:
        maps: the positions of each, multiplied out.
    """
    positions = list(maps)
    variables = sorted({v for p in positions for v in p.free_symbols}, key=str)
    if not variables or not collected.is_polynomial(*variables):
        return {}
    constant = (0,) * len(variables)
    whole = sympy.Poly(collected, *variables).as_dict()
    each = [sympy.Poly(position, *variables) for position in positions]
    powers = whole.keys() - {constant}
    for number, polynomial in enumerate(each):  # mostly it is a multiple of one
        if powers and powers != {*polynomial.monoms()} - {constant}:
            continue
        weight = whole.get(polynomial.monoms()[0], sympy.S.Zero) / polynomial.LC()
        rest = _without(whole, [weight], [polynomial.as_dict()])
        if not any(term for monomial, term in rest.items() if monomial != constant):
            weights = dict.fromkeys(positions, sympy.S.Zero) | {positions[number]: weight}
            return weights | {1: rest.get(constant, sympy.S.Zero)}
    terms = [polynomial.as_dict() for polynomial in each]
    monomials = dict.fromkeys(m for some in (whole, *terms) for m in some if m != constant)
    found = _solved(
        [[some.get(m, sympy.S.Zero) for some in (*terms, whole)] for m in monomials], len(terms)
    )
    if found is None:
        return {}
    rest = _without(whole, found, terms)
    return dict(zip(positions, found, strict=True)) | {1: rest.get(constant, sympy.S.Zero)}


def _without(
    whole: dict[Any, Any], weights: Sequence[Any], each: Sequence[dict[Any, Any]]
) -> dict[Any, Any]:
    """The coefficients of what is left of a polynomial without multiples of others."""
    left = dict(whole)
    for weight, terms in zip(weights, each, strict=True):
        for monomial, factor in terms.items() if weight else ():
            left[monomial] = left.get(monomial, sympy.S.Zero) - weight * factor
    return {monomial: sympy.expand(term) for monomial, term in left.items()}


def _solved(rows: list[list[Any]], count: int) -> list[Any] | None:
    """The unknowns of linear equations with numbers as coefficients, the right sides last, by
    elimination; those that stay open are 0. None where there is no solution."""
    pivots: list[int] = []
    for column in range(count):
        done = len(pivots)
        pivot = next((n for n in range(done, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [n / rows[done][column] for n in rows[done]]
        for number, row in enumerate(rows):
            if number != done and row[column]:
                factor = row[column]
                rows[number] = [a - factor * b for a, b in zip(row, rows[done], strict=True)]
        pivots.append(column)
    if any(sympy.expand(row[-1]) for row in rows[len(pivots) :]):
        return None
    found = [sympy.S.Zero] * count
    for row, column in zip(rows, pivots, strict=False):
        found[column] = sympy.expand(row[-1])
    return found


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
    if factored.is_Add:
        return collected
    return factored if len(str(factored)) < SHORTER * len(str(collected)) else collected


def _written(inside: Any) -> Any:
    """floor(inside), as a ceiling where that is shorter: floor((H + 31)/32) is ceiling(H/32)."""
    inside = _without_inner_floor(inside)
    found = linear(inside)
    if found is not None:
        coefficients, constant, denominator = found
        if constant == denominator - 1 > 0:
            total = sum(n * symbol for symbol, n in coefficients.items())
            return sympy.ceiling(total / sympy.Integer(denominator))
    return sympy.floor(inside.replace(floor, sympy.floor))  # equal to what a user writes


def _without_inner_floor(inside: Any) -> Any:
    """(x + e)/d in place of (floor(x) + e)/d, for whole e and d: their floors are the same."""
    constant, rest = inside.as_coeff_Add()
    factor, rounded = rest.as_coeff_Mul()
    if not (isinstance(rounded, sympy.floor) and factor.is_Rational and factor.p == 1):
        return inside
    if not (constant * factor.q).is_Integer:
        return inside
    return _without_inner_floor(sympy.expand((rounded.args[0] + constant / factor) * factor))
