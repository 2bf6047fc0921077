"""Numbers as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import analyze, symbol
from archcalc.figures.figure import Unit
from archcalc.quantity.integer_array import IntegerArray
from archcalc.render.numbers import (
    binary_bytes,
    counted,
    exact,
    in_unit,
    per_axis,
    shape,
    share,
    short,
    short_bytes,
    things,
)
from archcalc.render.output import write
from archcalc.render.table import TableDocument


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (1, "1"),
        (999, "999"),
        (1000, "1.00K"),
        (1005, "1.00K"),
        (1006, "1.01K"),
        (9994, "9.99K"),
        (64000, "64.00K"),
        (999_990, "999.99K"),
        (999_994, "999.99K"),
        (999_996, "1.00M"),
        (999_999, "1.00M"),
        (1_000_000, "1.00M"),
        (138_357_544, "138.36M"),
        (15_470_264_320, "15.47G"),
        (10**12, "1.00T"),
        (10**15, "1.00P"),
        (10**18, "1.00E"),
        (999_999_999_999_999_999_999, "1000.00E"),
        (10**21, "1.00e+21"),
        (10**40, "1.00e+40"),
        (-1500, "-1.50K"),
        (symbol("h") * 2, "2*h"),
        (symbol("h") - symbol("h") + 1500, "1.50K"),
        (IntegerArray([1000, 2000]), "1,000 … 2,000"),
    ],
)
def test_a_count_is_shown_in_steps_of_1000(value: object, shown: str) -> None:
    assert short(value) == shown


@given(st.integers(0, 10**21 - 1))
def test_a_short_count_is_within_half_a_unit_of_its_last_digit(value: int) -> None:
    text = short(value)
    prefixes = "KMGTPE"
    step = prefixes.find(text[-1]) + 1
    number = Fraction(text.rstrip(prefixes)) * 1000**step
    # Floats round the scaled number once more, by less than a part in 10**15.
    assert abs(number - value) <= Fraction(1000**step, 200) * (1 + Fraction(1, 10**9)) * bool(step)
    assert len(text.rstrip(prefixes)) <= 7


def test_bytes_are_counts_of_bytes() -> None:
    assert short_bytes(12_845_056) == "12.85MB"
    assert short_bytes(40) == "40B"
    h, w = symbol("h"), symbol("w")
    assert short_bytes(4 * h * w) == "4*h*w B"
    assert short_bytes(4 * h * w + 36) == "(4*h*w + 36) B"
    assert short_bytes(h - h + 1500) == "1.50KB"
    assert short_bytes(IntegerArray([1000, 2000])) == "1,000 … 2,000 B"
    assert in_unit(12_845_056, Unit.BYTES, in_full=True) == "12,845,056"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (138_357_544, "138,357,544"),
        (0, "0"),
        (symbol("h") + 1, "h + 1"),
        (Fraction(1, 2), "1/2"),
        (IntegerArray([5, 1000]), "5 … 1,000"),
        ("all", "all"),
    ],
)
def test_an_exact_number_has_all_its_digits(value: object, shown: str) -> None:
    assert exact(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [((64, 224, 224), "64x224x224"), ((10,), "10"), ((3, 32 * symbol("h")), "3x32*h")],
)
def test_a_shape_has_an_x_between_its_sizes(value: object, shown: str) -> None:
    assert shape(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ((3, 3), "3"),
        ((1, 7), "1x7"),
        ((1, 7, 7), "1x7x7"),
        ((5,), "5"),
        ((), "-"),
        ("all", "all"),
        (None, "?"),
        ((None, 3), "?x3"),
        (("all", 3), "allx3"),
        ((Fraction(1, 2), Fraction(1, 2)), "1/2"),
        ((-3, -3), "-3"),
    ],
)
def test_figures_along_the_axes_are_shown_once_where_they_are_equal(
    value: object, shown: str
) -> None:
    assert per_axis(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 2, "50%"), (2, 3, "67%"), (0, 5, "0%"), (5, 0, ""), (symbol("h"), 5, "")],
)
def test_a_share_is_in_percent(part: object, whole: object, shown: str) -> None:
    assert share(part, whole) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.00KiB"),
        (1_088_636, "1.04MiB"),
        (2**30 - 1, "1.00GiB"),
        (17_172_529_643, "15.99GiB"),
        (3 * 2**70, "3,072.00EiB"),
    ],
)
def test_bytes_are_shown_in_steps_of_1024(value: int, shown: str) -> None:
    assert binary_bytes(value) == shown


def test_one_is_singular() -> None:
    assert [counted(n, "layer") for n in (0, 1, 2)] == ["no layers", "1 layer", "2 layers"]
    assert [things(n, "bias", "es") for n in (0, 1, 2)] == ["biases", "bias", "biases"]
    one = analyze(
        {"name": "one", "input": [1, 1, 1], "layers": [{"conv": {"channels": 1, "kernel": 1}}]}
    )
    text = write(TableDocument(one), "text")
    assert "params       2 = 1 weight + 1 bias, 8B" in text


def test_sizes_of_several_terms_stand_in_parentheses() -> None:
    h = symbol("h")
    assert shape((64, 2 * h + 1, h)) == "64x(2*h + 1)xh"
    assert per_axis((h + 1, 3)) == "(h + 1)x3"
    assert per_axis((h + 1, h + 1)) == "(h + 1)"
