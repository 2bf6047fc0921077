"""What is not known of opaque layers is said of every figure that depends on it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import analyze
from archcalc.errors import UsageError
from archcalc.figures.figure import Figure
from archcalc.figures.of_layer import OF_LAYER, SUMMED
from archcalc.figures.of_network import OF_NETWORK
from archcalc.quantity.at_least import is_open, known_part
from archcalc.render.contract import to_contract, to_json
from archcalc.walk import walk
from tests.graphs import random_graphs
from tests.spec_opaque import DETECTOR, costing, with_opaque

IN_TRAINING = """\
name: heads
input: [4, 6, 6]
layers:
  - conv: {name: a, channels: 4, kernel: 3}
  - head:
      name: aux
      training_only: true
      layers:
        - opaque: {name: o, operator: op, of: [[4, 4, 4]], shape: [2], macs: unknown}
  - linear: {name: b, features: 2}
"""
TOKENS = """\
name: tokens
inputs: {tokens: {shape: [5], dtype: int64}, image: [2, 3]}
outputs: [fc]
layers:
  - opaque: {name: o, from: image, operator: op, of: [[2, 3]], shape: [5, 4], macs: unknown}
  - embedding: {name: e, from: tokens, rows: 9, features: 4}
  - add: {name: sum, from: [e, o]}
  - linear: {name: fc, features: 2}
"""
SPECS = {"detector": DETECTOR, "training": IN_TRAINING, "tokens": TOKENS}


def value(figure: Figure, of: Any) -> object:
    """A figure; None where it is refused."""
    try:
        return figure.of(of)
    except UsageError:
        return None


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("key", OF_NETWORK)
def test_a_figure_of_a_network_that_depends_on_what_is_unknown_says_so(name: str, key: str) -> None:
    figure = OF_NETWORK[key]
    spec = SPECS[name]
    specs = (spec, costing(spec, 0), costing(spec, 10**12))
    unknown, none, much = (value(figure, analyze(each)) for each in specs)
    if none != much:
        assert is_open(unknown)
        assert unknown.known == none
        assert figure.may_be_open
    else:
        assert unknown == none


@pytest.mark.parametrize("key", OF_LAYER)
def test_a_figure_of_a_layer_that_depends_on_what_is_unknown_says_so(key: str) -> None:
    figure = OF_LAYER[key]
    specs = (DETECTOR, costing(DETECTOR, 0), costing(DETECTOR, 10**12))
    layers = [analyze(each)["nms"] for each in specs]
    unknown, none, much = (figure.of(layer) for layer in layers)
    assert is_open(unknown) == (none != much) == figure.may_be_open
    assert is_open(unknown) or unknown == none


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("key", ["peak_bytes", "training_bytes", "training_peak"])
def test_memory_is_refused_whatever_is_known_of_the_cost(name: str, key: str) -> None:
    for spec in (SPECS[name], costing(SPECS[name], 0)):
        with pytest.raises(UsageError, match=r"what \S+ \(opaque\) makes and keeps is not known"):
            OF_NETWORK[key].of(analyze(spec))


@given(random_graphs(most=12), st.data())
def test_totals_are_those_of_the_rest_and_say_so(graph: Any, data: st.DataObject) -> None:
    before = walk(graph, 2, "float32")
    pools = {layer.node.indices for layer in before.layers}
    owners = {layer.node.weights for layer in before.layers}
    others = [
        layer.name
        for layer in before.layers
        if layer.inputs
        and not {layer.name} & (pools | owners)
        and layer.node.indices is None
        and layer.node.weights is None
    ]
    names = frozenset(data.draw(st.sets(st.sampled_from(others))) if others else ())
    after = walk(with_opaque(before, names), 2, "float32")
    assert [layer.output for layer in after.layers] == [layer.output for layer in before.layers]
    counted = [layer.name for layer in before.inference_layers if layer.name in names]
    for key, figure in SUMMED.items():
        total = getattr(after, key)
        if figure.may_be_open:
            rest = sum([figure.of(x) for x in before.inference_layers if x.name not in names])
            assert known_part(total) == rest
            assert (total.unknown if is_open(total) else 0) == len(counted)
        elif "buffer" not in key:
            assert total == getattr(before, key)
    contract = to_contract(after)
    used = [layer.name for layer in before.used_layers if layer.name in names]
    assert [*contract.get("opaque", {})] == used
    assert (
        (contract["totals"]["macs"] is None) == bool(counted) == ("at_least" in contract["totals"])
    )
    if not names:
        assert to_json(after) == to_json(before)


def test_the_contract_says_what_is_known() -> None:
    found = json.loads(to_json(analyze(DETECTOR)))
    assert found["opaque"] == {
        "nms": {"operator": "torchvision.ops.nms", "unknown": ["macs", "flops", "other_ops"]},
        "sort": {"operator": "sort", "unknown": []},
        "tail.roi": {
            "operator": "torchvision.ops.roi_align",
            "unknown": ["macs", "flops", "other_ops"],
        },
    }
    known = analyze(DETECTOR).macs.known  # type: ignore[attr-defined]  # it is open
    assert found["totals"]["macs"] is None
    assert found["totals"]["at_least"]["macs"] == known == 8 * 27 * 49 + 4 * 8 * 49 + 360
    assert found["totals"]["params"] == analyze(DETECTOR).params
    aside = json.loads(to_json(analyze(IN_TRAINING)))["totals"]
    assert "at_least" not in aside
    assert aside["training_only"]["at_least"] == {"macs": 0, "flops": 0, "other_ops": 0}
