"""`archcalc sweep`: what is printed. That each row is right is in tests/parametric."""

from __future__ import annotations

import csv
import io
import json

import pytest

from archcalc import analyze
from tests.commands.calling import called

MOBILENETS = ("sweep", "mobilenet_v1", "--over", "alpha=0.25:1:0.25", "--over", "resolution=32,64")


def test_a_row_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, *MOBILENETS, "--figures", "params,macs,receptive_field")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "mobilenet_v1 over alpha, resolution",
        "batch 1, float32; MACs: multiply-accumulates; MB: 10^6 bytes",
        "8 settings, 8 of them valid; 8 shown",
        "",
        "alpha  resolution   params    MACs  receptive field",
        "-----  ----------  -------  ------  ---------------",
        " 0.25          32  470.07K   1.09M              315",
        " 0.25          64  470.07K   3.58M              315",
        "  0.5          32    1.33M   3.55M              315",
        "  0.5          64    1.33M  12.67M              315",
        " 0.75          32    2.59M   7.39M              315",
        " 0.75          64    2.59M  27.27M              315",
        "    1          32    4.23M  12.61M              315",
        "    1          64    4.23M  47.37M              315",
    ]


def test_invalid_settings_are_there_with_their_reason(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sweep", "lenet5", "--over", "H=8,32,7", "--figures", "macs")
    status, out, _ = called(capsys, *words)
    assert status == 0
    assert " 8        -  (1)" in out
    assert "\n(1) " in out and "\n(2) " in out
    assert all(len(line) <= 80 for line in out.splitlines())
    record = json.loads(called(capsys, *words, "--format", "json")[1])
    assert [row["reason"] is None for row in record["rows"]] == [False, True, False]
    assert record["rows"][1] == {
        "network": "lenet5", "setting": {"H": 32}, "figures": {"macs": analyze("lenet5").macs},
        "reason": None,
    }  # fmt: skip
    assert "does not fit" in record["rows"][0]["reason"]


def test_some_are_chosen_and_put_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    choice = ("--where", "macs <= 30M and training_peak < 20MB", "--pareto", "params,-macs")
    _, out, _ = called(
        capsys, *MOBILENETS, *choice, "--sort=-macs", "--top", "2", "--format", "csv"
    )
    keys, *rows = csv.reader(io.StringIO(out))
    assert keys == ["alpha", "resolution", "params", "macs", "peak_bytes", "reason", "network"]
    assert [row[:2] for row in rows] == [["0.5", "64"], ["0.25", "64"]]


def test_exact_decimals_are_printed_as_they_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sweep", "mobilenet_v1", "--over", "alpha=0.25:0.4:0.05", "--over", "resolution=32")
    for form in ("csv", "json", "text"):
        out = called(capsys, *words, "--format", form)[1]
        assert "0.35" in out
        assert "0.30000000000000004" not in out


def test_draws_are_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sweep", "mobilenet_v1", "--over", "alpha=0.25:1.5", "--over", "resolution=32..64:log")
    sample = (*words, "--sample", "1e2", "--format", "csv")
    first = called(capsys, *sample, "--seed", "7")[1]
    assert first == called(capsys, *sample, "--seed", "7")[1]
    assert first != called(capsys, *sample, "--seed", "8")[1]
    assert first.count("\n") == 101
    row = dict(zip(*list(csv.reader(io.StringIO(first)))[:2], strict=True))
    table = ("--set", f"alpha={row['alpha']}", "--set", f"resolution={row['resolution']}")
    shown = json.loads(called(capsys, "table", "mobilenet_v1", *table, "--format", "json")[1])
    assert shown["totals"]["macs"] == int(row["macs"])
    latin = called(capsys, *sample, "--latin")[1]
    assert latin.count("\n") == 101


def test_networks_are_one_more_axis(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sweep", "resnet20", "vgg11 batch_norm=true", "--over", "classes=10,100")
    _, out, _ = called(capsys, *words, "--figures", "params", "--exact")
    assert out.splitlines()[0] == "resnet20, vgg11 (batch_norm=true) over classes"
    params = analyze("vgg11", batch_norm=True, classes=100).params
    assert f"vgg11 (batch_norm=true)      100  {params:,}" in out


def test_none_that_is_left_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "csv", "json", "html"):
        status, out, _ = called(capsys, *MOBILENETS, "--where", "macs < 1", "--format", form)
        assert status == 0
        assert out
