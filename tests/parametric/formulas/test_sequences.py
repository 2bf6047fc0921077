"""Closed forms of sequences: polynomials, powers, and pieces of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc.parametric.formulas.exact import value_at
from archcalc.parametric.formulas.sequences import (
    MORE_POINTS,
    MOST_DEGREE,
    closed_form,
    closed_forms,
    form_of,
    rounded_symbols,
)

N, K = sympy.symbols("n k", integer=True, positive=True)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=MOST_DEGREE + 1), st.integers(1, 4))
def test_a_polynomial_is_found_from_its_values(coefficients: list[int], first: int) -> None:
    polynomial = sympy.Poly(coefficients, N).as_expr()
    count = len(coefficients) + MORE_POINTS
    numbers = [int(polynomial.subs(N, n)) for n in range(first, first + count)]
    assert form_of(numbers, first, N) == sympy.expand(polynomial)


POWERS = st.dictionaries(
    st.sampled_from([Fraction(2), Fraction(4), Fraction(8), Fraction(3), Fraction(5),
                     Fraction(1, 2), Fraction(3, 2)]),
    st.integers(-9, 9).filter(bool), min_size=1, max_size=3,
)  # fmt: skip


@given(POWERS, st.lists(st.integers(-9, 9), max_size=2), st.integers(1, 3))
def test_sums_of_powers_and_a_polynomial_are_found(
    powers: dict[Fraction, int], coefficients: list[int], first: int
) -> None:
    """Twice as many values as terms, and some to check it, tell any bases."""

    def at(n: int) -> Any:
        line = sum(c * n**k for k, c in enumerate(coefficients))
        return line + sum(c * base**n for base, c in powers.items())

    count = 2 * (len(powers) + len(coefficients)) + MORE_POINTS
    found = form_of([at(n) for n in range(first, first + count)], first, N)
    assert found is not None
    for n in range(first, first + 30):
        assert value_at(found, {N: n}) == at(n)


@pytest.mark.parametrize(
    ("at", "count", "form"),
    [
        (lambda n: 3 * (2**n - 1) + 1, 6, "3*2**n - 2"),  # WaveNet's field
        (lambda n: 7 * 4**n + 3 * 2**n + 1, 6, "3*2**n + 7*4**n + 1"),  # a U-Net's parameters
        (lambda n: n * 2**n, 5, "2**n*n"),
        (lambda n: Fraction(5, 4**n), 4, "5/4**n"),
        (lambda n: n % 2, 7, "1/2 - (-1)**n/2"),
        (lambda n: n**7, 12, "None"),
        (lambda n: 2 if n % 3 else 1, 20, "None"),
        (lambda n: 2 ** (n * n), 9, "None"),
        (lambda n: n // 4, 16, "None"),
    ],
)
def test_few_values_tell_powers_of_two(at: Callable[[int], Any], count: int, form: str) -> None:
    assert str(form_of([at(n) for n in range(1, 1 + count)], 1, N)) == form


@given(st.lists(st.integers(-99, 99), min_size=1, max_size=MORE_POINTS))
def test_a_form_gives_more_than_it_was_found_from(numbers: list[int]) -> None:
    assert form_of(numbers, 1, N) is None


@pytest.mark.parametrize("changed", range(12))
def test_one_value_that_is_off_is_seen(changed: int) -> None:
    numbers = [3 * 2**n + n for n in range(1, 13)]
    numbers[changed] += 1
    assert form_of(numbers, 1, N) is None


def test_coefficients_may_have_symbols() -> None:
    values = [sympy.expand(n * K**2 + 2**n * K / 2) for n in range(1, 8)]
    assert closed_form(values, 1, N) == sympy.expand(N * K**2 + 2**N * K / 2)
    assert closed_form([K] * 4, 1, N) == K


@given(st.integers(1, 14), st.integers(-9, 9), st.integers(-9, 9), st.integers(-99, 99))
def test_a_line_that_bends_makes_two_pieces_or_single_values(
    bend: int, before: int, after: int, height: int
) -> None:
    def at(n: int) -> int:
        return height + (before * n if n <= bend else before * bend + after * (n - bend))

    pieces = closed_forms([sympy.Integer(at(n)) for n in range(1, 24)], 1, N)
    assert pieces is not None
    assert pieces[0].first == 1
    ends = [*[piece.first for piece in pieces[1:]], 24]
    for piece, end in zip(pieces, ends, strict=True):
        for n in range(piece.first, end):
            assert value_at(piece.value, {N: n}) == at(n)


def test_values_without_a_form_at_their_end_have_no_pieces() -> None:
    assert closed_forms([sympy.Integer(n % 3) for n in range(1, 20)], 1, N) is None


def test_what_is_rounded_is_told() -> None:
    alpha = sympy.Symbol("alpha", positive=True)
    rows = [[sympy.floor(n * alpha) + sympy.ceiling(K / 2)] for n in (1, 2)]
    assert rounded_symbols(rows) == [alpha, K]
    assert closed_form([sympy.floor(n * alpha) for n in range(1, 9)], 1, N) is None
