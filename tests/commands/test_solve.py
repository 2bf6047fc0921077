"""`archcalc solve`: what is printed. That the answers are right is in tests/parametric."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.commands.calling import assert_refused, called

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


SEVERAL = ("solve", "mobilenet_v1", "--for", "alpha=0.1:2:0.01", "--for", "resolution=96..256")
LEAST = ("solve", "lenet5", "--for", "H=28..40", "--for", "W=28..40", "--minimize", "macs")


def test_of_several_the_best_setting_and_those_beside_it_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = (*SEVERAL, "--where", "macs <= 150M", "--maximize", "params")
    status, out, err = called(capsys, *words)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "mobilenet_v1: the most params over alpha, resolution with macs <= 150M",
        "batch 1, float32; MACs: multiply-accumulates; MB: 10^6 bytes",
        "looked at all 30,751 settings",
        "none at which it holds has more",
        "below the answer: one step along one unknown each",
        "",
        "alpha  resolution  params     MACs  holds",
        "-----  ----------  ------  -------  -----",
        "  1.2          96   5.82M  149.58M  yes",
        " 1.21          96   5.91M  151.85M  no",
        " 1.19          96   5.74M  147.40M  yes",
        "  1.2          97   5.82M  198.75M  no",
    ]


def test_programs_have_the_best_setting_and_the_proof(capsys: pytest.CaptureFixture[str]) -> None:
    out = called(capsys, *LEAST, "--where", "macs >= 400K", "--format", "json")[1]
    record = json.loads(out)
    assert (record["wanted"], record["objective"], record["proof"]) == ("least", "macs", "all")
    assert (record["settings"], record["looked"], record["at_end"]) == (169, 169, [])
    assert record["values"] == record["rows"][0]["setting"] == {"H": 32, "W": 32}
    assert record["holds"][0] and not record["holds"][1]


def test_of_several_no_answer_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = called(capsys, *LEAST, "--where", "macs < 1K")
    assert status == 1
    assert "it holds at none of them" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--for", "H=30..33", "--for", "W"], "--for: of several unknowns say of what the most"),
        (["--for", "H", "--maximize", "macs"], "--for: H: with an objective, say which values"),
        (["--for", "H=30..33", "--maximize", "mac"], "--maximize: mac: lenet5 has no figure 'mac'"),
        (
            ["--for", "H=30..33", "--maximize", "macs", "--smallest"],
            "argument --smallest: not allowed with argument --maximize",
        ),
    ],
)
def test_an_objective_that_cannot_be_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(called(capsys, "solve", "lenet5", *words, "--where", "macs < 1M"), message)
