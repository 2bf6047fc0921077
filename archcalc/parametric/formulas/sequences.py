"""The closed form of a sequence: of what a network comes to with 1, 2, 3 … blocks.

A count of blocks cannot be a symbol while the graph is built. So the graph is built for some
counts, and what comes of them is taken for sums of c n^k b^n: polynomials (Newton's forward
differences), powers of two and what goes with them (a linear system), and powers of other numbers
(the shortest linear recurrence, by Berlekamp & Massey; its characteristic roots are the bases).
Each form has to give more values than it was found from. `comparing` then looks
at values far beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import sympy
from sympy.polys.matrices import DomainMatrix

from archcalc.parametric.formulas.exact import Exact, exact, rational, value_at
from archcalc.quantity.symbolic import ROUNDED

MOST_DEGREE = 6
MORE_POINTS = 3  # than a form takes, all of which have to lie on it
MOST_LOOKED_AT = 20  # values, to find a form, which has to give all others
MOST_PIECES = 6
MOST_TERMS = 5  # of a form with powers
_BASES = (Fraction(1), Fraction(2), Fraction(4), Fraction(8), Fraction(1, 2), Fraction(1, 4))


class Piece(NamedTuple):
    """A closed form.

    Attributes:
        first: the least number that it holds for; it holds up to the next piece.
        value: in the symbol.
    """

    first: int
    value: Any


def closed_forms(values: Sequence[Any], first: int, symbol: Any) -> list[Piece] | None:
    """As few pieces as give all values, the last of which is long enough to be told.

    Before it there may be shorter ones: single values that follow no form.

    Args:
        values: at `first`, `first + 1` …, as expressions in other symbols, multiplied out.
    """
    pieces: list[Piece] = []
    end = len(values)
    while end:
        piece = _last_piece(values[:end], first, symbol)
        if piece is None:
            if not pieces:
                return None
            piece = Piece(first + end - 1, values[end - 1])
        pieces.append(piece)
        if len(pieces) > MOST_PIECES:
            return None
        end = piece.first - first
    return pieces[::-1]


def _last_piece(values: Sequence[Any], first: int, symbol: Any) -> Piece | None:
    """The form that the last values have, from the first of them on that it gives."""
    count = len(values)
    for start in range(max(0, count - MOST_LOOKED_AT), count):
        form = closed_form(values[start:], first + start, symbol)
        if form is None:
            continue
        while start and sympy.expand(form.subs(symbol, first + start - 1) - values[start - 1]) == 0:
            start -= 1
        return Piece(first + start, form)
    return None


def rounded_symbols(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The symbols whose floors keep the values from having a form."""
    rounded = {part for row in rows for value in row for part in value.atoms(*ROUNDED)}
    symbols = {symbol for part in rounded for symbol in part.free_symbols}
    return sorted((s for s in symbols if not isinstance(s, sympy.Dummy)), key=str)


def closed_form(values: Sequence[Any], first: int, symbol: Any) -> Any | None:
    """One form that gives all values, each of whose terms has a form; None where there is none."""
    terms = [value.as_coefficients_dict() for value in values]
    total = sympy.S.Zero
    for term in dict.fromkeys(term for found in terms for term in found):
        if term.has(symbol):
            return None
        numbers = [exact(found.get(term, 0)) for found in terms]
        form = form_of(numbers, first, symbol)
        if form is None:
            return None
        total += form * term
    return sympy.expand(total)


def form_of(numbers: Sequence[Exact], first: int, symbol: Any) -> Any | None:
    """The closed form of numbers; None where too few or none of the forms give them."""
    form = _form_of(numbers[:MOST_LOOKED_AT], first, symbol)
    if form is None:
        return None
    later = enumerate(numbers[MOST_LOOKED_AT:], first + MOST_LOOKED_AT)
    return form if all(value_at(form, {symbol: n}) == number for n, number in later) else None


def _form_of(numbers: Sequence[Exact], first: int, symbol: Any) -> Any | None:
    if len(numbers) <= MORE_POINTS:
        return None
    polynomial = _polynomial(numbers, first, symbol)
    if polynomial is not None:
        return polynomial
    known = (len(numbers) - MORE_POINTS) // 2  # of so many terms a recurrence can be told
    recurrence = _recurrence(numbers)
    if 0 < len(recurrence) <= known:
        roots = _rational_roots(recurrence)
        return _sum_of(roots, numbers, first, symbol) if len(roots) == len(recurrence) else None
    most = min(MOST_TERMS, len(numbers) - MORE_POINTS)
    bases = _annihilating(list(numbers), _BASES, most)
    return None if bases is None else _sum_of(bases, numbers, first, symbol)


