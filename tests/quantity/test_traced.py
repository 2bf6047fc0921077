"""Integers that remember how they were reckoned."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.quantity.arithmetic import (
    ceil_div,
    certainly_one,
    largest,
    product,
    require_at_least,
    require_multiple,
    smallest,
)
from archcalc.quantity.traced import Constant, Leaf, Operation, Traced, evaluate, named, tree_of

NUMBERS = st.integers(-1000, 1000)
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "min": smallest,
    "max": largest,
}


@pytest.mark.parametrize("sign", OPERATIONS)
@given(a=NUMBERS, b=NUMBERS.filter(bool))
def test_the_number_is_the_int_and_the_tree_comes_to_it(sign: str, a: int, b: int) -> None:
    operation = OPERATIONS[sign]
    for x, y in ((named("a", a), named("b", b)), (named("a", a), b), (a, named("b", b))):
        found = operation(x, y)
        assert found == operation(a, b)
        assert isinstance(found, Traced)
        assert found.tree == Operation(sign, (tree_of(x), tree_of(y)))
        assert evaluate(found.tree) == found


@given(a=NUMBERS, exponent=st.integers(0, 5))
def test_powers_and_negatives_are_traced(a: int, exponent: int) -> None:
    found = -(named("a", a) ** exponent)
    assert found == -(a**exponent) == evaluate(found.tree)


def test_the_helpers_of_rules_take_them_for_the_ints_that_they_are() -> None:
    three = named("k", 3)
    assert evaluate(tree_of(product([three, 5]))) == 15
    assert evaluate(tree_of(ceil_div(three, 2))) == 2
    assert certainly_one(named("s", 1))
    require_at_least(three, 3, "never")
    require_multiple(named("C", 6), three, "never")


def test_a_plain_int_is_a_constant_and_a_name_a_leaf() -> None:
    assert tree_of(7) == Constant(7)
    assert tree_of(named("n", 7)) == Leaf("n", 7)


def test_what_is_no_int_is_refused() -> None:
    with pytest.raises(TypeError):
        named("n", 7) + "8"  # type: ignore[operator]  # which is what it is about


def test_a_wrong_tree_comes_to_another_number() -> None:
    assert evaluate(Operation("+", (Leaf("n", 7), Constant(2)))) == 9
    assert evaluate(Operation("-", (Leaf("n", 7), Constant(2)))) != 9
