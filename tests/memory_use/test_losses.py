"""The losses: a step by the rule beside the storages that are alive in torch with torch's own."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from archcalc import UsageError, analyze
from archcalc.graph import Graph
from archcalc.memory_use.losses import LOSSES
from archcalc.memory_use.moments import Course, Direction, Purpose
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.tape import tape
from archcalc.memory_use.training import step_of
from archcalc.memory_use.training_step import training_step
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from tests.spec_texts import graph_of

SRCNN = """\
name: srcnn
input: [3, 224, 224]
layers:
  - conv: {channels: 64, kernel: 9, padding: 4}
  - relu
  - conv: {channels: 32, kernel: 1}
  - relu
  - conv: {channels: 3, kernel: 5, padding: 2}
"""
NETWORKS = {
    "a vector": "  - conv: {channels: 3, kernel: 3}\n  - flatten\n  - linear: {features: 300}\n",
    "a map": "  - conv: {channels: 3, kernel: 1}\n",
    "a view": "  - conv: {channels: 3, kernel: 3}\n  - flatten\n",
    "a head for training": (
        "  - conv: {name: stem, channels: 9, kernel: 3}\n"
        "  - head: {name: aux, training_only: true, layers: [conv: {channels: 5, kernel: 1}]}\n"
        "  - conv: {from: stem, channels: 90, kernel: 1}\n"
    ),
    "nothing that learns": "  - relu\n",
}


def measured(graph: Graph, batch: int, loss: str) -> int:
    """The most bytes that are alive at once in torch, beyond the parameters."""
    images = partial(torch.rand, batch, *graph.input.shape)
    return measured_step(build(graph), images, TrainingOptions(loss=loss)).beyond


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_with_a_loss_is_what_lives_in_torch(name: str, loss: str, batch: int) -> None:
    graph = graph_of(NETWORKS[name])
    step = training_step(Course(tape(analyze(graph, batch=batch), loss=loss), {}))
    assert step.peak.bytes == measured(graph, batch, loss)


def test_srcnn_with_a_mean_square_loss_takes_159_06_MB() -> None:
    graph = graph_of(SRCNN)
    options = TrainingOptions(loss="mse")
    step = step_of(analyze(graph, batch=4), options)
    assert f"{step.peak.bytes / 10**6:.2f}" == "159.06"
    parameters = step.peak.parts[Purpose.PARAMETERS]
    assert parameters == 4 * (64 * 3 * 81 + 64 + 32 * 64 + 32 + 3 * 32 * 25 + 3)
    assert step.peak.bytes - parameters == measured(graph, 4, "mse")
    # The backward pass of the first relu: its output, the gradient of that, and of its input.
    assert (step.peak.layer, step.peak.direction) == ("relu1", Direction.BACKWARD)


def test_only_known_losses_have_operators() -> None:
    with pytest.raises(UsageError, match="unknown loss 'ms'; did you mean 'mse'"):
        TrainingOptions(loss="ms").check()
