"""Several inputs and outputs by name, from the spec to torch."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch

import archcalc
from archcalc import FeatureMap, SpecError, UsageError, analyze, load, symbol
from archcalc.comparing.diff import difference
from archcalc.layers.activation import ReLU
from archcalc.layers.joining import Add, Concat
from archcalc.layers.reshaping import Flatten
from archcalc.memory_use.options import TrainingOptions
from archcalc.render.contract import contract_schema, to_contract
from archcalc.render.spec_text import spec_text
from archcalc.testing.graphs import graph, node
from archcalc.testing.training import check_step
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from archcalc.torch_backend.verify import verify
from tests.commands.calling import called
from tests.exporting.exported import check_network
from tests.spec_texts import analysis_of, graph_of

PAIR = """\
name: pair
inputs:
  image: [3, 16, 16]
  mask: [1, 16, 16]
  tokens: {shape: [12], dtype: int64}
outputs: {boxes: a, scores: tower2.c2, ids: t}
blocks:
  tower:
    layers:
      - conv: {name: c1, channels: 4, kernel: 3, padding: 1}
      - relu
      - conv: {name: c2, channels: 4, kernel: 1}
layers:
  - conv: {name: stem, channels: 8, kernel: 3, padding: 1}
  - tower: {from: mask}
  - concat: {name: join, from: [stem, tower1]}
  - conv: {name: a, channels: 2, kernel: 1}
  - tower: {from: join}
  - reshape: {name: t, from: tokens, shape: [4, 3]}
