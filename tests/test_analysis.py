"""The walk: every figure of every layer, and their sums."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc import (
    DTYPES,
    Analysis,
    AnalysisStopped,
    ArchcalcError,
    FeatureMap,
    LayerError,
    MissingExtraError,
    SpecError,
    UsageError,
    activation_bytes,
    analyze,
    build,
    formula,
    load,
    symbol,
)
from archcalc.cli import main
from archcalc.figures.of_layer import SUMMED
from archcalc.quantity.arithmetic import plain
from archcalc.record import as_dict
from tests.spec_texts import analysis_of, graph_of

NET = """\
name: net
input: [3, 8, 8]
parameters: {classes: 10}
layers:
  - conv: {name: conv, channels: 4, kernel: 3, padding: 1}
  - batch_norm: {name: norm}
  - relu: {name: relu}
  - max_pool: {name: pool, kernel: 2}
  - flatten: {name: flat}
  - linear: {name: fc, features: classes, bias: false}
"""


def figures(analysis: Analysis, *attributes: str) -> dict[str, Any]:
    return {
        layer.name: tuple(getattr(layer, attribute) for attribute in attributes)
        if len(attributes) > 1
        else getattr(layer, attributes[0])
        for layer in analysis.layers
    }


def test_sizes_follow_the_rules_of_the_layers() -> None:
    assert figures(analysis_of(NET), "output") == {
        "conv": FeatureMap(4, (8, 8)),
        "norm": FeatureMap(4, (8, 8)),
        "relu": FeatureMap(4, (8, 8)),
        "pool": FeatureMap(4, (4, 4)),
        "flat": FeatureMap(64),
        "fc": FeatureMap(10),
    }


def test_parameters_and_operations_are_counted_by_layer() -> None:
    # conv: 4 x 3 x 3 x 3 = 108 weights, 4 biases; 108 x 8 x 8 = 6,912 MACs, 4 x 8 x 8 additions.
    # norm: gamma 4, beta 4; mean 4, variance 4, count 1; 2 x 4 x 8 x 8 = 512 operations.
    # pool: 3 comparisons for each of 4 x 4 x 4 = 64 outputs. fc: 10 x 64 = 640.
    counted = figures(analysis_of(NET), "weights", "biases", "buffers", "macs", "other_ops")
    assert counted == {
        "conv": (108, 4, 0, 6912, 256),
        "norm": (4, 4, 9, 0, 512),
        "relu": (0, 0, 0, 0, 256),
        "pool": (0, 0, 0, 0, 192),
        "flat": (0, 0, 0, 0, 0),
        "fc": (640, 0, 0, 640, 0),
    }


def test_totals_are_the_sums_of_the_layers() -> None:
    totals = analysis_of(NET).totals
    assert (totals.weights, totals.biases, totals.params) == (752, 8, 760)
    assert (totals.macs, totals.flops, totals.buffers) == (7552, 15104, 9)
    assert (totals.other_ops, totals.param_bytes) == (1216, 3040)


def test_what_units_see_is_followed_through_the_layers() -> None:
    # conv 3x3: 3 pixels, from -1; pool 2x2: 3 + 1 x 1 = 4, jump 2; fc: all.
    seen = figures(analysis_of(NET), "receptive_field", "jump", "offset")
    assert seen["conv"] == ((3, 3), (1, 1), (-1, -1))
    assert seen["relu"] == seen["conv"]
    assert seen["pool"] == ((4, 4), (2, 2), (-1, -1))
    assert seen["flat"] == seen["pool"]
    assert seen["fc"] == ("all", None, None)


def test_each_axis_has_its_own_field() -> None:
    analysis = analysis_of(
        "  - conv: {channels: 1, kernel: [1, 7], stride: [2, 1], padding: [0, 3]}"
    )
    (layer,) = analysis.layers
    assert (layer.receptive_field, layer.jump, layer.offset) == ((1, 7), (2, 1), (0, -3))


def test_where_branches_meet_the_field_holds_those_of_all() -> None:
    # 5x5 padded by 2 sees -2 … 2; two 3x3 unpadded see 0 … 4, cropped to the same size.
    text = """\
  - concat:
      - [conv: {channels: 1, kernel: 5, padding: 2}, crop: {sides: 2}]
      - [conv: {channels: 1, kernel: 3}, conv: {channels: 1, kernel: 3}]
