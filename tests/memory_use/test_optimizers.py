"""Optimizers and sums of gradients: the third step by the rule beside what lives in torch."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, analyze, load
from archcalc.memory_use.moments import OPTIMIZER, Direction, Purpose
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import refused_in_training, step_of
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from tests.graphs import all_used, random_graphs

BATCH = 2
SMALL = ["lenet5_1998", "highway_mnist10", "resnet20", "deconv_unpool"]
LARGER = ["densenet_40_12"]
WAYS = [
    TrainingOptions(optimizer=name, foreach=foreach, accumulate=accumulate)
    for name, foreach, accumulate in product(OPTIMIZERS, [False, True], [1, 3])
]


def check_step(graph: Graph, options: TrainingOptions, batch: int = BATCH) -> None:
    """All that torch has alive at the most, while each layer and the optimizer run, is the rule's.

    But for a sum: where a layer's own gradient is added to one of a layer behind it, torch does
    that in neither's turn.
    """
    images = partial(torch.rand, batch, *graph.input.shape)
    measured = measured_step(build(graph), images, options)
    step = step_of(analyze(graph, batch=batch), options)
    assert step.peak.bytes == measured.peak_bytes
    assert step.course.constant[Purpose.OPTIMIZER] == measured.optimizer
    by_rule = {(m.layer, m.direction): m.bytes for m in step.moments}
    place = (OPTIMIZER, Direction.STEP)
    if place in by_rule:
        assert by_rule[place] == measured.most[place] + sum(step.course.constant.values())


@pytest.mark.parametrize("options", WAYS, ids=repr)
def test_a_step_with_an_optimizer_is_what_lives_in_torch(options: TrainingOptions) -> None:
    for name in SMALL:
        check_step(load(name), options)


@given(random_graphs(), st.sampled_from(WAYS), st.integers(1, 3))
def test_of_random_graphs_too(graph: Graph, options: TrainingOptions, batch: int) -> None:
    graph = all_used(graph)
    if not refused_in_training(analyze(graph, batch=batch)):
        check_step(graph, options, batch)
