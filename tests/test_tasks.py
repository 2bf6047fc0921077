"""What somebody wants who opens archcalc for the first time, each in one command or a few lines.

A name in capitals is a file of `FILES`.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import archcalc
from archcalc.errors import did_you_mean
from archcalc.layers.registry import known_names
from tests.commands.calling import called

FILES = {
    # Each MobileNet-like block knows its input's channels by itself.
    "SEPARABLE": """
name: separable
input: [3, 32, 32]
blocks:
  separable:
    parameters: [channels, stride: 1]
    layers:
      - conv: {name: depthwise, channels: in_channels, kernel: 3, stride: stride, padding: 1,
               groups: in_channels, bias: false}
      - conv: {name: pointwise, channels: channels, kernel: 1, bias: false}
layers:
  - separable: {name: a, channels: 16}
  - separable: {name: b, channels: 32, stride: 2}
""",
    "SIAMESE": """
name: siamese
inputs: {left: [3, 32, 32], right: [3, 32, 32]}
layers:
  - conv: {name: a, from: left, channels: 4, kernel: 3}
  - conv: {name: b, from: right, channels: 4, kernel: 3, weights: a}
  - subtract: {from: [a, b]}
""",
    "HEADS": """
name: heads
input: [3, 32, 32]
layers:
  - conv: {name: p3, channels: 8, kernel: 3, stride: 2, padding: 1}
  - conv: {name: p4, channels: 8, kernel: 3, stride: 2, padding: 1}
  - conv: {name: head3, from: p3, channels: 4, kernel: 1}
  - conv: {name: head4, from: p4, channels: 4, kernel: 1, weights: head3}
outputs: [head3, head4]
""",
    "BACKBONE": """
name: segmenter
input: [3, 64, 64]
layers:
  - network: {of: resnet18, until: layer3, name: backbone}
  - conv: {name: classes, channels: 21, kernel: 1}
""",
    "AS_IN_TORCH": """
name: as_in_torch
input: [3, 24, 24]
layers:
  - conv: {out_channels: 4, kernel_size: 3}
  - leaky_relu: {negative_slope: 0.2}
  - upsample: {scale_factor: 2}
""",
    "SOUND": """
name: sound
input: [1, 8000]
layers: [conv: {channels: 8, kernel: 80, stride: 4}, relu, global_avg_pool]
""",
    "CLIP": """
name: clip
input: [3, 8, 16, 16]
layers: [conv: {channels: 8, kernel: 3, padding: 1}, relu, max_pool: {kernel: 2}]
""",
    "NOT_FLAT": """
name: not_flat
input: [3, 12, 16]
layers: [conv: {channels: 4, kernel: 3}, linear: {features: 10}]
""",
    "LAST": "{name: last, input: [224, 224, 3], layers: [conv: {channels: 4, kernel: 3}]}\n",
    "BATCH": "{name: batch, input: [1, 3, 224, 224], layers: [conv: {channels: 4, kernel: 3}]}\n",
    "OVER": """
