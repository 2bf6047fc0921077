"""A walk on free sizes, with numbers put in, is the walk on these numbers."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Analysis, FeatureMap, Graph, LayerError, Node, analyze, symbol
from archcalc.graph import INPUT
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Add, Average, Concat
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import GroupNorm
from archcalc.layers.pooling import AvgPool, MaxPool
from archcalc.layers.resampling import Crop
from archcalc.layers.slicing import Select, Slice
from archcalc.layers.upsampling import Upsample
from archcalc.memory_use.totals import activation_bytes
from archcalc.quantity.arithmetic import Quantity
from archcalc.receptive_field.field import Field
from archcalc.render.contract import to_contract
from archcalc.render.table import summary
from archcalc.window import Window
from tests.graphs import graph, node, random_graphs, sliding_graphs

SIZES = [symbol(name) for name in "dhw"]


def put_in(value: Any, sizes: dict[Any, int]) -> Any:
    """A quantity, or a tuple of them, with numbers for the sizes."""
    if isinstance(value, tuple):
        return tuple(put_in(part, sizes) for part in value)
    if not hasattr(value, "free_symbols"):
        return value
    found = sympy.sympify(value).subs(sizes)
    return int(found) if found.is_Integer else found


def at_free_sizes(network: Graph) -> tuple[Analysis, list[Quantity]]:
    """The network with a symbol for the size along each axis."""
    free = SIZES[: len(network.input.sizes)]
    return analyze(network.with_input(FeatureMap(network.input.channels, tuple(free)))), free


def at_numbers(network: Graph, sizes: tuple[int, ...]) -> Analysis | None:
    """The network at these sizes; None where there is none."""
    try:
        return analyze(network.with_input(FeatureMap(network.input.channels, sizes)))
    except LayerError:
        return None


def compare(free: Analysis, symbols: list[Quantity], numbers: Analysis) -> int:
    """Compares everything of each layer; returns how many fields are known on free sizes."""
    values = dict(zip(symbols, numbers.input.sizes, strict=True))
    known = 0
    for one, other in zip(free.layers, numbers.layers, strict=True):
        for figure in ("weights", "biases", "macs", "other_ops", "activation_values"):
            assert put_in(getattr(one, figure), values) == getattr(other, figure)
        assert put_in(one.output.shape, values) == other.output.shape
        for a, b in zip(_windows(one), _windows(other), strict=False):  # fewer where it is unknown
            assert put_in((a.before, a.after), values) == (b.before, b.after)
        for seen, right in zip(one.field, other.field, strict=True):
            if isinstance(seen, Field):
                assert isinstance(right, Field)
                found = put_in((seen.first, seen.last, seen.jump), values)
                assert found == (right.first, right.last, right.jump)
                known += 1
    memory, right_memory = activation_bytes(free), activation_bytes(numbers)
    for name in ("lecture", "all", "peak", "training"):
        found = getattr(memory, name)
        assert (found is None) == (memory.unknown is not None and name in ("peak", "training"))
        assert found is None or put_in(found, values) == getattr(right_memory, name)
    return known


def _windows(layer: Any) -> list[Window]:
    windows = layer.effect.windows
    every = windows if isinstance(windows, tuple) else ()
    return [window for window in every if isinstance(window, Window)]


@given(network=sliding_graphs() | random_graphs(10), data=st.data())
def test_random_networks_on_free_sizes_are_the_networks_at_any_size(
    network: Graph, data: st.DataObject
) -> None:
    try:
        free, symbols = at_free_sizes(network)
    except LayerError as refusal:  # a formula of an output size that would take too long
        assert "operations as a formula" in str(refusal)
        return
    other = data.draw(st.tuples(*[st.integers(1, 40)] * len(symbols)))
    for sizes in (network.input.sizes, other):
        numbers = at_numbers(network, sizes)
        # A head for training that does not fit at these sizes is left out there.
        if numbers is not None and not numbers.graph.left_out:
            compare(free, symbols, numbers)


# ----- `same` -----

KERNELS = st.integers(1, 5)
SLIDERS = st.one_of(
    st.builds(Conv, channels=st.just(2), kernel=KERNELS, stride=st.integers(1, 3),
              padding=st.just("same"), dilation=st.integers(1, 2)),
    st.builds(MaxPool, kernel=st.integers(2, 3), stride=st.integers(1, 2), padding=st.just("same")),
    st.builds(AvgPool, kernel=st.integers(2, 3), stride=st.just(1), padding=st.just("same")),
)  # fmt: skip


@given(
    trunk=st.lists(SLIDERS, max_size=3),
    stride=st.integers(1, 3),
    kernels=st.lists(KERNELS, min_size=1, max_size=3),
    sizes=st.lists(st.integers(1, 60), min_size=3, max_size=3),
)
def test_same_on_a_free_size_pads_as_on_every_number(
    trunk: list[Any], stride: int, kernels: list[int], sizes: list[int]
) -> None:
    """Branches with kernels of their own, and the same stride, that meet behind a trunk."""
    nodes: list[Node] = []
    for number, layer in enumerate(trunk):
        nodes.append(node(f"trunk{number}", layer, *[n.name for n in nodes[-1:]]))
    ends = [n.name for n in nodes[-1:]]
    for kernel in kernels:
        layer = Conv(channels=2, kernel=kernel, stride=stride, padding="same")
        nodes.append(node(f"kernel{len(nodes)}", layer, *ends))
    joined = [n.name for n in nodes[-len(kernels) :]]
    network = graph(FeatureMap(2, (60,)), [*nodes, node("concat", Concat(), *joined)])
    free, symbols = at_free_sizes(network)
    fields = [axis for layer in free.layers for axis in layer.field]
    assert all(type(axis.size) is int for axis in fields if isinstance(axis, Field))
    for size in sizes:
        numbers = at_numbers(network, (size,))
        if numbers is not None:
            known = compare(free, symbols, numbers)
            assert known == len(fields)


def test_the_padding_of_same_is_a_number_at_stride_1_and_open_at_stride_2() -> None:
    h = symbol("h")
    assert (one := Window.same(3, 1, 1, h)).before == one.after == 1
    two = Window.same(3, 2, 1, h)
    assert [put_in((two.before, two.after), {h: size}) for size in (8, 9)] == [(0, 1), (1, 1)]
    even = Window.same(3, 2, 1, 2 * h)
    assert (even.before, even.after) == (0, 1)


def test_branches_behind_an_open_size_have_one_field() -> None:
    """ceil(n/1) became floor(h/2 - 1/2) and was not seen to be floor(h/2 - 3/2) + 1."""
    network = graph(
        FeatureMap(3, (32, 32)),
        [
            node("a", Conv(channels=4, kernel=3, stride=2)),
            node("b", Conv(channels=4, kernel=3, padding="same"), "a"),
            node("c", Conv(channels=4, kernel=1), "a"),
            node("d", Concat(), "b", "c"),
        ],
    )
    free, _ = at_free_sizes(network)
    assert free.layer("d").receptive_field == (7, 7)
    assert free.layer("d").offset == (-2, -2)
    assert free.layer("b").output == FeatureMap(4, free.layer("a").output.sizes)


@pytest.mark.parametrize("name", ["resnet50_slim", "inception_v2_slim"])
def test_every_row_of_a_network_that_pads_same_has_its_field(name: str) -> None:
    free = analyze(name, input=[3, symbol("h"), symbol("w")])
    numbers = analyze(name)
    for one, other in zip(free.layers, numbers.layers, strict=True):
        assert one.receptive_field == other.receptive_field, one.name


# ----- what hangs on the size -----


def test_what_training_keeps_is_unknown_where_a_padded_copy_hangs_on_the_size() -> None:
    """At 4xn it was 32*n + 16*max(0, …), 320 at n = 9, where the walk says 288."""
    network = graph(
        FeatureMap(4, (9,)),
        [
            node("a", Conv(channels=4, kernel=3, padding=1)),
            node("b", Conv(channels=4, kernel=3, stride=2, padding="same"), "a"),
        ],
    )
    free, _ = at_free_sizes(network)
    memory = activation_bytes(free)
    assert (memory.peak, memory.training) == (None, None)
    assert memory.unknown == "peak and training depend on whether b pads both sides alike"
    assert activation_bytes(analyze(network)).training == 288
    totals: Any = to_contract(free)["totals"]
    assert totals["activation_bytes"]["training"] is None
    assert totals["activation_bytes"]["unknown"] == memory.unknown
    shown = summary(free, in_full=False)
    assert any("peak ?, training ?" in line for line in shown)
    assert [line.strip() for line in shown].count(memory.unknown) == 1
    even = activation_bytes(analyze(network.with_input(FeatureMap(4, (2 * symbol("n"),)))))
    assert even.unknown is None
    assert (
        put_in(even.peak, {symbol("n"): 4})
        == activation_bytes(analyze(network.with_input(FeatureMap(4, (8,))))).peak
    )


def test_what_training_keeps_is_unknown_where_a_copy_for_gaps_hangs_on_the_size() -> None:
    network = graph(
        FeatureMap(4, (8, 8)),
        [
            node("a", Conv(channels=8, kernel=1)),
            node("b", Crop(sides=1), "a"),
            node("c", GroupNorm(groups=2), "b"),
        ],
    )
    free, _ = at_free_sizes(network)
    memory = activation_bytes(free)
    assert (memory.peak, memory.training) == (None, None)
    assert memory.unknown == "peak and training depend on whether c copies its input"


@given(
    cut=st.sampled_from([Slice(axis=1, start=-2), Slice(axis=0, stop=2)]),
    index=st.integers(-1, 0),
    axis=st.integers(0, 1),
    size=st.integers(2, 30),
)
def test_features_at_one_place_need_no_copy_whatever_gaps_lie_between_them(
    cut: Slice, index: int, axis: int, size: int
) -> None:
    network = graph(
        FeatureMap(3, (size,)),
        [
            node("a", Conv(channels=4, kernel=1)),
            node("cut", cut, "a"),
            node("place", Select(axis=axis, index=index), "cut"),
            node("b", Linear(features=5), "place"),
        ],
    )
    numbers = at_numbers(network, (size,))
    free, symbols = at_free_sizes(network)
    if numbers is not None:
        compare(free, symbols, numbers)
    if axis or not cut.axis:  # else it has as many features as the input has positions
        assert activation_bytes(free).unknown is None


@given(kernel=st.integers(1, 5), size=st.integers(1, 30), join=st.sampled_from([Average(), Add()]))
def test_a_branch_that_happens_to_have_one_position_is_spread(
    kernel: int, size: int, join: Average | Add
) -> None:
    network = graph(
        FeatureMap(2, (size,)),
        [
            node("pool", MaxPool(kernel=kernel, stride=kernel)),
            node("join", join, "pool", INPUT),
        ],
    )
    numbers = at_numbers(network, (size,))
    if numbers is not None:
        free, symbols = at_free_sizes(network)
        compare(free, symbols, numbers)


def test_a_branch_that_cannot_have_one_position_has_the_sizes_of_a_sum() -> None:
    network = graph(
        FeatureMap(2, (8,)),
        [
            node("pool", MaxPool(kernel=2, stride=2)),
            node("up", Upsample(factor=2), "pool"),
            node("sum", Add(), INPUT, "up"),
        ],
    )
    free, _ = at_free_sizes(network)
    assert free.layer("sum").output == free.layer("up").output
