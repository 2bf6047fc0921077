"""What changes between two networks, as lines, tables and JSON."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc import analyze
from archcalc.comparing.diff import Difference, Status, difference
from archcalc.render.change_lines import MOST_LINES, difference_lines
from archcalc.render.diff import DiffDocument
from archcalc.render.output import FORMS, write


def between(before: str, after: str) -> Difference:
    return difference(analyze(before), analyze(after))


def in_files(folder: Path, before: str, after: str) -> Difference:
    """The difference of two specs, which are given by their layers."""
    paths = folder / "before.yaml", folder / "after.yaml"
    for path, layers in zip(paths, (before, after), strict=True):
        path.write_text(f"name: net\ninput: [8, 16, 16]\nlayers:\n{layers}")
    return between(*map(str, paths))


def test_blocks_that_are_new_are_one_line() -> None:
    assert [line[:4] for line in difference_lines(between("resnet101", "resnet152"))] == [
        (Status.ADDED, "layer2.4 … layer2.7", "unit × 4",
         "40 layers, 1.12M params, 873.46M MACs"),
        (Status.ADDED, "layer3.23 … layer3.35", "unit × 13",
         "130 layers, 14.52M params, 2.84G MACs"),
    ]  # fmt: skip


def test_blocks_that_are_gone_are_one_line() -> None:
    first, *_ = difference_lines(between("resnet18", "plain18"))
    assert first[:3] == (Status.REMOVED, "layer1.0.add", "add")
    folded = [
        line for line in difference_lines(between("resnet18", "plain18")) if line.kind == "shortcut"
    ]
    assert [line.name for line in folded] == [f"layer{n}.0.downsample" for n in (2, 3, 4)]


def test_a_block_with_one_new_layer_is_not_folded() -> None:
    lines = difference_lines(between("vgg16", "vgg16_bn"))
    assert {line.kind for line in lines} == {"batch_norm"}
    assert len(lines) == 13


def test_a_change_tells_its_fields_and_what_follows() -> None:
    lines = difference_lines(between("resnet50", "resnet50_v1"))
    assert lines[0][:4] == (
        Status.CHANGED,
        "layer2.0.conv1",
        "conv",
        "stride 1 -> 2, output 128x56x56 -> 128x28x28, MACs 102.76M -> 25.69M",
    )


def test_many_layers_that_change_alike_are_one_line() -> None:
    found = between("resnet50", "wrn_50_2")
    assert len(found.of_status(Status.CHANGED)) == 32 > MOST_LINES
    lines = difference_lines(found)
    assert [line.name for line in lines][:2] == [
        "layer1.0.conv1 … layer1.2.conv2",
        "layer2.0.conv1 … layer2.3.conv2",
    ]
    assert lines[0].what == "6 layers: channels 64 -> 128"


def test_in_full_every_layer_has_a_line() -> None:
    found = between("resnet50", "wrn_50_2")
    lines = difference_lines(found, full=True)
    assert len(lines) == sum(layer.status is not Status.SAME for layer in found.layers)
    assert {line.status for line in lines} == {Status.CHANGED, Status.AFFECTED}


def test_layers_renamed_alike_are_one_line(tmp_path: Path) -> None:
    before = "".join(f"  - relu: {{name: old.{n}.act}}\n" for n in range(5))
    found = in_files(tmp_path, before, before.replace("old.", "new."))
    assert [line[1:4] for line in difference_lines(found)] == [("old.* -> new.*", "", "5 layers")]


def test_layers_counted_otherwise_are_one_line(tmp_path: Path) -> None:
    layers = "  - relu\n  - conv: {channels: 4, kernel: 1}\n  - relu\n"
    found = in_files(tmp_path, layers, "  - conv: {channels: 8, kernel: 1}\n  - relu\n" + layers)
    renamed = [line for line in difference_lines(found) if line.status is Status.RENAMED]
    assert len(renamed) == 1
    assert renamed[0].what.endswith("layers have another number")


def test_the_text_is_like_that_of_diff() -> None:
    shown = write(DiffDocument(between("vgg16", "vgg16_c")), "text").splitlines()
    assert shown[0].startswith("--- vgg16: VGG-16 (configuration D)")
    assert shown[1].startswith("+++ vgg16_c: VGG-16 (configuration C)")
    assert shown[3] == "~ pointwise_third false -> true"
    assert shown[5].startswith("~ stage3.conv3_3  conv  kernel 3 -> 1, padding 1 -> 0")
    assert "layers: 3 changed, 36 same" in shown
    params = next(line.split() for line in shown if line.startswith("params"))
    # 133,638,952 - 138,357,544 = -4,718,592
    assert params == ["params", "138.36M", "133.64M", "-4.72M", "0.966x"]


def test_the_text_says_how_to_see_what_is_folded() -> None:
    assert "--full shows each" in write(DiffDocument(between("resnet50", "wrn_50_2")), "text")
    assert "--full" not in write(DiffDocument(between("vgg16", "vgg16_c")), "text")


def test_colours_are_shown_only_when_asked_for() -> None:
    found = between("vgg16", "vgg16_bn")
    assert "\x1b" not in write(DiffDocument(found), "text")
    assert "\x1b[32m+ stage1.bn1_1  batch_norm\x1b[0m" in write(
        DiffDocument(found, in_color=True), "text"
    )


def test_csv_has_layers_and_totals() -> None:
    text = write(DiffDocument(between("vgg16", "vgg16_c")), "csv")
    headings, *rows = csv.reader(io.StringIO(text))
    networks = ["vgg16", "vgg16_c"]
    assert headings[:6] == ["change", "name", "kind", "key", "before", "after"]
    assert ["changed", "stage3.conv3_3", "conv", "kernel", "3", "1", *networks] in rows
    assert ["total", "", "", "params", "138357544", "133638952", *networks] in rows


def test_csv_has_the_size_of_what_is_there_but_once() -> None:
    _, *rows = csv.reader(io.StringIO(write(DiffDocument(between("vgg16", "vgg16_bn")), "csv")))
    networks = ["vgg16", "vgg16_bn"]
    assert ["added", "stage1.bn1_1", "batch_norm", "params", "", "128", *networks] in rows


def test_json_has_fields_and_figures() -> None:
    record = json.loads(write(DiffDocument(between("vgg16", "vgg16_c")), "json"))
    assert record["equal"] is False
    assert record["settings"] == {"pointwise_third": {"before": False, "after": True}}
    assert record["layers"][0] == {
        "change": "changed",
        "before": "stage3.conv3_3",
        "after": "stage3.conv3_3",
        "kind": "conv",
        "fields": {"kernel": {"before": 3, "after": 1}, "padding": {"before": 1, "after": 0}},
        "figures": {
            "params": {"before": 590080, "after": 65792},
            "macs": {"before": 1849688064, "after": 205520896},
        },
    }
    assert record["totals"]["params"] == {"before": 138357544, "after": 133638952}
    assert json.loads(write(DiffDocument(between("vgg16", "vgg16")), "json"))["equal"] is True


ENDS = """
  - conv: {name: a, channels: 4, kernel: 3}
  - head: {name: h, training_only: false, layers: []}
  - relu: {name: r}