name: over
input: [3, 24, 24]
layers: [conv: {channels: 4, kernel: 3}]
budget: [params <= 1e3, macs <= 10K]
""",
}
# What is typed, the exit status, and what then stands there, of stdout or else of stderr.
TYPED = (
    # params and MACs of what one knows, to the digit
    ("table mobilenet_v2", 0, "params       3,504,872"),
    ("table mobilenet_v2 --exact", 0, "300,774,272"),
    ("table efficientnet_b0", 0, "params       5,288,548"),
    ("table vit_b_16", 0, "params       86,567,656"),
    ("table SEPARABLE.yaml --format csv", 0, "a.pointwise,conv,a.depthwise,1x1,16x32x32"),
    ("table SOUND.yaml", 0, "8x1981"),
    ("table CLIP.yaml", 0, "8x4x8x8"),
    ("table SIAMESE.yaml", 0, "inputs left 3x32x32 and right 3x32x32"),
    ("table HEADS.yaml --format json", 0, '"outputs"'),
    ("table BACKBONE.yaml --depth 1", 0, "backbone"),
    ("table AS_IN_TORCH.yaml", 0, "leaky_relu"),
    # models of elsewhere
    ("table NET.py:Net --input 3x32x32", 0, "global_avg_pool"),
    ("table NET.py", 2, "say what in it makes the network, as NET.py:Net"),
    ("verify NET.py:Net --input 3x32x32 --device cpu", 0, "agrees  figures: 5 sizes"),
    ("import NET.py:Net --input 3x32x32", 0, "- linear: {name"),
    # what dominates
    ("table resnet50 --sort macs --top 5", 0, "the first 5; the total is of all 175 layers"),
    ("table resnet50 --by kind", 0, "batch_norm           53"),
    ("table resnet50 --columns layer,input,MACs,memory,field --depth 1", 0, "118.01M"),
    ("explain resnet50", 0, "layer4.0"),
    ("explain resnet50 --depth all", 0, "layer4.0.conv2"),
    # a variant, a wish
    ("table resnet50 --set depths=1,1,1,1 --depth 1", 0, "resnet50 (depths=[1,1,1,1])"),
    ("table mobilenet_v1 --set alpha=29/100 --depth 1", 0, "mobilenet_v1 (alpha=0.29)"),
    ("table resnet50 --set replace_stride_with_dilation=false,false,true --depth 1", 0, "14x14"),
    ("solve mobilenet_v1 --for alpha=0.25:1:0.25 --where 'macs <= 150M'", 0, "0.5"),
    ("memory lenet5 --dtype float16 --optimizer adam --budget 8GB", 0, "batch"),
    ("memory lenet5 --dtype fp16", 2, "did you mean 'float16'?"),
    ("memory lenet5 --optimizer Adam", 2, "did you mean 'adam'?"),
    ("compare vgg16 resnet50 lenet5 --rows --format csv", 0, "resnet50,"),
    ("compare resnet50 vgg16 --set classes=10", 0, "resnet50 (classes=10)"),
    ("diff resnet18 resnet34", 1, "56 added"),
    ("list 'vgg1?' --figures --format csv", 0, "vgg16,2014"),
    ("field resnet50 layer4 --at 0,0", 0, "layer4.2.relu"),
    ("field resnet50 --depth 1", 0, "175 layers, folded"),
    ("roofline resnet50 --depth 2", 0, "175 layers, folded"),
    ("roofline lenet5 --format csv", 0, "235200"),
    ("roofline lenet5 --profile nvidia_t4", 0, "T4"),
    ("roofline lenet5 --profile t4", 2, "nvidia_t4"),
    # what there is
    ("kinds", 0, "conv_transpose"),
    ("kinds conv", 0, "also called"),
    ("show resnet50", 0, "replace_stride_with_dilation"),
    ("expand lenet5", 0, "  - conv: {name: C1"),
    ("table --help", 0, "lecture: the input and outputs of conv, pool and linear layers"),
    ("-V", 0, "archcalc "),
    # words said wrong
    ("table --sort macs", 2, "(see archcalc table --help)"),
    ("table vgg16 --srot macs", 2, "did you mean '--sort'? (see archcalc table --help)"),
    ("table vgg16 -3", 2, "(see archcalc table --help)"),
    ("table vgg16 --batch -3", 2, "expected a whole number, at least 1, found '-3'"),
    ("field vgg16 pool5 --at -1,3", 2, "as in --at=-1,3"),
    ("table vgg16 --set classes=abc", 2, "classes must be a number"),
    ("table vgg16 --input 3x0x224", 2, "an input of 3x0x224 has a size below 1"),
    ("table .", 2, ".: Is a directory"),
    ("table model.onnx", 2, "model.onnx: No such file or directory"),
    ("table resnext50", 2, "did you mean 'resnext50_"),
    ("table densenet", 2, "did you mean 'densenet"),
    ("summary vgg16", 2, "did you mean 'table'?"),
    # what is probably a mistake
    ("table NOT_FLAT.yaml --strict --quiet", 1, "not_flat"),
    ("table NOT_FLAT.yaml", 0, "a map that nobody flattened"),
    ("table LAST.yaml", 0, "not 3x224x224"),
    ("table BATCH.yaml", 0, "in a batch of 1"),
    ("table OVER.yaml", 0, "breaks its budget: macs is 52272"),
    ("check OVER.yaml", 1, "<= 10K"),
)
NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
        )
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are named."""
    found = tmp_path_factory.mktemp("tasks")
    for name, text in FILES.items():
        (found / f"{name}.yaml").write_text(text)
    (found / "NET.py").write_text(NET)
    return found


@pytest.mark.parametrize(("words", "wanted", "shown"), TYPED, ids=[words for words, *_ in TYPED])
def test_it_takes_one_command(
    words: str, wanted: int, shown: str, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if "NET.py:" in words or words.startswith("verify"):
        pytest.importorskip("torch")
    monkeypatch.chdir(folder)
    status, out, err = called(capsys, *shlex.split(words))
    assert status == wanted, err
    assert shown in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("said", "meant"),
    [("attention", "multihead_attention"), ("swish", "silu"), ("deconv", "conv_transpose"),
     ("transpose", "rearrange"), ("dense", "linear"), ("fc", "linear"), ("Depthwise", "conv"),
     ("permute", "rearrange"), ("rmsnorm", "rms_norm"), ("BatchNorm2d", "batch_norm")],
)  # fmt: skip
def test_words_of_others_are_guessed(said: str, meant: str) -> None:
    assert did_you_mean(said, known_names()) == f"; did you mean {meant!r}?"
    assert {"instance_norm", "matmul", "lstm", "embedding"} <= {*known_names()}


def test_python_has_what_the_command_line_has() -> None:
    """Each is one line, or two."""
    analysis = archcalc.analyze("lenet5")
    assert (analysis.params, len(analysis), analysis["C3"].macs) == (61_706, 14, 240_000)
    assert "<table>" in analysis._repr_html_()
    assert analysis.to_markdown().startswith("| layer ")
    assert archcalc.memory(analysis.graph).found.training.peak.layer == "tanh1"
    assert archcalc.field("lenet5")["C3"].receptive_field == (14, 14)
    assert "vgg16" in archcalc.networks("vgg*")
    assert archcalc.roofline("lenet5")["C1"].flops == 235_200
    assert str(archcalc.compare("lenet5", "vgg16")).startswith("lenet5: ")
    spec = {"input": [3, 8, 8], "layers": [{"conv": {"channels": 4, "kernel": 3}}]}
    assert archcalc.analyze({"name": "mine", **spec}).params == 112
    assert not {"Any", "annotations", "PathLike", "require_extra"} & {*dir(archcalc)}


def test_a_width_that_keeps_to_a_budget_is_two_lines_of_python() -> None:
    frame = archcalc.sweep("mobilenet_v1", alpha=np.array([25, 50, 75, 100]) / 100).to_frame("macs")
    assert frame[frame["macs"] < 150_000_000]["alpha"].tolist() == [0.25, 0.5]


def test_numbers_for_programs_are_numbers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for command in ("table", "memory", "field", "roofline"):
        for form in ("csv", "tsv"):
            _, out, _ = called(capsys, command, "lenet5", "--format", form)
            assert not re.search(r"[\d.]+[KMG](B|s)?\b|[\d.]+ns\b", out), command
        _, out, _ = called(capsys, command, "lenet5", "--format", "json")
        assert json.loads(out)["layers"]