def _polynomial(numbers: Sequence[Exact], first: int, symbol: Any) -> Any | None:
    """Newton's: the sum of differences times binomials."""
    total, level = sympy.S.Zero, list(numbers)
    for k in range(min(MOST_DEGREE + 1, len(numbers) - MORE_POINTS)):
        total += rational(level[0]) * sympy.ff(symbol - first, k) / sympy.factorial(k)
        level = [b - a for a, b in pairwise(level)]
        if not any(level):
            return sympy.expand(total)
    return None


def _annihilating(
    numbers: Sequence[Exact], bases: Sequence[Fraction], most: int
) -> list[Fraction] | None:
    """Which powers, as often as they count, numbers are a sum of; the least, None if of none.

    b^n is what a(n + 1) - b a(n) leaves nothing of, and n b^n what it leaves b^n of.
    """
    if not any(numbers):
        return []
    for terms in range(1, most + 1):
        for place, base in enumerate(bases):
            left = [after - base * before for before, after in pairwise(numbers)]
            found = _annihilating(left, bases[place:], terms - 1)
            if found is not None:
                return [base, *found]
    return None


def _sum_of(
    bases: Sequence[Fraction], numbers: Sequence[Exact], first: int, symbol: Any
) -> Any | None:
    """The sum of c n^k b^n, k from 0 for each base, that the first numbers determine; None if it
    does not give the others."""
    powers = [list(bases[:place]).count(base) for place, base in enumerate(bases)]
    terms = [*zip(bases, powers, strict=True)]
    table = [
        [(first + i) ** k * base**i for base, k in terms] for i in range(len(numbers))
    ]  # b^(n - first), to keep numbers small
    count = len(terms)
    matrix, right = _matrix(table[:count]), _matrix([[number] for number in numbers[:count]])
    if matrix.rank() < count:
        return None
    solved = [
        Fraction(int(c.numerator), int(c.denominator)) for (c,) in matrix.lu_solve(right).to_list()
    ]
    for row, number in zip(table, numbers, strict=True):
        if sum(c * x for c, x in zip(solved, row, strict=True)) != number:
            return None
    return sympy.expand(
        sum(
            rational(c / base**first) * symbol**k * _power(base, symbol)
            for c, (base, k) in zip(solved, terms, strict=True)
        )
    )


def _matrix(rows: Sequence[Sequence[Exact]]) -> DomainMatrix:
    entries = [[sympy.QQ(x.numerator, x.denominator) for x in row] for row in rows]
    return DomainMatrix(entries, (len(rows), len(rows[0])), sympy.QQ)


def _power(base: Fraction, exponent: Any) -> Any:
    """base^exponent; of a fraction that is 1/b, b^-exponent."""
    if base.numerator == 1 and base.denominator > 1:
        return sympy.Integer(base.denominator) ** -exponent
    return rational(base) ** exponent


def _recurrence(numbers: Sequence[Exact]) -> list[Fraction]:
    """The shortest c with a(n) = c1 a(n-1) + c2 a(n-2) + …; Berlekamp & Massey (1969)."""
    current, before = [Fraction(1)], [Fraction(1)]
    length, shift, divisor = 0, 1, Fraction(1)
    for place in range(len(numbers)):
        wrong = sum(
            (current[i] * numbers[place - i] for i in range(min(len(current), place + 1))),
            Fraction(0),
        )
        if not wrong:
            shift += 1
            continue
        kept = current
        size = max(len(current), len(before) + shift)
        current = current + [Fraction(0)] * (size - len(current))
        for i, c in enumerate(before):
            current[i + shift] -= wrong / divisor * c
        if 2 * length <= place:
            length, before, divisor, shift = place + 1 - length, kept, wrong, 1
        else:
            shift += 1
    current += [Fraction(0)] * (length + 1 - len(current))
    return [-c for c in current[1 : length + 1]]


def _rational_roots(recurrence: Sequence[Fraction]) -> list[Fraction]:
    """The roots of the characteristic polynomial, as often as they count; no others."""
    x = sympy.Symbol("x")
    order = len(recurrence)
    terms = [x**order, *[-rational(c) * x ** (order - i) for i, c in enumerate(recurrence, 1)]]
    roots = sympy.Poly(sympy.Add(*terms), x).ground_roots()
    found = [(Fraction(int(r.p), int(r.q)), times) for r, times in roots.items() if r]
    return [root for root, times in sorted(found) for _ in range(times)]
