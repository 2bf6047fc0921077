"""The helpers of rules: one meaning on ints, symbols and arrays."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import LayerError, symbol
from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    certainly_at_least,
    certainly_divides,
    certainly_equal,
    certainly_one,
    largest,
    normal,
    plain,
    product,
    require_at_least,
    require_equal,
    require_multiple,
    smallest,
)
from archcalc.quantity.conditions import is_array, is_symbol
from archcalc.quantity.integer_array import IntegerArray

N = symbol("n")

small = st.integers(-1000, 1000)
above_zero = st.integers(1, 1000)

TWO_ARGUMENTS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int, int], int]]] = {
    "smallest": (smallest, min),
    "largest": (largest, max),
    "ceil_div": (ceil_div, lambda a, b: -((-a) // b)),
}


def at(formula: Any, value: int) -> object:
    """A formula in n, evaluated."""
    return plain(formula.subs(N, value) if is_symbol(formula) else formula)


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
@given(a=small, b=above_zero)
def test_ints_are_reckoned_as_python_does(name: str, a: int, b: int) -> None:
    helper, truth = TWO_ARGUMENTS[name]
    result = helper(a, b)
    assert result == truth(a, b)
    assert type(result) is int


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
@given(shift=small, b=above_zero, n=above_zero)
def test_a_formula_evaluated_is_the_number(name: str, shift: int, b: int, n: int) -> None:
    helper, truth = TWO_ARGUMENTS[name]
    assert at(helper(N + shift, b), n) == truth(n + shift, b)
    assert at(helper(7 + shift, b), n) == truth(7 + shift, b)


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
@given(values=st.lists(small, min_size=1, max_size=9), b=above_zero)
def test_each_element_of_an_array_is_the_number(name: str, values: list[int], b: int) -> None:
    helper, truth = TWO_ARGUMENTS[name]
    assert plain(helper(IntegerArray(values), b)) == [truth(value, b) for value in values]


def test_the_product_of_nothing_is_one() -> None:
    assert product([]) == 1
    assert product([2, 3, 7]) == 42


def test_a_formula_that_came_out_as_a_number_is_an_int() -> None:
    n = symbol("n")
    three = 3 + n - n
    assert type(three) is not int
    assert type(normal(three)) is int
    assert normal(n) is n


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, 3),
        (True, True),
        (None, None),
        ("all", "all"),
        ((1, (2, 3)), [1, [2, 3]]),
        (Fraction(1, 2), "1/2"),
        (symbol("n") * 2, "2*n"),
        (symbol("n") - symbol("n") + 5, 5),
        (IntegerArray([1, 2]), [1, 2]),
    ],
)
def test_plain_has_only_what_json_knows(value: object, shown: object) -> None:
    assert plain(value) == shown


def test_what_is_undecided_is_not_certain() -> None:
    n, several = symbol("n"), IntegerArray([2, 4])
    assert certainly_divides(2, 4)
    assert not certainly_divides(2, 5)
    assert not certainly_divides(2, n)
    assert certainly_divides(7, 14 * n)
    assert not certainly_divides(7, 14 * n + 1)
    assert certainly_one(1)
    assert not certainly_one(n)
    assert certainly_at_least(3, 3)
    assert not certainly_at_least(2, 3)
    assert certainly_at_least(n, 1)
    assert not certainly_at_least(n, 2)
    assert certainly_equal(n, n)
    assert not certainly_equal(n, 3)
    assert is_array(several)
    assert not is_array(n)
    assert is_symbol(n)
    assert not is_symbol(3)


FAILS: list[tuple[str, Callable[[], None]]] = [
    ("int below", lambda: require_at_least(2, 3, "{} is too small", 2)),
    ("formula certainly below", lambda: require_at_least(-symbol("n"), 0, "below")),
    ("one element below", lambda: require_at_least(array(3, 2), 3, "below")),
    ("low is an array", lambda: require_at_least(2, array(1, 3), "below")),
    ("ints unequal", lambda: require_equal(2, 3, "unequal")),
    ("formulas certainly unequal", lambda: require_equal(symbol("n"), symbol("n") + 1, "unequal")),
    ("one element larger", lambda: require_equal(array(3, 3), array(3, 2), "unequal")),
    ("one element smaller", lambda: require_equal(array(3, 3), array(3, 4), "unequal")),
    ("not a multiple", lambda: require_multiple(7, 2, "odd")),
    ("a multiple of nothing", lambda: require_multiple(7, 0, "zero")),
    ("one element no multiple", lambda: require_multiple(array(4, 7), 2, "odd")),
]
PASSES: list[tuple[str, Callable[[], None]]] = [
    ("int at", lambda: require_at_least(3, 3, "below")),
    ("formula undecided", lambda: require_at_least(symbol("n"), 10, "below")),
    ("formula certainly above", lambda: require_at_least(symbol("n"), 1, "below")),
    ("all elements above", lambda: require_at_least(array(3, 4), 3, "below")),
    ("ints equal", lambda: require_equal(3, 3, "unequal")),
    ("formulas undecided", lambda: require_equal(symbol("n"), symbol("m"), "unequal")),
    ("spelled differently", lambda: require_equal(2 * (symbol("n") + 1), 2 * symbol("n") + 2, "")),
    ("arrays equal", lambda: require_equal(array(3, 4), array(3, 4), "unequal")),
    ("a multiple", lambda: require_multiple(8, 2, "odd")),
    ("a formula that may be one", lambda: require_multiple(symbol("n"), 2, "odd")),
]


def array(*values: int) -> Quantity:
    return IntegerArray(values)  # type: ignore[return-value]  # a quantity is an int to mypy


@pytest.mark.parametrize("check", [c for _, c in FAILS], ids=[name for name, _ in FAILS])
def test_what_is_certainly_wrong_is_refused(check: Callable[[], None]) -> None:
    with pytest.raises(LayerError):
        check()


@pytest.mark.parametrize("check", [c for _, c in PASSES], ids=[name for name, _ in PASSES])
def test_what_is_right_or_undecided_passes(check: Callable[[], None]) -> None:
    check()


def test_a_refusal_says_what_it_was_told_to() -> None:
    with pytest.raises(LayerError, match=r"^a stride of 0$"):
        require_at_least(0, 1, "a stride of {}", 0)
