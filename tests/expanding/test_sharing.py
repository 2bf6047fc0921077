"""Weights that are shared: by blocks, layer by layer."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import archcalc
from archcalc import LayerError, SpecError, analyze, load
from archcalc.exporting.source import torch_source
from archcalc.graph import Node
from archcalc.render.spec_text import spec_text
from archcalc.testing.training import check_step
from archcalc.torch_backend.verify import conditions, verify
from tests.spec_texts import analysis_of, graph_of

TOWERS = """\
name: towers
input: [3, 16, 16]
blocks:
  unit:
    parameters: [channels]
    layers: [conv: {channels: channels, kernel: 3, padding: 1, bias: false}, batch_norm, relu]
  tower:
    parameters: [depth: 2, last: 8]
    layers:
      - repeat: depth
        layers: [unit: {channels: 4}]
      - add:
          - [conv: {name: side, channels: last, kernel: 1}]
          - [conv: {channels: last, kernel: 3, padding: 1}]
layers:
  - conv: {name: p3, channels: 4, kernel: 3, stride: 2, padding: 1}
  - conv: {name: p4, channels: 4, kernel: 3, stride: 2, padding: 1}
  - head: {name: h3, layers: [tower: {from: p3}]}
"""


def towers(*more: str) -> str:
    return TOWERS + "".join(f"  - {line}\n" for line in more)


SHARED = towers("tower: {from: p4, weights: h3.tower1}")


def owners(text: str) -> dict[str, str | None]:
    nodes: dict[str, Node] = {node.name: node for node in graph_of(text).nodes}
    return {name: node.weights for name, node in nodes.items()}


def test_each_layer_of_a_block_has_the_weights_of_its_like() -> None:
    alone, shared = analysis_of(towers()), analysis_of(SHARED)
    assert shared.totals.params == alone.totals.params
    assert shared.totals.buffers == alone.totals.buffers
    assert shared.totals.macs > alone.totals.macs
    found = {name: owner for name, owner in owners(SHARED).items() if owner is not None}
    assert found == {
        "tower1.unit1.conv1": "h3.tower1.unit1.conv1",
        "tower1.unit1.batch_norm1": "h3.tower1.unit1.batch_norm1",
        "tower1.unit2.conv1": "h3.tower1.unit2.conv1",
        "tower1.unit2.batch_norm1": "h3.tower1.unit2.batch_norm1",
        "tower1.side": "h3.tower1.side",
        "tower1.conv1": "h3.tower1.conv1",
    }


def test_torch_shares_them_as_well() -> None:
    assert (
        verify(
            SHARED, what=["sizes", "params", "macs", "memory"], under=conditions("cpu")
        ).differences
        == ()
    )


def test_what_is_written_out_shares_them_too() -> None:
    graph = load(SHARED)
    again = load(spec_text(graph))
    assert [(n.name, n.weights) for n in again.nodes] == [(n.name, n.weights) for n in graph.nodes]


def test_a_block_inside_a_shared_one_may_share_with_another() -> None:
    text = towers(
        "tower: {name: t, from: p4, weights: h3.tower1, depth: 1}",
        "unit: {name: u, from: p4, channels: 4, weights: t.unit1}",
        "unit: {name: v, from: p4, channels: 4, weights: u}",
    )
    found = owners(text)
    assert found["u.conv1"] == "t.unit1.conv1"
    assert found["v.conv1"] == "u.conv1"
    assert load(text).weight_owners()["v.conv1"] == "h3.tower1.unit1.conv1"


def test_a_layer_inside_a_shared_block_may_name_its_own_owner() -> None:
    text = """\
name: t
input: [4, 8, 8]
blocks:
  twice:
    layers:
      - conv: {name: a, channels: 4, kernel: 1}
      - conv: {name: b, channels: 4, kernel: 1, weights: a}
