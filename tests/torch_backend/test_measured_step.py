"""A training step as torch runs it: what is alive in it, and while which layer runs."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from archcalc import FeatureMap, Graph, analyze, load
from archcalc.layers.activation import ReLU
from archcalc.layers.linear import Linear
from archcalc.memory_use.moments import OPTIMIZER, Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.recorded import LOSS
from archcalc.memory_use.training import step_of
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import MeasuredStep, measured_step
from tests.graphs import chain

BATCH = 2
# 1 image of 8 values, 100 x 8 weights and 100 biases, and 100 values that a rectifier keeps.
SMALL = chain(FeatureMap(8, ()), Linear(features=100), ReLU())
WEIGHTS, BIASES, OUTPUT, IMAGES, LOSS_BYTES = 3200, 400, 400, 32, 4
PARAMETERS = WEIGHTS + BIASES


def measured(graph: Graph, batch: int = BATCH, **options: Any) -> MeasuredStep:
    images = partial(torch.rand, batch, *graph.input.shape)
    return measured_step(build(graph), images, TrainingOptions(**options))


def test_a_step_holds_the_images_the_loss_what_is_kept_and_gradients() -> None:
    found = measured(SMALL, 1)
    assert (found.parameters, found.buffers, found.optimizer) == (PARAMETERS, 0, 0)
    forward = {layer: most for (layer, way), most in found.most.items() if way.value == "forward"}
    assert forward == {
        "linear0": IMAGES + OUTPUT,
        "relu1": IMAGES + 2 * OUTPUT,
        LOSS: IMAGES + OUTPUT + 2 * LOSS_BYTES,  # one value is summed, stacked, and summed
    }
    beside = IMAGES + 2 * LOSS_BYTES  # whose gradient is there as well
    assert found.most["relu1", Direction.BACKWARD] == beside + 2 * OUTPUT
    assert found.most["linear0", Direction.BACKWARD] == beside + OUTPUT + PARAMETERS
    assert found.at == ("linear0", Direction.BACKWARD)
    assert found.beyond == found.most[found.at]
    assert found.peak_bytes == PARAMETERS + found.beyond


@pytest.mark.parametrize(
    ("optimizer", "moments", "counters"),
    [("sgd", 0, 0), ("momentum", 1, 0), ("adam", 2, 2), ("adamw", 2, 2)],
)
@pytest.mark.parametrize("foreach", [False, True])
def test_an_optimizer_holds_moments_and_makes_what_it_divides_by(
    optimizer: str, moments: int, counters: int, foreach: bool
) -> None:
    found = measured(SMALL, 1, optimizer=optimizer, foreach=foreach)
    assert found.optimizer == moments * PARAMETERS + 4 * counters
    made = found.most[OPTIMIZER, Direction.STEP] - (IMAGES + LOSS_BYTES + PARAMETERS)
    if moments < 2:
        assert made == 0
    elif foreach:
        assert made == PARAMETERS
    else:  # a root, and that divided; the last one is there while the next are made
        assert made == 2 * WEIGHTS


def test_gradients_stay_while_they_accumulate() -> None:
    once, twice = measured(SMALL, 1), measured(SMALL, 1, accumulate=2)
    assert twice.most["linear0", Direction.FORWARD] == IMAGES + OUTPUT + PARAMETERS
    assert twice.beyond == once.beyond + PARAMETERS
    assert measured(SMALL, 1, accumulate=5) == twice


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_in_half_precision_all_takes_half(dtype: str) -> None:
    full, half = measured(SMALL, 1), measured(SMALL, 1, dtype=dtype)
    losses = 2 * LOSS_BYTES  # and its gradient: in float32
    assert 2 * (half.peak_bytes - losses) == full.peak_bytes - losses
    assert half.at == full.at


def test_in_mixed_precision_parameters_and_their_gradients_stay_as_they_are() -> None:
    mixed = measured(SMALL, 1, dtype="mixed")
    assert mixed.parameters == PARAMETERS
    # Images and output in half, and the casts of weights and biases until autocast is left.
    forward = mixed.most["linear0", Direction.FORWARD]
    assert forward == IMAGES + IMAGES // 2 + PARAMETERS // 2 + OUTPUT // 2
    assert mixed.most[OPTIMIZER, Direction.STEP] == IMAGES + LOSS_BYTES + PARAMETERS


def test_buffers_count_in_the_dtype_that_they_have() -> None:
    graph = load("resnet20")
    norms = [layer for layer in analyze(graph).layers if layer.kind == "batch_norm"]
    values = sum(layer.buffers for layer in norms) - len(norms)
    assert measured(graph).buffers == 4 * values + 8 * len(norms)  # how many batches, in int64


@pytest.mark.parametrize("name", ["lenet5_1998", "resnet20", "highway_mnist10", "densenet_40_12"])
def test_the_rule_says_what_is_alive_at_the_most_while_each_layer_runs(name: str) -> None:
    step = step_of(analyze(load(name), batch=BATCH), TrainingOptions())
    found = measured(load(name))
    constant = sum(step.course.constant.values())
    rule = {(m.layer, m.direction): m.bytes - constant for m in step.moments}
    assert {place: rule[place] for place in found.most} == found.most
    assert (step.peak.layer, step.peak.direction) == found.at


def test_the_third_step_is_as_the_first_where_nothing_stays() -> None:
    graph = load("lenet5")
    twin, images = build(graph), partial(torch.rand, BATCH, *graph.input.shape)
    first = measured_step(twin, images, TrainingOptions())
    measured_step(twin, images, TrainingOptions())
    assert measured_step(twin, images, TrainingOptions()) == first
    assert all(parameter.grad is None for parameter in twin.parameters())


def test_nothing_is_left_of_the_measurement() -> None:
    twin = build(SMALL)
    measured_step(twin, partial(torch.rand, 1, 8), TrainingOptions())
    assert not any(part._forward_hooks for part in twin.modules())
    assert not torch.nn.modules.module._global_forward_hooks
