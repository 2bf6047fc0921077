"""The pixels that a unit sees are those that it answers to, one by one, in torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from math import prod

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from archcalc import Analysis, FeatureMap, Graph, LayerAnalysis, LayerError, analyze
from archcalc.layers import Layer
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Add, Concat
from archcalc.layers.resampling import Pad
from archcalc.layers.reshaping import Flatten, Identity
from archcalc.layers.rolling import fills_borders
from archcalc.unit_field import UnitField, unit_field
from archcalc.unit_field import tracing as tracing_module
from archcalc.window import Reach
from tests.dependence import dependence, pixels_of
from tests.graphs import chain, entangled_graphs, graph, node, random_graphs
from tests.layers.examples import KINDS_WITH_RULES, LAYERS

MOST_PIXELS = 400  # values of the input: each is an image
UNITS = 3  # of each layer
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


def pixels(field: UnitField) -> set[tuple[int, ...]]:
    """All pixels of the patches."""
    assert field.patches is not None
    return set(field.positions())


def units(
    layer: LayerAnalysis, data: st.DataObject
) -> Iterator[tuple[tuple[int, ...], int | None]]:
    """Some units in the corners, at the borders and inside; all channels, or one."""
    sizes = [layer.output.shape[axis] for axis in layer.unit_axes]
    for _ in range(UNITS):
        place = [data.draw(_along_axis(n)) for n in sizes]
        channel = None if 0 in layer.unit_axes else data.draw(_channel(layer.output.channels))
        yield tuple(place), channel


@cache
def _along_axis(size: int) -> st.SearchStrategy[int]:
    return st.sampled_from([0, size - 1]) | st.integers(0, size - 1)


@cache
def _channel(channels: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, channels - 1)


def reached(values: Tensor, axes: Sequence[int], at: Sequence[int], channel: int | None) -> Tensor:
    """(pixels,): what a unit at a place along some axes depends on, of (pixels, C, n…)."""
    places = dict(zip(axes, at, strict=True))
    if channel is not None:
        places[0] = channel
    for axis in sorted(places, reverse=True):
        values = values.select(1 + axis, places[axis])
    return values.reshape(len(values), -1).any(1)


def check_units(graph: Graph, data: st.DataObject) -> list[bool]:
    """Every field of some units of each layer is what the units answer to; whether it is exact."""
    assume(prod(graph.input.shape) <= MOST_PIXELS)
    analysis, measured = analyze(graph), dependence(graph)
    exact = []
    filled = any(fills_borders(node.layer) for node in graph.nodes)
    for layer in analysis.layers:
        for at, channel in units(layer, data):
            field = unit_field(analysis, layer.name, at, channel=channel)
            answers = reached(measured[layer.name], layer.unit_axes, at, channel)
            wanted = pixels_of(answers, graph.input.shape)
            check_unit(field, wanted, in_box=not filled)
            exact.append(field.exact)
    return exact


def check_unit(field: UnitField, wanted: set[tuple[int, ...]], *, in_box: bool = True) -> None:
    """`wanted` is all that the unit depends on.

    Args:
        in_box: whether the field holds it; not where a border is a copy of pixels elsewhere.
    """
    where = (field.layer.name, field.unit, field.channel)
    found = pixels(field)
    assert found == wanted if field.exact else found >= wanted, where
    assert field.pixels == len(found), where
    for axis, interval in enumerate(field.in_image):
        along = [pixel[axis] for pixel in found]
        assert interval == ((min(along), max(along)) if along else None), where
        box = field.unbounded[axis]
        if (
            in_box and along and not isinstance(box, Reach)
        ):  # the layer's field may be larger, never smaller
            assert box is not None and box[0] <= min(along) and max(along) <= box[1], where


@given(random_graphs(most=12), st.data())
def test_the_pixels_of_random_graphs_are_torchs(graph: Graph, data: st.DataObject) -> None:
    check_units(graph, data)


@given(entangled_graphs(), st.data())
def test_the_pixels_of_entangled_graphs_are_torchs(graph: Graph, data: st.DataObject) -> None:
    check_units(graph, data)


@pytest.mark.parametrize(
    "kind", [kind for kind in LAYERS if kind in KINDS_WITH_RULES], ids=lambda kind: kind.kind
)
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_each_kind_reads_what_torch_reads(kind: type[Layer], data: st.DataObject) -> None:
    image = FeatureMap(data.draw(st.integers(1, 6)), data.draw(SIZES))
    before = [*([Flatten()] if data.draw(st.booleans()) else [])]
    x = FeatureMap(image.values) if before else image
    graph = chain(image, *before, data.draw(LAYERS[kind](x)))
    try:
        analyze(graph)
    except LayerError:
        assume(False)
    assert all(check_units(graph, data))


def test_a_rule_that_forgets_channels_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [
        node("narrow", Conv(channels=1, kernel=1)),
        node("wide", Conv(channels=1, kernel=5, padding=2)),
        node("concat", Concat(), "narrow", "wide"),
        node("mixed", Conv(channels=2, kernel=1), "concat"),
    ]
    spread = graph(FeatureMap(1, (9,)), nodes)
    wanted = pixels_of(reached(dependence(spread)["mixed"], (1,), (4,), 0), (1, 9))
    check_unit(unit_field(analyze(spread), "mixed", (4,), channel=0), wanted)
    monkeypatch.setattr(Conv, "channel_window", lambda layer, x: Reach.SAME)
    with pytest.raises(AssertionError):
        check_unit(unit_field(analyze(spread), "mixed", (4,), channel=0), wanted)


def test_what_takes_too_many_patches_is_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing_module, "MOST_PATCHES", 1)
    diagonal = two_diagonal_branches()
    field = unit_field(diagonal, "add", (4, 4))
    assert not field.exact
    assert pixels(field) == set(product((3, 4, 5), (3, 4, 5)))
    monkeypatch.undo()
    field = unit_field(diagonal, "add", (4, 4))
    assert field.exact
    assert pixels(field) == {(3, 4), (4, 4), (5, 4), (4, 3), (4, 5)}


def test_what_takes_too_long_is_bounded_by_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing_module, "MOST_WORK", 10)
    field = unit_field(two_diagonal_branches(), "add", (0, 4))
    assert (field.exact, field.patches) == (False, None)
    assert (field.in_image, field.pixels) == (((0, 1), (3, 5)), 6)


def test_behind_a_mirror_what_takes_too_long_is_bounded_by_the_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirrored = analyze(chain(FeatureMap(1, (9,)), Pad(sides=2, mode="reflect")))
    assert pixels(unit_field(mirrored, "pad0", (0,))) == {(2,)}
    monkeypatch.setattr(tracing_module, "MOST_WORK", 1)
    assert unit_field(mirrored, "pad0", (0,)).in_image == ((0, 8),)


def two_diagonal_branches() -> Analysis:
    """A column of three and a row of three, added up: a cross."""
    nodes = [
        node("image", Identity()),
        node("column", Conv(channels=1, kernel=(3, 1), padding=(1, 0)), "image"),
        node("row", Conv(channels=1, kernel=(1, 3), padding=(0, 1)), "image"),
        node("add", Add(), "column", "row"),
    ]
    return analyze(graph(FeatureMap(1, (9, 9)), nodes))
