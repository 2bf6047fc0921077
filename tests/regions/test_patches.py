"""Patches, against sets of single values."""

from __future__ import annotations

from itertools import product
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from archcalc import FeatureMap
from archcalc.regions.bits import members
from archcalc.regions.patches import Patch, around, flat, together, unflattened, values_in

Values = set[tuple[int, ...]]
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def values(patches: list[Patch]) -> Values:
    return {
        value
        for patch in patches
        for value in product(*map(members, (patch.channels, *patch.positions)))
    }


def drawn(data: st.DataObject, shape: tuple[int, ...]) -> list[Patch]:
    sets = [st.integers(0, 2**size - 1) for size in shape]
    patches = st.tuples(*sets).map(lambda bits: Patch(bits[0], bits[1:]))
    return data.draw(st.lists(patches, min_size=1, max_size=6))


@given(shapes, st.data())
def test_fewer_patches_hold_the_same_values(shape: tuple[int, ...], data: st.DataObject) -> None:
    patches = drawn(data, shape)
    fewer = together(patches)
    assert values(fewer) == values(patches)
    assert len(fewer) <= len(patches)
    assert all(patch.values for patch in fewer)
    assert values_in(patches) == values_in(fewer) == len(values(patches))
    assert values(patches) <= values([around(patches)])


@given(shapes, st.data())
def test_values_are_counted_channels_slowest(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = FeatureMap(shape[0], shape[1:])
    order = {value: n for n, value in enumerate(product(*map(range, shape)))}
    for patch in drawn(data, shape):
        numbers = flat(patch, x)
        assert set(members(numbers)) == {order[value] for value in values([patch])}
        assert values(unflattened(numbers, x)) == values([patch])
    some = data.draw(st.sets(st.integers(0, prod(shape) - 1)))
    found = values(unflattened(sum(1 << n for n in some), x))
    assert {order[value] for value in found} == some
