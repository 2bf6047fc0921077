"""What is alive in a training step: the rule beside the storages that are alive in torch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, load
from archcalc.testing.training import check_step
from tests.graphs import (
    all_used,
    entangled_graphs,
    overwriting_graphs,
    random_graphs,
    sliding_graphs,
    with_some_frozen,
)

NETWORKS = ["lenet5_1998", "highway_mnist10", "resnet20", "densenet_40_12", "deconv_unpool"]


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
