"""The PyTorch source of networks that undo their max pools."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import FeatureMap, Graph, LayerError, Node, analyze
from archcalc.exporting import torch_source
from archcalc.graph import INPUT
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU
from archcalc.layers.layer import Padding
from archcalc.layers.normalization import BatchNorm, Scale
from archcalc.layers.pooling import MaxPool
from archcalc.layers.unpooling import MaxUnpool
from archcalc.record import replace
from tests.exporting.exported import check_network
from tests.graphs import all_used, graph, node
from tests.spec_texts import graph_of

Draw = st.DrawFn


class _Fitting:
    """A graph of the layers that fit, of those that are added."""

    def __init__(self, image: FeatureMap) -> None:
        self.nodes: list[Node] = []
        self.maps: Mapping[str, FeatureMap] = {INPUT: image}

    def add(self, name: str, layer: Layer, source: str, indices: str | None = None) -> str | None:
        """The name of a new layer; None where it does not fit."""
        nodes = [*self.nodes, node(name, layer, source, indices=indices)]
        try:
            self.maps = analyze(graph(self.maps[INPUT], nodes)).maps
        except LayerError:
            return None
        self.nodes = nodes
        return name


@st.composite
def undone_blocks(draw: Draw) -> Graph:
    """Blocks of one make around max pools of any padding, some of which are unpooled later: beside
    the blocks or in blocks of their own, in the order of the pools or in that of a decoder."""
    axes = draw(st.integers(1, 2))
    fitting = _Fitting(FeatureMap(2, draw(st.tuples(*[st.integers(6, 12)] * axes))))
    kernel = draw(st.integers(1, 3))
    paddings: list[Padding] = [0, kernel // 2, "same", ((kernel // 2, 0),) * axes]
    before, behind = draw(st.booleans()), draw(st.booleans())
    last, pools = INPUT, []
    for unit in range(draw(st.integers(1, 4))):
        source = last if draw(st.integers(0, 2)) else INPUT
        if before:
            source = fitting.add(f"down{unit}.norm", BatchNorm(), source) or source
        pool = MaxPool(
            kernel=kernel,
            stride=draw(st.integers(1, 2)),
            padding=draw(st.sampled_from(paddings)),
            dilation=draw(st.sampled_from([1, 1, 2, 3])),
        )
        name = fitting.add(f"down{unit}.p", pool, source)
        if name is None:
            continue
        pools.append((name, source, pool))
        last = name
        if behind:
            last = fitting.add(f"down{unit}.relu", ReLU(), last) or last
    ends = [last]
    for number, (name, source, pool) in enumerate(draw(st.permutations(pools))):
        undo = MaxUnpool(kernel=kernel, stride=pool.stride, output=fitting.maps[source].sizes)
        path = draw(st.sampled_from(["", f"up{number}."]))
        values = fitting.add(f"{path}scale{number}", Scale(factor=2.0), name) or name
        if draw(st.booleans()):
            ends += filter(None, [fitting.add(f"{path}undo{number}", undo, values, name)])
    assume(bool(fitting.nodes))
    blocks = {f"down{n}": "down" for n in range(4)} | {f"up{n}": "up" for n in range(4)}
    network = graph(fitting.maps[INPUT], fitting.nodes, list(dict.fromkeys(ends)))
    return replace(network, blocks=blocks)


@given(undone_blocks())
def test_max_pools_of_any_padding_are_undone_as_the_twin_undoes_them(network: Graph) -> None:
    check_network(all_used(network))
    check_network(network)


def test_a_padded_pool_is_undone_in_a_map_of_any_size() -> None:
    """Torch's own unpooling refuses the padded map, which is further than a stride from its own."""
    check_network(
        graph_of(
            "name: padded\ninput: [1, 7]\nlayers:\n"
            "  - max_pool: {name: p, kernel: 5, dilation: 3, padding: same}\n"
            "  - max_unpool: {indices: p, kernel: 5, output: [7]}\n"
        )
    )


def test_blocks_of_one_make_of_which_one_is_undone_are_two_classes() -> None:
    network = graph_of(
        "name: unpooled\ninput: [1, 8]\nblocks:\n  unit:\n    layers:\n"
        "      - max_pool: {name: p, from: input, kernel: 2}\n      - tanh\nlayers:\n"
        "  - unit\n  - head: {name: first, training_only: false, layers: [identity]}\n"
        "  - unit\n  - head: {name: second, training_only: false, layers: [identity]}\n"
        "  - sigmoid: {from: unit1.p}\n  - max_unpool: {indices: unit2.p, kernel: 2}\n"
    )
    check_network(network)
    source = torch_source(network, "a test")
    assert source.count("return_indices=True") == 1
    assert "x, p_indices = self.p(x)" in source
