"""The field of a layer, followed channel by channel, is the box of its inner units."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import assume, given

from archcalc import FeatureMap, Graph, LayerError, analyze
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Add, Concat
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import GroupNorm
from archcalc.layers.rearranging import Rearrange
from archcalc.layers.resampling import PadChannels
from archcalc.layers.reshaping import ChannelShuffle, ChannelSlice, ChannelSplit, Flatten
from archcalc.layers.upsampling import Upsample
from archcalc.quantity.arithmetic import Quantity, symbol
from archcalc.quantity.integer_array import IntegerArray
from archcalc.receptive_field import by_channel
from archcalc.receptive_field.field import Field, PhasedField
from archcalc.unit_field import path_sizes, unit_field
from archcalc.window import Reach
from tests.graphs import entangled_graphs, graph, node, sliding_graphs

MOST_PIXELS = 20_000


def behind_two_branches(*layers: Layer, channels: int = 1) -> Graph:
    """Channels that see 1 pixel, as many that see 5, and then the layers."""
    nodes = [
        node("narrow", Conv(channels=channels, kernel=1)),
        node("wide", Conv(channels=channels, kernel=5, padding=2)),
        node("concat", Concat(), "narrow", "wide"),
    ]
    for number, layer in enumerate(layers):
        nodes.append(node(f"{layer.kind}{number}", layer, nodes[-1].name))
    return graph(FeatureMap(1, (9,)), nodes)


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([ChannelSlice(stop=1)], 1),
        ([ChannelSlice(start=1, stop=2)], 5),
        ([ReLU(), ChannelSplit(parts=2, part=0), ReLU()], 1),
        ([Conv(channels=4, kernel=3, padding=1, groups=2), ChannelSlice(stop=2)], 3),
        ([Conv(channels=4, kernel=3, padding=1, groups=2), ChannelSlice(start=1, stop=3)], 7),
        ([Conv(channels=4, kernel=1), ChannelSlice(stop=1)], 5),
    ],
)
def test_only_the_channels_that_are_read_are_seen(layers: list[Layer], field: int) -> None:
    last = analyze(behind_two_branches(*layers)).layers[-1]
    assert last.receptive_field == (field,)


@pytest.mark.parametrize("length", [symbol("l"), IntegerArray([7, 9])])
def test_which_values_go_where_is_unknown_while_the_size_is_open(length: Quantity) -> None:
    layer = Rearrange(axes="(k c) l -> c (l k)", sizes=(("k", 2),))
    free = behind_two_branches(layer).with_input(FeatureMap(1, (length,)))
    assert analyze(free).layers[-1].receptive_field is None


def test_shuffled_channels_are_found_again() -> None:
    layers = (ChannelShuffle(groups=2), ChannelSplit(parts=2, part=0))
    both = analyze(behind_two_branches(*layers, channels=2)).layers[-1]
    assert both.receptive_field == (5,)
    one = analyze(behind_two_branches(*layers, ChannelSlice(stop=1), channels=2)).layers[-1]
    assert one.receptive_field == (1,)


def test_a_norm_hides_channels_and_the_local_field_does_not() -> None:
    layers = (GroupNorm(groups=1), ChannelSlice(stop=1))
    last = analyze(behind_two_branches(*layers)).layers[-1]
    assert (last.receptive_field, last.local_receptive_field) == ("all", (1,))


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([ChannelSlice(stop=2)], 0),
        ([ReLU(), Conv(channels=2, kernel=3, padding=1, groups=2), ChannelSlice(stop=1)], 0),
        ([ChannelSlice(start=1, stop=3)], 1),
        ([Conv(channels=1, kernel=1)], 5),
        ([], 5),
    ],
)
def test_channels_of_zeros_see_nothing(layers: list[Layer], field: int) -> None:
    analysis = analyze(behind_two_branches(PadChannels(before=2), *layers))
    last = analysis.layers[-1]
    assert last.receptive_field == last.local_receptive_field == (field,)
    assert path_sizes(analysis)[last.name].largest == (field,)
    seen = (4 - field // 2, 4 + field // 2) if field else None
    assert unit_field(analysis, last.name).in_image == (seen,)


def test_zeros_beside_a_branch_leave_its_field() -> None:
    nodes = [
        node("a", Conv(channels=1, kernel=5, padding=2)),
        node("zeros", PadChannels(after=1), "a"),
        node("b", Conv(channels=2, kernel=3, stride=1, padding=1)),
        node("sum", Add(), "zeros", "b"),
        node("slice", ChannelSlice(start=1, stop=2), "sum"),
    ]
    layers = {x.name: x for x in analyze(graph(FeatureMap(1, (9,)), nodes)).layers}
    assert layers["sum"].field == (Field(-2, 2, 1),)
    assert layers["slice"].field == (Field(-1, 1, 1),)


def test_single_paths_keep_to_their_channels() -> None:
    analysis = analyze(behind_two_branches(ChannelSlice(stop=1)))
    paths = path_sizes(analysis)["channel_slice0"]
    assert (paths.smallest, paths.largest) == ((1,), (1,))


def test_which_channels_are_not_known_is_unknown() -> None:
    nodes = [
        node("narrow", Conv(channels=symbol("c"), kernel=1)),
        node("wide", Conv(channels=1, kernel=5, padding=2)),
        node("concat", Concat(), "narrow", "wide"),
        node("slice", ChannelSlice(stop=1), "concat"),
        node("mixed", Conv(channels=2, kernel=1), "concat"),
    ]
    free = graph(FeatureMap(1, (9,)), nodes)
    layers = {layer.name: layer for layer in analyze(free).layers}
    assert layers["concat"].field == (Field(-2, 2, 1),)
    assert layers["slice"].field == (Reach.UNKNOWN,)
    assert layers["mixed"].field == (Field(-2, 2, 1),)


def test_too_many_parts_are_unknown_and_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_channel, "MOST_PARTS", 1)
    last = analyze(behind_two_branches(ChannelSlice(stop=1))).layers[-1]
    assert last.field == (Reach.UNKNOWN,)


def test_features_that_are_moved_have_no_field_of_a_position() -> None:
    nodes = [
        node("flat", Flatten()),
        node("first", ChannelSplit(parts=2, part=0), "flat"),
        node("second", ChannelSplit(parts=2, part=1), "flat"),
        node("add", Add(), "first", "second"),
        node("concat", Concat(), "second", "first"),
        node("same", Add(), "flat", "flat"),
        node("all", Linear(features=2), "add"),
    ]
    layers = {x.name: x for x in analyze(graph(FeatureMap(1, (16,)), nodes)).layers}
    assert layers["second"].field == (Field(8, 8, 1),)  # of one channel they stand in order
    assert layers["add"].field == (Field(0, 8, 1),)
    assert layers["concat"].field == (Reach.UNKNOWN,)
    layers = {x.name: x for x in analyze(graph(FeatureMap(2, (8,)), nodes)).layers}
    assert layers["add"].field == (Field(0, 0, 1),)  # of two channels
    assert layers["all"].field == (Reach.ALL,)
    layers = {x.name: x for x in analyze(graph(FeatureMap(3, (8,)), nodes)).layers}
    assert layers["same"].field == (Field(0, 0, 1),)
    for name in ("first", "second", "add", "concat"):
        assert layers[name].field == (Reach.UNKNOWN,), name


def check_inner_units(network: Graph) -> None:
    """On a large image, a unit in the middle of each layer sees the box that its field says.

    But for those behind a layer that makes few units of any image: none of them is far from a
    border.
    """
    few: set[str] = set()
    for one in network.nodes:
        given = vars(one.layer).get("size" if isinstance(one.layer, Upsample) else "output")
        if given is not None or few.intersection(one.inputs):
            few.add(one.name)
    largest, step = 1, 1
    for layer in analyze(network).layers:
        for axis in layer.field:
            if isinstance(axis, (Field, PhasedField)):
                largest = max(largest, axis.size)
                step = max(step, axis.jump if isinstance(axis, Field) else axis.advance)
    sizes = tuple([n + 3 * largest + 8 * int(step) for n in network.input.sizes])
    assume(prod(sizes) <= MOST_PIXELS)
    try:
        analysis = analyze(network.with_input(FeatureMap(network.input.channels, sizes)))
    except LayerError:
        assume(False)
    for layer in analysis.layers:
        middle = unit_field(analysis, layer.name)
        if not middle.exact or not layer.output.sizes or layer.name in few:
            continue
        for axis, box, found in zip(layer.field, middle.unbounded, middle.in_image, strict=True):
            if isinstance(axis, (Field, PhasedField)) and axis.jump:
                assert found == box, layer.name


@given(sliding_graphs())
def test_inner_units_of_sliding_windows_see_the_field(network: Graph) -> None:
    check_inner_units(network)


@given(entangled_graphs())
def test_inner_units_of_entangled_graphs_see_the_field(network: Graph) -> None:
    check_inner_units(network)
