"""Arrays of floats whose answers are those of exact fractions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import QuantityError
from archcalc.quantity.conditions import Diverged, splitting
from archcalc.quantity.integer_array import IntegerArray
from archcalc.quantity.real_array import RealArray
from archcalc.spec.values import exact_value

decimals = st.integers(-500, 500).map(lambda n: n / 100)
thirds = st.integers(-30, 30).map(lambda n: n / 3)
floats = st.one_of(decimals, thirds, st.floats(-4, 4).filter(lambda x: abs(x) > 1e-6))
several = st.lists(floats, min_size=2, max_size=6)

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: Fraction(a) / b if isinstance(b, (int, Fraction)) else a / b,
    "//": operator.floordiv,
    "%": operator.mod,
    "min": lambda a, b: RealArray.min(a, b) if isinstance(b, RealArray) else min(a, b),
    "max": lambda a, b: RealArray.max(a, b) if isinstance(b, RealArray) else max(a, b),
}
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _array(values: list[float]) -> RealArray:
    return RealArray.of(np.array(values), exact_value)


def _exact(array: RealArray | IntegerArray) -> list[Any]:
    if isinstance(array, IntegerArray):
        return list(array.elements.tolist())
    return [array.at((index,)) for index in range(len(array.floats))]


@pytest.mark.parametrize("sign", ARITHMETIC)
@given(several, several)
def test_arithmetic_is_that_of_fractions_and_floats_lie_within_their_bound(
    sign: str, a: list[float], b: list[float]
) -> None:
    size = min(len(a), len(b))
    pairs = [(exact_value(x), exact_value(y)) for x, y in zip(a, b, strict=False)]
    if sign in "/ // %" and not all(y for _, y in pairs):
        with pytest.raises(ZeroDivisionError):
            ARITHMETIC[sign](_array(a[:size]), _array(b[:size]))
        return
    found = ARITHMETIC[sign](_array(a[:size]), _array(b[:size]))
    expected = [ARITHMETIC[sign](x, y) for x, y in pairs]
    assert _exact(found) == expected
    if isinstance(found, RealArray):
        for near, exact in zip(found.floats.tolist(), expected, strict=True):
            assert abs(Fraction(near) - exact) <= Fraction(found.error)
            assert abs(near) <= found.largest


@given(several, st.sampled_from([1, 3, 7, 10, 100, 1000]))
def test_rounding_is_that_of_fractions(values: list[float], factor: int) -> None:
    array = _array(values) * factor
    exact = [exact_value(value) * factor for value in values]
    assert array.floor().elements.tolist() == list(map(math.floor, exact))
    assert array.ceil().elements.tolist() == list(map(math.ceil, exact))


@given(st.lists(floats, min_size=4, max_size=14), st.sampled_from([1, 3, 7, 10, 100, 1000]))
def test_rounding_part_by_part_is_the_same(values: list[float], factor: int) -> None:
    """As of arrays that do not fit in the cache; also the bounds, and along more than one axis."""
    values = values[: len(values) // 2 * 2]
    array = RealArray.of(np.array(values).reshape(2, -1), exact_value) * factor
    exact = [math.floor(exact_value(value) * factor) for value in values]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("archcalc.quantity.real_array._AT_ONCE", 3)
        found = array.floor()
    assert found.elements.ravel().tolist() == exact
    assert (found.low, found.high) == (min(exact), max(exact))


@pytest.mark.parametrize("sign", COMPARISONS)
@given(several, st.sampled_from([1, 3, 10]))
def test_comparisons_are_those_of_fractions(sign: str, values: list[float], factor: int) -> None:
    """0.1 + 0.2 is 0.3, and 3 * 0.1 too."""
    array, exact = _array(values), [exact_value(value) for value in values]
    summed = array + array * (factor - 1)
    found = COMPARISONS[sign](summed, array * factor)
    assert found.tolist() == [COMPARISONS[sign](0, 0)] * len(values)
    against = COMPARISONS[sign](array, exact[0])
    assert against.tolist() == [COMPARISONS[sign](value, exact[0]) for value in exact]


def test_whole_numbers_are_told_from_those_beside_them() -> None:
    array = _array([0.29, 0.57])
    assert (array * 100).whole() == IntegerArray([29, 57])
    assert (array * 10).whole() is None
    with splitting(in_full=False), pytest.raises(Diverged) as caught:
        (array * 100 - _array([0.0, 0.5])).whole()
    assert caught.value.groups.tolist() == [True, False]


def test_large_whole_numbers_keep_their_last_digit() -> None:
    large = [2**53 + 1, 2**60 + 1]
    assert (RealArray.of(IntegerArray(large)) + 0).whole() == IntegerArray(large)
    assert (RealArray.of(IntegerArray(large)) / 1).floor() == IntegerArray(large)


def test_what_passes_64_bits_is_looked_at_by_itself() -> None:
    with splitting(in_full=False), pytest.raises(Diverged) as caught:
        _array([1e18, 1.0]) * 100
    assert caught.value.groups.tolist() == [False, True]
    with pytest.raises(QuantityError):
        _array([1e18, 2e18]) * 100


def test_not_a_number_is_looked_at_by_itself() -> None:
    with splitting(in_full=False), pytest.raises(Diverged):
        _array([1.0, math.nan])
