"""A twin can be pickled, as torch.save does: the model itself, and not its values alone."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from hypothesis import assume, given
from torch.nn.utils.parametrize import is_parametrized

from archcalc import Graph, build
from archcalc.torch_backend.build import Twin
from tests.graphs import random_graphs
from tests.spec_texts import graph_of


def saved_and_loaded(twin: Twin) -> Twin:
    file = io.BytesIO()
    torch.save(twin, file)
    file.seek(0)
    again: Twin = torch.load(file, weights_only=False)
    return again


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "deconv_unpool", "squeezenet1_1"])
def test_a_saved_model_computes_the_same(name: str) -> None:
    twin = build(name, input=[1, 32, 32]) if name == "lenet5" else build(name)
    again = saved_and_loaded(twin)
    assert again.graph == twin.graph
    x = torch.rand(1, *twin.graph.input.shape)
    assert torch.equal(twin.eval()(x), again.eval()(x))


def test_shared_weights_stay_shared() -> None:
    conv = "conv: {channels: 3, kernel: 1"
    twin = build(graph_of(f"  - {conv}, name: a}}\n  - {conv}, weights: a}}\n"))
    for again in (saved_and_loaded(twin), copy.deepcopy(twin)):
        first, second = (again.module_of(name) for name in ("a", "conv1"))
        assert first.weight is second.weight


@given(random_graphs())
def test_a_random_twin_can_be_pickled(graph: Graph) -> None:
    twin = build(graph, device="meta")
    assume(not any(map(is_parametrized, twin.modules())))  # of which torch saves the values alone
    again = pickle.loads(pickle.dumps(twin))
    assert again.graph == twin.graph == graph.without_unused()
    assert again.state_dict().keys() == twin.state_dict().keys()
