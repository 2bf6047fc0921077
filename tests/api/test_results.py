"""What the functions of the door return: the results of the commands, as records."""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc import Result, UsageError
from archcalc.cli import main
from archcalc.memory_use.options import TrainingOptions

Capture = pytest.CaptureFixture[str]

# For each function that has a command: how to call it, and what the command is given.
CALLS: dict[str, tuple[Callable[[], Result[Any, Any]], list[str]]] = {
    "networks": (archcalc.networks, ["list"]),
    "compare": (lambda: archcalc.compare("lenet5", "alexnet"), ["compare", "lenet5", "alexnet"]),
    "diff": (lambda: archcalc.diff("resnet18", "resnet34"), ["diff", "resnet18", "resnet34"]),
    "explain": (
        lambda: archcalc.explain("resnet18", quantities=["params", "macs"], depth=2),
        ["explain", "resnet18", "--quantity", "params,macs", "--depth", "2"],
    ),
    "explain a layer": (
        lambda: archcalc.explain("lenet5", "C3", batch=2),
        ["explain", "lenet5", "C3", "--batch", "2"],
    ),
    "explain a block": (
        lambda: archcalc.explain("resnet18", "layer1.0"),
        ["explain", "resnet18", "layer1.0"],
    ),
    "field": (
        lambda: archcalc.field("lenet5", classes=7),
        ["field", "lenet5", "--set", "classes=7"],
    ),
    "field of a unit": (
        lambda: archcalc.field("lenet5", "C3", (3, 4), channel=2),
        ["field", "lenet5", "C3", "--at", "3,4", "--channel", "2"],
    ),
    "memory": (
        lambda: archcalc.memory("lenet5", batch=4, optimizer="adam", freeze=["C1", "S?"]),
        ["memory", "lenet5", "--batch", "4", "--optimizer", "adam", "--freeze", "C1,S?"],
    ),
    "memory of several batches": (
        lambda: archcalc.training_peaks("lenet5", batches=[16, 64], loss="mse"),
        ["memory", "lenet5", "--batch", "16,64", "--loss", "mse"],
    ),
    "memory as a formula": (
        lambda: archcalc.training_peaks("resnet20", optimizer="adam"),
        ["memory", "resnet20", "--batch", "n", "--formula", "--optimizer", "adam"],
    ),
    "solve": (
        lambda: archcalc.solve("lenet5", "H=30..34", "macs <= 417K", figures="params"),
        ["solve", "lenet5", "--for", "H=30..34", "--where", "macs <= 417K", "--figures", "params"],
    ),
    "solve for several": (
        lambda: archcalc.solve("lenet5", ["H=30..33", "W=32,33"], "macs <= 1M", minimize="macs"),
        [
            "solve",
            "lenet5",
            "--for",
            "H=30..33",
            "--for",
            "W=32,33",
            "--where",
            "macs <= 1M",
            "--minimize",
            "macs",
        ],
    ),
    "roofline": (
        lambda: archcalc.roofline("lenet5", profile="nvidia_t4", fused=True),
        ["roofline", "lenet5", "--profile", "nvidia_t4", "--fused"],
    ),
    "scale": (
        lambda: archcalc.scale("lenet5", ["width", "classes"], quantities=["params", "macs"]),
        ["scale", "lenet5", "--by", "width,classes", "--quantity", "params,macs"],
    ),
    "check": (
        lambda: archcalc.check("vgg16", source="lecture", verdict="agrees"),
        ["check", "vgg16", "--source", "lecture", "--verdict", "agrees"],
    ),
}


def printed(capture: Capture, *words: str) -> str:
    """What a command prints."""
    main([*words])
    return capture.readouterr().out


@pytest.mark.parametrize("name", CALLS)
def test_a_result_is_what_the_command_prints(name: str, capsys: Capture) -> None:
    call, words = CALLS[name]
    result = call()
    assert f"{result}\n" == printed(capsys, *words, "--wide") == f"{result!r}\n"
    assert f"{result.to_markdown()}\n" == printed(capsys, *words, "--format", "markdown")
    assert f"{result._repr_html_()}\n" == printed(capsys, *words, "--format", "html")
    assert result.record() == json.loads(printed(capsys, *words, "--format", "json"))
    rows = list(csv.reader(io.StringIO(printed(capsys, *words, "--format", "csv"))))
    frame = result.to_frame()
    assert list(frame.columns) == rows[0]
    assert len(frame) == len(rows) - 1


