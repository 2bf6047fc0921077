"""What conditions say of a symbol, judged by trying numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc.parametric.formulas.exact import holds_at
from archcalc.parametric.formulas.ranges import Range, certain, is_of_one, simplest

SYMBOLS = [
    sympy.Symbol("n", integer=True, positive=True),
    sympy.Symbol("m", integer=True, nonnegative=True),
    sympy.Symbol("a", positive=True),
    sympy.Symbol("r", real=True),
]
KINDS = [sympy.Eq, sympy.Ne, sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge]
RATIONAL = st.fractions(-4, 4, max_denominator=3).map(
    lambda f: sympy.Rational(f.numerator, f.denominator)
)


def _numbers(symbol: Any) -> list[Fraction]:
    every = [Fraction(n, 12) for n in range(-80, 81)]
    return [
        n
        for n in every
        if (n.denominator == 1 or not symbol.is_integer)
        and (n > 0 or not symbol.is_positive)
        and (n >= 0 or not symbol.is_nonnegative)
    ]


@st.composite
def relations(draw: st.DrawFn, symbol: Any) -> Any:
    factor, constant, other = draw(RATIONAL), draw(RATIONAL), draw(RATIONAL)
    kind = draw(st.sampled_from(KINDS))
    return kind(factor * symbol + constant, other, evaluate=False)


@given(data=st.data(), symbol=st.sampled_from(SYMBOLS))
def test_the_simplest_relation_says_the_same(data: st.DataObject, symbol: Any) -> None:
    relation = data.draw(relations(symbol))
    found = simplest(relation)
    for number in _numbers(symbol):
        assert holds_at(found, {symbol: number}) == holds_at(relation, {symbol: number})


@given(data=st.data(), symbol=st.sampled_from(SYMBOLS))
def test_a_range_holds_the_numbers_for_which_all_relations_hold(
    data: st.DataObject, symbol: Any
) -> None:
    drawn = data.draw(st.lists(relations(symbol), min_size=1, max_size=4))
    known = [r for r in map(simplest, drawn) if is_of_one(r)]
    within = Range.of(symbol)
    for relation in known:
        within = within.where(relation)
    holding = [
        n for n in _numbers(symbol) if all(holds_at(r, {symbol: n}) for r in known)
    ]  # fmt: skip
    if within.is_empty:
        assert not holding
        return
    said = [*within.relations(symbol)]
    assert holding == [n for n in _numbers(symbol) if all(holds_at(r, {symbol: n}) for r in said)]


@given(data=st.data(), symbol=st.sampled_from(SYMBOLS))
def test_what_is_certain_of_floors_holds_all_over_or_nowhere(
    data: st.DataObject, symbol: Any
) -> None:
    rounded = data.draw(st.sampled_from([sympy.floor, sympy.ceiling]))
    inside, factor, beside, constant = (data.draw(RATIONAL) for _ in range(4))
    whole = rounded(inside * symbol, evaluate=False)
    kind = data.draw(st.sampled_from(KINDS))
    relation = kind(factor * whole, beside * symbol + constant, evaluate=False)
    answer = certain(relation, Range.of(symbol))
    if answer is not None:
        assert {holds_at(relation, {symbol: n}) for n in _numbers(symbol)} == {answer}


def test_a_floor_is_no_more_than_what_it_is_of() -> None:
    w = sympy.Symbol("w", positive=True)
    assert certain(sympy.floor(64 * w) < 128 * w, Range.of(w)) is True
    assert certain(sympy.Ne(sympy.floor(64 * w), 128 * w, evaluate=False), Range.of(w)) is True
    assert certain(sympy.Ge(sympy.floor(64 * w), 128 * w, evaluate=False), Range.of(w)) is False
    assert certain(sympy.floor(64 * w) < 64 * w, Range.of(w)) is None
