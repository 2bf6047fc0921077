"""Stretches that run again in the backward pass, beside torch's own checkpointing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from archcalc import FeatureMap, Graph, SpecError, UsageError, analyze, load
from archcalc.comparing.diff import Change, difference
from archcalc.graph import in_order, stretch_of
from archcalc.layers import Layer
from archcalc.layers.activation import ReLU, Tanh
from archcalc.layers.convolution import Conv
from archcalc.layers.regularization import Dropout
from archcalc.memory_use.checkpoints import with_checkpoints
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training import (
    as_trained,
    backward_macs,
    reasons,
    refused_in_training,
    step_of,
)
from archcalc.record import replace
from archcalc.render.spec_text import spec_text
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from tests.graphs import (
    all_used,
    chain,
    entangled_graphs,
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
  - head: {name: h, layers: [conv: {name: c, channels: 2, kernel: 1, checkpoint: true}]}
  - conv: {name: d, channels: 2, kernel: 1}
"""


def checkpointed(network: Graph, first: int, end: int) -> Graph:
    """The network with one stretch: the layers from number `first` to before number `end`."""
    names = tuple([node.name for node in network.nodes])
    return replace(network, stretches=in_order(network.nodes, [stretch_of(names[first:end])]))


def check_peak(graph: Graph, batch: int = 2) -> None:
    """The most that is alive in a step, by the rule and in torch."""
    analysis = analyze(graph, batch=batch)
    if refused_in_training(analysis):
        return
    step = step_of(analysis)
    images = partial(torch.rand, batch, *graph.input.shape)
    assert step.peak.bytes == measured_step(build(graph), images, TrainingOptions()).peak_bytes
    assert sum(tensor.bytes for tensor in step.alive(step.peak)) == step.peak.bytes - sum(
        step.course.constant.values()
    )


def stretches(network: Graph) -> list[tuple[str, ...]]:
    return [stretch.layers for stretch in network.stretches]


# ----- what is alive, and what it costs -----


GRAPHS = [random_graphs, entangled_graphs, sliding_graphs, overwriting_graphs]


@given(with_some_checkpointed(with_some_frozen(st.one_of(*[graphs() for graphs in GRAPHS]))))
def test_of_any_stretches_of_any_graph_as_much_is_alive_as_in_torch(network: Graph) -> None:
    check_peak(all_used(network))


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


@pytest.mark.parametrize("last", [Tanh(), Conv(channels=4, kernel=3, padding=1), Dropout()])
def test_it_stops_at_the_last_that_is_needed(last: Layer) -> None:
    check_stop(last)


def check_stop(last: Layer) -> None:
    """What a stretch that ends in `last` takes, by the rule and in torch: bytes and MACs."""
    conv = Conv(channels=4, kernel=3, padding=1)
    network = checkpointed(chain(FeatureMap(4, (8, 8)), conv, conv, ReLU(), last, conv), 1, 4)
    check_peak(network)
    analysis = analyze(network, batch=2)
    images = torch.rand(2, 4, 8, 8)
    with FlopCounterMode(display=False) as counter:
        build(network)(images).sum().backward()
    backward = sum(macs.total for macs in backward_macs(analysis).values())
    assert counter.get_total_flops() == 2 * (analysis.macs + backward)


# ----- in a spec -----


def test_blocks_repeats_heads_and_layers_are_stretches() -> None:
    assert stretches(graph_of(BLOCKS)) == [
        ("u0.a", "u0.b"), ("u1.a", "u1.b"), ("u1.b",), ("h.c",),
    ]  # fmt: skip
    assert [stretch.name for stretch in graph_of(BLOCKS).stretches] == ["u0", "u1", "u1.b", "h.c"]


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
