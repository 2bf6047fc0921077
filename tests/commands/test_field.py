"""`archcalc field`, as a user calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from archcalc.cli import main


def test_a_unit_is_shown_with_its_box(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["field", "vgg16", "pool5", "--at", "0,0"]) == 0
    shown = capsys.readouterr().out
    assert "height  212    32    -90     -90 … 121  0 … 121" in shown
    # 122 of 212 pixels along each axis lie in the image: 1 - (122/212)**2.
    assert "14,884 pixels, 29.7% of the image; 66.9% of its field is padding" in shown


def test_gaps_are_shown_and_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conv = "  - conv: {channels: 1, kernel: 3, dilation: 2, padding: 2}\n"
    spec = tmp_path / "grid.yaml"
    spec.write_text(f"name: grid\ninput: [1, 64, 64]\nlayers:\n{3 * conv}")
    assert main(["field", str(spec), "conv3"]) == 0
    shown = capsys.readouterr().out
    assert "height  13     1     -6      26 … 38  26, 28 … 38" in shown
    assert "49 of the 169 pixels of its box, 1.2% of the image" in shown
    assert main(["field", str(spec), "conv3", "--at", "0,1", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["exact"], record["pixels"], record["in_image"]) == (True, 16, [[0, 6], [1, 7]])
    rows, columns = record["parts"][0]
    assert rows == [[0, 0], [2, 2], [4, 4], [6, 6]]
    assert columns == [[1, 1], [3, 3], [5, 5], [7, 7]]


def test_a_unit_that_hears_nothing_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "ct.yaml"
    spec.write_text(
        "name: ct\ninput: [4, 9, 11]\nlayers:\n"
        "  - conv_transpose: {name: a, channels: 6, kernel: [3, 4], stride: [2, 3],"
        " padding: [1, 2], output_padding: [1, 2], dilation: [2, 1], groups: 2}\n"
    )
    assert main(["field", str(spec), "a", "--at", "7,13"]) == 0
    shown = capsys.readouterr().out
    assert "height  3      1/2   nothing  2 … 4  2 … 4" in shown
    assert "None" not in shown


def test_units_whose_branches_never_line_up_see_certain_pixels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "misaligned.yaml"
    spec.write_text(
        "name: misaligned\ninput: [1, 8]\nlayers:\n"
        "  - add: [[conv: {channels: 1, kernel: 1, stride: 2}], [crop: {sides: 2}]]\n"
    )
    assert main(["field", str(spec), "add1", "--at", "3"]) == 0
    shown = capsys.readouterr().out
    assert "length  ?      -     -       -     5 … 6" in shown
    assert "branches with different jumps meet before it" in shown


def test_both_fields_of_a_gated_unit_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "se.yaml"
    spec.write_text(
        "name: se\ninput: [1, 32, 32]\nlayers:\n"
        "  - conv: {channels: 4, kernel: 3, padding: 1}\n"
        "  - multiply: [[], [global_avg_pool, {conv: {channels: 4, kernel: 1}}, sigmoid]]\n"
        "  - conv: {name: out, channels: 1, kernel: 3, padding: 1}\n"
    )
    assert main(["field", str(spec), "out"]) == 0
    shown = capsys.readouterr().out
    assert "1,024 pixels, 100.0% of the image" in shown
    assert "without gates and norms: height 5, 14 … 18; width 5, 14 … 18" in shown
    assert main(["field", str(spec)]) == 0
    shown = capsys.readouterr().out
    assert "local field" in shown
    assert "local field: without gates and norms; jump and padding are of it" in shown
    assert main(["field", str(spec), "out", "--channel", "0"]) == 0
    assert "unit 16,16 of 32x32, channel 0" in capsys.readouterr().out


def test_all_layers_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["field", "resnet18", "--format", "json"]) == 0
    records = {layer["name"]: layer for layer in json.loads(capsys.readouterr().out)["layers"]}
    # The paper of Araujo et al. has 435 for ResNet-18's last convolutions.
    assert records["layer4.1.relu"]["receptive_field"] == [435, 435]
    assert records["layer1.0.add"]["smallest_path"] == [11, 11]
    assert records["layer1.0.add"]["aligned"] is True
    assert records["fc"]["receptive_field"] == "all"


def test_csv_has_the_keys_and_figures_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["field", "resnet18", "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)["layers"]
    assert main(["field", "resnet18", "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [[*row] for row in rows] == [[*record, "network"] for record in records]
    shown = {row["name"]: row for row in rows}
    assert shown["layer1.0.add"]["receptive_field"] == "27x27"
    assert shown["layer1.0.add"]["smallest_path"] == "11x11"
    assert shown["layer1.0.add"]["aligned"] == "True"
    assert shown["fc"]["receptive_field"] == "all"
    assert shown["fc"]["jump"] == shown["fc"]["aligned"] == ""


def test_phases_are_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["field", "deconv_unpool", "deconv", "--phases"]) == 0
    shown = capsys.readouterr().out
    assert "height: 2 phases, each further by" in shown
    assert "  phase 1: " in shown
    assert main(["field", "vgg16", "conv1_1", "--phases"]) == 0
    assert "height: one phase" in capsys.readouterr().out


def test_the_plot_names_the_image_and_every_layer(tmp_path: Path) -> None:
    spec, plot = tmp_path / "net.yaml", tmp_path / "a.svg"
    layers = (
        "  - conv: {name: _first, channels: 4, kernel: 3, padding: 1}\n  - relu: {name: last}\n"
    )
    spec.write_text(f"name: net\ninput: [1, 20, 30]\nlayers:\n{layers}")
    assert main(["field", str(spec), "last", "--layers", "_first", "--plot", str(plot)]) == 0
    drawn = plot.read_text(encoding="utf-8")
    assert "net: what a unit sees of 20x30 pixels" in drawn
    assert "3x3: _first" in drawn
    assert "3x3: last" in drawn


def test_the_plot_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        assert main(["field", "lenet5", "C5", "--plot", str(path), "--layers", "C1"]) == 0
    assert first.read_bytes() == second.read_bytes()


def test_without_matplotlib_a_plot_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert main(["field", "lenet5", "C5", "--plot", str(tmp_path / "a.svg")]) == 2
    assert "pip install 'archcalc[plots]'" in capsys.readouterr().err


def test_a_block_stands_for_the_layer_whose_output_leaves_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["field", "resnet18", "layer4", "--at", "3,3", "--format", "json"]) == 0
    of_block = capsys.readouterr()
    name = of_block.err.rpartition(" ")[2].strip()
    assert of_block.err == f"archcalc: note: the output of the block layer4 is that of {name}\n"
    assert main(["field", "resnet18", name, "--at", "3,3", "--format", "json"]) == 0
    assert capsys.readouterr() == (of_block.out, "")


def test_a_block_has_the_field_of_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["field", "resnet18", "--depth", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "69 layers, folded; --depth all shows each",
        "a block's figures are those of its output; aligned: all that meet in it",
    ]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert rows["layer4"] == ["435", "11", "435", "32", "217", "yes"]
    assert main(["field", "resnet18", "--depth", "2", "--format", "csv"]) == 0
    names = [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert names[4:8] == ["maxpool", "layer1.0", "layer1.1", "layer2.0"]
    assert main(["field", "resnet18", "conv1", "--depth", "2"]) == 2
    assert "leave conv1 out" in capsys.readouterr().err
