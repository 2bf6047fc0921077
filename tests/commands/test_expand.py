"""`archcalc expand`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc import analyze
from tests.commands.calling import called


def test_expand_writes_a_spec_that_can_be_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = called(capsys, "expand", "vgg16", "--set", "classes=7", "--input", "3x64x64")
    assert status == 0
    path = tmp_path / "expanded.yaml"
    path.write_text(out)
    again, changed = analyze(str(path)), analyze("vgg16", input=[3, 64, 64], classes=7)
    assert again.totals == changed.totals
