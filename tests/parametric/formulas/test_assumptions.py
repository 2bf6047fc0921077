"""What a formula may take for granted."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import permutations

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc import UsageError, symbol
from archcalc.parametric.formulas.assumptions import (
    Assumption,
    Replacement,
    read_assumption,
    replacements,
)
from archcalc.parametric.formulas.domains import COUNTS, Domain

H = symbol("H")
ALPHA = sympy.Symbol("alpha", positive=True)
SYMBOLS = {"H": H, "alpha": ALPHA, "depths[0]": symbol("depths[0]")}
DOMAINS = {"H": COUNTS, "alpha": Domain(least=Fraction(1, 100)), "depths[0]": COUNTS}


def _replacements(texts: Iterable[str]) -> list[Replacement]:
    return replacements([read_assumption(text) for text in texts], SYMBOLS, DOMAINS)


@pytest.mark.parametrize(
    ("text", "assumption"),
    [
        ("H%32==0", Assumption("H%32==0", "H", divisor=32)),
        (" H % 32 == 5", Assumption("H % 32 == 5", "H", divisor=32, rest=5)),
        ("32*alpha%1==0", Assumption("32*alpha%1==0", "alpha", Fraction(32), 1)),
        ("alpha*32 % 1 == 0", Assumption("alpha*32 % 1 == 0", "alpha", Fraction(32), 1)),
        ("alpha>=0.25", Assumption("alpha>=0.25", "alpha", least=Fraction(1, 4))),
        ("alpha/2 >= 1/4", Assumption("alpha/2 >= 1/4", "alpha", least=Fraction(1, 2))),
        ("depths[0] >= 3", Assumption("depths[0] >= 3", "depths[0]", least=Fraction(3))),
    ],
)
def test_an_assumption_is_read(text: str, assumption: Assumption) -> None:
    found = read_assumption(text)
    assert found._replace(factor=Fraction(1)) == assumption._replace(factor=Fraction(1))
    assert assumption.least is not None or found.factor == assumption.factor


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("H %", 4),
        ("H = 3", 3),
        ("H % 32", 1),
        ("H % 32 == 40", 11),
        ("H > 3", 1),
        ("(H + 1) % 2 == 0", 2),
        ("H*W % 2 == 0", 1),
        ("H % 2.5 == 0", 5),
        ("H >= -3", 6),
        ("H >= 0", 6),
        ("H >= 1e9", 6),
        ("__import__('os').system('x')", 1),
        ("", 1),
    ],
)
def test_what_is_none_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(UsageError, match=rf": column {column}: expected a form such as H%32==0"):
        read_assumption(text)


def test_equal_sizes_are_a_matter_of_the_input() -> None:
    with pytest.raises(UsageError, match="make sizes equal in the input, CHANNELSxHxH"):
        read_assumption("W == H")


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 100 are read"):
        read_assumption("H" * 1000)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["H%32==0"], [32, 64, 96]),
        (["H%32==5"], [5, 37, 69]),
        (["H>=7"], [7, 8, 9]),
        (["H%4==1", "H>=6"], [9, 13, 17]),
        (["H%4==0", "H%6==0"], [12, 24, 36]),
        (["H%4==1", "H%6==3", "H>=10"], [21, 33, 45]),
        (["2*H%3==0"], [3, 6, 9]),
        (["H%32==0", "H>=33"], [64, 96, 128]),
        (["alpha>=0.25", "32*alpha%1==0"], [Fraction(8, 32), Fraction(9, 32), Fraction(10, 32)]),
    ],
)
def test_a_replacement_goes_through_the_values_that_are_left(
    texts: list[str], values: list[Fraction]
) -> None:
    (found,) = _replacements(texts)
    start = 1 if found.inner.is_positive else 0
    reached = [found.expression.subs(found.inner, start + n) for n in range(3)]
    assert reached == [
        sympy.Rational(Fraction(v).numerator, Fraction(v).denominator) for v in values
    ]
    assert sympy.simplify(found.expression.subs(found.inner, found.back)) == found.symbol


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["W%2==0"], "assume: W%2==0: 'W' is not free; free are H, alpha, depths[0]"),
        (["H%2==0", "H%2==1"], "assume: no H satisfies H%2==0 and H%2==1"),
        (["H%4==1", "H>=64", "H%6==2"], "assume: no H satisfies H%4==1 and H%6==2"),
        (["2*H%4==1"], "assume: no H satisfies 2*H%4==1"),
        (["H>=64", "H>=128"], "assume: H>=64 adds nothing to H>=128; leave it out"),
        (
            ["H%32==0", "H>=64", "H>=128"],
            "assume: H>=64 adds nothing to H%32==0, H>=128; leave it out",
        ),
        (["H%32==0", "H%8==0"], "assume: H%8==0 adds nothing to H%32==0; leave it out"),
        (["H%32==0", "H>=20"], "assume: H>=20 adds nothing to H%32==0; leave it out"),
        (
            ["H%32==0", "H % 32 == 0"],
            "assume: H % 32 == 0 adds nothing to H%32==0; leave it out",
        ),
        (["H>=1"], "assume: H>=1 holds in any case; leave it out"),
        (["alpha>=1/200"], "assume: alpha>=1/200 holds in any case; leave it out"),
        (["H%1==0", "W%2==0"], "assume: W%2==0: 'W' is not free; free are H, alpha, depths[0]"),
        (["H>=64", "depths[0]>=1"], "assume: depths[0]>=1 holds in any case; leave it out"),
    ],
)
@given(data=st.data())
def test_what_contradicts_or_says_nothing_is_refused_alike_in_any_order(
    texts: list[str], message: str, data: st.DataObject
) -> None:
    with pytest.raises(UsageError) as caught:
        _replacements(data.draw(st.permutations(texts)))
    assert str(caught.value) == message


ITEMS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([2, 3, 4, 6, 8]), st.integers(0, 7)).map(
            lambda item: f"H%{item[0]}=={item[1] % item[0]}"
        ),
        st.integers(1, 40).map("H>={}".format),
    ),
    min_size=1,
    max_size=4,
    unique=True,
)


@given(items=ITEMS, data=st.data())
def test_assumptions_say_what_all_of_them_say_in_any_order(
    items: list[str], data: st.DataObject
) -> None:
    """A brute force of the first 200 numbers judges."""

    def holding(texts: list[str]) -> list[int]:
        return [n for n in range(1, 200) if all(_holds(text, n) for text in texts)]

    order = data.draw(st.permutations(items))
    numbers = holding(items)
    is_redundant = any(holding([t for t in items if t != text]) == numbers for text in items)
    try:
        (found,) = _replacements(order)
    except UsageError as error:
        assert is_redundant or not numbers
        with pytest.raises(UsageError) as again:
            _replacements(items)
        assert str(again.value) == str(error)
        return
    assert not is_redundant
    start = 1 if found.inner.is_positive else 0
    reached = [int(found.expression.subs(found.inner, start + n)) for n in range(5)]
    assert reached == numbers[:5]


def _holds(text: str, n: int) -> bool:
    if ">=" in text:
        return n >= int(text.partition(">=")[2])
    divisor, rest = map(int, text.removeprefix("H%").split("=="))
    return n % divisor == rest


def test_a_network_refuses_them_alike_too() -> None:
    messages = set()
    for assume in permutations(["H%32==0", "H>=64", "H>=128"]):
        with pytest.raises(UsageError) as caught:
            archcalc.formula("vgg16", "macs", ["H"], assume=assume)
        messages.add(str(caught.value))
    assert messages == {"assume: H>=64 adds nothing to H%32==0, H>=128; leave it out"}
