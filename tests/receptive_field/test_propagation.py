"""Receptive fields against their definition: what a unit sees, tap by tap."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.quantity.arithmetic import symbol
from archcalc.receptive_field.field import (
    PIXEL,
    AxisField,
    Field,
    Interval,
    ListedPhases,
    PhasedField,
)
from archcalc.receptive_field.propagation import field_after, field_of_join
from archcalc.window import (
    AdaptiveWindow,
    AxisWindow,
    InterpolatedWindow,
    Reach,
    TransposedWindow,
    Window,
)

UNITS = range(-13, 14)

Seen = Callable[[int], Interval]


def hull(intervals: list[Interval]) -> Interval:
    seen = [interval for interval in intervals if interval is not None]
    return (min(i[0] for i in seen), max(i[1] for i in seen)) if seen else None


def itself(unit: int) -> Interval:
    return unit, unit


def through(seen: Seen, window: AxisWindow) -> Seen:
    """What output units see, by the definition of the windows."""

    @cache
    def out(unit: int) -> Interval:
        if isinstance(window, AdaptiveWindow):
            n, m = window.size, window.outputs
            return hull([seen(at) for at in range(floor(unit * n / m), ceil((unit + 1) * n / m))])
        if isinstance(window, InterpolatedWindow):
            place = Fraction(window.step * unit + window.start, window.parts)
            if place.denominator == 1 or window.taps == 1:
                return seen(floor(place))
            sides = range(window.taps // 2)
            return hull([seen(at) for n in sides for at in (floor(place) - n, ceil(place) + n)])
        if isinstance(window, Window):
            start = unit * window.stride - window.before
            return hull([seen(start + window.dilation * tap) for tap in range(window.kernel)])
        assert isinstance(window, TransposedWindow)
        reached = [unit + window.before - window.dilation * tap for tap in range(window.kernel)]
        return hull([seen(at // window.stride) for at in reached if at % window.stride == 0])

    return out


windows = st.builds(
    Window, st.integers(1, 5), st.integers(1, 3), st.integers(-2, 3), st.just(0), st.integers(1, 3)
)
spreads = st.builds(
    TransposedWindow, st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3)
) | st.builds(TransposedWindow.linear, st.integers(1, 4))
adaptive = st.builds(AdaptiveWindow, st.integers(1, 13), st.integers(1, 8))
places = st.builds(
    InterpolatedWindow,
    st.integers(1, 9),
    st.integers(1, 7),
    st.integers(-6, 6),
    st.sampled_from([1, 2, 4]),
)
chains = st.lists(windows | spreads | adaptive | places, max_size=5)


def walk(chain: list[AxisWindow]) -> tuple[AxisField, Seen]:
    field: AxisField = PIXEL
    seen: Seen = itself
    for window in chain:
        field, seen = field_after(field, window), through(seen, window)
    return field, seen


@given(chains)
def test_every_unit_of_a_chain_sees_what_the_definition_says(
    chain: list[AxisWindow],
) -> None:
    field, seen = walk(chain)
    assert not isinstance(field, Reach)
    assert [field.of_unit(unit) for unit in UNITS] == [seen(unit) for unit in UNITS]


@given(chains, chains)
def test_every_unit_of_a_join_sees_what_its_branches_see(
    left: list[AxisWindow], right: list[AxisWindow]
) -> None:
    (a, seen_a), (b, seen_b) = walk(left), walk(right)
    joined = field_of_join([a, b])
    assert not isinstance(a, Reach)
    assert not isinstance(b, Reach)
    if a.jump != b.jump:
        assert joined is Reach.MISALIGNED
        return
    assert not isinstance(joined, Reach)
    for unit in UNITS:
        assert joined.of_unit(unit) == hull([seen_a(unit), seen_b(unit)])


@given(chains)
def test_the_size_is_the_largest_over_all_units(chain: list[AxisWindow]) -> None:
    field, seen = walk(chain)
    assert not isinstance(field, Reach)
    period = field.period if isinstance(field, PhasedField) else 1
    intervals = [seen(unit) for unit in range(period)]
    assert field.size == max((i[1] - i[0] + 1 for i in intervals if i is not None), default=0)


def either(a: Seen, b: Seen) -> Seen:
    return lambda unit: hull([a(unit), b(unit)])


class Level(NamedTuple):
    """A level of a U: what it slides over its map, and how the level below it is reached."""

    before: Window
    factor: int
    linear: bool
    after: Window
    skip: bool


odd = st.sampled_from([1, 3, 5]).map(lambda kernel: Window(kernel, 1, kernel // 2, kernel // 2))
levels = st.builds(Level, odd, st.integers(2, 4), st.booleans(), odd, st.booleans())


def u_net(levels: list[Level], field: AxisField, seen: Seen) -> tuple[AxisField, Seen]:
    """What the units see at the end of a U, by the rule and by the definition."""
    if not levels:
        return field, seen
    level, *deeper = levels

    def step(at: tuple[AxisField, Seen], window: AxisWindow) -> tuple[AxisField, Seen]:
        return field_after(at[0], window), through(at[1], window)

    top = step((field, seen), level.before)
    down = step(top, Window(level.factor, level.factor))
    spread = (
        TransposedWindow.linear(level.factor)
        if level.linear
        else TransposedWindow(level.factor, level.factor)
    )
    up_field, up_seen = step(u_net(deeper, *down), spread)
    if level.skip:
        up_field, up_seen = field_of_join([top[0], up_field]), either(top[1], up_seen)
    return step((up_field, up_seen), level.after)


@given(st.lists(levels, max_size=4))
def test_every_phase_of_a_u_net_sees_what_the_definition_says(levels: list[Level]) -> None:
    field, seen = u_net(levels, PIXEL, itself)
    assert not isinstance(field, Reach)
    period = field.period if isinstance(field, PhasedField) else 1
    intervals = [seen(unit) for unit in range(2 * period)]
    assert [field.of_unit(unit) for unit in range(2 * period)] == intervals
    assert field.size == max(i[1] - i[0] + 1 for i in intervals if i is not None)


def test_a_u_net_over_sound_has_4096_phases() -> None:
    # Wave-U-Net: 12 levels of 2, kernels of 15 on the way down and of 5 on the way up.
    level = Level(Window(15, 1, 7, 7), 2, True, Window(5, 1, 2, 2), True)
    field, seen = u_net([level] * 12, PIXEL, itself)
    assert isinstance(field, PhasedField)
    assert field.period == 4096
    intervals = [seen(unit) for unit in range(4096)]
    assert list(field.phases) == intervals
    assert field.size == max(i[1] - i[0] + 1 for i in intervals if i is not None)


@given(st.integers(1, 9))
def test_linear_interpolation_mixes_the_inputs_less_than_one_away(factor: int) -> None:
    field = field_after(PIXEL, TransposedWindow.linear(factor))
    assert not isinstance(field, Reach)
    for unit in UNITS:
        at = Fraction(2 * unit + 1 - factor, 2 * factor)
        near = [i for i in range(-20, 21) if abs(i - at) < 1]
        assert field.of_unit(unit) == (near[0], near[-1])


def test_three_3x3_convolutions_see_7_pixels() -> None:
    field: AxisField = PIXEL
    for _ in range(3):
        field = field_after(field, Window(3, 1, 1, 1))
    assert field == Field(-3, 3, 1)


def test_upsampling_halves_the_jump_and_pooling_doubles_it_again() -> None:
    up = field_after(PIXEL, TransposedWindow(2, 2))
    assert up == ListedPhases(((0, 0), (0, 0)), 1)
    assert isinstance(up, PhasedField)
    assert up.jump == Fraction(1, 2)
    assert field_after(up, Window(2, 2)) == PIXEL


def test_a_stride_that_passes_the_kernel_leaves_units_that_see_nothing() -> None:
    field = field_after(PIXEL, TransposedWindow(1, 3))
    assert isinstance(field, PhasedField)
    assert field.phases == ((0, 0), None, None)
    assert (field.size, field.offset) == (1, 0)


def test_branches_with_different_jumps_never_line_up() -> None:
    assert field_of_join([PIXEL, Field(0, 2, 2)]) is Reach.MISALIGNED
    # And it stays unknown from there on, unless all is seen anyway.
    assert field_after(Reach.MISALIGNED, Window(3)) is Reach.UNKNOWN
    assert field_of_join([Reach.MISALIGNED, PIXEL]) is Reach.UNKNOWN
    assert field_of_join([Reach.MISALIGNED, Reach.ALL]) is Reach.ALL


def test_a_free_size_beside_phases_leaves_open_who_sees_more() -> None:
    phased = field_after(field_after(PIXEL, Window(4, 4)), TransposedWindow(2, 2))
    n = symbol("n")
    assert field_of_join([phased, Field(n - 3, n + 3, 2)]) is Reach.UNKNOWN
    assert field_of_join([Field(n - 3, n + 3, 2), phased]) is Reach.UNKNOWN


def test_what_sees_everything_goes_on_seeing_everything() -> None:
    assert field_after(Reach.ALL, Window(3)) is Reach.ALL
    assert field_after(PIXEL, Reach.ALL) is Reach.ALL
    assert field_after(Reach.UNKNOWN, Reach.ALL) is Reach.ALL


@pytest.mark.parametrize("factor", [2**14 + 1, 10**9])
def test_too_many_phases_with_gaps_count_as_unknown_at_once(factor: int) -> None:
    assert field_after(PIXEL, TransposedWindow(factor - 1, factor)) is Reach.UNKNOWN


@pytest.mark.parametrize("factor", [4096, 10**9])
def test_any_number_of_phases_without_gaps_takes_a_few_numbers(factor: int) -> None:
    up = field_after(PIXEL, TransposedWindow(factor, factor))
    assert isinstance(up, PhasedField)
    assert (up.period, up.size, up.jump) == (factor, 1, Fraction(1, factor))
    wide = field_after(up, Window(3, 1, 1))
    assert isinstance(wide, PhasedField)
    assert (wide.size, wide.offset) == (2, -1)
    assert wide.of_unit(factor - 1) == (0, 1)
    assert field_after(up, Window(factor, factor)) == PIXEL


def test_a_mistake_in_the_jump_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "archcalc.receptive_field.propagation._slide",
        lambda field, window: Field(field.first, field.last + window.extent - 1, field.jump),
    )
    with pytest.raises(AssertionError):
        test_every_unit_of_a_chain_sees_what_the_definition_says()


def test_a_branch_of_a_u_net_that_was_dropped_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "archcalc.receptive_field.propagation.lowest", lambda several: (min(several),)
    )
    with pytest.raises(AssertionError):
        test_every_phase_of_a_u_net_sees_what_the_definition_says()


def test_an_adaptive_window_that_took_one_too_many_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one_more(window: AdaptiveWindow) -> Window:
        return Window(window.size + 1, window.size)

    monkeypatch.setattr(AdaptiveWindow, "slid", property(one_more))
    with pytest.raises(AssertionError):
        test_every_unit_of_a_chain_sees_what_the_definition_says()
