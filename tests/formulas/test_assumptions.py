"""What a formula may take for granted."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

from archcalc import UsageError, symbol
from archcalc.formulas.assumptions import Assumption, read_assumption, replacements

H = symbol("H")
ALPHA = sympy.Symbol("alpha", positive=True)
SYMBOLS = {"H": H, "alpha": ALPHA, "depths[0]": symbol("depths[0]")}


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
    with pytest.raises(UsageError, match=rf": column {column}: expected such as H%32==0"):
        read_assumption(text)


def test_equal_sizes_are_a_matter_of_the_input() -> None:
    with pytest.raises(UsageError, match="--input CHANNELSxHxH makes sizes equal"):
        read_assumption("W == H")


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(UsageError, match="100 are the most"):
        read_assumption("H" * 1000)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["H%32==0"], [32, 64, 96]),
        (["H%32==5"], [5, 37, 69]),
        (["H>=7"], [7, 8, 9]),
        (["H%4==1", "H>=6"], [9, 13, 17]),
        (["alpha>=0.25", "32*alpha%1==0"], [Fraction(8, 32), Fraction(9, 32), Fraction(10, 32)]),
    ],
)
def test_a_replacement_goes_through_the_values_that_are_left(
    texts: list[str], values: list[Fraction]
) -> None:
    (found,) = replacements([read_assumption(text) for text in texts], SYMBOLS)
    start = 1 if found.inner.is_positive else 0
    reached = [found.expression.subs(found.inner, start + n) for n in range(3)]
    assert reached == [
        sympy.Rational(Fraction(v).numerator, Fraction(v).denominator) for v in values
    ]
    assert sympy.simplify(found.expression.subs(found.inner, found.back)) == found.symbol


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["W%2==0"], "'W' is not free"),
        (["H%2==0", "H%3==0"], "H%2==0 is assumed already"),
        (["H>=2", "H>=3"], "H>=2 is assumed already"),
        (["2*H%3==0"], "of a whole number, say H % …"),
    ],
)
def test_assumptions_that_do_not_go_together_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replacements([read_assumption(text) for text in texts], SYMBOLS)
