"""Which sums of gradients torch makes in place where nobody watches: the rule beside its engine.

torch's profiler notes which operators the engine runs between two nodes, and touches no tensor. A
hook would: a tensor that Python has seen has an owner more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd.profiler import profile

from archcalc import FeatureMap, Graph, analyze
from archcalc.layers.activation import Sigmoid
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Add
from archcalc.layers.linear import Linear
from archcalc.layers.recurrent import Gru, Lstm, Recurrent, Rnn
from archcalc.memory_use.held_gradient import HeldGradient
from archcalc.memory_use.recorded import Argument
from archcalc.memory_use.replay import Replay
from archcalc.memory_use.training import USUAL, course_of, refused_in_training
from archcalc.torch_backend.build import build
from archcalc.torch_backend.modes import one_thread
from tests.graphs import (
    all_used,
    chain,
    entangled_graphs,
    graph,
    node,
    overwriting_graphs,
    random_graphs,
    sliding_graphs,
)

_ENGINE = "autograd::engine::evaluate_function"


class _Noting(Replay):
    """Notes of each sum whether it is made in place."""

    def __init__(self, network: Graph, batch: int) -> None:
        course = course_of(analyze(network, batch=batch), USUAL)
        super().__init__(course._replace(sums_apart=False))
        self.in_place: list[bool] = []

    def _sum(
        self, before: HeldGradient, gradient: HeldGradient, argument: Argument
    ) -> HeldGradient:
        total = super()._sum(before, gradient, argument)
        self.in_place.append(total is before)
        return total


def by_the_rule(network: Graph, batch: int) -> list[bool]:
    """Whether each sum of two gradients is made in place, in order."""
    replay = _Noting(network, batch)
    replay.run()
    return replay.in_place


def by_torch(network: Graph, batch: int) -> list[bool]:
    """As `by_the_rule`, by what the engine runs itself."""
    twin = build(network).train()
    with one_thread():
        returned = twin(torch.rand(batch, *network.input.shape))
        outputs = returned if isinstance(returned, tuple) else (returned,)
        loss = torch.stack([output.sum() for output in outputs]).sum()
        del returned, outputs
        if not loss.requires_grad:
            return []
        with profile() as ran:
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives no types
    sums = {"aten::add": False, "aten::add_": True}
    events = sorted(ran.function_events, key=lambda event: event.time_range.start)
    return [
        sums[event.name]
        for event in events
        if event.name in sums and event.cpu_parent and event.cpu_parent.name.startswith(_ENGINE)
    ]


def check_sums(network: Graph, batch: int) -> list[bool]:
    """The rule's sums are torch's, each in place or apart; which they are."""
    if refused_in_training(analyze(network, batch=batch)):
        return []
    found = by_torch(network, batch)
    assert by_the_rule(network, batch) == found
    return found


def test_a_sum_is_in_place_where_nothing_else_has_the_gradient_that_came_first() -> None:
    def forked(*ends: str) -> Graph:
        branches = [node(name, Sigmoid(), "stem") for name in ("a", "b", "c")]
        stem = node("stem", Conv(channels=2, kernel=1))
        return graph(FeatureMap(2, (5, 5)), [stem, *branches, node("sum", Add(), *ends)])

    assert check_sums(forked("a", "b"), batch=2) == [True]
    assert check_sums(forked("a", "b", "c"), batch=2) == [True, True]
    # The loss's gradient is a single value for all, which no sum can be written to.
    assert check_sums(forked("a", "stem"), batch=2) == [False]
    assert check_sums(forked("a", "b", "stem"), batch=2) == [False, True]
    both = chain(FeatureMap(2, (5, 5)), Conv(channels=2, kernel=1), Sigmoid())
    assert check_sums(all_used(both), batch=2) == []


@pytest.mark.parametrize("output", ["sequence", "last"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    "kind", [Rnn, Gru, Lstm, partial(Lstm, projection=1)], ids=["rnn", "gru", "lstm", "projected"]
)
def test_of_both_directions_of_recurrent_layers(
    kind: Callable[..., Recurrent], bidirectional: bool, output: str
) -> None:
    layer = kind(features=2, layers=2, bidirectional=bidirectional, output=output)
    for steps in (1, 2):
        network = chain(FeatureMap(steps, (3,)), Linear(features=3), layer)
        assert check_sums(network, batch=2) or not bidirectional


@pytest.mark.parametrize(
    "graphs", [random_graphs, entangled_graphs, sliding_graphs, overwriting_graphs]
)
@given(st.data())
def test_of_random_graphs_too(
    graphs: Callable[[], st.SearchStrategy[Graph]], data: st.DataObject
) -> None:
    check_sums(all_used(data.draw(graphs())), data.draw(st.integers(1, 3)))
