"""What windows read, and what they reach, tap by tap."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from archcalc.regions.bits import members
from archcalc.regions.reading import ChannelWindow, Groups, Interleaved, reached, read
from archcalc.window import AdaptiveWindow, InterpolatedWindow, Reach, TransposedWindow, Window

small = st.integers(1, 5)
few = st.integers(0, 4)
sizes = st.integers(1, 12)
outputs = st.sets(st.integers(0, 12), max_size=6)


def check(window: ChannelWindow, links: set[tuple[int, int]], own: set[int], size: int) -> None:
    """`links` are pairs of an output and an input that it reads."""
    found = read(window, sum(1 << n for n in own), size)
    assert set(members(found)) == {i for o, i in links if o in own and 0 <= i < size}


@given(small, small, few, few, small, sizes, outputs)
def test_sliding(k: int, s: int, p: int, a: int, d: int, size: int, own: set[int]) -> None:
    links = {(o, o * s - p + d * t) for o in range(13) for t in range(k)}
    check(Window(k, s, p, a, d), links, own, size)
    shifted = {(o, o * s + p + d * t) for o in range(13) for t in range(k)}
    check(Window(k, s, -p, -a, d), shifted, own, size)


@given(small, small, few, small, sizes, outputs)
def test_spreading(k: int, s: int, p: int, d: int, size: int, own: set[int]) -> None:
    links = {(i * s - p + d * t, i) for i in range(size) for t in range(k)}
    check(TransposedWindow(k, s, p, d), links, own, size)
    inputs = own & {*range(size)}
    back = reached(TransposedWindow(k, s, p, d), sum(1 << n for n in inputs), 99)
    assert set(members(back)) == {o for o, i in links if i in inputs and o >= 0}


@given(sizes, st.integers(1, 12), st.data())
def test_adapting(size: int, count: int, data: st.DataObject) -> None:
    own = data.draw(st.sets(st.integers(0, count - 1)))
    links = {
        (o, i) for o in range(count) for i in range(o * size // count, -(-(o + 1) * size // count))
    }
    check(AdaptiveWindow(size, count), links, own, size)


@given(sizes, sizes, st.integers(-6, 6), st.sampled_from([1, 2, 4]), sizes, outputs)
def test_interpolating(
    step: int, parts: int, start: int, taps: int, size: int, own: set[int]
) -> None:
    start *= taps > 1  # the nearest begins with the first
    links = set[tuple[int, int]]()
    for o in own:
        place = Fraction(step * o + start, parts)
        near = [i for i in range(-9, 200) if abs(i - place) < taps / 2]
        links |= {(o, i) for i in near} if place.denominator > 1 < taps else {(o, floor(place))}
    check(InterpolatedWindow(step, parts, start, taps), links, own, size)


@pytest.mark.parametrize(("n", "m"), [(26, 22), (14, 46), (9, 111), (13, 7)])
def test_the_nearest_is_found_as_torch_finds_it(n: int, m: int) -> None:
    places = F.interpolate(torch.arange(float(n)).view(1, 1, n), size=m).view(-1)
    window = InterpolatedWindow(n, m, 0, 1)
    assert [members(read(window, 1 << o, n)) for o in range(m)] == [[p] for p in places.int()]


@given(small, small, small, st.data())
def test_groups_and_shuffles_are_read_and_reached(
    a: int, b: int, groups: int, data: st.DataObject
) -> None:
    own = data.draw(st.sets(st.integers(0, a * groups - 1)))
    links = {(o, o // a * b + n) for o in range(a * groups) for n in range(b)}
    check(Groups(b, a), links, own, b * groups)
    mask = sum(1 << n for n in own)
    forth = reached(Groups(a, b), mask, b * groups)
    assert set(members(forth)) == {i for o, i in links if o in own}
    count = a * groups
    shuffled = {(o, o % groups * a + o // groups) for o in range(count)}
    check(Interleaved(groups), shuffled, own, count)
    back = reached(Interleaved(groups), mask, count)
    assert set(members(back)) == {o for o, i in shuffled if i in own}


def test_what_reaches_far_is_bounded() -> None:
    assert read(Window(10**12, 1, 5 * 10**11), 1, 4) == 0b1111
    assert read(Window(3, 10**12, 1), 1, 4) == 0b11
    assert read(Reach.ALL, 0, 4) == 0