"""
    layer = analysis_of(text).layer("concat1")
    # After the crop of 2, unit 0 of the first branch sees 0 … 4 as well.
    assert (layer.receptive_field, layer.offset) == ((5, 5), (0, 0))


def test_branches_with_different_jumps_are_flagged_and_the_rest_goes_on() -> None:
    text = """\
  - concat:
      - [max_pool: {kernel: 2}, upsample: {factor: 2}]
      - [max_pool: {kernel: 2}, conv_transpose: {channels: 3, kernel: 2, stride: 2}, identity]
      - [max_pool: {kernel: 2, stride: 1, padding: [[1, 0], [1, 0]]}]
  - add: [[crop: {sides: [[0, 4], [0, 4]]}], [max_pool: {kernel: 2}]]
  - relu
"""
    analysis = analysis_of(text)
    assert analysis.layer("concat1").jump == (1, 1)
    assert analysis.layer("add1").receptive_field is None
    assert analysis.layer("relu1").output == FeatureMap(9, (4, 4))


def test_a_vector_has_no_axes_to_see_along() -> None:
    analysis = analysis_of("name: t\ninput: [7]\nlayers: [linear: {features: 3}]")
    assert analysis.layers[0].receptive_field == ()


def test_shared_weights_count_once_and_macs_at_each_use() -> None:
    text = """\
  - conv: {name: a, channels: 3, kernel: 3, padding: 1}
  - conv: {name: b, channels: 3, kernel: 3, padding: 1, weights: a}
  - batch_norm: {name: n}
  - batch_norm: {name: m, weights: n}
"""
    counted = figures(analysis_of(text), "params", "macs", "buffers")
    assert counted == {"a": (84, 5184, 0), "b": (0, 5184, 0), "n": (6, 0, 7), "m": (0, 0, 0)}


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("linear: {name: a, features: 8}", "linear: {features: 9, weights: a}",
         "whose weight is 8x8; here it would be 9x8"),
        ("linear: {name: a, features: 5}", "linear: {features: 8, weights: a}",
         "whose weight is 5x8; here it would be 8x5; `transposed: true` takes it the other way"),
        ("linear: {name: a, features: 8, bias: false}", "linear: {features: 8, weights: a}",
         "which has weight; it needs weight, bias"),
        # batch norms without weights share their statistics
        ("batch_norm: {name: a, affine: false}",
         "conv: {channels: 9, kernel: 1}\n  - batch_norm: {affine: false, weights: a}",
         "whose running_mean is 3; here it would be 9"),
    ],
)  # fmt: skip
def test_shared_weights_must_have_one_shape(first: str, second: str, message: str) -> None:
    text = f"  - {first}\n  - {second}"
    with pytest.raises(LayerError, match=f"shares the weights of a, {message}"):
        analysis_of(text)


def test_an_unpooling_undoes_the_size_that_its_pool_took_in() -> None:
    pool = "  - max_pool: {name: p, kernel: 2}\n"
    assert analysis_of(pool + "  - max_unpool: {kernel: 2, indices: p}").layers[
        -1
    ].output.sizes == (
        8,
        8,
    )
    with pytest.raises(LayerError, match="unpools to 3x16x16, but its max pool took in 3x8x8"):
        analysis_of(pool + "  - max_unpool: {kernel: 4, indices: p}")


def test_heads_for_training_only_are_counted_apart() -> None:
    text = """\
  - conv: {name: c, channels: 2, kernel: 1}
  - head: {name: h, training_only: true, layers: [linear: {features: 5}]}
  - head: {name: g, training_only: false, layers: [linear: {features: 7, bias: false}]}
