"""Whole files: versions, phases, what is in place, what is left out."""

from __future__ import annotations

import pytest

from archcalc.errors import Source, SpecError
from archcalc.importing.caffe.network import read_caffe
from tests.importing.caffe.texts import conv, fc, input_of, relu
from tests.importing.files import analysis_of, caffe, dims_of

TRAINING = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { crop_size: 24 mean_value: 1 mean_value: 2 mean_value: 3 }
  data_param { source: "a" } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 16 mean_value: 1 mean_value: 2 mean_value: 3 }
  data_param { source: "b" } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 0 } param { lr_mult: 0 } convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "only" type: "Dropout" bottom: "conv" top: "conv" exclude { phase: TEST } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 5 } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "silence" type: "Silence" bottom: "label" }
"""


def test_of_a_file_for_training_what_runs_in_use_is_read() -> None:
    analysis = caffe(TRAINING)
    assert analysis.graph.input.shape == (3, 16, 16)
    assert [layer.name for layer in analysis.layers] == ["conv", "ip_flatten", "ip"]
    assert analysis.params == 112 + 14 * 14 * 4 * 5 + 5
    assert analysis.layer("conv").node.trainable is False
    assert analysis.layer("ip").node.trainable is True


def test_rules_of_stages_and_levels() -> None:
    def names(state: str, rule: str) -> list[str]:
        text = f"{state} {input_of(4, 8, 8)} {relu('data')}"
        text += f'layer {{ name: "x" type: "TanH" bottom: "data" top: "y" {rule} }}'
        return [layer.name for layer in caffe(text).layers][1:]

    assert names('state { stage: "a" }', 'include { stage: "a" }') == ["x"]
    assert names('state { stage: "a" }', 'include { stage: "b" }') == []
    assert names('state { stage: "a" }', 'include { stage: "b" } include { stage: "a" }') == ["x"]
    assert names('state { stage: "a" }', 'include { not_stage: "a" }') == []
    assert names("state { level: 2 }", "include { min_level: 2 max_level: 3 }") == ["x"]
    assert names("state { level: 1 }", "include { min_level: 2 }") == []
    assert names("state { phase: TRAIN }", "include { phase: TEST }") == []
    assert names("", "include { phase: 1 }") == ["x"]
    assert names("", 'include { stage: "deploy" }') == ["x"]
    with pytest.raises(SpecError, match="include and exclude together"):
        names("", "include { phase: TEST } exclude { phase: TEST }")


def test_the_first_version_of_the_format_says_the_same() -> None:
    text = """
        input: "data" input_dim: 10 input_dim: 3 input_dim: 8 input_dim: 8
        layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 0 blobs_lr: 0
          convolution_param { num_output: 4 kernel_size: 3 } }
        layers { name: "r" type: RELU bottom: "c" top: "c" }
        layers { name: "p" type: POOLING bottom: "c" top: "p"
          pooling_param { pool: 1 kernel_size: 6 } }
        layers { name: "i" type: INNER_PRODUCT bottom: "p" top: "i"
          inner_product_param { num_output: 2 } }
        layers { name: "loss" type: SOFTMAX_LOSS bottom: "i" bottom: "i" }
    """
    analysis = caffe(text)
    assert [layer.kind for layer in analysis.layers] == [
        "conv",
        "relu",
        "avg_pool",
        "flatten",
        "linear",
    ]
    assert analysis.params == 112 + 10
    assert analysis.layer("c").node.trainable is False


def test_a_layer_in_place_stands_behind_what_was_there_and_before_what_comes() -> None:
    text = input_of(4, 8, 8) + conv("c", "data", 4, 3) + conv("before", "c", 2, 1) + relu("c")
    text += conv("after", "c", 2, 1)
    inputs = {layer.name: layer.node.inputs for layer in caffe(text).layers}
    assert inputs["before"] == ("c",)
    assert inputs["after"] == ("relu_c",)


def test_a_batch_norm_and_its_scale_are_one_where_nothing_reads_between_them() -> None:
    norm = 'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }\n'
    scale = (
        'layer { name: "s" type: "Scale" bottom: "bn" top: "s" scale_param { bias_term: true } }\n'
    )
    merged = caffe(input_of(4, 8, 8) + norm + scale + relu("s"))
    assert [(layer.name, layer.kind, layer.params) for layer in merged.layers] == [
        ("bn", "batch_norm", 8),
        ("relu_s", "relu", 0),
    ]
    apart = caffe(
        input_of(4, 8, 8) + norm + scale + 'layer { name: "t" type: "TanH" bottom: "bn" top: "t" }'
    )
    assert [layer.kind for layer in apart.layers] == ["batch_norm", "channel_scale", "tanh"]
    assert apart.params == 8
    bare = caffe(input_of(4, 8, 8) + norm + scale.replace("true", "false"))
    assert (len(bare.layers), bare.params) == (2, 4)


def test_a_size_that_is_another_layers_follows_the_merged_one() -> None:
    text = (
        input_of(4, 8, 8)
        + conv("small", "data", 4, 3)
        + 'layer { name: "bn" type: "BatchNorm" bottom: "small" top: "bn" }\n'
        + 'layer { name: "s" type: "Scale" bottom: "bn" top: "s" '
        "scale_param { bias_term: true } }\n"
        + 'layer { name: "crop" type: "Crop" bottom: "data" bottom: "s" top: "crop" '
        "crop_param { offset: 1 } }\n"
        + 'layer { name: "sum" type: "Eltwise" bottom: "crop" bottom: "s" top: "sum" }\n'
    )
    analysis = caffe(text)
    assert analysis.layer("crop").output.shape == (4, 6, 6)


def test_parameters_that_are_shared_by_name_are_counted_once() -> None:
    shared = 'param { name: "w" } param { name: "b" }'
    text = input_of(4, 8, 8)
    for name in ("one", "two"):
        text += (
            f'layer {{ name: "{name}" type: "Convolution" bottom: "data" top: "{name}" {shared} '
            "convolution_param { num_output: 4 kernel_size: 3 } }\n"
        )
    analysis = caffe(text)
    assert analysis.params == 148
    assert analysis.layer("two").node.weights == "one"
    half = text.replace('param { name: "b" }', "", 1)
    with pytest.raises(SpecError, match="shares some of its parameters"):
        caffe(half)


def test_what_is_left_out_and_what_is_not_known_is_noted_with_its_line() -> None:
    text = (
        input_of(4, 8, 8)
        + conv("c", "data", 4, 3, "mirror_h: 3")
        + 'layer { name: "p" type: "Python" bottom: "c" top: "rois" }\n'
        + 'layer { name: "r" type: "Reshape" bottom: "rois" top: "r" }\n'
        + 'layer { name: "d" type: "ArgMax" bottom: "c" top: "d" }\n'
    )
    model = read_caffe(Source("net.prototxt", text))
    assert [statement.name for statement in model.statements] == ["c"]
    unknown, left_out = model.notes
    assert unknown == "fields that archcalc does not know are left aside: line 2: 'mirror_h'"
    assert left_out.startswith("left out: p (Python: code outside of the file), d (ArgMax:")
    with pytest.raises(SpecError, match="parameters cannot be counted: p gives code outside"):
        caffe(text + fc("f", "r", 3))


def test_data_of_no_known_size_is_asked_for() -> None:
    text = TRAINING.replace("crop_size: 16", "")
    with pytest.raises(SpecError, match=r"conv: its parameters .* data \(line 5\) does not say"):
        caffe(text)
    model = read_caffe(Source("net.prototxt", text), {"data": (3, 16, 16)})
    assert analysis_of(model).params == 112 + 14 * 14 * 4 * 5 + 5


def test_several_inputs_and_outputs_have_the_names_of_the_file() -> None:
    text = (
        'layer { name: "in" type: "Input" top: "left" top: "right/1" '
        f"input_param {{ shape {{ {dims_of('1 3 8 8')} }} shape {{ {dims_of('1 2 8 8')} }} }} }}\n"
        'layer { name: "cat" type: "Concat" bottom: "left" bottom: "right/1" top: "cat" }\n'
        + conv("boxes", "cat", 4, 1)
        + conv("scores", "cat", 2, 1, top="out")
    )
    model = read_caffe(Source("net.prototxt", text))
    assert [*model.inputs] == ["left", "right.1"]
    assert model.outputs == {"boxes": "boxes", "out": "scores"}
    assert analysis_of(model).params == 24 + 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no layers"),
        ("base_lr: 0.1", "no layers"),
        (
            input_of(4, 8, 8) + relu("nothing"),
            r"net.prototxt:2:\d+: bottom 'nothing': no layer before",
        ),
        ('layer { name: "x" bottom: "data" }', "a layer without a type"),
        ("layers { layer { } }", "format of 2013"),
        ("layers { type: CONVOLUTOIN }", "did you mean 'CONVOLUTION'"),
        (input_of(4, 8, 8), "no layers"),
        (input_of(4, 8, 8) + "layers { }" + relu("data"), "two versions"),
        (
            "input: 'a' input_dim: 1 input_dim: 2 layer { type: 'ReLU' }",
            "2 of input_dim for 1 inputs",
        ),
    ],
)
def test_what_is_no_network_is_one_line(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        caffe(text)
