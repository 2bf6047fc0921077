"""What a sweep varies, as people write it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import UsageError
from archcalc.parametric.axes import Interval, read_axes, read_axis
from archcalc.parametric.choosing.space import Draws, settings_of
from archcalc.spec.settings import read_setting
from archcalc.spec.values import exact_value, own

READ: dict[str, list[Any]] = {
    "r=128,160": [128, 160],
    "r=2..5": [2, 3, 4, 5],
    "a=0.25:0.4:0.05": [Fraction(1, 4), Fraction(3, 10), Fraction(7, 20), Fraction(2, 5)],
    "a=0.25:1:0.5": [Fraction(1, 4), Fraction(3, 4)],
    "a=-1:1:1": [-1, 0, 1],
    "a=1e-1:.3:1e-1": [Fraction(1, 10), Fraction(1, 5), Fraction(3, 10)],
    "n=16:100:*2": [16, 32, 64],
    "n=1:2:*1.5": [1, Fraction(3, 2)],
    "n=1,4..6,0.5": [1, 4, 5, 6, Fraction(1, 2)],
    "strides=v1, slim": ["v1", "slim"],
    "b=true,false": [True, False],
    "depths=[2,2],[3,4]": [[2, 2], [3, 4]],
    "units=[[1,2],[3]],[]": [[[1, 2], [3]], []],
    "depths[2]=1,2": [1, 2],
    "a=0.30000000000000004": [Fraction("0.30000000000000004")],
    "a=0.3333333333333333,1": [Fraction("0.3333333333333333"), 1],
    "n=9223372036854775807,1": [9223372036854775807, 1],
}


def values(text: str, draws: Draws | None = None) -> list[Any]:
    (array,) = settings_of([read_axis(text)], draws).values()
    return [exact_value(own(element)) for element in array.ravel()]


@pytest.mark.parametrize("text", READ)
def test_values_are_read_exactly(text: str) -> None:
    found = values(text)
    assert found == READ[text]
    assert [type(value) for value in found] == [type(value) for value in READ[text]]


REFUSED = {
    "alpha": "'alpha' is not LABEL=VALUES",
    "=1": "'=1' is not LABEL=VALUES",
    "a=": "'a=' is not LABEL=VALUES",
    "a=1,,2": "a: a value is missing between commas",
    "a=1:2:0": "1:2:0 has no end; a step is above 0",
    "a=1:2:-1": "a step is above 0",
    "a=2:1:0.1": "a: 2:1:0.1 begins above its end",
    "a=5..3": "a: 5..3 begins above its end",
    "a=0.5..3": "0.5..3 is of whole numbers; steps are written 0.5:3:0.1",
    "a=1:8:*1": "1:8:*1 has no end",
    "a=0:8:*2": "0:8:*2 has no end; powers go up from above 0",
    "a=1:2:x": "'1:2:x' is no range",
    "a=1:2:3:4": "'1:2:3:4' is no range",
    "a=1...3": "'1...3' is no range",
    "a=1,1": "a: 1 is given twice",
    "a=0.5,0.50": "a: 0.5 is given twice",
    "a=1:2,3": "what is drawn of an interval stands in no list",
    "a=1:1": "1:1 is one number, and no interval",
    "a=0:1:log": "0:1:log begins at 0, which has no logarithm",
    "a=1_000": "a: '1_000' is a number in YAML 1.1",
    "a=0..9999999,x": "a: a list of 10,000,001 values; at most 1,000,000",
    "a=0.12345678901234567:1": "too many digits",
    "a=0.25:1": "a is an interval, which has no end of values; give it a step",
    "a=0:1e30:1": "settings are more than 10,000,000",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of([read_axis(text)], None)
    assert REFUSED[text] in str(caught.value)
    assert str(caught.value).startswith("over: ")


def test_two_axes_are_not_of_the_same() -> None:
    with pytest.raises(UsageError, match="over: a is given 2 times"):
        read_axes(["a=1,2", "a=3"])
    with pytest.raises(UsageError, match="depths is given as a whole, and"):
        read_axes(["depths=[1,2]", "depths[0]=3"])


def test_a_space_without_end_of_settings_says_how_many() -> None:
    axes = read_axes([f"a{n}=1..1000" for n in range(10)])
    with pytest.raises(UsageError, match=r"about 10\^30 settings are more than 10,000,000"):
        settings_of(axes, None)
    assert settings_of(axes, Draws(3))["a0"].shape == (3,)


decimals = st.decimals(-99, 99, places=3).map(str)


@given(decimals, decimals, st.decimals("0.001", 50, places=3).map(str))
def test_steps_are_what_a_spec_reads(low: str, high: str, step: str) -> None:
    if Fraction(low) > Fraction(high):
        low, high = high, low
    found = values(f"a={low}:{high}:{step}")
    count = (Fraction(high) - Fraction(low)) // Fraction(step) + 1
    assert found == [Fraction(low) + n * Fraction(step) for n in range(count)]


@given(
    st.sampled_from(["0.25:1", "-3:7.5", "0.001:1000:log", "1e-7:1:log", "2..36", "2..9:log"]),
    st.integers(0, 10**9),
    st.booleans(),
)
def test_what_is_drawn_can_be_written_down(range_: str, seed: int, latin: bool) -> None:
    axis = read_axis(f"a={range_}")
    (array,) = settings_of([axis], Draws(50, seed, latin)).values()
    low, high = (
        (axis.values.low, axis.values.high) if isinstance(axis.values, Interval) else (2, 36)
    )
    for element in array.tolist():
        exact = exact_value(element)
        assert low <= exact <= high
        assert read_setting(f"a={element!r}")[1] == exact
    assert (array == settings_of([axis], Draws(50, seed, latin))["a"]).all()


def test_more_draws_begin_with_the_same_ones() -> None:
    axes = read_axes(["a=0:1", "b=1..9"])
    few, many = settings_of(axes, Draws(100, 5)), settings_of(axes, Draws(100_000, 5))
    assert all((few[label] == many[label][:100]).all() for label in few)
    assert (many["a"][:65536] != many["a"][65536 : 2 * 65536][:1]).any()
    other = settings_of(axes, Draws(100, 6))
    assert (other["a"] != few["a"]).any()


@pytest.mark.parametrize("range_", ["0:1", "1:1000:log", "1..40"])
def test_a_latin_hypercube_draws_once_of_each_part(range_: str) -> None:
    (drawn,) = settings_of([read_axis(f"a={range_}")], Draws(40, 3, latin=True)).values()
    parts = {"0:1": drawn * 40, "1..40": drawn - 1}.get(range_)
    if parts is None:
        import numpy as np

        parts = np.log10(drawn) / 3 * 40
    assert sorted(parts.astype(int)) == [*range(40)]


def test_draws_are_uniform_or_log_uniform() -> None:
    """Of so many the share below the middle is within five standard deviations of a half."""
    for range_, middle in (("0:10", 5), ("0.01:100:log", 1), ("1..10", 5.5), ("1..8:log", 2.5)):
        (drawn,) = settings_of([read_axis(f"a={range_}")], Draws(40_000, 1)).values()
        share = float((drawn < middle).mean())
        # Of the whole numbers from 1 to 8 the first two have log(3) of log(9): a half.
        assert abs(share - 0.5) < 5 * 0.0025, range_
