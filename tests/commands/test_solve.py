"""`archcalc solve`: what is printed. That the answers are right is in tests/parametric."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.commands.calling import called

BUDGET = ("solve", "mobilenet_v1", "--for", "alpha=0.1:2:0.01", "--where", "macs <= 150M")


def test_the_answer_and_the_next_value_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, *BUDGET, "--figures", "params")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "mobilenet_v1: the largest alpha with macs <= 150M",
        "batch 1, float32; MACs: multiply-accumulates; MB: 10^6 bytes",
        "looked at all 191 values from 0.1 to 2",
        "",
        "alpha     MACs  params  holds",
        "-----  -------  ------  -----",
        "  0.5  149.50M   1.33M  yes",
        " 0.51  154.24M   1.37M  no",
    ]


def test_programs_have_both_rows(capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads(called(capsys, *BUDGET, "--format", "json")[1])
    assert (record["value"], record["next"], record["looked"]) == (0.5, 0.51, 191)
    assert [row["figures"]["macs"] <= 150_000_000 for row in record["rows"]] == [True, False]
    out = called(capsys, *BUDGET, "--format", "csv")[1]
    keys, *rows = csv.reader(io.StringIO(out))
    assert keys == ["holds", "alpha", "macs", "reason", "network"]
    assert [row[:2] for row in rows] == [["True", "0.5"], ["False", "0.51"]]


def test_no_answer_is_status_1_and_says_how_far_was_looked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = called(capsys, "solve", "lenet5", "--for", "H", "--where", "macs < 1000")
    assert status == 1
    assert "looked at 21 values from 1 to 1048576, at distances that double, then halve" in out
    assert "it holds at none of them" in out


def test_the_end_of_what_was_looked_at_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("solve", "mobilenet_v1", "--for", "alpha=0.1,0.2", "--where", "macs < 1G")
    assert "that is the last one that was looked at: there may be more" in called(capsys, *words)[1]
