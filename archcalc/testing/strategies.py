"""What strategies for layers are made of: maps, measures along the axes, padding, divisors.

Every option is to be drawn, along 0 to 3 spatial axes, and now and then a value that a layer has
to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer, pooling
from archcalc.layers.layer import Axes, Padding
from archcalc.record import Record

LARGEST_SIZE = {0: 0, 1: 12, 2: 9, 3: 6}  # by the number of axes: small maps make quick tests

T = TypeVar("T")


class Example(Record):
    """A layer and the shapes of its inputs.

    Attributes:
        pool: for a max unpool, the pool that it undoes,
        pooled: and the map that this one took in.
    """

    layer: Layer
    inputs: tuple[FeatureMap, ...]
    pool: pooling.MaxPool | None = None
    pooled: FeatureMap | None = None


def examples_of(
    layers: Callable[[FeatureMap], st.SearchStrategy[Layer]],
    inputs: st.SearchStrategy[FeatureMap] | None = None,
) -> st.SearchStrategy[Example]:
    """Examples of a kind with one input: `layers` draws a layer for a map, `inputs` the maps."""
    drawn = maps() if inputs is None else inputs
    return drawn.flatmap(lambda x: st.builds(Example, layers(x), st.just((x,))))


def mostly(usual: st.SearchStrategy[T], rare: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """`rare` one time in sixteen."""
    return st.integers(0, 15).flatmap(lambda n: rare if n == 15 else usual)


def number(low: int, high: int, wrong: int) -> st.SearchStrategy[int]:
    """From `low` to `high`; now and then `wrong`, which a layer has to refuse."""
    return mostly(st.integers(low, high), st.just(wrong))


def maps(low: int = 0, high: int = 3, channels: int = 8) -> st.SearchStrategy[FeatureMap]:
    """Maps of `low` to `high` spatial axes."""
    return st.integers(low, high).flatmap(
        lambda axes: st.builds(
            FeatureMap,
            st.integers(1, channels),
            st.tuples(*[st.integers(1, LARGEST_SIZE[axes])] * axes),
        )
    )


def spatial_maps(channels: int = 8) -> st.SearchStrategy[FeatureMap]:
    """Maps for a layer that needs a spatial axis; now and then a vector, which has none."""
    return mostly(maps(1, 3, channels), maps(0, 0, channels))


def axes(value: st.SearchStrategy[int], x: FeatureMap) -> st.SearchStrategy[Axes]:
    """One value for all axes of `x`, or one for each."""
    if not x.sizes:
        return value
    return st.one_of(value, st.tuples(*[value] * len(x.sizes)))


def sides(most: int, x: FeatureMap, least: int = 0) -> st.SearchStrategy[Any]:
    """`least` to `most` for all sides of `x`, or for each axis, or for each side of each axis."""
    value = st.integers(least, most)
    pair = st.tuples(value, value)
    each: list[st.SearchStrategy[Any]] = [value, pair, st.one_of(value, pair)]
    return st.one_of(value, *[st.tuples(*[axis] * len(x.sizes)) for axis in each])


def paddings(most: int, x: FeatureMap) -> st.SearchStrategy[Padding]:
    """Every form of padding; now and then -1."""
    words = st.sampled_from(["same", "valid"])
    return mostly(st.one_of(sides(most, x), words), st.just(-1))


def divisors(value: int) -> st.SearchStrategy[int]:
    """A divisor of `value`; now and then a number that may not be one."""
    found = [n for n in range(1, value + 1) if value % n == 0]
    return mostly(st.sampled_from(found), st.integers(0, 5))


def multiples(value: int, most: int) -> st.SearchStrategy[int]:
    """1 to `most` times `value`; now and then a number that may not be a multiple."""
    return mostly(st.integers(1, most).map(lambda n: n * value), st.integers(0, 5))


def pool_paddings(kernel: Axes, x: FeatureMap) -> st.SearchStrategy[tuple[Padding, bool]]:
    """A padding, and whether to round up, for which the two sides have to be alike.

    Unlike sides stay within half a window: torch, which has no such padding, cannot judge them.
    """
    alike = st.tuples(axes(number(0, 2, wrong=-1), x), st.booleans())
    most = (min(kernel) if isinstance(kernel, tuple) else kernel) // 2
    return st.one_of(alike, st.tuples(paddings(most, x), st.just(False)))
