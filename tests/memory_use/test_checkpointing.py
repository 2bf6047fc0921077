"""Stretches that run again in the backward pass, beside torch's own checkpointing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from archcalc import Analysis, FeatureMap, Graph, SpecError, UsageError, analyze, load
from archcalc.comparing.diff import Change, difference
from archcalc.graph import in_order, stretch_of
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU, Tanh
from archcalc.layers.convolution import Conv
from archcalc.layers.linear import Linear
from archcalc.layers.pooling import AvgPool
from archcalc.layers.regularization import Dropout
from archcalc.memory_use.batches import peaks_over_batches
from archcalc.memory_use.checkpoints import with_checkpoints
from archcalc.memory_use.cutting import _units
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training import (
    as_trained,
    backward_macs,
    best_cut,
    reasons,
    step_of,
)
from archcalc.record import replace
from archcalc.render.spec_text import spec_text
from archcalc.testing.training import check_step
from archcalc.torch_backend.build import build
from tests.graphs import (
    all_used,
    chain,
    entangled_graphs,
    graph,
    node,
    overwriting_graphs,
    random_graphs,
    sliding_graphs,
    with_some_checkpointed,
    with_some_frozen,
)
from tests.spec_texts import analysis_of, graph_of

REPEATED = """\
name: checkpoint
input: [3, 64, 64]
layers:
  - conv: {channels: 16, kernel: 3, padding: 1}
  - repeat: 4
    checkpoint: true
    layers:
      - conv: {channels: 16, kernel: 3, padding: 1}
      - relu
  - conv: {channels: 1, kernel: 1}
"""
BLOCKS = """\
name: blocks
input: [3, 8, 8]
blocks:
  unit:
    parameters: [again]
    layers:
      - conv: {name: a, channels: 3, kernel: 1}
      - relu: {name: b, checkpoint: again}
layers:
  - repeat: 2
    index: i
    layers:
      - unit: {name: "u{i}", again: "i == 1", checkpoint: true}
  - head:
      name: h
      training_only: true
      layers: [conv: {name: c, channels: 2, kernel: 1, checkpoint: true}]
  - conv: {name: d, channels: 2, kernel: 1}
