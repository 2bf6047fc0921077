"""Arithmetic of free sizes."""

from __future__ import annotations

import math

import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc.quantity.arithmetic import ceil_div, floor_div, largest_of, symbol
from archcalc.quantity.symbolic import floor, is_certainly_no_less, linear
from archcalc.quantity.symbolic import largest_of as largest_expression

N, M = symbol("n"), symbol("m")
STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), min_size=1, max_size=5)


@given(steps=STEPS, value=st.integers(1, 500))
def test_floors_of_floors_are_one_floor_of_the_same_value(
    steps: list[tuple[int, int]], value: int
) -> None:
    merged, plain = N, value
    for add, divisor in steps:
        merged, plain = floor_div(merged + add, divisor) + 1, (plain + add) // divisor + 1
    assert merged.subs(N, value) == plain  # type: ignore[attr-defined]  # a symbol
    _, rest = sympy.sympify(merged).as_coeff_Add()
    for inner in rest.atoms(sympy.floor):
        assert not inner.args[0].atoms(sympy.floor)


@given(n=st.integers(0, 6), m=st.integers(0, 6), constant=st.integers(-9, 9), by=st.integers(1, 6))
def test_a_floor_is_as_sympy_would_write_it(n: int, m: int, constant: int, by: int) -> None:
    dividend = sympy.sympify(n * N + m * M + constant)
    step = math.gcd(by, n, m)
    least = n * N + m * M + constant // step * step  # no larger a constant than it takes
    assert floor_div(dividend, by) == sympy.floor(sympy.sympify(least) / by).replace(
        sympy.floor, floor
    )


def test_what_shrinks_keeps_its_constant_within_the_floor() -> None:
    """floor((18 - n)/3) is not negative where a window fits; floor(-n/3) always is."""
    found = sympy.sympify(floor_div(18 - N, 3))
    assert found.func is floor
    assert found.subs(N, 8) == 3
    assert sympy.Min(6, found + 1) != 6


@given(value=st.integers(1, 500), divisor=st.integers(1, 9))
def test_rounding_up_is_a_floor_of_the_same_value(value: int, divisor: int) -> None:
    found = sympy.sympify(ceil_div(N, divisor))
    assert found.subs(N, value) == -(-value // divisor)
    assert not found.atoms(sympy.ceiling)


def test_spelling_does_not_matter() -> None:
    # (n - 1)/2 rounded down, plus 1, twice, is n/4 rounded up.
    once = floor_div(N - 1, 2) + 1
    assert floor_div(once - 1, 2) == floor_div(N - 1, 4)
    assert floor_div(2 * N + 1, 4) == floor_div(N, 2)
    assert floor_div(32 * N, 2) == 16 * N


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_the_largest_leaves_out_only_what_is_never_the_largest(
    coefficients: list[tuple[int, int, int]],
) -> None:
    several = [a * N * M + b * N + c for a, b, c in coefficients]
    found = sympy.sympify(largest_of(several))
    for n, m in ((1, 1), (1, 9), (7, 2)):
        at = {N: n, M: m}
        assert found.subs(at) == max(sympy.sympify(value).subs(at) for value in several)


def test_one_that_is_no_less_in_any_term_is_the_largest() -> None:
    assert largest_expression([3 * N, 3 * N + 1, 2 * N]) == 3 * N + 1
    assert len(largest_expression([3 * N, 4 * M, N + M]).args) == 3
    assert largest_of([]) == 0
    assert largest_of([3, 7, 5]) == 7


def test_a_sum_of_whole_numbers_is_a_fraction_of_them() -> None:
    assert linear(sympy.sympify(N) / 2 + sympy.Rational(1, 3)) == ({N: 3}, 2, 6)
    assert linear(sympy.Symbol("x", positive=True) / 2) is None


@given(
    a=st.integers(-3, 3), b=st.integers(-3, 3), constant=st.integers(-6, 6), by=st.integers(1, 4)
)
def test_what_is_certainly_no_less_is_no_less_anywhere(
    a: int, b: int, constant: int, by: int
) -> None:
    value = a * N + b * sympy.Mod(M, by) + constant
    everywhere = all(
        sympy.sympify(value).subs({N: n, M: m}) >= 0 for n in (1, 2, 50) for m in range(1, 9)
    )
    assert is_certainly_no_less(value, 0) == everywhere


def test_many_remainders_are_left_undecided() -> None:
    few, many = sympy.Mod(N, 15), sympy.Mod(N, 2000)
    assert is_certainly_no_less(14 - few, 0)
    assert is_certainly_no_less(many, 0)
    assert not is_certainly_no_less(1999 - many, 0)


@given(slope=st.integers(-5, 5), constant=st.integers(-9, 9), by=st.integers(1, 5))
def test_a_floor_of_a_remainder_by_2_needs_no_floor(slope: int, constant: int, by: int) -> None:
    found = sympy.sympify(floor_div(slope * sympy.Mod(N, 2) + constant, by))
    assert not found.atoms(sympy.floor)
    assert [found.subs(N, n) for n in (1, 2)] == [(slope + constant) // by, constant // by]