"""
    analysis = analysis_of(text)
    assert analysis.totals.params == 2 * 3 + 2 + 7 * 8
    assert analysis.training_only_totals.params == 5 * 8 + 5


# ----- batch, dtype -----


def test_operations_and_activations_are_for_the_batch_and_parameters_are_not() -> None:
    one, many = analyze(graph_of(NET)), analyze(graph_of(NET), batch=32)
    for a, b in zip(one.layers, many.layers, strict=True):
        assert (b.macs, b.other_ops) == (32 * a.macs, 32 * a.other_ops)
        assert (b.activation_values, b.activation_bytes) == (
            32 * a.activation_values,
            32 * a.activation_bytes,
        )
        assert (b.params, b.buffers, b.output) == (a.params, a.buffers, a.output)


@pytest.mark.parametrize(("dtype", "size"), DTYPES.items())
def test_the_dtype_sets_the_bytes(dtype: str, size: int) -> None:
    analysis = analyze(graph_of(NET), dtype=dtype)
    assert analysis.bytes_each == size
    assert analysis.totals.param_bytes == size * 760
    assert analysis.layer("conv").activation_bytes == size * 256


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dtype": "float"}, "unknown dtype 'float'; did you mean 'float32'?"),
        (
            {"dtype": int},
            "unknown dtype <class 'int'>; known: float32, float64, float16, bfloat16, int8",
        ),
        ({"dtype": "q"}, "unknown dtype 'q'; known: float32, float64, float16, bfloat16, int8"),
    ],
)
def test_a_wrong_setting_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        analyze(graph_of(NET), **settings)
    assert str(raised.value) == message


# ----- the door -----


def test_a_spec_may_be_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("name: net\ninput: [3, 8, 8]\nlayers: [relu]\n")
    assert analyze(path).name == load(path).name == "net"
    with pytest.raises(UsageError, match="None is not a network: that is a name, a path"):
        load(None)  # type: ignore[arg-type]  # the mistake


def test_a_graph_can_be_analyzed_with_other_parameters_and_another_input() -> None:
    graph = graph_of(NET, classes=5)
    assert analyze(graph).layer("fc").weights == 5 * 64
    assert analyze(graph, input=[3, 16, 16]).layer("fc").weights == 5 * 256
    assert analyze(graph, classes=2).layer("fc").weights == 2 * 64
    assert graph.input == FeatureMap(3, (8, 8))


def test_a_name_is_enough() -> None:
    assert analyze("lenet5").totals == analyze(load("lenet5")).totals
    assert analyze("lenet5", classes=100).layer("output").output == FeatureMap(100)
    assert analyze("lenet5", input=[3, 32, 32]).layers[0].weights == 3 * 150


def test_a_parameter_may_be_called_as_an_argument() -> None:
    text = "name: t\ninput: [n]\nparameters: {n: 3, graph: 4}\nlayers: [linear: {features: graph}]"
    assert analyze(graph_of(text), graph=5).totals.params == 20


@pytest.mark.parametrize("name", ["conv1_1", "stage1.conv1_1"])
def test_a_layer_is_found_by_its_name_or_the_end_of_it(name: str) -> None:
    assert analyze("vgg16").layer(name).name == "stage1.conv1_1"


@pytest.mark.parametrize(
    ("network", "name", "message"),
    [
        ("vgg16", "conv1_1a", "vgg16 has no layer 'conv1_1a'; did you mean 'conv1_1'?"),
        ("vgg16", "zzz", "vgg16 has no layer 'zzz'"),
        (
            "googlenet",
            "inception_4a",
            "'inception_4a' is a block (inception) of googlenet, not a layer; its output is that "
            "of 'inception_4a.output'",
        ),
        ("resnet18", "bn1", None),
        ("resnet18", "conv2", "8 layers of resnet18 are called 'conv2': layer1.0.conv2, "),
    ],
)
def test_a_layer_that_is_not_there_or_there_twice_is_refused(
    network: str, name: str, message: str | None
) -> None:
    analysis = analyze(network)
    if message is None:  # the whole name of one layer, though the end of others
        assert analysis.layer(name).name == name
        return
    with pytest.raises(UsageError) as raised:
        analysis.layer(name)
    assert str(raised.value).startswith(message)


def test_the_output_of_a_block_is_none_of_a_head_in_it() -> None:
    text = """\
