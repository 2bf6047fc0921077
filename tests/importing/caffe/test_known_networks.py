"""Prototxts of known networks, and the library's own specs of them."""

from __future__ import annotations

from collections import Counter

import pytest

from archcalc.analysis import Analysis
from archcalc.walk import analyze
from tests.importing.caffe.texts import conv, fc, input_of, pool, relu
from tests.importing.files import caffe

LENET = """
name: "LeNet"
layer { name: "data" type: "Input" top: "data"
  input_param { shape: { dim: 64 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 stride: 1 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 500 } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


def test_lenet_is_the_network_of_its_authors() -> None:
    analysis = caffe(LENET)
    assert analysis.graph.network.name == "LeNet"
    assert [(layer.name, layer.output.shape, layer.params) for layer in analysis.layers] == [
        ("conv1", (20, 24, 24), 520),
        ("pool1", (20, 12, 12), 0),
        ("conv2", (50, 8, 8), 25_050),
        ("pool2", (50, 4, 4), 0),
        ("ip1_flatten", (800,), 0),
        ("ip1", (500,), 400_500),
        ("relu1", (500,), 0),
        ("ip2", (10,), 5_010),
        ("prob", (10,), 0),
    ]


def _vgg16() -> str:
    text, bottom = input_of(3, 224, 224), "data"
    for stage, (count, channels) in enumerate(
        ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1
    ):
        for number in range(1, count + 1):
            name = f"conv{stage}_{number}"
            text += conv(name, bottom, channels, 3, "pad: 1") + relu(name)
            bottom = name
        text += pool(f"pool{stage}", bottom, "kernel_size: 2 stride: 2")
        bottom = f"pool{stage}"
    for name, features in (("fc6", 4096), ("fc7", 4096), ("fc8", 1000)):
        text += fc(name, bottom, features)
        bottom = name
        if name != "fc8":
            text += relu(name)
            text += (
                f'layer {{ name: "drop{name}" type: "Dropout" bottom: "{name}" top: "{name}" }}\n'
            )
    return text


def _resnet50() -> str:
    text, bottom, width = input_of(3, 224, 224), "", 256

    def normalized(name: str, source: str, channels: int, kernel: int, more: str = "") -> str:
        norm = (
            f'layer {{ name: "bn_{name}" type: "BatchNorm" bottom: "{name}" top: "{name}" }}\n'
            f'layer {{ name: "scale_{name}" type: "Scale" bottom: "{name}" top: "{name}" '
            "scale_param { bias_term: true } }\n"
        )
        return conv(name, source, channels, kernel, f"bias_term: false {more}") + norm

    text += normalized("conv1", "data", 64, 7, "pad: 3 stride: 2") + relu("conv1")
    text += pool("pool1", "conv1", "kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR")
    bottom = "pool1"
    for stage, count in enumerate((3, 4, 6, 3)):
        for number in range(count):
            name, step = f"res{stage}{number}", 2 if stage and not number else 1
            short = bottom
            if not number:
                short = f"{name}/branch1"
                text += normalized(short, bottom, width, 1, f"stride: {step}")
            text += normalized(f"{name}/a", bottom, width // 4, 1) + relu(f"{name}/a")
            text += normalized(f"{name}/b", f"{name}/a", width // 4, 3, f"pad: 1 stride: {step}")
            text += relu(f"{name}/b") + normalized(f"{name}/c", f"{name}/b", width, 1)
            text += (
                f'layer {{ name: "{name}" type: "Eltwise" bottom: "{short}" bottom: "{name}/c" '
                f'top: "{name}" }}\n' + relu(name)
            )
            bottom = name
        width *= 2
    return text + pool("pool5", bottom, "pool: AVE global_pooling: true") + fc("fc", "pool5", 1000)


def _alexnet() -> str:
    def lrn(name: str, bottom: str) -> str:
        settings = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
        return (
            f'layer {{ name: "{name}" type: "LRN" bottom: "{bottom}" top: "{name}" {settings} }}\n'
        )

    text = input_of(3, 227, 227)
    text += conv("conv1", "data", 96, 11, "stride: 4") + relu("conv1") + lrn("norm1", "conv1")
    text += pool("pool1", "norm1", "kernel_size: 3 stride: 2")
    text += conv("conv2", "pool1", 256, 5, "pad: 2 group: 2") + relu("conv2")
    text += lrn("norm2", "conv2") + pool("pool2", "norm2", "kernel_size: 3 stride: 2")
    text += conv("conv3", "pool2", 384, 3, "pad: 1") + relu("conv3")
    text += conv("conv4", "conv3", 384, 3, "pad: 1 group: 2") + relu("conv4")
    text += conv("conv5", "conv4", 256, 3, "pad: 1 group: 2") + relu("conv5")
    text += pool("pool5", "conv5", "kernel_size: 3 stride: 2") + fc("fc6", "pool5", 4096)
    return text + relu("fc6") + fc("fc7", "fc6", 4096) + relu("fc7") + fc("fc8", "fc7", 1000)


def _googlenet() -> str:
    text = input_of(3, 224, 224) + conv("conv1", "data", 64, 7, "pad: 3 stride: 2") + relu("conv1")
    lrn = 'layer {{ name: "{0}" type: "LRN" bottom: "{1}" top: "{0}" '
    lrn += "lrn_param {{ alpha: 0.0001 }} }}\n"
    text += pool("pool1", "conv1", "kernel_size: 3 stride: 2") + lrn.format("norm1", "pool1")
    text += conv("conv2_reduce", "norm1", 64, 1) + relu("conv2_reduce")
    text += conv("conv2", "conv2_reduce", 192, 3, "pad: 1") + relu("conv2")
    text += lrn.format("norm2", "conv2") + pool("pool2", "norm2", "kernel_size: 3 stride: 2")
    bottom = "pool2"
    for name, (a, b_in, b, c_in, c, d) in {
        "3a": (64, 96, 128, 16, 32, 32),
        "3b": (128, 128, 192, 32, 96, 64),
        "pool3": (0,) * 6,
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
        "pool4": (0,) * 6,
        "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }.items():
        if not a:
            text += pool(name, bottom, "kernel_size: 3 stride: 2")
            bottom = name
            continue
        text += conv(f"{name}/1", bottom, a, 1) + relu(f"{name}/1")
        text += conv(f"{name}/3r", bottom, b_in, 1) + relu(f"{name}/3r")
        text += conv(f"{name}/3", f"{name}/3r", b, 3, "pad: 1") + relu(f"{name}/3")
        text += conv(f"{name}/5r", bottom, c_in, 1) + relu(f"{name}/5r")
        text += conv(f"{name}/5", f"{name}/5r", c, 5, "pad: 2") + relu(f"{name}/5")
        text += pool(f"{name}/pool", bottom, "kernel_size: 3 stride: 1 pad: 1")
        text += conv(f"{name}/p", f"{name}/pool", d, 1) + relu(f"{name}/p")
        four = "".join(f'bottom: "{name}/{each}" ' for each in ("1", "3", "5", "p"))
        text += f'layer {{ name: "{name}" type: "Concat" {four} top: "{name}" }}\n'
        bottom = name
    return (
        text + pool("pool5", bottom, "pool: AVE kernel_size: 7") + fc("classifier", "pool5", 1000)
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vgg16", _vgg16()),
        ("resnet50", _resnet50()),
        ("alexnet_two_tower", _alexnet()),
        ("googlenet", _googlenet()),
    ],
)
def test_a_known_network_is_that_of_the_library(name: str, text: str) -> None:
    read, own = caffe(text), analyze(name)
    assert Counter(_weighty(read)) == Counter(_weighty(own))


def _weighty(analysis: Analysis) -> list[tuple[object, ...]]:
    """The layers with parameters at inference, whatever they are called."""
    return [
        (layer.kind, layer.output.shape, layer.params, layer.macs, layer.receptive_field)
        for layer in analysis.layers
        if layer.params and not layer.node.training_only
    ]
