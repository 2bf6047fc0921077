"""The peak of a training step: the rule beside the storages that are alive in torch."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given

from archcalc import Graph, analyze, load
from archcalc.memory_use.moments import Course
from archcalc.memory_use.tape import tape
from archcalc.memory_use.training_step import training_step
from archcalc.torch_backend.build import build
from archcalc.torch_backend.peak_memory import peak_in_training
from tests.graphs import all_used, overwriting_graphs, sliding_graphs

BATCH = 2
NETWORKS = ["lenet5_1998", "highway_mnist10", "resnet20", "densenet_40_12", "deconv_unpool"]


def check_step(graph: Graph, batch: int = BATCH) -> None:
    """The rule's peak is what torch has alive at the most, beyond the parameters."""
    step = training_step(Course(tape(analyze(graph, batch=batch)), {}))
    make_images = partial(torch.rand, batch, *graph.input.shape)
    measured = peak_in_training(build(graph), make_images)
    assert step.peak.bytes == measured, step.peak
    alive = step.alive(step.peak)
    assert sum(tensor.bytes for tensor in alive) == measured


@pytest.mark.parametrize("name", NETWORKS)
def test_the_peak_of_a_step_is_what_lives_in_torch(name: str) -> None:
    check_step(load(name))


@given(sliding_graphs())
def test_of_random_graphs_of_windows_too(graph: Graph) -> None:
    check_step(all_used(graph))


@given(overwriting_graphs())
def test_and_of_those_with_views_and_gaps(graph: Graph) -> None:
    check_step(all_used(graph))