"""


def checkpointed(network: Graph, first: int, end: int) -> Graph:
    """The network with one stretch: the layers from number `first` to before number `end`."""
    names = tuple([node.name for node in network.nodes])
    return replace(network, stretches=in_order(network.nodes, [stretch_of(names[first:end])]))


def stretches(network: Graph) -> list[tuple[str, ...]]:
    return [stretch.layers for stretch in network.stretches]


# ----- what is alive, and what it costs -----


GRAPHS = [random_graphs, entangled_graphs, sliding_graphs, overwriting_graphs]


@given(with_some_checkpointed(with_some_frozen(st.one_of(*[graphs() for graphs in GRAPHS]))))
def test_of_any_stretches_of_any_graph_as_much_is_alive_as_in_torch(network: Graph) -> None:
    check_step(all_used(network))


def test_what_is_inside_is_not_kept_and_runs_again() -> None:
    analysis = analysis_of(REPEATED)
    plain = analysis_of(REPEATED.replace("    checkpoint: true\n", ""))
    map_bytes = 4 * 16 * 64 * 64
    # The images, what enters the stretch, and what leaves it; else the four that relus keep too.
    images = 4 * 3 * 64 * 64
    assert sum(saved_bytes(analysis).values()) == images + 2 * map_bytes
    assert sum(saved_bytes(plain).values()) == images + 5 * map_bytes
    assert reasons(analysis)["conv2"] == ["what enters conv2..relu4"]
    first, second = (
        next(m for m in step_of(a).moments if m.direction is Direction.BACKWARD)
        for a in (analysis, plain)
    )
    assert second.bytes - first.bytes == 3 * map_bytes
    # Torch, with its output alive in place of the loss: 628,804 and 1,415,236; peak 1,939,600.
    output, loss = 4 * 64 * 64, 2 * 4
    assert (first.bytes, second.bytes) == (628_804 - output + loss, 1_415_236 - output + loss)
    assert step_of(analysis).peak.bytes == step_of(plain).peak.bytes == 1_939_600 - output
    again = {name: macs.again for name, macs in backward_macs(analysis).items() if macs.again}
    assert again == {layer.name: layer.macs for layer in analysis.layers[1:-1] if layer.macs}


@pytest.mark.parametrize(
    "last", [Tanh(), Conv(channels=4, kernel=3, padding=1), Dropout(), Dropout(p=1)]
)
def test_it_stops_at_the_last_that_is_needed(last: Layer) -> None:
    check_stop(last)


def check_stop(last: Layer) -> None:
    """What a stretch that ends in `last` takes, by the rule and in torch: bytes and MACs."""
    conv = Conv(channels=4, kernel=3, padding=1)
    network = checkpointed(chain(FeatureMap(4, (8, 8)), conv, conv, ReLU(), last, conv), 1, 4)
    check_step(network)
    check_step(checkpointed(chain(FeatureMap(4, (8, 8)), conv, conv, last, conv), 1, 3))
    analysis = analyze(network, batch=2)
    images = torch.rand(2, 4, 8, 8)
    with FlopCounterMode(display=False) as counter:
        build(network)(images).sum().backward()
    backward = sum(macs.total for macs in backward_macs(analysis).values())
    assert counter.get_total_flops() == 2 * (analysis.macs + backward)


def test_the_bias_of_a_product_gets_its_gradient_when_what_ran_again_is_gone() -> None:
    layers = Conv(channels=4, kernel=4, stride=3), Linear(features=7), Tanh()
    check_step(checkpointed(chain(FeatureMap(1, (7, 7)), *layers), 0, 2))


def test_the_gradient_of_what_is_written_to_a_view_is_copied_before_it_runs_again() -> None:
    conv = Conv(channels=2, kernel=3)
    pool = AvgPool(kernel=4, padding=((2, 1),), count_include_pad=False)
    network = chain(FeatureMap(2, (25,)), conv, pool, ReLU())
    names = [node.name for node in network.nodes]
    stretches = [stretch_of(tuple(names)), stretch_of((names[1],))]
    check_step(replace(network, stretches=in_order(network.nodes, stretches)))


# ----- in a spec -----


def test_blocks_repeats_heads_and_layers_are_stretches() -> None:
    assert stretches(graph_of(BLOCKS)) == [
        ("u0.a", "u0.b"), ("u1.a", "u1.b"), ("u1.b",), ("h.c",),
    ]  # fmt: skip
    assert [stretch.name for stretch in graph_of(BLOCKS).stretches] == ["u0", "u1", "u1.b", "h.c"]


IDLE = """\
name: idle
input: [2, 6, 6]
layers:
  - conv: {channels: 3, kernel: 3}
  - repeat: 1
    checkpoint: true
    layers:
      - conv: {channels: 3, kernel: 3}
      - relu
      - upsample: {factor: 3}
      - identity: {checkpoint: true}
      - MORE
  - conv: {channels: 2, kernel: 1}
"""


@pytest.mark.parametrize("more", ["identity", "upsample: {factor: 2}", "tanh"])
def test_a_stretch_that_runs_nothing_makes_the_one_around_it_run_further(more: str) -> None:
    # torch saves what enters it, and the stretch around it runs again up to there.
    check_step(graph_of(IDLE.replace("MORE", more)))


@pytest.mark.parametrize("text", [REPEATED, BLOCKS])
def test_the_spec_written_out_has_the_same_stretches(text: str) -> None:
    network = graph_of(text)
    written = graph_of(spec_text(network))
    assert stretches(written) == stretches(network) != []
    assert [n.inputs for n in written.nodes] == [n.inputs for n in network.nodes]


def test_what_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(SpecError, match="checkpoint: '4' is neither true nor false"):
        graph_of(REPEATED.replace("checkpoint: true", "checkpoint: 4"))


def test_a_difference_says_what_is_checkpointed() -> None:
    plain = analysis_of(REPEATED.replace("    checkpoint: true\n", ""))
    layers = difference(plain, analysis_of(REPEATED)).layers
    changed = [layer.layer.name for layer in layers if layer.changes]
    assert changed == [layer.name for layer in plain.layers[1:-1]]
    assert layers[1].changes == (Change("checkpoint", False, True),)


# ----- from outside -----


def by(patterns: Sequence[str], network: str = "resnet18") -> list[str]:
    return [stretch.name for stretch in with_checkpoints(load(network), patterns).stretches]


def test_each_block_or_layer_that_a_pattern_means_is_a_stretch() -> None:
    assert by(["layer1"]) == ["layer1"]
    assert by(["layer1.*"]) == ["layer1.0", "layer1.1"]
    assert by(["layer1.0", "layer1"]) == ["layer1", "layer1.0"]
    assert by(["conv1..maxpool", "conv1..maxpool"]) == ["conv1..maxpool"]
    analysis = analyze("resnet18", batch=2)
    trained = as_trained(analysis, TrainingOptions(checkpoint=("layer*",)))
    assert len(trained.graph.stretches) == 4
    assert step_of(trained).peak.bytes < step_of(analysis).peak.bytes


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("layr1", "resnet18 has no layer or block 'layr1'; did you mean 'layer1'"),
        ("conv1..maxpol", "has no layer 'maxpol'; did you mean 'maxpool'"),
        ("maxpool..conv1", "maxpool..conv1: 'conv1' runs before 'maxpool'"),
        ("conv1..layer1.0.conv1", "and layer1 overlap, and neither stands in the other"),
    ],
)
def test_what_cannot_be_meant_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        by(["layer1", pattern])


# ----- the best cut -----


DEEP = """\
name: deep
input: [3, 16, 16]
layers:
  - conv: {channels: 8, kernel: 3, padding: 1}
  - tanh
  - add: [[conv: {channels: 8, kernel: 1}, tanh], []]
  - conv: {channels: 8, kernel: 3, padding: 1}
  - tanh
  - conv: {channels: 8, kernel: 3, padding: 1}
