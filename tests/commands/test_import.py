"""`archcalc import`: a spec with blocks and repeats, to a file or to standard output."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.walk import analyze
from tests.commands.calling import assert_refused, called


def test_a_spec_has_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "import", "resnet50")
    assert (status, err) == (0, "")
    assert "- repeat: times" in out
    assert analyze(out).totals == analyze("resnet50").totals


def test_a_flat_one_has_a_line_for_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "import", "lenet5", "--flat", "--set", "classes=7")
    lines = [line for line in out.splitlines() if line.startswith("  - ")]
    assert len(lines) == len(analyze("lenet5").layers)
    assert "features: 7" in lines[-1]


def test_a_file_is_written_and_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.yaml"
    assert called(capsys, "import", "lenet5", "-o", str(path)) == (0, "", "")
    before = path.read_text(encoding="utf-8")
    assert analyze(path).totals == analyze("lenet5").totals
    assert_refused(called(capsys, "import", "alexnet", "-o", str(path)), "--force replaces it")
    assert path.read_text(encoding="utf-8") == before
    assert called(capsys, "import", "alexnet", "-o", str(path), "--force") == (0, "", "")
    assert path.read_text(encoding="utf-8") != before
