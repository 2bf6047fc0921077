"""`archcalc compare`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.cli import main


def test_networks_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "vgg16", "resnet50"]) == 0
    shown = capsys.readouterr().out
    assert "0.185x" in shown
    assert "vectors" in shown


def test_a_network_is_compared_with_a_setting_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "mobilenet_v1", "mobilenet_v1 alpha=0.5", "--format", "json"]) == 0
    networks = json.loads(capsys.readouterr().out)["networks"]
    assert [network["label"] for network in networks] == [
        "mobilenet_v1",
        "mobilenet_v1 (alpha=0.5)",
    ]
    assert [network["totals"]["params"] for network in networks] == [4_231_976, 1_331_592]


def test_networks_are_rows_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "lenet5", "vgg16", "mobilenet_v1 alpha=0.5", "--rows"]
    assert main([*arguments, "--exact"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["lenet5", "1x32x32", "61,706"] in [line[:3] for line in lines]
    assert ["vgg16", "3x224x224", "138,357,544"] in [line[:3] for line in lines]
    assert main([*arguments, "--format", "csv"]) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert rows[0][:4] == ["network", "input", "params", "macs"]
    assert [row[0] for row in rows[1:]] == ["lenet5", "vgg16", "mobilenet_v1 (alpha=0.5)"]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_changes_hold_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "vgg16", "resnet50", "--input", "3x64x64", "--set", "classes=10"]
    assert main([*arguments, "--batch", "2", "--dtype", "float16", "--format", "json"]) == 0
    for network in json.loads(capsys.readouterr().out)["networks"]:
        assert network["input"] == [3, 64, 64]
        assert (network["batch"], network["dtype"]) == (2, "float16")


def test_the_plot_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "bars.svg"
    assert main(["compare", "vgg16", "resnet50", "--plot", str(path)]) == 0
    assert path.read_text().startswith("<?xml")
