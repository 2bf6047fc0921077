"""Layers that do not learn: by the spec, and by patterns from outside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from archcalc import FeatureMap, Graph, SpecError, UsageError, analyze, load
from archcalc.layers.activation import PReLU
from archcalc.layers.convolution import Conv
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.moments import Purpose
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import as_trained, backward_macs, step_of, training_tensors
from archcalc.render.spec_text import spec_text
from archcalc.testing.training import check_step
from tests.graphs import chain
from tests.spec_texts import analysis_of, graph_of

FIRST_FROZEN = """\
name: freeze
input: [3, 32, 32]
layers:
  - conv: {channels: 8, kernel: 3, trainable: false}
  - relu
  - conv: {channels: 4, kernel: 3}
"""
NESTED = """\
name: nested
input: [3, 8, 8]
parameters: {frozen: 2}
blocks:
  unit:
    parameters: [width]
    layers:
      - conv: {name: conv, channels: width, kernel: 1}
      - batch_norm: {name: norm, trainable: true}
layers:
  - repeat: 3
    index: i
    layers:
      - unit: {name: "u{i}", width: 4, trainable: "i >= frozen"}
  - add:
      name: sum
      branches: [[conv: {name: side, channels: 4, kernel: 1}], []]
      trainable: false
"""
SHARED = """\
  - conv: {name: a, channels: 3, kernel: 1}
  - conv: {name: b, channels: 3, kernel: 1, weights: a}
"""


def frozen(network: Graph) -> list[str]:
    """The layers with parameters that do not learn."""
    layers = analyze(network).layers
    return [layer.name for layer in layers if layer.effect.parameters and not layer.learns]


def frozen_by(patterns: Sequence[str], network: str = "resnet18") -> list[str]:
    return frozen(with_frozen(load(network), patterns))


# ----- in a spec -----


def test_what_is_frozen_has_no_gradient_and_keeps_nothing_before_what_learns() -> None:
    analysis = analysis_of(FIRST_FROZEN)
    assert (analysis.params, analysis.trainable_params) == (516, 292)
    step = step_of(analysis, TrainingOptions(optimizer="adam"))
    kept = [moment.parts[Purpose.KEPT] for moment in step.moments]
    assert max(kept) == 28_800  # as torch keeps
    assert step.course.constant[Purpose.PARAMETERS] == 4 * 516
    assert (
        step.course.constant[Purpose.OPTIMIZER] == 2 * 4 * 292 + 4 * 2
    )  # a count of steps for each tensor
    assert step.moments[-1].parts[Purpose.GRADIENTS] == 4 * 292
    backward = backward_macs(analysis)
    assert (backward["conv1"].total, backward["conv2"].inputs) == (0, 0)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("which", [0, 1])
def test_torch_makes_both_gradients_of_a_prelu_whatever_is_frozen(
    which: int, per_channel: bool
) -> None:
    conv, prelu = Conv(channels=4, kernel=3), PReLU(per_channel=per_channel)
    network = chain(FeatureMap(3, (8, 8)), conv, prelu)
    check_step(with_frozen(network, [network.nodes[which].name]))


def test_a_block_a_repeat_and_the_branches_of_a_join_are_frozen_but_for_what_says_otherwise() -> (
    None
):
    assert frozen(graph_of(NESTED)) == ["u0.conv", "u1.conv", "side"]
    assert frozen(graph_of(NESTED, frozen=0)) == ["side"]


def test_the_spec_written_out_freezes_the_same() -> None:
    for text in (NESTED, FIRST_FROZEN, SHARED.replace("1}", "1, trainable: false}", 1)):
        network = graph_of(text)
        assert frozen(graph_of(spec_text(network))) == frozen(network) != []


def test_a_layer_with_the_weights_of_another_is_frozen_with_it() -> None:
    text = SHARED.replace("kernel: 1}", "kernel: 1, trainable: false}", 1)
    assert frozen(graph_of(text)) == ["a", "b"]
    assert frozen(graph_of(SHARED)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SHARED.replace("weights: a", "weights: a, trainable: false"),
            "trainable: false, but 'b' has the weights of 'a', which learn; say it there",
        ),
        (
            "  - conv: {name: a, channels: 3, kernel: 1, trainable: false}\n"
            "  - conv: {channels: 3, kernel: 1, weights: a, trainable: true}\n",
            "trainable: true, but 'conv1' has the weights of 'a', which are frozen; say it there",
        ),
        ("  - conv: {channels: 3, kernel: 1, trainable: maybe}\n", "unknown parameter 'maybe'"),
        ("  - conv: {channels: 3, kernel: 1, trainable: 3}\n", "'3' is neither true nor false"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message.replace("(", r"\(")):
        graph_of(text)


# ----- from outside -----


def test_a_pattern_means_layers_and_blocks() -> None:
    everything = frozen_by(["*"])
    assert frozen_by(["conv1"]) == ["conv1"]
    assert frozen_by(["layer1"]) == [name for name in everything if name.startswith("layer1.")]
    assert frozen_by(["layer?.*.bn*", "fc"]) == [
        name for name in everything if ".bn" in name or name == "fc"
    ]


def test_a_name_that_nothing_has_is_refused_with_a_guess() -> None:
    with pytest.raises(
        UsageError, match=r"freeze: resnet18 has no layer or block 'layr1'; did you"
    ):
        frozen_by(["conv1", "layr1"])


def test_what_shares_its_weights_is_frozen_by_the_name_of_their_owner() -> None:
    network = graph_of(SHARED)
    assert frozen(with_frozen(network, ["a"])) == ["a", "b"]
    with pytest.raises(UsageError, match="'b' has the weights of 'a'"):
        with_frozen(network, ["b"])


def test_the_options_freeze_what_the_spec_does_not() -> None:
    analysis = analysis_of(FIRST_FROZEN)
    trained = as_trained(analysis, TrainingOptions(freeze=("conv2",)))
    assert trained.trainable_params == 0
    assert analyze(trained.graph).layers == trained.layers
    assert sum(tensor.gradient for tensor in training_tensors(trained)) == 0
    assert as_trained(analysis, TrainingOptions()) is analysis