"""
INPUTS = {
    "image": FeatureMap(3, (16, 16)),
    "mask": FeatureMap(1, (16, 16)),
    "tokens": FeatureMap(12, dtype="int64"),
}
TINY = "name: t\ninputs: {a: [1, 4], b: [1, 4]}\n"


# ----- the language -----


def test_inputs_have_names_shapes_and_dtypes_and_the_main_path_starts_at_the_first() -> None:
    pair = graph_of(PAIR)
    assert pair.inputs == INPUTS
    assert (pair.first_input, pair.input) == ("image", INPUTS["image"])
    assert {n.name: n.inputs for n in pair.nodes if set(n.inputs) & {*INPUTS}} == {
        "stem": ("image",),
        "tower1.c1": ("mask",),
        "t": ("tokens",),
    }


def test_inputs_without_names_are_numbered() -> None:
    two = graph_of("name: t\ninputs: [[1, 16, 16], {shape: [5], dtype: int32}]\nlayers: [relu]\n")
    assert two.inputs == {
        "input1": FeatureMap(1, (16, 16)),
        "input2": FeatureMap(5, (), 1, "int32"),
    }


def test_a_single_input_is_called_input() -> None:
    assert [*graph_of("  - relu\n").inputs] == ["input"]


def test_outputs_are_exactly_those_that_are_named() -> None:
    pair = graph_of(PAIR)
    assert pair.outputs == ("a", "tower2.c2", "t")
    assert [pair.output_name(layer) for layer in pair.outputs] == ["boxes", "scores", "ids"]
    listed = graph_of(
        TINY + "outputs: [r, h]\nlayers:\n  - relu: {name: r}\n"
        "  - head: {name: h, layers: [tanh, gelu]}\n  - head: {layers: [elu]}\n  - silu\n"
    )
    assert listed.outputs == ("r", "h.gelu1")
    assert [listed.output_name(layer) for layer in listed.outputs] == ["r", "h"]
    assert {node.name for node in listed.nodes} - listed.live() == {"head1.elu1", "silu1"}


def test_a_head_is_an_output_at_inference_unless_it_says_otherwise() -> None:
    text = "  - relu\n  - head: {name: h, layers: [conv: {channels: 2, kernel: 1}]}\n  - tanh\n"
    assert analysis_of(text).params == 8
    alone = analysis_of(text.replace("name: h", "name: h, training_only: true"))
    assert (alone.params, alone.training_only_totals.params) == (0, 8)


def test_an_output_may_exist_in_training_only() -> None:
    found = graph_of(
        "name: t\ninput: [3, 4]\noutputs: [r, h]\nlayers:\n  - relu: {name: r}\n"
        "  - head: {name: h, training_only: true, layers: [tanh]}\n"
    )
    assert {node.name: node.training_only for node in found.nodes} == {"r": False, "h.tanh1": True}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("name: t\ninput: [1]\ninputs: {a: [1]}\nlayers: [relu]\n", "one of them has them all"),
        ("name: t\ninputs: {}\nlayers: [relu]\n", "expected a name and a shape for each"),
        ("name: t\ninputs: {a b: [1]}\nlayers: [relu]\n", "'a b' is not a name"),
        ("name: t\ninputs: {a: {dtype: int64}}\nlayers: [relu]\n", "input 'a' needs `shape`"),
        (
            "name: t\ninputs: {a: {shape: [1], dtype: int46}}\nlayers: [relu]\n",
            "'int46' is no dtype of integers; did you mean 'int64'?",
        ),
        ("name: t\ninputs: {a: {shape: [1], dtype: float32}}\nlayers: [relu]\n", "the network's"),
        (TINY + "layers: [relu: {from: input}]\n", "no earlier layer is called 'input'"),
        (TINY + "layers: [relu: {from: c}]\n", "no earlier layer is called 'c'"),
        (TINY + "layers: [relu: {name: b}]\n", "'b' is what an input of the network is called"),
        (
            TINY + "layers: [conv: {weights: b, channels: 1, kernel: 1}]\n",
            "an input of the network",
        ),
        (TINY + "outputs: []\nlayers: [relu]\n", "expected the name of a layer"),
        (TINY + "outputs: [c]\nlayers: [relu]\n", "no earlier layer is called 'c'"),
        (TINY + "outputs: [b]\nlayers: [relu]\n", "'b' is an input, and no layer's output"),
        (TINY + "outputs: [relu1, relu1]\nlayers: [relu]\n", "output 'relu1' is there twice"),
        (
            TINY + "outputs: {x: relu1, y: relu1}\nlayers: [relu]\n",
            "'x' and 'y' are both 'relu1'",
        ),
        (
            TINY + "outputs: [h]\nlayers: [relu, head: {name: h, training_only: true, "
            "layers: [tanh]}]\n",
            "all of them exist in training only",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(text: str, fact: str) -> None:
    with pytest.raises(SpecError) as raised:
        graph_of(text)
    assert fact in raised.value.fact
    assert raised.value.place is not None


def test_integers_go_through_what_moves_them_and_nowhere_else() -> None:
    tokens = {"tokens": FeatureMap(6, (2,), dtype="int64"), "x": FeatureMap(6, (2,))}
    nodes = [node("f", Flatten(), "tokens"), node("c", Concat(), "f", "f")]
    assert analyze(graph(tokens, nodes))["c"].output == FeatureMap(24, dtype="int64")
    with pytest.raises(archcalc.LayerError, match=r"takes no integers \(int64\)"):
        analyze(graph(tokens, [node("r", ReLU(), "tokens")]))
    with pytest.raises(archcalc.LayerError, match="different types: int64 and floating"):
        analyze(graph(tokens, [node("c", Concat(), "tokens", "x")]))
    with pytest.raises(archcalc.LayerError, match="takes no integers"):
        analyze(graph(tokens, [node("a", Add(), "x", "tokens")]))


def test_the_spec_that_is_written_is_read_back() -> None:
    pair = graph_of(PAIR)
    again = graph_of(spec_text(pair))
    assert (again.inputs, again.outputs, again.output_names) == (
        pair.inputs,
        pair.outputs,
        pair.output_names,
    )
    assert difference(analyze(pair), analyze(again)).is_empty


def test_the_schema_takes_them() -> None:
    import yaml

    from archcalc.spec.schema import spec_schema

    for text in (PAIR, "name: t\ninputs: [[1, 2]]\noutputs: [a]\nlayers: [relu: {name: a}]\n"):
        jsonschema.validate(yaml.safe_load(text), spec_schema())
    wrong = PAIR.replace("int64", "int63")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(wrong), spec_schema())


# ----- other sizes -----


def test_some_inputs_can_be_given() -> None:
    pair = load(graph_of(PAIR), input={"tokens": [24]})
    assert pair.inputs == {**INPUTS, "tokens": FeatureMap(24, dtype="int64")}
    assert str(pair.identity) == "pair (input tokens 24)"
    assert pair.identity.record()["changed"] == {"input": {"tokens": [24]}}
    kept = load(pair, input={"mask": [2, 16, 16]})
    assert kept.given == ("tokens", "mask")
    assert load(pair, input={"tokens": [12]}).identity.is_changed is False


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([3, 16, 16], "pair has 3 inputs, image, mask, tokens; say which of them is [3, 16, 16]"),
        ({"imag": [3, 16, 16]}, "pair has no input 'imag'; did you mean 'image'?"),
        ({"mask": [1, 16]}, "takes 'mask', an input of 3 numbers"),
        ({"mask": 3}, "input must be a list"),
    ],
)
def test_an_input_that_it_does_not_have_is_refused(given: object, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(graph_of(PAIR), input=given)  # type: ignore[arg-type]  # also what is no input
    assert message in str(raised.value)


def test_free_sizes_of_several_inputs_make_a_formula() -> None:
    n, text = symbol("n"), PAIR.replace("[3, 16, 16]", "[3, n, 16]").replace("[1, 16,", "[1, n,")
    pair = analyze(graph_of(text))
    assert pair.macs == 11840 * n
    numbers = {"image": [3, n, 16], "mask": [1, n, 16]}
    assert archcalc.formula(graph_of(PAIR), "macs", input=numbers) == 11840 * n
    length = archcalc.formula(graph_of(PAIR), "lecture_bytes", ["tokens[0]"])
    (free,) = length.free_symbols
    assert str(free) == "tokens[0]"
    assert length.subs(free, 12) == archcalc.activation_bytes(analyze(graph_of(PAIR))).lecture


def test_sizes_of_several_inputs_can_be_arrays() -> None:
    sizes = np.array([8, 16, 24])
    pair = graph_of(PAIR)
    found = archcalc.sweep(pair, input={"image": [3, sizes, 16], "mask": [1, sizes, 16]})
    for at, size in enumerate(sizes):
        setting = found.setting(at)
        assert setting == {"input": {"image": [3, size, 16], "mask": [1, size, 16]}}
        assert analyze(pair, **setting).macs == np.asarray(found.totals.macs)[at]
    one = archcalc.sweep(pair, input={"mask": [1, sizes, 16]})
    assert one.valid.tolist() == [False, True, False]
    assert "branches of" in str(one.reason(0))


# ----- what is said of them -----


def test_the_contract_has_them_by_name() -> None:
    contract = to_contract(analyze(graph_of(PAIR), dtype="float16"))
    assert contract["input"] == [3, 16, 16]
    assert contract["inputs"] == {
        "image": {"shape": [3, 16, 16], "dtype": "float16"},
        "mask": {"shape": [1, 16, 16], "dtype": "float16"},
        "tokens": {"shape": [12], "dtype": "int64"},
    }
    assert contract["outputs"] == {"boxes": "a", "scores": "tower2.c2", "ids": "t"}
    jsonschema.validate(json.loads(json.dumps(contract)), contract_schema())
    alone = to_contract(analysis_of("  - relu\n"))
    assert "inputs" not in alone
    assert "outputs" not in alone


def test_the_command_line_takes_each_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pair.yaml"
    path.write_text(PAIR, encoding="utf-8")
    words = ("--input", "mask=2x16x16", "--input", "image=3x16x16")
    status, out, _ = called(capsys, "table", str(path), *words, "--format", "json")
    assert status == 0
    assert json.loads(out)["inputs"]["mask"]["shape"] == [2, 16, 16]
    for wrong, fact in (
        (("--input", "tokens=24", "--input", "tokens=3"), "--input: tokens is given 2 times"),
        (("--input", "3x16x16", "--input", "tokens=3"), "--input: where several are given"),
        (("--input", "3x16x16"), "--input: pair has 3 inputs"),
    ):
        status, out, error = called(capsys, "table", str(path), *wrong)
        assert (status, out) == (2, "")
        assert fact in error
    _, out, _ = called(capsys, "draw", str(path))
    assert all(f'(["{name}"])' in out for name in (*INPUTS, "boxes", "scores", "ids"))


def test_a_comparison_tells_what_became_of_them() -> None:
    other = PAIR.replace("shape: [12], dtype: int64", "shape: [12], dtype: int32")
    found = difference(analysis_of(PAIR), analysis_of(other.replace("boxes: a", "b: a")))
    assert [change.what for change in found.settings] == ["input tokens, dtype"]
    assert found.outputs is not None
    assert found.outputs.after[0] == "b: a"
    one = analysis_of(
        PAIR.replace("  mask: [1, 16, 16]\n", "").replace("from: mask", "from: image")
    )
    gone = difference(analysis_of(PAIR), one).settings
    assert [(change.what, change.after) for change in gone] == [("input mask", None)]


def test_nothing_is_seen_of_the_first_input_through_another() -> None:
    pair = analysis_of(PAIR)
    assert (pair["stem"].receptive_field, pair["join"].receptive_field) == ((3, 3), (3, 3))
    assert pair["tower1.c2"].receptive_field == (0, 0)
    pooled = graph(
        {"x": FeatureMap(2, (4, 4)), "y": FeatureMap(2, (4, 4))},
        [node("g", archcalc.layers.pooling.GlobalAvgPool(), "y"), node("a", Add(), "x", "g")],
    )
    assert analyze(pooled)["g"].receptive_field == (0, 0)
    assert analyze(pooled)["a"].receptive_field == (1, 1)


# ----- torch -----


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_torch_agrees(dtype: str) -> None:
    under = archcalc.torch_backend.verify.conditions("cpu", dtype, batch=2)
    found = verify(graph_of(PAIR), what=["sizes", "params", "macs", "memory", "field"], under=under)
    assert found.differences == ()
    assert {"sizes", "params", "macs", "memory", "field"} == {x.subject for x in found.figures}


@pytest.mark.parametrize("options", [TrainingOptions(), TrainingOptions(loss="mse")])
def test_a_training_step_is_torchs(options: TrainingOptions) -> None:
    check_step(graph_of(PAIR), options=options)


def test_what_is_exported_takes_and_returns_the_same() -> None:
    check_network(graph_of(PAIR))
    source = archcalc.export(graph_of(PAIR))
    assert "def forward(self, image: Tensor, mask: Tensor, tokens: Tensor)" in source
    assert "return boxes, scores, ids" in source
    assert "Returns a tuple: boxes, scores, ids." in source


def test_the_twin_takes_as_many_tensors_as_there_are_inputs() -> None:
    pair = graph_of(PAIR)
    twin = build(pair)
    boxes, scores, ids = twin(*drawn(pair, 2, torch.float32, "cpu"))
    assert (boxes.shape, scores.shape, ids.dtype) == ((2, 2, 16, 16), (2, 4, 16, 16), torch.int64)
    with pytest.raises(TypeError, match="1 tensors for the inputs image, mask, tokens"):
        twin(torch.zeros(2, 3, 16, 16))


def test_integers_take_their_own_bytes_whatever_the_dtype() -> None:
    pair = analyze(graph_of(PAIR), batch=3, dtype="float16")
    assert pair.map_bytes["tokens"] == 3 * 12 * 8
    assert pair["t"].activation_bytes == 3 * 12 * 8
    total = sum(layer.activation_bytes for layer in pair.inference_layers)
    assert pair.totals.activation_bytes == total
