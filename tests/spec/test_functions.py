"""Functions in expressions: those that all specs have, and those of a spec's own."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from archcalc.quantity.integer_array import as_quantity
from archcalc.quantity.real_array import RealArray
from archcalc.spec.expression import parse
from tests.spec_texts import analysis_of

# Exact in floats as well, so that Python's own arithmetic is a judge.
EIGHTHS = st.integers(-4000, 4000).map(lambda n: Fraction(n, 8))
POSITIVE = st.integers(1, 4000).map(lambda n: Fraction(n, 8))


def value_of(text: str, **values: Any) -> Any:
    return parse(text).evaluate(values)


def divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """`_make_divisible` of torchvision.models, as it stands there."""
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


@given(POSITIVE, st.integers(1, 64), st.none() | st.integers(1, 64))
def test_widths_are_made_divisible_as_in_torchvision(
    v: Fraction, by: int, least: int | None
) -> None:
    named = {} if least is None else {"least": least}
    text = (
        "make_divisible(v, by)"
        if least is None
        else "make_divisible(v, min_value=least, divisor=by)"
    )
    assert value_of(text, v=v, by=by, **named) == divisible(float(v), by, least)
    assert value_of("make_divisible(v)", v=v) == divisible(float(v), 8)


@given(EIGHTHS)
def test_rounding_is_pythons(x: Fraction) -> None:
    assert value_of("round(x)", x=x) == round(x)
    assert value_of("round_half_up(x)", x=x) == math.floor(x + Fraction(1, 2))
    assert value_of("ceil_div(x, 3)", x=x) == math.ceil(x / 3)
    assert value_of("clamp(x, -9, 9)", x=x) == min(max(x, -9), 9)


@pytest.mark.parametrize(
    "text",
    ["round(x/8)", "round_half_up(x/8)", "ceil_div(x, 3)", "clamp(x, 3, 9)", "make_divisible(x/3)"],
)
def test_symbols_and_arrays_are_rounded_as_numbers_are(text: str) -> None:
    numbers = [*range(1, 200)]
    expected = [value_of(text, x=x) for x in numbers]
    symbol = sympy.Symbol("x", integer=True, positive=True)
    formula = sympy.sympify(value_of(text, x=symbol))
    assert [formula.subs(symbol, x) for x in numbers] == expected
    found = value_of(text, x=as_quantity(np.array(numbers)))
    whole: Any = found.whole() if isinstance(found, RealArray) else found
    assert whole.elements.tolist() == expected


@given(POSITIVE, st.integers(1, 50))
def test_roots_and_logarithms_are_exact_where_they_can_be(x: Fraction, n: int) -> None:
    assert value_of("sqrt(x*x)", x=x) == x
    assert value_of("sqrt(x)", x=x) == Fraction(math.sqrt(x))
    assert value_of("log2(2**n)", n=n) == n
    assert value_of("log(3**n, 3)", n=n % 30) == n % 30
    assert value_of("log(1/4**n, 4)", n=n % 20) == -(n % 20)
    assert value_of("log(x)", x=x) == Fraction(math.log(x))


@given(st.lists(st.integers(-9, 9), max_size=9), st.integers(-9, 9))
def test_lists_are_made_as_python_makes_them(xs: list[int], n: int) -> None:
    known: dict[str, Any] = {"xs": xs, "n": n}
    for text in (
        "[x*n for x in xs]",
        "[x for x in xs if x > n]",
        "[x + i for i, x in zip(range(9), xs) if i != n if x != n]",
        "[[x, y] for x, y in zip(xs, xs[1:])]",
        "sum(x*x for x in xs)",
        "len([x for x in xs[1:n]])",
        "[sum([y for y in xs if y < x]) for x in xs]",
        "[n for n in xs]",
        "range(n, 9, 2)",
    ):
        expected = eval(text, dict(known)) if "range(n" not in text else [*range(n, 9, 2)]
        if text.startswith("[[x"):
            expected = [[*pair] for pair in expected]
        assert value_of(text, **known) == expected


def test_the_widths_of_a_regnet_follow_from_four_numbers() -> None:
    text = """\
