"""The language of expressions: what it means, and what it does not have."""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import QuantityError, symbol
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.quantity.integer_array import IntegerArray
from archcalc.quantity.real_array import RealArray
from archcalc.spec.expression import parse, parse_with_symbols
from archcalc.spec.values import ExpressionError, truth_of

PARAMETERS: dict[str, Any] = {
    "width": 64,
    "alpha": Fraction(3, 4),
    "depths": [2, 2, 3],
    "mode": "same",
    "bias": True,
    "n": 5,
}


def value_of(text: str, **parameters: Any) -> Any:
    return parse(text).evaluate(PARAMETERS | parameters)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4*width", 256),
        ("width", 64),
        (" width + 1 ", 65),
        ("-width", -64),
        ("0.75", Fraction(3, 4)),
        ("7/2", Fraction(7, 2)),
        ("8/2", 4),
        ("7//2", 3),
        ("-7//2", -4),
        ("7 % 4", 3),
        ("2**10", 1024),
        ("2**-2", Fraction(1, 4)),
        ("1e3", 1000),
        ("1.5e-1", Fraction(3, 20)),
        ("alpha*width", 48),
        ("floor(0.3*width)", 19),
        ("ceil(0.3*width)", 20),
        ("floor(5)", 5),
        ("make_divisible(83)", 80),
        ("make_divisible(84, 8)", 88),
        ("make_divisible(18)", 24),  # 16 is less by more than a tenth
        ("make_divisible(1.4 * 24)", 32),
        ("make_divisible(2, 4)", 4),
        ("floor(-0.5)", -1),
        ("max(8, floor(width*alpha))", 48),
        ("max(8, floor(width*0.01))", 8),
        ("min(3, 1/2, 2)", Fraction(1, 2)),
        ("max(depths)", 3),
        ("min(depths)", 2),
        ("sum(depths)", 7),
        ("len(depths)", 3),
        ("depths[0]", 2),
        ("depths[-1]", 3),
        ("depths[n - 3]", 3),
        ("[1, width][1]", 64),
        ("(1, 2)[0]", 1),
        ("n > 1", True),
        ("n >= 6", False),
        ("n == 5", True),
        ("n != 5", False),
        ("mode == 'same'", True),
        ("mode == 5", False),
        ("depths == [2, 2, 3]", True),
        ("true", True),
        ("false", False),
        ("not bias", False),
        ("bias and n > 9", False),
        ("bias or missing", True),  # as everywhere, what decides is enough
        ("3 if bias else 4", 3),
        ("missing if n < 0 else 1", 1),
        ("'a' if bias else 'b'", "a"),
        ("[1, 2]", [1, 2]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
    ],
)
def test_an_expression_means_what_it_says(text: str, value: Any) -> None:
    result = value_of(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not an expression"),
        ("3 *", "'3 *' is not an expression"),
        ("3 4", "'3 4' is not an expression"),
        ("a b", "'a b' is not an expression"),
        ("lambda", "'lambda' is not an expression"),
        ("(" * 300, " is not an expression"),
        ("\0", " is not an expression"),
        ("x" * 401, "an expression of 401 characters; at most 400 are read"),
        ("().__class__", "uses what the language of expressions does not have"),
        ("n.bit_length()", "uses what the language of expressions does not have"),
        ("(lambda: 1)()", "uses what the language of expressions does not have"),
        ("{1: 2}", "uses what the language of expressions does not have"),
        ("f'{n}'", "uses what the language of expressions does not have"),
        ("(y := 3)", "uses what the language of expressions does not have"),
        ("depths[0:2:1]", "uses what the language of expressions does not have"),
        ("max(*depths)", "uses what the language of expressions does not have"),
        ("max(1, key=2)", "max takes no names"),
        ("n is 5", "uses what the language of expressions does not have"),
        ("[x for x in depths for y in depths]", "uses what the language of expressions does not"),
        ("{x for x in depths}", "uses what the language of expressions does not have"),
        ("[x for x[0] in depths]", "uses what the language of expressions does not have"),
        ("[*depths]", "uses what the language of expressions does not have"),
        ("max(*depths)", "uses what the language of expressions does not have"),
        ("round(**depths)", "uses what the language of expressions does not have"),
        ("f'{n}'", "uses what the language of expressions does not have"),
        ("max()", "max takes values; none given"),
        ("floor(1, 2)", "floor takes 1 value; 2 given"),
        ("range(1, 2, 3, 4)", "range takes 1 to 3 values; 4 given"),
        ("floor(value=1)", "floor takes no names"),
        ("1 in depths", "uses what the language of expressions does not have"),
        ("0 < n < 9", "uses what the language of expressions does not have"),
        ("n & 1", "uses what the language of expressions does not have"),
        ("n << 9", "uses what the language of expressions does not have"),
        ("~n", "uses what the language of expressions does not have"),
        ("None", "uses what the language of expressions does not have"),
        ("...", "uses what the language of expressions does not have"),
        ("1j", "uses what the language of expressions does not have"),
        ("b'x'", "uses what the language of expressions does not have"),
        ("1e99999999999", "1e99999999999 is out of range"),
        ("1e65", "1e65 is out of range"),
        ("99999999999999999999", "a number that does not fit in 64 bits"),
    ],
)
def test_a_text_that_is_no_expression_is_refused_before_it_is_evaluated(
    text: str, reason: str
) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1/0", "'1/0' divides by zero"),
        ("1 // (n - 5)", "'1 // (n - 5)' divides by zero"),
        ("1 % 0", "'1 % 0' divides by zero"),
        ("0**-1", "'0**-1' divides by zero"),
        ("widht", "unknown parameter 'widht'; did you mean 'width'?"),
        ("zzz", "unknown parameter 'zzz'; known: alpha, bias, depths, mode, n, width"),
        ("9**9**9", "an exponent of 387420489; whole numbers up to 64 work"),
        ("2**65", "an exponent of 65; whole numbers up to 64 work"),
        ("2**0.5", "an exponent of 1/2; whole numbers up to 64 work"),
        ("2**63", "a number that does not fit in 64 bits"),
        ("4*9223372036854775807", "a number that does not fit in 64 bits"),
        ("(alpha**64)**64", "a fraction whose parts do not fit in 1024 bits"),
        ("'a'*99", "'a' is not a number"),
        ("mode + 1", "'same' is not a number"),
        ("bias + 1", "'True' is not a number"),
        ("depths*1000", "'[2, 2, 3]' is not a number"),
        ("-mode", "'same' is not a number"),
        ("floor(mode)", "'same' is not a number"),
        ("max(mode)", "'s' is not a number"),
        ("len(n)", "'5' is not a list"),
        ("n[0]", "'5' is not a list"),
        ("mode[0]", "'same' is not a list"),
        ("depths[3]", "index 3 is outside a list of 3"),
        ("depths[-4]", "index -4 is outside a list of 3"),
        ("depths[1/2]", "'1/2' is not an index"),
        ("depths[bias]", "'True' is not an index"),
        ("not n", "'5' is neither true nor false"),
        ("n and bias", "'5' is neither true nor false"),
        ("1 if n else 2", "'5' is neither true nor false"),
        ("mode < 3", "'mode < 3' does not work on mode = same"),
        ("max(5)", "'max(5)' does not work on these values"),
        ("max([])", "'max([])' does not work on these values"),
        ("__import__('os')", "unknown function '__import__'"),
        ("open('/etc/passwd')", "unknown function 'open'; known: floor, ceil, min, max, len, sum"),
        ("eval('1')", "unknown function 'eval'"),
        ("flor(1.5)", "unknown function 'flor'; did you mean 'floor'?"),
        ("round()", "round needs `x`"),
        ("round(1, 2)", "round takes x; 2 are given"),
        ("make_divisible(9, divisr=4)", "has no 'divisr'; did you mean 'divisor'?"),
        ("make_divisible(9, v=4)", "make_divisible is given 'v' twice"),
        ("sqrt(-1)", "sqrt of -1, which is negative"),
        ("log(0)", "log of 0, which is not positive"),
        ("log(8, 1)", "log to the base 1"),
        ("range(10**6)", "a range of 1000000; at most 256 items are read"),
        ("range(1/2)", "range: expected a plain whole number, found '1/2'"),
        ("[a for a, b in [[1, 2, 3]]]", "3 items for a, b"),
        ("[a for a in n]", "'5' is not a list"),
        ("[a for a in depths if a]", "'2' is neither true nor false"),
        ("[[b for b in range(256)] for a in range(257)]", "a range of 257"),
        (
            "sum(sum(a*b for a in range(256)) for b in sum(range(2) for c in range(2)))",
            "not a number",
        ),
        (
            "sum(sum(sum(c for c in range(256)) for b in range(256)) for a in range(256))",
            "an expression that takes too long to evaluate",
        ),
        ("[depths] == [depths]", "lists of lists cannot be compared; their items can"),
        ("[[depths]]", "a list of lists of lists"),
    ],
)
def test_an_expression_that_fails_says_on_what(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        value_of(text)
    assert reason in str(raised.value)


def test_a_name_of_an_empty_environment_is_said_to_have_no_company() -> None:
    with pytest.raises(ExpressionError, match="there are no parameters here"):
        parse("n").evaluate({})


def test_an_expression_knows_what_it_mentions() -> None:
    assert parse("max(width, depths[n]) + floor(2)").names == {"width", "depths", "n"}


def test_what_goes_through_a_list_costs_more() -> None:
    assert parse("width").cost < parse("2*width + 1").cost < parse("sum(depths)").cost


OPERATORS: dict[str, Callable[[Fraction, Fraction], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
# An expression as nested (left, operator, right).
numbers = st.integers(-50, 50).map(str) | st.decimals(-9, 9, places=2).map(str)
trees = st.recursive(
    numbers, lambda inner: st.tuples(inner, st.sampled_from(sorted(OPERATORS)), inner)
)


def spelled(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    left, sign, right = tree
    return f"({spelled(left)} {sign} {spelled(right)})"


def computed(tree: Any) -> Fraction:
    if isinstance(tree, str):
        return Fraction(tree)
    left, sign, right = tree
    return Fraction(OPERATORS[sign](computed(left), computed(right)))


@given(trees)
def test_arithmetic_is_that_of_fractions(tree: Any) -> None:
    text = spelled(tree)
    try:
        expected = computed(tree)
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="divides by zero"):
            parse(text).evaluate({})
        return
    try:
        result = parse(text).evaluate({})
    except ExpressionError as error:
        assert "64 bits" in str(error)
    else:
        assert result == expected
        assert type(result) is (int if expected.denominator == 1 else Fraction)


# ----- symbols -----


def test_formulas_are_computed_with_too() -> None:
    h = symbol("h")
    assert parse("2*h + h").evaluate({"h": h}) == 3 * h
    assert parse("max(8, h)").evaluate({"h": 3 * h}) == parse("max(h, 8)").evaluate({"h": 3 * h})
    assert parse("floor(h/2)").evaluate({"h": 4 * h}) == 2 * h


def test_a_formula_that_came_out_as_a_number_is_an_int() -> None:
    assert type(parse("3 + h - h").evaluate({"h": symbol("h")})) is int


def test_a_comparison_of_formulas_is_a_condition_only_where_it_is_decided() -> None:
    assert truth_of(parse("h > 0").evaluate({"h": symbol("h")}))
    with pytest.raises(ExpressionError, match="'h > 3' is neither true nor false"):
        parse("1 if h > 3 else 2").evaluate({"h": symbol("h")})


@pytest.mark.parametrize(
    "text", ["h/0", "h/(h - h)", "h // 0", "h % 0", "(h - h)**-1", "h/0 - h/0"]
)
def test_a_formula_divides_by_zero_like_a_number(text: str) -> None:
    with pytest.raises(ExpressionError, match="divides by zero"):
        parse(text).evaluate({"h": symbol("h")})


def test_a_power_of_a_sum_is_refused_since_it_could_fill_the_memory() -> None:
    h = symbol("h")
    assert parse("h**3").evaluate({"h": h}) == h**3
    with pytest.raises(ExpressionError, match="only a single name has powers"):
        parse("(h + 1)**64").evaluate({"h": h})


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("32h", "32*h"),
        ("32h+16w", "32*h+16*w"),
        ("2*h", "2*h"),
        ("h2", "h2"),
        ("h", "h"),
        ("7", "7"),
        ("1e3", "1e3"),
        ("floor(3h/2)", "floor(3*h/2)"),
    ],
)
def test_a_number_may_stand_before_a_free_size(text: str, meaning: str) -> None:
    assert parse_with_symbols(text).text == meaning


# ----- arrays -----


def test_arrays_are_computed_element_by_element() -> None:
    several = {"a": IntegerArray([1, 2, 3]), "alpha": RealArray.of(np.array([0.25, 0.5, 1.0]))}
    assert parse("2*a + 1").evaluate(several) == IntegerArray([3, 5, 7])
    assert parse("max(2, a)").evaluate(several) == IntegerArray([2, 2, 3])
    assert parse("floor(alpha*10)").evaluate(several) == IntegerArray([2, 5, 10])
    assert parse("ceil(alpha*10)").evaluate(several) == IntegerArray([3, 5, 10])


def test_a_fraction_of_an_array_is_rounded_once() -> None:
    hundred = {"a": IntegerArray([100])}
    assert parse("floor(a*0.29)").evaluate(hundred) == IntegerArray([29])
    assert 100 * 0.29 < 29  # which two roundings would make 28


def test_an_array_that_overflows_says_so() -> None:
    with pytest.raises(QuantityError, match="64 bits"):
        parse("a*a").evaluate({"a": IntegerArray([LARGEST_INT64])})


PIECES = st.sampled_from(
    ["1", "0x1f", "1e5", ".5", "1.", "2_0", "a", "if", "else", "or", "and", "not", "in", "is",
     "for", " ", "\\d", "\\", "'a'", "'2nd'", '"b"', "(", ")", "[", "]", "==", "+", ",", "\t"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_python_never_warns_of_an_expression(text: str) -> None:
    """It would on stderr, of what the next version of it refuses."""
    parse.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with suppress(ExpressionError):
            parse(text)
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1or 2", "'1or 2' is not an expression: '1or' is neither a number nor a name"),
        ("n if 1else 2", "'1else' is neither a number nor a name"),
        ("0x1for n in m", "'0x1for' is neither a number nor a name"),
        ("a == '\\d'", "a backslash"),
    ],
)
def test_what_python_warns_of_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(message)):
        parse(text)


def test_a_text_may_begin_with_a_digit() -> None:
    assert parse("mode == '2nd'").evaluate({"mode": "2nd"}) is True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", 1000),
        ("0x1F", 31),
        ("1e3", 1000),
        ("1.5e-3", Fraction(3, 2000)),
        (".5", Fraction(1, 2)),
        ("1. + 2", 3),
    ],
)
def test_numbers_are_written_as_in_python(text: str, value: object) -> None:
    assert parse(text).evaluate({}) == value
