"""Figures as printed: how they are read, and when a computed one agrees with them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims.printed import PrintedError, Verdict, parse_printed


@pytest.mark.parametrize(
    ("text", "number", "unit", "decimals", "relation"),
    [
        ("138M", 138, 10**6, 0, ""),
        ("60.2M", Fraction("60.2"), 10**6, 1, ""),
        ("~600K", 600, 1000, 0, "~"),
        ("1,072Ki", 1072, 1024, 0, ""),
        ("33%", 33, Fraction(1, 100), 0, ""),
        ("96MB", 96, 10**6, 0, ""),
        ("30.8MiB", Fraction("30.8"), 1024**2, 1, ""),
        ("<25M", 25, 10**6, 0, "<"),
        ("1728", 1728, 1, 0, ""),
        ("-3", -3, 1, 0, ""),
    ],
)
def test_a_figure_keeps_its_unit_and_precision(
    text: str, number: object, unit: object, decimals: int, relation: str
) -> None:
    printed = parse_printed(text)
    assert (printed.number, printed.unit) == (number, unit)
    assert (printed.decimals, printed.relation) == (decimals, relation)


def test_shapes_and_statements_are_figures_too() -> None:
    assert parse_printed("64x56x56").number == (64, 56, 56)
    assert parse_printed("true").number is True


@pytest.mark.parametrize("text", ["", "many", "138 million", "1.2.3M", "5 parsecs", "12XB", "M"])
def test_what_is_no_figure_is_refused(text: str) -> None:
    with pytest.raises(PrintedError, match="is not a figure"):
        parse_printed(text)


@pytest.mark.parametrize(
    ("text", "computed", "verdict"),
    [
        ("138M", 138_357_544, Verdict.AGREES),
        ("138.4M", 138_357_544, Verdict.AGREES),
        ("138.3M", 138_357_544, Verdict.TRUNCATED),
        ("139M", 138_357_544, Verdict.DIFFERS),
        ("290M", 290_675_200, Verdict.TRUNCATED),
        ("358M", 271_351_808, Verdict.DIFFERS),
        ("~600K", 589_824, Verdict.APPROXIMATELY),  # off by 1.7 %
        ("~600K", 500_000, Verdict.DIFFERS),  # off by 20 %
        ("~590K", 589_824, Verdict.AGREES),
        ("33%", Fraction(1, 3), Verdict.AGREES),
        ("<25M", 23_851_784, Verdict.AGREES),
        ("<23M", 23_851_784, Verdict.DIFFERS),
        ("2.5", Fraction(5, 2), Verdict.AGREES),
        ("112Ki", 114_688, Verdict.AGREES),
        ("112K", 114_688, Verdict.DIFFERS),  # 114.7K
        ("55x55x96", [96, 55, 55], Verdict.DIFFERS),
        ("96x55x55", [96, 55, 55], Verdict.AGREES),
        ("true", False, Verdict.DIFFERS),
    ],
)
def test_a_verdict_follows_the_printed_precision(
    text: str, computed: object, verdict: Verdict
) -> None:
    assert parse_printed(text).verdict(computed) is verdict


@pytest.mark.parametrize(("text", "computed"), [("3", [3]), ("3x3", 9), ("true", 1), ("3", True)])
def test_a_figure_of_another_sort_cannot_be_compared(text: str, computed: object) -> None:
    with pytest.raises(PrintedError, match="cannot be compared with"):
        parse_printed(text).verdict(computed)


@given(
    computed=st.integers(min_value=1, max_value=10**12), decimals=st.integers(0, 3),
    unit=st.sampled_from("KMG"),
)  # fmt: skip
def test_rounding_and_cutting_off_are_told_apart(computed: int, decimals: int, unit: str) -> None:
    scale = {"K": 10**3, "M": 10**6, "G": 10**9}[unit]
    step = Fraction(scale, 10**decimals)
    cut = computed // step
    for steps in (cut, cut + 1):
        # The digits without Fraction's own rounding: an integer with the point put in.
        digits = f"{steps:0{decimals + 1}d}"
        text = digits[: len(digits) - decimals] + ("." + digits[-decimals:] if decimals else "")
        distance = Fraction(computed) / step - steps
        verdict = parse_printed(text + unit).verdict(computed)
        if abs(distance) <= Fraction(1, 2):
            assert verdict is Verdict.AGREES
        else:
            assert verdict is (Verdict.TRUNCATED if distance > 0 else Verdict.DIFFERS)


def test_a_deviation_is_a_share_of_the_computed_figure() -> None:
    assert parse_printed("110").deviation(100) == Fraction(1, 10)
    assert parse_printed("3x3").deviation([3, 3]) is None
