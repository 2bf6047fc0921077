"""Sets as bits, against Python's own sets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.regions import bits
from archcalc.regions.bits import NotFollowedError

numbers = st.sets(st.integers(0, 40))
steps = st.integers(1, 7)


def as_bits(numbers: set[int]) -> int:
    return sum(1 << number for number in numbers)


def as_set(found: int) -> set[int]:
    return set(bits.members(found))


@given(numbers, steps, st.integers(1, 9))
def test_numbers_are_spread_smeared_and_thinned(own: set[int], step: int, count: int) -> None:
    given_bits = as_bits(own)
    assert as_set(given_bits) == own
    assert as_set(bits.spread(given_bits, step)) == {n * step for n in own}
    smeared = {n + step * k for n in own for k in range(count)}
    assert as_set(bits.smeared(given_bits, count, step)) == smeared
    for start in range(step):
        thinned = {n // step for n in own if n % step == start}
        assert as_set(bits.thinned(given_bits, step, start)) == thinned


@given(numbers)
def test_runs_are_what_stands_together(own: set[int]) -> None:
    runs = bits.runs(as_bits(own))
    assert {n for first, last in runs for n in range(first, last + 1)} == own
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(runs))
    if own:
        assert bits.is_run(as_bits(own)) == (len(runs) == 1)


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_rows_and_columns_change_places(rows: int, columns: int, data: st.DataObject) -> None:
    own = data.draw(st.sets(st.integers(0, rows * columns - 1)))
    found = as_set(bits.interleaved(as_bits(own), rows, columns))
    assert found == {n % rows * columns + n // rows for n in own}


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_chunks_are_put_together_again(count: int, size: int, data: st.DataObject) -> None:
    own = data.draw(st.sets(st.integers(0, count * size - 1)))
    parts = bits.chunks(as_bits(own), count, size)
    again = 0
    for part, places in parts.items():
        assert part
        again |= bits.repeated(part, size, places)
    assert as_set(again) == own


def test_what_is_too_large_is_refused_at_once() -> None:
    with pytest.raises(NotFollowedError):
        bits.full(2**60)
    with pytest.raises(NotFollowedError):
        bits.spread(0b101, 2**60)
    with pytest.raises(NotFollowedError):
        bits.smeared(1, 2**60, 1)
