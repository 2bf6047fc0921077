"""Arrays of integers that refuse to overflow."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import QuantityError
from archcalc.quantity.arithmetic import LARGEST_INT64, largest, smallest
from archcalc.quantity.conditions import Diverged, splitting
from archcalc.quantity.integer_array import IntegerArray

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "min": smallest,
    "max": largest,
}
PYTHON = OPERATIONS | {"min": min, "max": max}
SMALL = st.integers(-1000, 1000)
LARGE = st.integers(-LARGEST_INT64, LARGEST_INT64)


@pytest.mark.parametrize("sign", OPERATIONS)
@given(data=st.data())
def test_each_element_is_the_operation_on_that_element(sign: str, data: st.DataObject) -> None:
    numbers = data.draw(st.sampled_from([SMALL, LARGE]))
    divisors = numbers.filter(bool) if sign in ("//", "%") else numbers
    pairs = data.draw(st.lists(st.tuples(numbers, divisors), min_size=1, max_size=5))
    left, right = IntegerArray([a for a, _ in pairs]), IntegerArray([b for _, b in pairs])
    one, other = pairs[0]
    for x, y, expected in (
        (left, right, [PYTHON[sign](a, b) for a, b in pairs]),
        (left, other, [PYTHON[sign](a, other) for a, _ in pairs]),
        (one, right, [PYTHON[sign](one, b) for _, b in pairs]),
    ):
        try:
            found = OPERATIONS[sign](x, y)
        except QuantityError:
            # `%` is computed by way of a product, which is the larger.
            assert sign == "%" or max(map(abs, expected)) > LARGEST_INT64
            continue
        assert found.elements.tolist() == expected
        assert all(found.low <= value <= found.high for value in expected)


def test_overflow_names_the_first_element_that_does_not_fit() -> None:
    with pytest.raises(QuantityError, match=r"18,446,744,073,709,551,614 at element 1 does not"):
        IntegerArray([1, LARGEST_INT64]) * 2
    assert (IntegerArray([1, LARGEST_INT64]) * 1).elements.tolist() == [1, LARGEST_INT64]


def test_bounds_that_leave_64_bits_are_looked_at_element_by_element() -> None:
    a, b = IntegerArray([1, 2**40]), IntegerArray([2**40, 1])
    assert (a * b).elements.tolist() == [2**40, 2**40]


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        IntegerArray([4, 6]) // IntegerArray([2, 0])
    with pytest.raises(ZeroDivisionError):
        7 // IntegerArray([0])
    with splitting(in_full=False), pytest.raises(Diverged) as caught:
        IntegerArray([4, 6]) // IntegerArray([2, 0])
    assert caught.value.groups.tolist() == [False, True]


@pytest.mark.parametrize("given", [[0.5], np.array([2**64 - 1], dtype=np.uint64)])
def test_what_is_no_array_of_64_bit_integers_is_refused(given: object) -> None:
    with pytest.raises(QuantityError):
        IntegerArray(given)
    with pytest.raises(QuantityError, match="which is not a 64-bit integer"):
        IntegerArray([1]) + 2**70


def test_powers_and_negatives() -> None:
    assert (IntegerArray([2, -3]) ** 3).elements.tolist() == [8, -27]
    assert (-IntegerArray([2, -3])).elements.tolist() == [-2, 3]
    with pytest.raises(QuantityError):
        IntegerArray([2]) ** -1


def test_to_the_power_of_nothing_it_keeps_its_shape() -> None:
    assert (IntegerArray([2, -3]) ** 0).elements.tolist() == [1, 1]


@pytest.mark.parametrize("sign", ["+", "-", "*", "//"])
def test_numpy_arrays_leave_the_operators_to_it(sign: str) -> None:
    plain, array = np.array([7, -9]), IntegerArray([2, 4])
    expected = [OPERATIONS[sign](7, 2), OPERATIONS[sign](-9, 4)]
    assert OPERATIONS[sign](plain, array).elements.tolist() == expected
    assert OPERATIONS[sign](IntegerArray(plain), np.array([2, 4])).elements.tolist() == expected


@given(st.lists(st.integers(-9, 9), min_size=1), st.integers(-9, 9))
def test_extremes_are_those_of_the_elements(values: list[int], other: int) -> None:
    array = IntegerArray(values)
    assert array.max(other).elements.tolist() == [max(value, other) for value in values]
    assert array.min(other).elements.tolist() == [min(value, other) for value in values]
    assert array.max(np.array([other])).shape == array.shape


@pytest.mark.parametrize("other", [0.5, "2", None, True])
def test_an_array_meets_whole_numbers_only(other: Any) -> None:
    with pytest.raises(QuantityError):
        IntegerArray([1]) + other


def test_small_integer_types_are_widened_before_they_overflow() -> None:
    assert (IntegerArray(np.array([100], dtype=np.int8)) * 100).elements.tolist() == [10_000]


def test_equal_arrays_are_equal_as_a_whole() -> None:
    assert IntegerArray([1, 2]) == IntegerArray([1, 2])
    assert IntegerArray([1, 2]) != IntegerArray([1, 3])
    with pytest.raises(TypeError):
        hash(IntegerArray([1]))


def test_it_looks_like_an_array() -> None:
    array = IntegerArray([[1, 2], [3, 4]])
    assert (array.shape, len(array), array[1, 0]) == ((2, 2), 2, 3)
    assert array[0] == IntegerArray([1, 2])
    assert np.asarray(array).sum() == 10


def test_numpy_alone_would_overflow_in_silence() -> None:
    assert (np.array([2**62]) * 4).tolist() == [0]
