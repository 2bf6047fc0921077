"""`archcalc scale`, as a user calls it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from archcalc.cli import main


def test_the_growth_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale", "vgg16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "conv weights       14.71M  x4     2          x2.108 1.08 -> 1  x1     0" in lines
    assert "twice the depth: depths = [4, 4, 6, 6, 6]" in lines
    assert "twice the width: channels and features of all layers but fc8" in lines
    assert max(map(len, lines)) <= 80


def test_what_is_not_known_is_left_out_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sorts.yaml"
    path.write_text(
        "name: sorts\ninput: [3, 8, 8]\nparameters: {depth: 2}\nlayers:\n  - repeat: depth\n"
        "    layers: [conv: {channels: 3, kernel: 1}]\n"
        "  - opaque: {operator: sort, of: [[3, 8, 8]], shape: [3, 8, 8], macs: unknown}\n"
    )
    assert main(["scale", str(path), "--by", "depth"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^params +24  x2 +1", out, re.MULTILINE)
    assert "left out: macs is at least 1152: how it grows depends on costs not known" in out
    assert not any(line.startswith("MACs") for line in out.splitlines())
    main(["scale", str(path), "--by", "depth", "--format", "json"])
    record = json.loads(capsys.readouterr().out)
    assert {"macs", "training_bytes"} <= {*record["left_out"]}
    assert not {*record["left_out"]} & {*record["now"]}


def test_ways_and_quantities_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "scale",
        "densenet121",
        "--by",
        "growth",
        "--quantity",
        "params,layers[conv0].macs",
    ]
    assert main([*arguments, "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    (way,) = record["ways"]
    assert (way["by"], way["change"]) == ("growth", "growth = 64")
    assert way["growth"]["layers[conv0].macs"] == {"ratio": "2", "exponent": 1.0, "degree": 1}
    assert main([*arguments, "--format", "markdown"]) == 0
    assert "| layers\\[conv0\\].macs |" in capsys.readouterr().out


def test_a_spreadsheet_gets_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale", "vgg16", "--by", "width", "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    params = next(row for row in rows if row["quantity"] == "params")
    assert int(params["now"]) == 138_357_544
    assert 3.9 < float(params["width.ratio"]) < 4
    assert (params["width.degree"], rows[-1]["width.exponent"]) == ("2", "0.0")


def test_the_plot_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        assert main(["scale", "lenet5", "--plot", str(path)]) == 0
    assert first.read_bytes() == second.read_bytes()


def test_a_plot_has_the_quantities_that_were_asked_for(tmp_path: Path) -> None:
    plots = {}
    for quantity in ("params", "peak_bytes"):
        plot = tmp_path / f"{quantity}.svg"
        assert main(["scale", "lenet5", "--quantity", quantity, "--plot", str(plot)]) == 0
        plots[quantity] = plot.read_text()
    assert "memory, peak" in plots["peak_bytes"]
    assert "memory, peak" not in plots["params"]


def test_a_plot_ends_where_there_is_no_larger_network(tmp_path: Path) -> None:
    spec, plot = tmp_path / "grouped.yaml", tmp_path / "grouped.svg"
    spec.write_text(
        "name: grouped\ninput: [3, 8, 8]\nparameters: {groups: 2}\nlayers:\n"
        "  - conv: {channels: 16, kernel: 1}\n"
        "  - conv: {channels: 16, kernel: 1, groups: groups}\n"
    )
    assert main(["scale", str(spec), "--by", "groups", "--plot", str(plot)]) == 0  # 6 do not fit
    assert plot.exists()


def test_without_matplotlib_a_plot_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert main(["scale", "lenet5", "--plot", str(tmp_path / "a.svg")]) == 2
    assert "pip install 'archcalc[plots]'" in capsys.readouterr().err


def test_a_network_that_cannot_grow_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale", "mlp_7_3"]) == 2
    assert "has no width, depth, resolution that could grow" in capsys.readouterr().err
