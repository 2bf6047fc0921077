"""What is remembered while settings are split."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archcalc.quantity.conditions import _MOST_FOUND, found_once, splitting
from archcalc.quantity.integer_array import IntegerArray
from archcalc.spec.expression import parse

numbers = st.one_of(st.integers(-3, 40), st.fractions(max_denominator=8))


def test_the_same_array_comes_of_the_same_question_within_splitting_only() -> None:
    array = IntegerArray([1, 2, 3])
    with splitting(in_full=False):
        found = found_once(operator.mul, array, 7)
        assert found_once(operator.mul, array, 7) is found
        assert found_once(operator.mul, array, 8) is not found
        assert found_once(operator.add, array, 7) is not found
        assert found_once(operator.mul, IntegerArray([1, 2, 3]), 7) is not found
    assert found_once(operator.mul, array, 7) is not found


@given(st.lists(st.tuples(st.sampled_from([operator.mul, operator.add]), numbers), max_size=60))
def test_it_never_gives_what_was_asked_before(asked: list[tuple[Any, Any]]) -> None:
    """Also where arrays are gone, and others lie in their places: more than are remembered."""
    assert _MOST_FOUND < 60
    with splitting(in_full=False):
        for operation, number in asked:
            array = np.array([2, 5])  # a new one each time, with nothing that keeps it
            assert found_once(_at_each, operation, array, number) == _at_each(
                operation, array, number
            )


def _at_each(operation: Any, array: Any, number: Any) -> list[Any]:
    return [operation(Fraction(int(x)), number) for x in array]


def test_layers_of_the_same_width_have_one_array() -> None:
    width = parse("max(8, floor(alpha*c))")
    alpha = IntegerArray([8, 9])
    with splitting(in_full=False):
        found = [width.evaluate({"alpha": alpha, "c": c}) for c in (3, 5, 3)]
    assert found[0] is found[2]
    assert [one.elements.tolist() for one in found] == [[24, 27], [40, 45], [24, 27]]
