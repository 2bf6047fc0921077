"""`archcalc memory`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.cli import main


def test_it_shows_layers_the_peak_and_the_bill(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["memory", "vgg16", "--batch", "64", "--optimizer", "adam", "--dtype", "mixed"]
    assert main([*command, "--budget", "16GiB"]) == 0
    shown = capsys.readouterr().out
    assert "conv1_1" in shown
    assert "its input, indices" in shown
    assert "master copy" in shown
    assert "in 16GiB  batch" in shown


def test_json_carries_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "lenet5", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    kept = sum(layer["kept_bytes"] for layer in record["layers"])
    assert record["training"]["activations"] == kept
    assert record["training"]["parameters"] == 61706 * 4
    assert record["macs"]["forward"] == 416_520
    assert record["inference"][0]["policy"] == "as written"
    for run in record["inference"]:
        assert sum(tensor["bytes"] for tensor in run["alive"]) == run["peak_bytes"]


def test_csv_has_a_row_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "lenet5", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name,output_bytes,param_bytes,kept_bytes,kept,backward_macs"
    assert lines[1].startswith("C1,18816,624,4096,")  # 6*28*28*4; 156*4; 32*32*4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "1MB"], "one image takes"),
        (["--budget", "lots"], "expected a size such as 16GiB"),
        (["--optimizer", "adan"], "did you mean 'adam'"),
        (["--dtype", "int4"], "no training in dtype 'int4'"),
        (["--format", "jsno"], "did you mean 'json'"),
        (["--input", "3x32hx32w"], "give plain numbers with --input"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "vgg16", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_plot_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        assert main(["memory", "lenet5", "--plot", str(path)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert b"<svg" in first.read_bytes()
