"""`archcalc conventions`, and `archcalc table --convention`, as a user calls them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from jsonschema import validate

from archcalc.cli import main
from archcalc.other_tools import CONVENTIONS
from archcalc.render.contract import contract_schema
from tests.spec_opaque import DETECTOR

Capture = pytest.CaptureFixture[str]


def test_each_tool_has_its_total_and_its_rule(capsys: Capture) -> None:
    assert main(["conventions", "resnet18"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "MACs 1,814,073,344, by archcalc's own rules"
    assert any(line.split()[:3] == ["fvcore", "flops", "1,819,065,856"] for line in lines)
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert all(f"{convention.tool}" in text for convention in CONVENTIONS.values())


@pytest.mark.parametrize("form", ["json", "csv"])
def test_programs_get_all_of_each(form: str, capsys: Capture) -> None:
    assert main(["conventions", "vit_tiny", "--format", form]) == 0
    out = capsys.readouterr().out
    rows = json.loads(out)["conventions"] if form == "json" else [*csv.DictReader(out.splitlines())]
    (row,) = [row for row in rows if row["name"] == "torchscan"]
    assert (row["prints"], row["unit"]) == ("module_flops", "FLOPs")
    assert int(row["total"]) == 2_157_277_306


def test_tables_count_each_layer_as_another_tool_does(capsys: Capture) -> None:
    command = ["table", "resnet18", "--convention", "fvcore,thop"]
    assert main([*command, "--columns", "name", "--depth", "1"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["bn1", "1.61M", "3.21M"] in lines
    assert ["total", "1.82G", "1.82G"] in lines
    assert main([*command, "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    validate(record, contract_schema())
    assert record["conventions"]["thop"]["layers"]["bn1"] == 4 * 64 * 112 * 112


def test_a_convention_that_there_is_not(capsys: Capture) -> None:
    assert main(["table", "resnet18", "--convention", "fvcor"]) == 2
    assert "unknown convention 'fvcor'; did you mean 'fvcore'?" in capsys.readouterr().err


def test_what_nobody_knows_is_left_open(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "detector.yaml"
    file.write_text(DETECTOR)
    assert main(["conventions", str(file)]) == 0
    out = capsys.readouterr().out
    words = next(line.split() for line in out.splitlines() if line.startswith("fvcore  "))
    assert words == ["fvcore", "flops", "at", "least", "12,512", "operations", "?"]