"""


def test_other_outputs_of_the_same_layers_are_told_in_every_form(tmp_path: Path) -> None:
    one_end = ENDS.replace("  - head: {name: h, training_only: false, layers: []}\n", "")
    found = in_files(tmp_path, one_end, ENDS)
    lines = write(DiffDocument(found), "text").splitlines()
    assert "~ outputs r -> r, a" in lines
    assert "layers: 2 same" in lines
    record = json.loads(write(DiffDocument(found), "json"))
    assert (record["equal"], record["layers"]) == (False, [])
    assert record["outputs"] == {"before": ["r"], "after": ["r", "a"]}
    assert "changed,,,outputs,r,r a," in write(DiffDocument(found), "csv")
    assert "outputs r -&gt; r, a" in write(DiffDocument(found), "html")
    same = json.loads(write(DiffDocument(in_files(tmp_path, ENDS, ENDS)), "json"))
    assert (same["equal"], same["outputs"]) == (True, None)


@pytest.mark.parametrize("form", FORMS[:-1])
def test_every_format_shows_changes_and_totals(form: str) -> None:
    shown = write(DiffDocument(between("lenet5", "lenet_caffe")), form)
    assert "removed" in shown
    assert "params" in shown


def test_markdown_has_the_totals_first_and_the_layers_folded_away() -> None:
    found = between("resnet50", "resnet50_v1")
    title, totals, opening, summary, layers, closing = [
        block
        for text in write(DiffDocument(found), "markdown").split("\n\n")
        for block in (text.split("\n") if text.startswith("<details>") else [text])
    ]
    assert title == "**resnet50 -&gt; resnet50_v1**"
    assert "| MACs " in totals
    assert (opening, closing) == ("<details>", "</details>")
    assert summary == "<summary>layers: 6 changed, 6 affected, 163 same</summary>"
    assert "strides v1.5 -&gt; v1 " in layers
    assert layers.count("\n| changed ") == 7


def test_markdown_of_networks_that_are_the_same_says_so() -> None:
    text = write(DiffDocument(between("lenet5", "lenet5")), "markdown")
    assert "the two are the same, layer by layer" in text
    assert "<details>" not in text