name: net
input: [3, 8, 8]
blocks:
  part:
    layers:
      - relu: {name: last}
      - head: {name: aux, training_only: true, layers: [flatten: {name: flat}]}
layers:
  - part: {name: one}
"""
    analysis = analysis_of(text)
    with pytest.raises(UsageError, match=r"its output is that of 'one\.last'$"):
        analysis.layer("one")
    with pytest.raises(UsageError, match=r"its output is that of 'one\.aux\.flat'$"):
        analysis.layer("aux")


def test_a_frame_has_the_columns_of_the_contract() -> None:
    analysis = analysis_of(NET)
    frame = analysis.to_frame()
    assert list(frame.columns) == [*analysis.layers[0].record(), "network"]
    assert frame["params"].sum() == 760
    assert list(frame["name"]) == [layer.name for layer in analysis.layers]


def test_rows_of_a_frame_can_be_sorted_by_any_column() -> None:
    frame = analyze("googlenet").to_frame()
    for column in frame.columns:
        assert len(frame.sort_values(column)) == len(frame)
    widest = frame.sort_values("receptive_field")["receptive_field"]
    assert (widest.iloc[0], widest.iloc[-1]) == ((7, 7), (math.inf,))
    assert frame["output"].iloc[0] == (64, 112, 112)


def test_an_analysis_is_no_network_and_says_what_is() -> None:
    analysis = analysis_of(NET)
    with pytest.raises(UsageError, match="the network is its `graph`"):
        analyze(analysis)  # type: ignore[arg-type]  # what people try
    assert analyze(analysis.graph).macs == analysis.macs


def test_a_frame_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'archcalc\[pandas\]'"):
        analysis_of(NET).to_frame()


# ----- not all or nothing -----


def test_a_layer_that_refuses_leaves_all_before_it() -> None:
    text = "  - conv: {name: a, channels: 4, kernel: 3}\n  - relu: {name: b}\n"
    with pytest.raises(AnalysisStopped) as raised:
        analysis_of(text + "  - conv: {name: c, channels: 4, kernel: 99}\n  - relu")
    partial = raised.value.partial
    assert [layer.name for layer in partial.layers] == ["a", "b"]
    assert [x.record() for x in partial.layers] == [x.record() for x in analysis_of(text).layers]
    assert partial.error is raised.value
    assert str(raised.value) == (
        "c (conv channels=4 kernel=99) on 4x6x6, tiny.yaml:6:5: a window of 99 does not fit in 6"
    )


def test_a_layer_is_told_by_the_fields_that_were_given() -> None:
    text = "  - conv: {channels: 4, kernel: [9, 3], padding: [[1, 2], 0], bias: false, stride: 1}"
    with pytest.raises(LayerError) as raised:
        analysis_of("name: t\ninput: [3, 2, 2]\nlayers:\n" + text)
    assert str(raised.value).startswith(
        "conv1 (conv channels=4 kernel=9x3 padding=(1,2)x0 bias=false) on 3x2x2, "
    )


def test_a_message_about_many_inputs_is_short() -> None:
    inputs = ", ".join(["input"] * 50 + ["r"])
    with pytest.raises(LayerError, match=r"on 3x8x8 and 3x8x8 and 3x8x8 and 3x8x8 and 47 more, "):
        analysis_of(f"  - flatten: {{name: r}}\n  - concat: {{from: [{inputs}]}}")


def test_a_spec_that_is_wrong_is_no_partial_success() -> None:
    with pytest.raises(SpecError):
        analysis_of("  - relu\n  - maxpol")


# ----- symbols -----


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "densenet121", "squeezenet1_0", "googlenet"])
def test_formulas_put_to_numbers_are_the_numbers(name: str) -> None:
    h, w = symbol("h"), symbol("w")
    formulas = analyze(name, input=[3, 32 * h, 32 * w])
    for height, width in ((7, 7), (8, 9)):
        numbers = analyze(name, input=[3, 32 * height, 32 * width])
        for attribute in ("params", "macs", "other_ops", "buffers"):
            formula = getattr(formulas.totals, attribute)
            at = formula.subs({h: height, w: width}) if hasattr(formula, "subs") else formula
            assert plain(at) == getattr(numbers.totals, attribute)


def test_a_formula_is_short_where_sizes_are_multiples() -> None:
    h, w = symbol("h"), symbol("w")
    totals = analyze("vgg16", input=[3, 32 * h, 32 * w]).totals
    # At h = w = 7 the convolutions take 15,346,630,656 = 49 x 313,196,544 MACs and fc6
    # 102,760,448 = 49 x 2,097,152; fc7 and fc8 take 16,777,216 + 4,096,000 at any size.
    assert str(totals.macs) == "315293696*h*w + 20873216"
    assert 315293696 * 49 + 20873216 == 15_470_264_320


def test_what_a_prompt_shows_is_one_line() -> None:
    analysis = analyze("vgg16")
    assert repr(analysis) == (
        "<Analysis of vgg16: input 3x224x224, batch 1, float32; 39 layers, 138357544 params, "
        "15470264320 MACs>"
    )
    assert repr(analysis.graph) == "<Graph of vgg16: input 3x224x224, 39 layers>"
    assert repr(analysis.graph.network) == "<Network vgg16: VGG-16 (configuration D)>"
    assert repr(analysis["conv1_1"]) == (
        "<stage1.conv1_1: conv, output 64x224x224, 1792 params, 86704128 MACs>"
    )
    sweep = archcalc.sweep("alexnet", towers=np.array([1, 7]))
    assert repr(sweep) == "<Sweep of alexnet: 2 settings, 1 of them valid; shape (2,)>"


@pytest.mark.parametrize("batch", [0, -1, 2.5, True, "3", None, [2], float("nan")])
def test_a_batch_is_a_whole_number(batch: Any) -> None:
    with pytest.raises(UsageError, match="batch must be a whole number, at least 1, not "):
        analyze("lenet5", batch=batch)


@pytest.mark.parametrize("input", ["1x32x32", 32, np.float64(32), symbol("h")])
def test_an_input_is_a_list(input: Any) -> None:
    with pytest.raises(UsageError, match=r"must be a list such as \[3, 224, 224\]"):
        analyze("lenet5", input=input)
    with pytest.raises(UsageError, match="must be a list"):
        load("lenet5", input=input)


def test_numpys_numbers_are_numbers() -> None:
    image: Any = np.array([1, 32, 32])
    four, nine = map(np.int64, (4, 9))
    numbers: dict[str, Any] = {"batch": four, "classes": nine}
    analysis = analyze("lenet5", input=image, **numbers)
    assert analysis.totals == analyze("lenet5", batch=4, classes=9).totals
    assert {type(value) for value in as_dict(analysis.totals).values()} == {int}
    sizes: Any = (1, np.int32(32), 32)
    assert analyze("lenet5", input=sizes).totals == analyze("lenet5").totals
    depths: Any = (3, 4, 6, 3)
    assert load("resnet50", depths=depths).parameters["depths"] == [3, 4, 6, 3]


def test_what_takes_an_analysis_takes_a_sweep_or_says_no() -> None:
    sweep: Any = archcalc.sweep("lenet5", classes=np.array([10, 20]))
    found: Any = activation_bytes(sweep)
    assert found.peak.tolist() == sweep.activation_bytes().peak.tolist()
    for function in (analyze, load, build, formula):
        with pytest.raises(UsageError, match=r"classes: an array, .* `sweep` takes arrays"):
            function("lenet5", classes=np.array([10, 20]))
    with pytest.raises(UsageError, match="`sweep` takes arrays"):
        analyze("lenet5", input=[1, np.array([32, 36]), 32])
    with pytest.raises(UsageError, match=r"batch: an array, .* `sweep` takes arrays"):
        analyze("lenet5", batch=np.array([1, 2]))  # type: ignore[arg-type]  # the mistake


def test_a_sweep_without_arrays_is_one_setting() -> None:
    found = archcalc.sweep("lenet5", classes=20)
    assert (found.shape, found.valid.item()) == ((), True)
    assert found.totals.params == analyze("lenet5", classes=20).totals.params


def test_a_graph_keeps_what_it_was_built_with() -> None:
    graph = load("alexnet", input=[3, 63, 63], classes=10)
    assert analyze(graph).graph is graph
    changed = load(graph, towers=2)
    assert (changed.input, changed.parameters["classes"]) == (graph.input, 10)
    sweep: Any = archcalc.sweep(graph, towers=np.array([1, 2]))
    assert sweep.totals.params.tolist() == [
        analyze(graph, towers=towers).totals.params for towers in (1, 2)
    ]


def test_a_spec_may_be_a_text_or_a_mapping() -> None:
    text = "name: tiny\ninput: [3, 8, 8]\nparameters: {width: 4}\nlayers:\n"
    text += "  - conv: {channels: 2*width, kernel: 3}\n  - relu\n"
    mapping = {
        "name": "tiny",
        "input": [3, 8, 8],
        "parameters": {"width": 4},
        "layers": [{"conv": {"channels": "2*width", "kernel": 3}}, "relu"],
    }
    for spec in (text, mapping):
        analysis = analyze(spec, width=8)
        assert [layer.name for layer in analysis.layers] == ["conv1", "relu1"]
        assert analysis.totals.params == 16 * (3 * 9 + 1)
        weights = formula(spec, "weights", ["width"])
        assert str(weights) == "54*width"
        sweep: Any = archcalc.sweep(spec, width=np.array([4, 8]))
        assert sweep.totals.weights.tolist() == [216, 432]
        assert build(spec, width=2).module_of("conv1").out_channels == 4


SHARED: dict[str, Any] = {"kernel": 3, "channels": 4, "padding": 1}
ENDLESS: dict[str, Any] = {}
ENDLESS["layers"] = [ENDLESS]


def test_a_mapping_may_have_the_same_in_several_places() -> None:
    spec = {"name": "twice", "input": [4, 8, 8], "layers": [{"conv": SHARED}, {"conv": SHARED}]}
    assert len(analyze(spec).layers) == 2


def test_a_mapping_may_hold_numpys_numbers() -> None:
    width, size = np.array([4, 8])
    conv = {"channels": width, "kernel": np.array(3)}
    spec = {"name": "numpys", "input": [3, size, size], "layers": [{"conv": conv}]}
    assert analyze(spec).totals.params == 4 * (3 * 9 + 1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("name: a\ninput: [3, 8]\nlayers: [maxpol]\n", r"<string>:3:10: .*did you mean 'max_pool'"),
        ({"name": "a", "input": [3, 8], "layers": ["maxpol"]}, r"<mapping>:3:10: .*'max_pool'"),
        ({"name": "a", "input": [3, 8]}, "'a' has no `layers`"),
        ({}, "a spec"),
        ({"name": object()}, "a spec holds mappings, lists, texts and numbers, not <object"),
        (ENDLESS, "nested too deep, or contains itself"),
        ("x\n" * (1 << 20), "<string>: more than 1,048,576 bytes"),
        ("name: [\n", "<string>:.*not YAML"),
        (7, "7 is not a network: that is a name, a path"),
        (None, "None is not a network"),
    ],
)
def test_a_wrong_text_or_mapping_says_what_is_wrong(spec: Any, message: str) -> None:
    with pytest.raises(ArchcalcError, match=message):
        analyze(spec)


def test_of_several_variants_in_a_text_none_is_chosen() -> None:
    text = "name: a\ninput: [3, 8]\nlayers: [relu]\nvariants: {b: {}, c: {}}\n"
    with pytest.raises(UsageError, match="<string> has 2 variants"):
        analyze(text)


def test_a_unit_that_sees_nothing_has_no_offset_and_says_so() -> None:
    # Output o of the height hears input i through tap t where o + 1 - 2 t = 2 i: no even o does.
    text = """\
