"""Optimizers and sums of gradients: the third step by the rule beside what lives in torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc import FeatureMap, Graph, Node, analyze, load
from archcalc.layers.linear import Linear
from archcalc.memory_use import training
from archcalc.memory_use.moments import OPTIMIZER, Direction, Purpose
from archcalc.memory_use.optimizers import OPTIMIZERS, Made, made_by
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import refused_in_training, step_of, training_tensors
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from tests.graphs import all_used, graph, node, random_graphs
from tests.spec_texts import analysis_of, graph_of

BATCH = 2
SMALL = ["lenet5_1998", "highway_mnist10", "mlp_7_3"]
LARGER = [
    "alexnet", "bn_inception", "cnn_f", "deconv_unpool", "densenet121", "densenet_40_12",
    "fractalnet20", "googlenet", "inception_naive", "mobilenet_v1", "nin", "plain18",
    "preact_resnet164", "reduced_vgg", "resnet20", "squeezenet1_0", "stochastic_depth110",
    "wrn_16_8", "zfnet",
]  # fmt: skip
WAYS = [
    TrainingOptions(optimizer=name, foreach=foreach, accumulate=accumulate)
    for name, foreach, accumulate in product(OPTIMIZERS, [False, True], [1, 3])
]
IN_HALF = [
    TrainingOptions(optimizer="adam", dtype="bfloat16"),
    TrainingOptions(optimizer="adamw", dtype="float16", foreach=True),
    TrainingOptions(optimizer="momentum", dtype="bfloat16", accumulate=3),
]
SOME_WAYS = [
    TrainingOptions(optimizer="momentum"),
    TrainingOptions(optimizer="adam"),
    TrainingOptions(optimizer="adamw", foreach=True),
    TrainingOptions(optimizer="adam", foreach=True, accumulate=3),
]
BY_INDICES_ALONE = """
  - conv: {name: before, channels: 3, kernel: 1}
  - max_pool: {name: pool, kernel: 2}
  - conv: {name: other, from: input, channels: 3, kernel: 2, stride: 2}
  - max_unpool: {kernel: 2, indices: pool}
"""


def check_step(network: Graph, options: TrainingOptions, batch: int = BATCH) -> None:
    """What torch has alive at the most is the rule's: in the whole step, and in the optimizer's."""
    images = partial(torch.rand, batch, *network.input.shape)
    measured = measured_step(build(network), images, options)
    step = step_of(analyze(network, batch=batch), options)
    assert step.peak.bytes == measured.peak_bytes
    assert step.course.constant[Purpose.OPTIMIZER] == measured.optimizer
    last, constant = step.moments[-1], sum(step.course.constant.values())
    if last.layer == OPTIMIZER:  # something learns
        assert last.bytes == measured.most[OPTIMIZER, Direction.STEP] + constant


@pytest.mark.parametrize("options", [*WAYS, *IN_HALF], ids=repr)
def test_a_step_with_an_optimizer_is_what_lives_in_torch(options: TrainingOptions) -> None:
    for name in SMALL:
        check_step(load(name), options)


@given(random_graphs(), st.sampled_from(WAYS), st.integers(1, 3))
def test_of_random_graphs_too(network: Graph, options: TrainingOptions, batch: int) -> None:
    network = all_used(network)
    if not refused_in_training(analyze(network, batch=batch)):
        check_step(network, options, batch)


@pytest.mark.thorough
@pytest.mark.parametrize("options", SOME_WAYS, ids=repr)
@pytest.mark.parametrize("name", LARGER)
def test_of_larger_networks_too(name: str, options: TrainingOptions) -> None:
    check_step(load(name), options)


def test_tensors_are_updated_in_the_order_of_the_modules() -> None:
    """Blocks come as they begin: `a.2` before `b.1`, though it runs later."""
    sizes = {"a.1": 50, "b.1": 1, "a.2": 60, "b.2": 40}
    nodes: list[Node] = []
    for name, features in sizes.items():
        before = [nodes[-1].name] if nodes else []
        nodes.append(node(name, Linear(features=features), *before))
    interleaved = graph(FeatureMap(30, ()), nodes)
    for options in WAYS:
        check_step(interleaved, options)
    in_order = [tensor.name for tensor in training_tensors(analyze(interleaved))]
    assert in_order == [n for n, _ in build(interleaved).named_parameters()]


def test_a_tensor_that_no_gradient_comes_to_has_no_state() -> None:
    """Of a pool of which only the indices are taken, nothing before it learns."""
    analysis = analysis_of(BY_INDICES_ALONE)
    found = {one.layer: one for one in training_tensors(analysis, TrainingOptions("adam"))}
    assert found["before"].parameter > found["before"].gradient == found["before"].optimizer == 0
    for options in WAYS:
        check_step(analysis.graph, options)


# ----- seeded mistakes -----


def _forget_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZERS, "adam", OPTIMIZERS["adam"]._replace(moments=1))


def _forget_the_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "COUNTER_BYTES", 0)


def _free_the_root_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*given: Any, **how: Any) -> Iterator[Made]:
        for each in made_by(*given, **how):
            yield each._replace(freed=(each.name,))

    monkeypatch.setattr(training, "made_by", wrong)


def _make_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "made_by", lambda *given, **how: ())


def _let_go_of_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    right = training.course_of
    monkeypatch.setattr(training, "course_of", lambda *given: right(*given)._replace(adds=False))


@pytest.mark.parametrize(
    ("mistake", "options"),
    [
        (_forget_a_moment, TrainingOptions(optimizer="adam")),
        (_forget_the_counters, TrainingOptions(optimizer="adamw")),
        (_free_the_root_too_early, TrainingOptions(optimizer="adam", foreach=False)),
        (_make_nothing, TrainingOptions(optimizer="adam", foreach=True)),
        (_let_go_of_sums, TrainingOptions(accumulate=3)),
    ],
)
def test_a_mistake_shows(
    mistake: Callable[[pytest.MonkeyPatch], None],
    options: TrainingOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = graph_of("  - flatten\n  - linear: {features: 40}\n")
    check_step(wide, options)
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        check_step(wide, options)
