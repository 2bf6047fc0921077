"""What is held in a training step, worked out by hand, and the MACs of the backward pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training import (
    backward_macs,
    reasons,
    refused_in_training,
    step_of,
    training_tensors,
)
from archcalc.torch_backend.build import build
from archcalc.walk import analyze
from tests.spec_texts import analysis_of

SPEC = """
name: net
input: [1, 10]
layers:
  - conv: {name: a, channels: 4, kernel: 1}
  - batch_norm: {name: b}
  - relu: {name: c}
  - max_pool: {name: d, kernel: 2}
  - dropout: {name: e}
  - flatten
  - linear: {name: f, features: 2}
"""
# params: a 4 + 4, b 4 + 4, f 4*5*2 + 2 = 42; 58 in all.
# Kept per image: a its input 10; b its input 40; c its output 40; d its input (c's output, kept
# already) and 4*5 indices of 8 bytes; e a mask of 20; f its input 20. Per batch: b's statistics, 8.
PARAMS, TENSORS = 58, 6
VALUES, INDICES, STATISTICS = 10 + 40 + 40 + 20 + 20, 20, 8


@pytest.fixture
def net(tmp_path: Path) -> Analysis:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    return analyze(str(path))


@pytest.mark.parametrize(
    ("optimizer", "dtype", "bytes_each", "state", "master"),
    [
        ("sgd", "float32", 4, 0, 0),
        ("momentum", "float32", 4, 4, 0),
        ("adam", "float32", 4, 8, 0),
        ("adamw", "bfloat16", 2, 4, 0),
    ],
)
def test_what_is_held_by_optimizer_and_dtype(
    net: Analysis, optimizer: str, dtype: str, bytes_each: int, state: int, master: int
) -> None:
    tensors = training_tensors(net, TrainingOptions(optimizer, dtype))
    assert len(tensors) == TENSORS
    values, gradients = ([getattr(each, n) for each in tensors] for n in ("parameter", "gradient"))
    assert sum(values) == sum(gradients) == PARAMS * bytes_each
    counters = TENSORS * 4 if "adam" in optimizer else 0
    assert sum(each.optimizer for each in tensors) == PARAMS * state + counters
    assert sum(each.master for each in tensors) == PARAMS * master


def test_each_learned_tensor_has_its_share(net: Analysis) -> None:
    found = training_tensors(net, TrainingOptions("adam", "mixed"))
    assert [(each.layer, each.tensor.name, each.tensor.shape) for each in found] == [
        ("a", "weight", (4, 1, 1)),
        ("a", "bias", (4,)),
        ("b", "weight", (4,)),
        ("b", "bias", (4,)),
        ("f", "weight", (2, 20)),
        ("f", "bias", (2,)),
    ]
    weight = found[4]
    assert (weight.parameter, weight.gradient, weight.optimizer, weight.master) == (
        40 * 4, 40 * 4, 40 * 8 + 4, 0,
    )  # fmt: skip


def test_statistics_of_a_batch_norm_are_kept_once_however_large_the_batch(net: Analysis) -> None:
    one, eight = (sum(saved_bytes(net.of_batch(n, "float32")).values()) for n in (1, 8))
    assert one == VALUES * 4 + INDICES * 8 + STATISTICS * 4
    assert eight == 8 * (VALUES * 4 + INDICES * 8) + STATISTICS * 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": "adan"}, "unknown optimizer 'adan'; did you mean 'adam'"),
        ({"dtype": "int8"}, "no training in dtype 'int8'"),
        ({"accumulate": 0}, "accumulate: must be a whole number of batches, at least 1, not 0"),
    ],
)
def test_what_cannot_be_trained_with_is_refused(
    net: Analysis, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        step_of(net, TrainingOptions(**given))
    assert message in str(raised.value)


def test_backward_takes_the_forward_macs_twice_but_for_the_first_layer(net: Analysis) -> None:
    backward = backward_macs(net)
    # a: 4*10 MACs, no gradient towards the image. f: 20*2 MACs.
    assert (backward["a"].weights, backward["a"].inputs) == (40, 0)
    assert (backward["f"].weights, backward["f"].inputs) == (40, 40)
    assert backward["c"].total == 0


def test_what_is_kept_is_named(net: Analysis) -> None:
    why = reasons(net)
    assert why["d"] == ["its input", "indices"]
    assert why["b"] == ["its input", "statistics"]
    assert why["c"] == ["its output"]
    assert why["e"] == ["mask"]


def test_what_learns_nothing_needs_nothing() -> None:
    why = reasons(analysis_of("  - relu: {name: r}\n  - multiply: {name: m, branches: [[], []]}"))
    assert why == {"r": [], "m": []}


def test_what_is_needed_twice_is_named_once() -> None:
    text = "  - conv: {name: c, channels: 3, kernel: 1}\n"
    why = reasons(analysis_of(text + "  - multiply: {name: m, branches: [[], [], []]}"))
    assert why["m"] == ["its input", "intermediate"]


@pytest.mark.parametrize("norm", ["group_norm: {groups: 4}", "batch_norm"])
def test_a_norm_of_single_values_that_are_there_once_trains_on_no_batch(norm: str) -> None:
    lines = ["name: once", "input: [4]", "layers:", "  - parameter: {name: p, shape: [4]}"]
    kind = norm.partition(":")[0]
    network = "\n".join([*lines, f"  - {norm}", f"  - add: {{from: [input, {kind}1]}}", ""])
    assert refused_in_training(analyze(network, batch=3)) == [f"{kind}1"]
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        build(network).train()(torch.rand(3, 4))