@pytest.mark.parametrize("name", CALLS)
def test_a_result_has_its_parts_in_order_and_by_name(name: str) -> None:
    result = CALLS[name][0]()
    assert len(result) == len(result.parts) > 1
    assert list(result) == [result[name] for name in result.parts]
    first = next(iter(result.parts))
    assert first in result
    assert "nowhere" not in result
    with pytest.raises(UsageError, match=f"there is no '{first}x'; did you mean"):
        result[f"{first}x"]


@pytest.mark.parametrize("name", CALLS)
def test_a_result_is_the_same_after_pickling(name: str) -> None:
    result = CALLS[name][0]()
    again = pickle.loads(pickle.dumps(result))
    assert str(again) == str(result)
    assert again.record() == result.record()


def test_networks_can_be_chosen() -> None:
    wide = archcalc.networks("WRN")
    assert list(wide.parts) == ["wrn_50_2", "wrn_101_2", "wrn_16_8", "wrn_28_10", "wrn_40_4"]
    assert archcalc.analyze(wide["wrn_16_8"]).params == archcalc.analyze("wrn_16_8").params
    assert "lenet5" in archcalc.networks("lecun", year=1998)
    assert len(archcalc.networks("lecun", year=1997)) == 0
    assert str(archcalc.networks("no such")) == ""
    assert archcalc.networks("LeNet-5 (as taught)").record() == [
        {
            "name": "lenet5",
            "year": 1998,
            "title": "LeNet-5 (as taught)",
            "authors": "Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner",
            "paper": archcalc.networks()["lenet5"].about.paper,
            "spec": "specs/lenet.yaml",
        }
    ]


def test_compare_has_the_figures_of_each_network() -> None:
    half = archcalc.load("mobilenet_v1", alpha=0.5)
    found = archcalc.compare("mobilenet_v1", half, batch=2)
    assert [*found.parts] == ["mobilenet_v1", "mobilenet_v1 (alpha=0.5)"]
    assert found["mobilenet_v1"].macs == archcalc.analyze("mobilenet_v1", batch=2).macs
    with pytest.raises(UsageError, match="two networks or more"):
        archcalc.compare("lenet5")


def test_diff_has_the_layers_that_are_not_the_same() -> None:
    found = archcalc.diff("resnet50_v1", "resnet50")
    assert [change.what for change in found["layer2.0.conv1"].changes] == ["stride"]
    assert len(archcalc.diff("lenet5", "lenet5")) == 0
    assert archcalc.diff("lenet5", "lenet5").found.is_empty


def test_explain_has_what_it_was_asked_about() -> None:
    layer: Any = archcalc.explain("alexnet", "conv1", quantities=["macs", "params"])
    assert [*layer.parts] == ["params", "macs"]
    assert layer["macs"].value == 105_415_200
    totals = archcalc.explain("vgg16", quantities=["params"])
    assert totals["params"].parts[0].name == "fc6"
    block: Any = archcalc.explain("resnet18", "layer1.0")
    assert [part.name for part in block] == [*block.parts]
    with pytest.raises(UsageError, match="depth: the whole network is ranked; leave conv1 out"):
        archcalc.explain("alexnet", "conv1", depth=2)


def test_field_is_that_of_all_layers_or_of_a_unit() -> None:
    assert archcalc.field("vgg16")["stage5.pool5"].receptive_field == (212, 212)
    unit = archcalc.field("vgg16", "pool5", [0, 0])
    assert unit["height"] == unit.found.in_image[0] == (0, 121)
    with pytest.raises(UsageError, match="channel: only a unit of a layer has one"):
        archcalc.field("vgg16", channel=3)


def test_memory_has_what_each_layer_keeps() -> None:
    found = archcalc.memory("resnet18", batch=8)
    assert sum(layer.kept_bytes for layer in found) == found.found.training.kept
    assert found["conv1"].backward.inputs == 0
    conv1, peak = found["conv1"], found.found.training.peak
    assert conv1.forward_bytes is not None
    assert conv1.backward_bytes is not None
    assert conv1.forward_bytes < conv1.backward_bytes < peak.bytes
    assert found[peak.layer].backward_bytes == peak.bytes
    assert found["conv1"].kept == ["its input"]


