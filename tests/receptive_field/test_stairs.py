"""Functions that go up in steps, against their values number by number."""

from __future__ import annotations

from itertools import pairwise, permutations
from math import lcm

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.receptive_field import stairs as module
from archcalc.receptive_field.stairs import Stairs, highest, lowest, most_apart, stairs

NUMBERS = range(-40, 41)


def with_jump(numerator: int, denominator: int) -> st.SearchStrategy[Stairs]:
    """Stairs that go up by numerator / denominator on average."""
    return st.builds(
        lambda pixel, times, shift: stairs(pixel, numerator * times, shift, denominator * times),
        st.integers(-9, 9), st.integers(1, 7), st.integers(-20, 20),
    )  # fmt: skip


several = st.tuples(st.integers(1, 3), st.integers(1, 4)).flatmap(
    lambda jump: st.lists(with_jump(*jump), min_size=2, max_size=6)
)


@given(st.integers(-9, 9), st.integers(1, 9), st.integers(-30, 30), st.integers(1, 9))
def test_any_shift_is_brought_to_the_ground_floor(
    pixel: int, rise: int, shift: int, step: int
) -> None:
    found = stairs(pixel, rise, shift, step)
    assert 0 <= found.shift < step
    assert [found(u) for u in NUMBERS] == [pixel + rise * ((u + shift) // step) for u in NUMBERS]


@given(with_jump(1, 1), st.integers(-9, 9), st.integers(1, 7))
def test_spreading_divides_the_unit(of: Stairs, shift: int, factor: int) -> None:
    found = of.spread(shift, factor)
    assert [found(u) for u in NUMBERS] == [of((u + shift) // factor) for u in NUMBERS]


@given(with_jump(1, 2), st.integers(1, 9), st.integers(-9, 9))
def test_sliding_multiplies_the_unit(of: Stairs, stride: int, shift: int) -> None:
    found = of.slid(stride, shift)
    values = [of(stride * u + shift) for u in NUMBERS]
    if found is not None:
        assert [found(u) for u in NUMBERS] == values
    else:  # steps of two heights, or of two lengths
        ups = [(u, b - a) for u, (a, b) in enumerate(pairwise(values)) if a != b]
        heights, lengths = {up for _, up in ups}, {v - u for (u, _), (v, _) in pairwise(ups)}
        assert len(heights) > 1 or len(lengths) > 1


@given(several)
def test_two_are_furthest_apart_where_all_numbers_say(both: list[Stairs]) -> None:
    upper, lower, *_ = both
    period = lcm(upper.step, lower.step)
    unit = most_apart(upper, lower)
    assert upper(unit) - lower(unit) == max(upper(u) - lower(u) for u in range(period))


@given(several)
def test_what_is_left_out_is_never_lowest_nor_highest(found: list[Stairs]) -> None:
    low, high = lowest(found), highest(found)
    for u in NUMBERS:
        assert min(each(u) for each in low) == min(each(u) for each in found)
        assert max(each(u) for each in high) == max(each(u) for each in found)


@given(several)
def test_what_is_kept_is_undercut_by_no_other(found: list[Stairs]) -> None:
    for kept in (lowest(found), highest(found)):
        period = lcm(*(each.step for each in kept))
        for a, b in permutations(kept, 2):
            assert any(a(u) < b(u) for u in range(period))


def test_one_remainder_too_many_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = most_apart
    monkeypatch.setattr(f"{__name__}.most_apart", lambda upper, lower: right(upper, lower) + 1)
    with pytest.raises(AssertionError):
        test_two_are_furthest_apart_where_all_numbers_say()
    assert module.most_apart is right
