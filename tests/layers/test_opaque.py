"""Layers that are opaque: what is known of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc import analyze, build, load
from archcalc.errors import ArchcalcError, LayerError, SpecError, UsageError
from archcalc.exporting.source import torch_source
from archcalc.feature_map import FeatureMap
from archcalc.graph import Graph
from archcalc.layers.opaque import Opaque
from archcalc.quantity.arithmetic import symbol
from archcalc.quantity.at_least import is_open
from archcalc.render.spec_text import spec_text

SPEC = """\
name: detector
input: [3, 8, 8]
layers:
  - conv: {name: a, channels: 4, kernel: 3}
  - flatten: {name: b, from: a}
  - opaque:
      name: nms
      from: [a, b]
      operator: torchvision.ops.nms
      of: [[4, 6, 6], [144]]
      shape: [5, 7]
      parameters: {weight: [2, 3], head.bias: [5], scale: []}
      buffers: {mean: [6]}
      macs: unknown
  - linear: {features: 2}
"""


def opaque(**fields: Any) -> Opaque:
    return Opaque(operator="nms", of=((4, 6, 6),), shape=(3, 2), **fields)


def test_what_was_captured_is_what_is_known() -> None:
    layer = analyze(SPEC)["nms"]
    assert layer.output == FeatureMap(5, (7,))
    assert (layer.weights, layer.biases, layer.buffers) == (7, 5, 6)
    assert is_open(layer.macs)
    assert is_open(layer.other_ops)
    assert layer.receptive_field is None
    assert {tensor.name for tensor in layer.effect.state} == {
        "weight", "head.bias", "scale", "mean",
    }  # fmt: skip


def test_a_cost_that_is_given_is_known() -> None:
    for macs in (0, 12):
        effect = opaque(macs=macs, other_ops=5).effect_on(FeatureMap(4, (6, 6)))
        assert (effect.macs, effect.other_ops) == (macs, 5)


def test_an_output_of_integers_has_their_type() -> None:
    effect = opaque(dtype="int64").effect_on(FeatureMap(4, (6, 6)))
    assert effect.output == FeatureMap(3, (2,), dtype="int64")
    spec = SPEC.replace("macs: unknown", "dtype: bool").replace(
        "linear: {f", "embedding: {rows: 2, f"
    )
    assert analyze(spec)["embedding1"].output == FeatureMap(5, (7, 2))


@pytest.mark.parametrize(
    "inputs",
    [
        (FeatureMap(4, (6, 7)),),
        (FeatureMap(5, (6, 6)),),
        (FeatureMap(4, (36,)),),
        (FeatureMap(4, (6, 6)), FeatureMap(4, (6, 6))),
    ],
)
def test_it_refuses_what_was_not_captured(inputs: tuple[FeatureMap, ...]) -> None:
    with pytest.raises(LayerError, match="nms was captured on 4x6x6; what it gives elsewhere"):
        opaque().effect_on(*inputs)


def test_a_free_size_is_refused_unless_it_was_captured_so() -> None:
    with pytest.raises(LayerError, match=r"nms .* was captured on 4x6x6 and 144"):
        analyze(SPEC, input=(3, symbol("h"), 8))
    free = SPEC.replace("[4, 6, 6], [144]", '[4, "n - 2", "n - 2"], ["4 * (n - 2) ** 2"]')
    free = free.replace("layers:", "parameters: {n: 8}\nlayers:", 1)
    assert analyze(free, n=9, input=(3, 9, 9))["nms"].output.shape == (5, 7)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shape": ()}, "a shape of 0 numbers"),
        ({"shape": (3, 0)}, "a size of 0"),
        ({"parameters": (("weight", (-1,)),)}, "a size of -1"),
        ({"macs": -1}, "a cost of -1"),
        ({"of": ((4, 0),)}, "a size of 0"),
    ],
)
def test_sizes_and_costs_below_what_there_can_be_are_refused(
    given: dict[str, Any], message: str
) -> None:
    fields: dict[str, Any] = {"operator": "nms", "of": ((4, 6, 6),), "shape": (3,)}
    with pytest.raises(LayerError, match=message):
        Opaque(**fields | given).effect_on(FeatureMap(4, (6, 6)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("of: [[4, 6, 6], [144]]", "of: [4, 6, 6]", "of: expected a list of shapes"),
        ("of: [[4, 6, 6], [144]]", "of: []", "of: expected a list of shapes"),
        ("weight: [2, 3]", "weight: 6", "parameters: expected a list of sizes"),
        ("{weight: [2, 3], head.bias: [5], scale: []}", "[6]", "what is named is a mapping"),
        ("head.bias", "head bias", "'head bias' is not a name"),
        ("macs: unknown", "macs: many", "unknown parameter 'many'"),
        ("macs: unknown", "macs: 1.5", "macs: expected a whole number"),
        ("torchvision.ops.nms", '"a\\nb"', "operator: expected a text of one line"),
        ("torchvision.ops.nms", '""', "operator: expected a text of one line"),
        ("torchvision.ops.nms", "x" * 201, "operator: a text of 201 signs"),
        ("operator: torchvision.ops.nms", "", "opaque needs `operator`"),
    ],
)
def test_what_a_spec_may_not_say(old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load(SPEC.replace(old, new))


def test_it_is_written_as_it_is_read() -> None:
    graph = load(SPEC)
    text = spec_text(graph)
    assert [node.layer for node in load(text).nodes] == [node.layer for node in graph.nodes]
    written = " ".join(text.split())  # in lines of 80 columns
    assert "operator: torchvision.ops.nms, of: [[4, 6, 6], [144]], shape: [5, 7]" in written


def test_no_torch_module_is_made_of_it() -> None:
    def exported(graph: Graph) -> object:
        return torch_source(graph, "test")

    for make in (build, exported):
        with pytest.raises(UsageError) as caught:
            make(load(SPEC))
        assert str(caught.value) == (
            "detector cannot be built in torch: nothing here does the same as "
            "nms (torchvision.ops.nms)"
        )
    unused = SPEC.replace("linear: {features: 2}", "linear: {features: 2, from: b}")
    assert isinstance(build(load(unused)), object)


def test_of_many_some_are_named() -> None:
    lines = "".join(
        f"  - opaque: {{name: o{n}, from: input, operator: op, of: [[3, 8, 8]], shape: [2]}}\n"
        for n in range(7)
    )
    spec = f"name: x\ninput: [3, 8, 8]\nlayers:\n{lines}"
    spec += "  - add: {from: [o0, o1, o2, o3, o4, o5, o6]}"
    with pytest.raises(ArchcalcError, match=r"o0 \(op\), .*, o3 \(op\) and 3 more$"):
        build(load(spec))