name: ct
input: [4, 9, 11]
layers:
  - conv_transpose: {name: a, channels: 6, kernel: [3, 4], stride: [2, 3], padding: [1, 2],
      output_padding: [1, 2], dilation: [2, 1], groups: 2}
  - conv_transpose: {name: b, channels: 6, kernel: 1, stride: 2, padding: 0}
  - crop: {name: c, sides: [[1, 0], [1, 0]]}
"""
    analysis = analysis_of(text)
    assert analysis.layer("a").offset == ("nothing", 0)
    assert analysis.layer("c").offset == "nothing"
    assert analysis.layer("c").record()["offset"] == "nothing"


ANY_NAMES = """\
name: any
input: [1, 8]
parameters: {batch: 2, dtype: 3, device: 1, parameters: 1, assume: 1, graph: 1}
layers: [conv: {channels: batch*dtype*device*parameters*assume*graph, kernel: 1}]
"""


def test_parameters_may_be_called_as_arguments_are(tmp_path: Path) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(ANY_NAMES)
    given = {"batch": 5, "dtype": 7, "device": 1, "parameters": 2}
    graph = load(path, parameters=given)
    assert graph.parameters == {**given, "assume": 1, "graph": 1}
    assert analyze(path, batch=3, parameters=given, graph=2).layers[0].output.channels == 140
    assert analyze(path, batch=3, parameters=given).batch == 3
    assert analyze(graph, parameters={"assume": 4}).layers[0].output.channels == 280
    assert build(path, device="meta", parameters=given).module_of("conv1").out_channels == 70
    weights = formula(path, "weights", ["dtype"], parameters={"batch": 5, "assume": 3})
    (dtype,) = weights.free_symbols
    assert (dtype.name, weights.subs(dtype, 7)) == ("dtype", 105)
    sweep = archcalc.sweep(path, parameters={"batch": np.array([1, 2])}, device=3)
    assert np.array_equal(sweep.totals.weights, [9, 18])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {"classes": 1}, "classes": 2}, "classes is given twice, in `parameters`"),
        ({"parameters": [("classes", 1)]}, "parameters must be a mapping of names to values"),
        ({"parameters": {3: 1}}, "parameters must be a mapping of names to values"),
        ({"parameters": {"clases": 1}}, "no parameter 'clases'; did you mean 'classes'?"),
    ],
)
def test_parameters_in_a_mapping_are_checked(arguments: Any, message: str) -> None:
    for function in (analyze, load, formula, build):
        with pytest.raises(UsageError, match=re.escape(message)):
            function("vgg16", **arguments)


@pytest.mark.parametrize("name", [3, None, 1.5, ["conv1"]])
def test_a_layer_is_asked_for_by_its_name(name: Any) -> None:
    with pytest.raises(UsageError, match=r"by its name, such as '.*conv1_1', and not by"):
        analyze("vgg16").layer(name)


def test_an_analysis_has_its_totals_and_its_layers() -> None:
    analysis = analyze("googlenet", batch=2)
    for key in SUMMED:
        assert getattr(analysis, key) == getattr(analysis.totals, key)
    assert list(analysis) == [*analysis.layers]
    assert len(analysis) == len(analysis.layers)
    name = analysis.layers[5].name
    assert analysis[name] is analysis.layer(name) is analysis.layers[5]
    assert name in analysis
    assert "nowhere" not in analysis
    with pytest.raises(UsageError, match="has no layer 'nowhere'"):
        analysis["nowhere"]


def test_an_analysis_shows_itself_as_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    analysis = analyze("resnet18")
    assert main(["table", "resnet18", "--format", "html"]) == 0
    assert analysis._repr_html_() + "\n" == capsys.readouterr().out
    words = ["table", "resnet18", "--format", "markdown", "--columns", "name,macs", "--depth", "1"]
    assert main(words) == 0
    assert analysis.to_markdown(columns=["name", "macs"], depth=1) + "\n" == capsys.readouterr().out