"""


def every_cut(analysis: Analysis) -> Iterator[tuple[int, int]]:
    """The peak and the MACs that run again of all cuts between points where one tensor crosses."""
    units = _units(analysis)
    for choice in product(("apart", "begins", "goes on"), repeat=len(units)):
        if any(b == "goes on" and a == "apart" for a, b in pairwise(("apart", *choice))):
            continue
        layers: list[tuple[str, ...]] = []
        for unit, how in zip(units, choice, strict=True):
            if how == "begins":
                layers.append(unit)
            elif how == "goes on":
                layers[-1] = layers[-1] + unit
        graph = replace(analysis.graph, stretches=tuple(map(stretch_of, layers)))
        cut = analyze(graph, batch=analysis.batch)
        macs = sum(macs.again for macs in backward_macs(cut).values())
        yield step_of(cut).peak.bytes, macs


def test_a_unit_is_what_lies_between_points_at_which_one_tensor_crosses() -> None:
    assert [unit[0] for unit in _units(analysis_of(DEEP))] == [
        "conv1", "tanh1", "conv2", "conv3", "tanh3", "conv4",
    ]  # fmt: skip


def test_the_best_cut_needs_no_more_than_any_other() -> None:
    analysis = analyze(graph_of(DEEP), batch=4)
    every = list(every_cut(analysis))
    found = best_cut(analysis, TrainingOptions())
    assert (found.peak_bytes, found.macs) == min(every)
    check_step(found.graph, batch=4)
    plain = step_of(analysis).peak.bytes
    for budget in (plain, plain - 1, found.peak_bytes):
        cheapest = best_cut(analysis, TrainingOptions(), budget)
        assert cheapest.peak_bytes <= budget
        assert cheapest.macs == min(macs for peak, macs in every if peak <= budget)
    assert best_cut(analysis, TrainingOptions(), found.peak_bytes - 1).peak_bytes > 0


def test_options_ask_for_it() -> None:
    analysis = analyze(graph_of(DEEP), batch=2)
    auto = TrainingOptions(optimizer="adam", checkpoint=("auto",))
    found = best_cut(analysis, auto)
    assert step_of(analysis, auto).peak.bytes == found.peak_bytes < step_of(analysis).peak.bytes * 2
    trained = as_trained(analysis, auto)
    assert trained.graph.stretches == found.graph.stretches != ()
    assert as_trained(trained, auto).graph is trained.graph
    assert peaks_over_batches(trained, auto).at(2).bytes == found.peak_bytes


def test_a_network_that_is_cut_into_nothing_stays_so_for_every_batch() -> None:
    # With a single image most is alive while the optimizer steps, which no stretch changes.
    conv = "  - conv: {channels: 4, kernel: 3, padding: 1}\n  - tanh\n"
    analysis = analysis_of(3 * conv + "  - flatten\n  - linear: {features: 900}\n")
    plain = TrainingOptions(optimizer="adam")
    auto = replace(plain, checkpoint=("auto",))
    assert best_cut(analysis, plain).graph.stretches == ()
    assert best_cut(analysis.of_batch(999, "float32"), plain).graph.stretches != ()
    assert peaks_over_batches(analysis, auto) == peaks_over_batches(analysis, plain)


def test_in_mixed_precision_what_was_cast_before_is_cast_again() -> None:
    conv = Conv(channels=4, kernel=3, padding=1)
    nodes = [node("a", conv), node("b", Tanh(), "a"), node("c", conv, "b", weights="a")]
    network = checkpointed(graph(FeatureMap(4, (8, 8)), nodes), 1, 3)
    check_step(network, options=TrainingOptions(dtype="mixed"))