name: regnet_y_400mf
input: [3, 8, 8]
parameters: {depth: 16, w_0: 48, w_a: 27.89, w_m: 2.09}
functions:
  quantized: {parameters: [u], value: "round(w_0*w_m**round(log(u/w_0)/log(w_m))/8)*8"}
let:
  ws: "[quantized(w_0 + i*w_a) for i in range(depth)]"
  widths: "[w for i, w in zip(range(depth), ws) if i == 0 or w != ws[i-1]]"
  depths: "[sum(1 for w in ws if w == width) for width in widths]"
layers:
  - repeat: len(widths)
    index: s
    layers: [repeat: "depths[s]", layers: [conv: {channels: "widths[s]", kernel: 1}]]
""".replace(
        '[repeat: "depths[s]", layers: [conv: {channels: "widths[s]", kernel: 1}]]',
        '[{repeat: "depths[s]", layers: [{conv: {channels: "widths[s]", kernel: 1}}]}]',
    )
    found = [layer.output.channels for layer in analysis_of(text)]
    assert found == [48] + [104] * 3 + [208] * 6 + [440] * 6


# ----- of a spec's own -----

OWN = "name: t\ninput: [3, 8, 8]\nparameters: {alpha: 0.5}\n"


def channels(functions: str, value: str) -> Any:
    text = f'{OWN}functions:\n{functions}layers: [conv: {{channels: "{value}", kernel: 1}}]\n'
    return (
        analysis_of(text.replace("[conv", "[{conv").replace("1}]", "1}}]"))
        .layers[0]
        .output.channels
    )


def test_a_spec_has_functions_of_its_own() -> None:
    functions = """\
  half: {parameters: [v], value: ceil(v/2)}
  wide: {parameters: [v, by: 2, to: v*by], value: "half(to) + alpha*2"}
  seven: {value: 7}
  both: {parameters: {v: 3}, value: ["half(v)", 4]}
  make_divisible: {parameters: [v], value: make_divisible(v) + 1}
"""
    assert channels(functions, "half(5)") == 3
    assert channels(functions, "wide(5)") == 6
    assert channels(functions, "wide(5, to=3)") == 3
    assert channels(functions, "wide(by=1, v=9)") == 6
    assert channels(functions, "seven()") == 7
    assert channels(functions, "both()[0] + both(7)[1]") == 6
    assert channels(functions, "make_divisible(20)") == 25
    assert channels(functions, "half(in_channels)") == 2


@pytest.mark.parametrize(
    ("functions", "value", "fact"),
    [
        ("  f: {parameters: [v], value: f(v)}\n", "f(1)", "5:31: unknown function 'f'"),
        ("  f: {value: g()}\n  g: {value: 1}\n", "f()", "5:14: unknown function 'g'"),
        ("  f: {parameters: [v], value: w}\n", "f(1)", "5:31: unknown parameter 'w'"),
        (
            "  f: {parameters: [v], value: in_channels}\n",
            "f(1)",
            "5:31: 'in_channels' is known where",
        ),
        ("  f: {parameters: [v], value: v}\n", "f()", "f needs `v`"),
        ("  f: {parameters: [v], value: v}\n", "f(1, 2)", "f takes v; 2 are given"),
        ("  f: {parameters: [v], value: v}\n", "g(1)", "unknown function 'g'"),
        ("  floor: {value: 1}\n", "1", "5:3: a function cannot be called 'floor', as one is"),
        ("  shape_of: {value: 1}\n", "1", "5:3: a function cannot be called 'shape_of', as one is"),
        ("  f: {parameters: [v]}\n", "1", "5:3: function 'f' needs `value`"),
        ("  f: {valu: 1}\n", "1", "function 'f' has no 'valu'; did you mean 'value'?"),
        ("  f: {parameters: [v], value: 1/v}\n", "f(0)", "'1/v' divides by zero"),
    ],
)
def test_a_function_that_is_wrong_is_said_to_be_so(functions: str, value: str, fact: str) -> None:
    with pytest.raises(SpecError) as raised:
        channels(functions, value)
    assert fact in str(raised.value)