def test_training_is_a_step_of_a_batch_or_of_the_largest_in_a_budget() -> None:
    step = archcalc.training("vgg16", batch=2, optimizer="adam")
    assert step.found.peak.bytes == sum(step.parts.values()) == sum(step)
    assert step["parameters"] == 4 * archcalc.analyze("vgg16").params
    assert step.to_frame()["bytes"].tolist() == [*step]
    record: Any = archcalc.memory("vgg16", batch=2, optimizer="adam").record()
    assert step.record() == {"name": "vgg16", "changed": {}, "batch": 2, **record["training"]}
    largest = archcalc.training("vgg16", budget="16GiB").found
    more = archcalc.training("vgg16", batch=largest.batch + 1).found
    assert largest.peak.bytes <= 16 * 2**30 < more.peak.bytes
    assert archcalc.training("vgg16", budget=16 * 2**30).found == largest
    held_back = archcalc.training("vgg16", budget="17GiB", reserve="1GiB")
    assert held_back.found == largest
    for budget, reserve, message in (
        ("1MB", 0, "budget: 1MB: not even a batch of 1 of vgg16 fits"),
        ("lots", 0, "budget: lots: expected a size"),
        ("1GB", "some", "reserve: some: expected a size"),
    ):
        with pytest.raises(UsageError, match=message):
            archcalc.training("vgg16", budget=budget, reserve=reserve)


def test_training_peaks_are_those_of_any_batch() -> None:
    peaks = archcalc.training_peaks("lenet5", batches=[3, 300]).found
    assert peaks.at(7).bytes == archcalc.training("lenet5", batch=7).found.peak.bytes
    largest = peaks.within(10**8)
    assert largest is not None
    assert largest.batch == archcalc.training("lenet5", budget=10**8).found.batch


TRAINING = [archcalc.memory, archcalc.training, archcalc.training_peaks]


@pytest.mark.parametrize("function", TRAINING)
def test_each_option_of_a_training_step_can_be_given(function: Callable[..., Any]) -> None:
    assert {*TrainingOptions.__match_args__} <= signature(function).parameters.keys()
    plainly = function("lenet5").record()
    for given in ({"freeze": "C1"}, {"checkpoint": "C1..S2"}, {"checkpoint": "auto"}):
        assert function("lenet5", **given).record() != plainly


def test_roofline_has_the_bound_of_each_layer() -> None:
    found = archcalc.roofline("vgg16", profile="nvidia_t4")
    assert found["fc6"].limit == "memory"
    assert found["stage3.conv3_1"].limit == "arithmetic"


def test_scale_has_the_growth_in_each_way() -> None:
    found = archcalc.scale("resnet18")
    assert [*found.parts] == ["width", "depth", "resolution"]
    assert found["resolution"]["params"].ratio == 1
    assert found["width"]["macs"].degree == 2
    with pytest.raises(UsageError, match=r"by: .* no width, depth, resolution that could grow"):
        archcalc.scale({"name": "n", "input": [3], "layers": ["relu"]})


def test_check_has_the_verdict_on_each_figure() -> None:
    found = archcalc.check("inception_bottleneck")
    assert found["A038"].computed == 271_351_808
    assert found["A038"].verdict.value == "wrong"
    assert found.found.problems == []
    assert len(archcalc.check("vgg16", source="lecture")) < len(archcalc.check("vgg16"))
    with pytest.raises(UsageError, match="verdict: unknown 'wron'; did you mean 'wrong'"):
        archcalc.check("vgg16", verdict="wron")


def test_check_names_a_budget_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\ninput: [3, 8]\nbudget: [macs < 1]\nlayers: [linear: {features: 9}]\n"
    )
    (problem,) = archcalc.check(str(path)).found.problems
    assert "macs" in str(problem)


def test_a_notebook_shows_bars_and_folds_what_is_long() -> None:
    compared = archcalc.compare("lenet5", "vgg16")._repr_html_()
    swept = archcalc.sweep("lenet5", classes=np.array([10, 20]))._repr_html_()
    whole = archcalc.analyze("resnet18")._repr_html_()
    for shown in (compared, swept, whole):
        assert "linear-gradient(" in shown
    assert "<summary>by stages</summary>" in compared
    assert "<summary>all 69 layers</summary>" in whole
    assert "<details>" not in archcalc.analyze("lenet5")._repr_html_(), "nothing is folded"
    verified = archcalc.verify("lenet5", subjects="sizes")._repr_html_()
    assert verified.index("lenet5  agrees") < verified.index("<summary>14 rows by layer</summary>")