layers: [twice: {}, twice: {weights: twice1}]
"""
    assert owners(text) == {
        "twice1.a": None,
        "twice1.b": "twice1.a",
        "twice2.a": "twice1.a",
        "twice2.b": "twice2.a",
    }
    assert analysis_of(text).totals.params == 20


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        (("tower: {from: p4, weights: h4.tower1}",), "no earlier block is called 'h4.tower1'"),
        (("tower: {from: p4, weights: p3}",), "no earlier block is called 'p3'"),
        (
            ("tower: {from: p4, weights: h3.tower1.unit1}",),
            "weights of a tower, but 'h3.tower1.unit1' is a unit",
        ),
        (
            ("tower: {from: p4, weights: h3.tower1, depth: 3}",),
            "has the weights of its like in 'h3.tower1', which has no 'unit3.conv1'",
        ),
        (
            ("tower: {from: p4, weights: h3.tower1, trainable: false}",),
            "trainable: false, but 'tower1.unit1.conv1' has the weights of",
        ),
    ],
)
def test_what_cannot_be_shared_is_said(more: tuple[str, ...], fact: str) -> None:
    with pytest.raises(SpecError) as raised:
        graph_of(towers(*more))
    assert fact in str(raised.value)


def test_other_shapes_are_refused_as_those_of_single_layers_are() -> None:
    with pytest.raises(
        LayerError, match=r"shares the weights of h3\.tower1\.side, whose weight is 8x4"
    ):
        analysis_of(towers("tower: {from: p4, weights: h3.tower1, last: 16}"))


def test_a_name_reaches_into_blocks_and_a_block_is_its_end() -> None:
    text = towers(
        "relu: {name: a, from: h3.tower1}",
        "relu: {name: b, from: h3.tower1.unit1}",
        "relu: {name: c, from: h3.tower1.unit1.conv1}",
        "conv: {name: d, channels: 'shape_of(h3.tower1)[0]', kernel: 1}",
    )
    nodes = {node.name: node.inputs[0] for node in graph_of(text).nodes}
    assert nodes["a"] == "h3.tower1.add1"
    assert nodes["b"] == "h3.tower1.unit1.relu1"
    assert nodes["c"] == "h3.tower1.unit1.conv1"
    inner = """\
name: t
input: [4, 8, 8]
blocks:
  inner: {layers: [conv: {channels: 4, kernel: 1}, relu]}
  outer: {layers: [inner, inner, add: {from: [inner1.conv1, inner2]}]}
layers: [outer]
"""
    found = {node.name: node.inputs for node in graph_of(inner).nodes}
    assert found["outer1.add1"] == ("outer1.inner1.conv1", "outer1.inner2.relu1")


# ----- a part of the weights of another layer -----

PART = """\
name: part
inputs: {tokens: {shape: [5], dtype: int64}}
layers:
  - OWNER
  - rearrange: {name: x, axes: "l c -> 1 l c"}
  - parameter: {name: weight, shape: [9, 4], weights: table}
  - slice: {name: first, stop: 6}
  - rearrange: {name: part, axes: "n c -> 1 n c"}
  - matmul: {name: scores, from: [x, part], transposed: true}
  - slice: {name: others, from: weight, start: 6}
  - mean: {axes: 0, name: mean}
  - rearrange: {name: bias, axes: "c -> 1 1 c"}
  - multiply: {name: biased, from: [x, bias]}
  - softmax: {name: weights, from: scores, axis: -1}
outputs: [weights, biased]
"""
FIGURES = ["sizes", "params", "macs", "memory", "field"]
OWNERS = [
    "embedding: {name: table, rows: 9, features: 4}",
    "parameter: {name: table, shape: [9, 4]}\n"
    "  - embedding: {rows: 9, features: 4, from: tokens, weights: table}",
]


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_part_of_another_layers_weight_is_its_own(owner: str, batch: int) -> None:
    """Counted once, and its gradient is a part of that of the whole: torch is the judge."""
    network = graph_of(PART.replace("OWNER", owner))
    assert analyze(network).totals.params == 36
    assert not archcalc.verify(network, subjects=FIGURES, batch=batch).found.differences
    check_step(network, batch)


@pytest.mark.parametrize("owner", OWNERS)
def test_the_export_takes_a_part_of_the_weight_itself(owner: str) -> None:
    network = graph_of(PART.replace("OWNER", owner))
    scope: dict[str, Any] = {}
    exec(compile(torch_source(network, ""), "<export>", "exec"), scope)
    module = scope["Part"]()
    (weight,) = module.parameters()
    tokens = torch.tensor([[0, 1, 2, 3, 8]])
    for value in (0.0, 1.0):
        with torch.no_grad():
            weight.fill_(value)
        scores, biased = module(tokens)
        assert scores.shape == (1, 1, 5, 6)
        assert biased.flatten().tolist() == [value] * 20


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("parameter: {shape: [8, 4], weights: e}", "whose weight is 9x4; here it would be 8x4"),
        ("parameter: {shape: [9, 4], weights: e, learned: false}",
         "whose weight is learned; here it would be kept"),
        ("parameter: {shape: [9, 4], weights: r}", "weights of a parameter, but 'r' is a relu"),
    ],
)  # fmt: skip
def test_a_parameter_is_another_layers_weight_or_none(line: str, message: str) -> None:
    text = """\
name: part
inputs: {tokens: {shape: [5], dtype: int64}}
layers:
  - embedding: {name: e, rows: 9, features: 4}
  - relu: {name: r}
"""
    with pytest.raises((LayerError, SpecError), match=message):
        analysis_of(f"{text}  - {line}\n")
