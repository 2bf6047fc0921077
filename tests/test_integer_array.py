"""Arrays of integers: every operation is exact, or raises."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import QuantityError
from archcalc.integer_array import IntegerArray, as_quantity
from archcalc.quantity import LARGEST_INT64

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}

int64 = st.integers(-LARGEST_INT64, LARGEST_INT64)
near_zero = st.integers(-9, 9)
numbers = near_zero | st.integers(-(2**33), 2**33) | int64
lists = st.lists(numbers, min_size=1, max_size=6)


def exact_or_refused(name: str, left: Any, right: Any, expected: list[int | None]) -> None:
    """left ∘ right is `expected`, or raises where that does not fit (None: nothing would)."""
    operation = OPERATIONS[name]
    if any(value is None or abs(value) > LARGEST_INT64 for value in expected):
        with pytest.raises(QuantityError):
            operation(left, right)
        return
    result = operation(left, right)
    assert result.elements.tolist() == expected
    assert result.elements.dtype == np.int64
    assert result.low <= min(v for v in expected if v is not None)
    assert result.high >= max(v for v in expected if v is not None)


def by_python(name: str, left: list[int], right: list[int]) -> list[int | None]:
    return [
        None if name == "//" and b == 0 else OPERATIONS[name](a, b)
        for a, b in zip(left, right, strict=True)
    ]


@pytest.mark.parametrize("name", OPERATIONS)
@given(values=lists, other=numbers)
def test_an_operation_with_an_int_is_exact_or_refused(
    name: str, values: list[int], other: int
) -> None:
    several = [other] * len(values)
    exact_or_refused(name, IntegerArray(values), other, by_python(name, values, several))
    exact_or_refused(name, other, IntegerArray(values), by_python(name, several, values))


@pytest.mark.parametrize("name", OPERATIONS)
@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6))
def test_an_operation_with_an_array_is_exact_or_refused(
    name: str, pairs: list[tuple[int, int]]
) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    expected = by_python(name, left, right)
    exact_or_refused(name, IntegerArray(left), IntegerArray(right), expected)
    exact_or_refused(name, np.array(left), IntegerArray(right), expected)
    exact_or_refused(name, IntegerArray(left), np.array(right), expected)


@given(values=lists, exponent=st.integers(0, 5))
def test_a_power_is_exact_or_refused(values: list[int], exponent: int) -> None:
    expected = [value**exponent for value in values]
    if any(abs(value) > LARGEST_INT64 for value in expected):
        with pytest.raises(QuantityError):
            IntegerArray(values) ** exponent
    else:
        assert (IntegerArray(values) ** exponent).elements.tolist() == expected


def test_numpy_alone_would_overflow_in_silence() -> None:
    wrapped = np.array([2**62]) * 4
    assert wrapped.tolist() == [0]
    with pytest.raises(AssertionError):
        exact_or_refused("*", FakeArray([2**62]), 4, [2**62])


class FakeArray:
    """What `exact_or_refused` would have to say no to."""

    def __init__(self, values: list[int]) -> None:
        self.elements = np.array(values)
        self.low = self.high = 0

    def __mul__(self, other: int) -> FakeArray:
        return FakeArray((self.elements * other).tolist())


def test_an_overflow_names_the_number_and_its_place() -> None:
    with pytest.raises(QuantityError) as raised:
        IntegerArray([1, 2**62]) * 4
    assert str(raised.value) == "18,446,744,073,709,551,616 at element 1 does not fit in 64 bits"


def test_bounds_that_are_too_wide_do_not_refuse_what_fits() -> None:
    a = IntegerArray([2**40, 1]) * IntegerArray([1, 2**40])
    assert a.elements.tolist() == [2**40, 2**40]


@given(pairs=st.lists(st.tuples(int64, int64), min_size=1, max_size=6))
def test_the_smaller_and_the_larger_are_taken_element_by_element(
    pairs: list[tuple[int, int]],
) -> None:
    left, right = IntegerArray([a for a, _ in pairs]), IntegerArray([b for _, b in pairs])
    assert IntegerArray.min(left, right).elements.tolist() == [min(pair) for pair in pairs]
    assert IntegerArray.max(left, right).elements.tolist() == [max(pair) for pair in pairs]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.5], "an array of float64, where whole numbers are wanted"),
        (["a"], "an array of <U1, where whole numbers are wanted"),
        ([True], "an array of bool, where whole numbers are wanted"),
        (np.array([2**63], dtype=np.uint64), "an element of the array passes 2**63 - 1"),
        (np.array([2**80], dtype=object), "an array of object, where whole numbers are wanted"),
    ],
)
def test_what_is_not_whole_numbers_is_refused(values: object, reason: str) -> None:
    with pytest.raises(QuantityError) as raised:
        IntegerArray(values)
    assert str(raised.value) == reason


@pytest.mark.parametrize("other", [0.5, "2", 2**80, None, True, Fraction(1, 2)])
def test_an_array_meets_whole_numbers_only(other: Any) -> None:
    with pytest.raises(QuantityError):
        IntegerArray([1]) + other


@pytest.mark.parametrize("exponent", [-1, 65, 0.5, "2"])
def test_an_exponent_is_a_small_whole_number(exponent: Any) -> None:
    with pytest.raises(QuantityError):
        IntegerArray([1]) ** exponent


def test_small_integer_types_are_widened_before_they_overflow() -> None:
    assert (IntegerArray(np.array([100], dtype=np.int8)) * 100).elements.tolist() == [10_000]


def test_an_array_looks_like_one() -> None:
    array = IntegerArray([[1, 2], [3, 4]])
    assert array.shape == (2, 2)
    assert len(array) == 2
    assert array[1, 0] == 3
    assert array[0] == IntegerArray([1, 2])
    assert (-array).elements.tolist() == [[-1, -2], [-3, -4]]
    assert np.asarray(array).sum() == 10
    assert repr(IntegerArray([1, 2])) == "IntegerArray(array([1, 2]))"


def test_equal_arrays_are_equal_as_a_whole() -> None:
    assert IntegerArray([1, 2]) == IntegerArray([1, 2])
    assert IntegerArray([1, 2]) != IntegerArray([1, 3])
    assert IntegerArray([1, 2]) != [1, 2]
    with pytest.raises(TypeError):
        hash(IntegerArray([1]))


def test_an_empty_array_has_bounds_too() -> None:
    empty = IntegerArray(np.array([], dtype=np.int64))
    assert (empty + 1).elements.tolist() == []


def test_a_numpy_scalar_becomes_an_int() -> None:
    assert type(as_quantity(np.int32(3))) is int
    assert as_quantity(np.array([3])) == IntegerArray([3])
