"""Exact interpolation over whole numbers."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError, UsageError
from archcalc.formulas.interpolation import MOST_DEGREE, interpolate

N, K = sympy.symbols("n k", integer=True, positive=True)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=MOST_DEGREE + 1))
def test_a_polynomial_is_found_from_its_values(coefficients: list[int]) -> None:
    polynomial = sum(c * N**power for power, c in enumerate(coefficients))
    found = interpolate(lambda n: [sympy.sympify(polynomial).subs(N, n)], N)
    assert found.values == [sympy.expand(polynomial)]


def test_coefficients_may_have_symbols() -> None:
    found = interpolate(lambda n: [n * K**2 + n * (n + 1) * K / 2, K], N)
    assert found.values == [sympy.expand(N * K**2 + N * (N + 1) * K / 2), K]


def test_it_starts_where_there_is_a_network() -> None:
    def at(n: int) -> list[Any]:
        if n < 3:
            raise SpecError("no network")
        return [7 * n]

    found = interpolate(at, N)
    assert (found.values, found.first) == ([7 * N], 3)


def test_what_is_no_polynomial_is_refused() -> None:
    with pytest.raises(UsageError, match="no polynomial in n of degree 6 or less"):
        interpolate(lambda n: [2**n], N)


def test_where_a_symbol_is_rounded_an_assumption_is_proposed() -> None:
    with pytest.raises(UsageError, match=r"as long as k can be rounded; try --assume .k%32==0.$"):
        interpolate(lambda n: [sympy.floor(n * K / 2)], N)


def test_of_a_symbol_that_is_no_whole_number_another_is_proposed() -> None:
    alpha = sympy.Symbol("alpha", positive=True)
    with pytest.raises(UsageError, match=r'try --assume "32\*alpha%1==0"$'):
        interpolate(lambda n: [sympy.floor(n * alpha)], N)


def test_an_end_of_the_networks_before_a_polynomial_is_found_is_told() -> None:
    def at(n: int) -> list[Any]:
        if n > 4:
            raise SpecError("too large")
        return [2**n]

    with pytest.raises(UsageError, match=r"n = 1 … 4, and there is no network at 5"):
        interpolate(at, N)
