"""`archcalc show`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.calling import TINY, assert_refused, called

pytestmark = pytest.mark.usefixtures("own_folder")


def test_the_spec_of_a_network_is_shown_as_it_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, "show", "tiny.yaml")
    assert (status, out, err) == (0, TINY, "")
    _, out, _ = called(capsys, "show", "resnet50")
    assert "variants:" in out
    assert "  resnet50: " in out or "  resnet50:\n" in out


def test_it_is_the_start_of_a_spec_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "show", "lenet5", "-o", "mine.yaml") == (0, "", "")
    text = Path("mine.yaml").read_text()
    assert "lenet5" in text
    status, out, _ = called(capsys, "table", "mine.yaml#lenet5", "--format", "csv")
    assert (status, out) == (0, called(capsys, "table", "lenet5", "--format", "csv")[1])


def test_a_network_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, "show", "lenet6"), "unknown network 'lenet6'; did you mean")
