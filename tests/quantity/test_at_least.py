"""What is known in part stays so, whatever is computed from it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import UNKNOWN, AtLeast, is_open, known_part
from archcalc.quantity.integer_array import IntegerArray
from archcalc.quantity.traced import named

h: Any = sympy.Symbol("h", integer=True, positive=True)
quantities: st.SearchStrategy[Any] = st.one_of(
    st.integers(1, 50),
    st.sampled_from([h, 3 * h + 1]),
    st.lists(st.integers(1, 50), min_size=1, max_size=3).map(
        lambda each: IntegerArray(np.array(each * 2)[:3])
    ),
    st.integers(1, 50).map(lambda n: named("n", n)),
)


@pytest.mark.parametrize("operation", [operator.add, operator.mul])
@given(known=st.integers(0, 50), other=quantities)
def test_it_does_not_matter_on_which_side_it_stands(
    operation: Callable[[Any, Any], Any], known: int, other: Any
) -> None:
    bound = AtLeast(known, 2)
    for found in (operation(bound, other), operation(other, bound)):
        assert is_open(found)
        assert found.unknown == 2
        assert found.known == operation(known, other)


@given(st.lists(st.integers(0, 9) | st.just(UNKNOWN), max_size=6))
def test_a_sum_is_at_least_what_is_known_of_it(terms: list[Any]) -> None:
    found: Any = sum(terms)
    unknown = sum(map(is_open, terms))
    assert known_part(found) == sum(term for term in terms if type(term) is int)
    assert (found.unknown if is_open(found) else 0) == unknown


def test_what_is_known_is_taken_away_and_divided() -> None:
    assert AtLeast(9, 1) - 2 == AtLeast(7, 1)
    assert AtLeast(9, 1) // 2 == AtLeast(4, 1)
    assert UNKNOWN * 0 == 0 == 0 * UNKNOWN


@pytest.mark.parametrize(
    "computed",
    [
        lambda: 5 - UNKNOWN,
        lambda: UNKNOWN - UNKNOWN,
        lambda: UNKNOWN * UNKNOWN,
        lambda: UNKNOWN // UNKNOWN,
        lambda: 5 // UNKNOWN,
        lambda: UNKNOWN < 5,
        lambda: max(UNKNOWN, 5),
        lambda: int(UNKNOWN),
        lambda: f"{UNKNOWN:,}",
        lambda: h - UNKNOWN,
        lambda: IntegerArray(np.array([1, 2])) - UNKNOWN,
    ],
)
def test_what_no_bound_follows_from_is_refused(computed: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        computed()


def test_it_is_no_number_of_json() -> None:
    assert plain(UNKNOWN) is None
    assert plain([AtLeast(3, 1), 3]) == [None, 3]


def test_two_compare_as_they_are_known() -> None:
    assert AtLeast(3, 1) == AtLeast(3, 1) != AtLeast(3, 2)
    assert AtLeast(3, 1) != 3
    assert hash(AtLeast(3, 1)) == hash(AtLeast(3, 1))
    assert repr(AtLeast(3, 1)) == "at least 3"
    assert repr(UNKNOWN) == "unknown"
