"""What is alive in a training step: the rule beside the storages that are alive in torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, analyze, load
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import refused_in_training, step_of
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from tests.graphs import (
    all_used,
    entangled_graphs,
    overwriting_graphs,
    random_graphs,
    sliding_graphs,
    with_some_frozen,
)

BATCH = 2
NETWORKS = ["lenet5_1998", "highway_mnist10", "resnet20", "densenet_40_12", "deconv_unpool"]


def check_step(graph: Graph, batch: int = BATCH) -> None:
    """The most that is alive while each layer runs, and at once, is what torch has alive."""
    analysis = analyze(graph, batch=batch)
    if refused_in_training(analysis):
        return
    step = step_of(analysis, TrainingOptions())
    images = partial(torch.rand, batch, *graph.input.shape)
    found = measured_step(build(graph), images, TrainingOptions())
    constant = sum(step.course.constant.values())
    rule = {(moment.layer, moment.direction): moment.bytes - constant for moment in step.moments}
    measured = {place: most for place, most in found.most.items() if place in rule}
    assert measured == {place: rule[place] for place in measured}
    assert step.peak.bytes == found.peak_bytes, step.peak
    alive = step.alive(step.peak)
    assert sum(tensor.bytes for tensor in alive) == found.beyond


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_alive_in_a_step_is_what_lives_in_torch(name: str) -> None:
    check_step(load(name))


GRAPHS = [random_graphs, entangled_graphs, sliding_graphs, overwriting_graphs]


@pytest.mark.parametrize("graphs", GRAPHS)
@given(st.data())
def test_of_random_graphs_too(
    graphs: Callable[[], st.SearchStrategy[Graph]], data: st.DataObject
) -> None:
    check_step(all_used(data.draw(with_some_frozen(graphs()))), data.draw(st.integers(1, 3)))
