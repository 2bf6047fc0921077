"""`archcalc check`, as a user and a build call it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.commands.calling import assert_refused, called

# conv: 3 x 4 x 9 + 4 = 112 parameters, 108 x 1024 = 110,592 MACs.
SPEC = """\
name: tiny
input: [3, 32, 32]
budget: {budget}
layers:
  - conv: {{name: c1, channels: 4, kernel: 3, padding: 1}}
"""
PARAMS = "quantity: params, value: 112, source: a book"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "tiny.yaml")


def write(path: str, *budget: str, claim: str = "") -> None:
    """A network with these budgets, and a claim."""
    text = SPEC.format(budget=json.dumps(budget))
    Path(path).write_text(f"{text}claims:\n  - {{{claim}}}\n" if claim else text)


# ----- published figures -----


def test_code_and_files_of_models_have_no_figures_to_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, cfg = tmp_path / "mine.py", tmp_path / "mine.cfg"
    code.write_text("from torch import nn\nnet = lambda: nn.Conv2d(3, 4, 3)\n")
    cfg.write_text("[net]\nwidth=8\nheight=8\nchannels=3\n[maxpool]\nsize=2\nstride=2\n")
    for words in ((f"{code}:net", "--input", "3x9x9"), (str(cfg),)):
        status, _, err = called(capsys, "check", *words)
        assert (status, err) == (0, "no published figures\n")
    assert_refused(called(capsys, "check", str(code)), f"as {code}:Net")
    assert_refused(called(capsys, "check", f"{cfg}#x"), f"{cfg} has no variant 'x'; it has mine")


def test_a_file_whose_layers_do_not_fit_is_refused(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(path).write_text(SPEC.format(budget="[]").replace("kernel: 3", "kernel: 99"))
    status, out, err = called(capsys, "check", path)
    assert (status, out) == (2, "")
    assert f"{path}:5:5: a window of 99 does not fit in" in err


def test_what_is_probably_a_mistake_is_noted(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(path)
    Path(path).write_text(Path(path).read_text() + "  - batch_norm\n")
    status, _, err = called(capsys, "check", path)
    assert (status, "a bias is taken away again by the norm behind it: c1" in err) == (0, True)
    status, _, err = called(capsys, "check", path, "--quiet", "--strict")
    assert (status, err) == (1, "no published figures\n")


def test_a_file_of_blocks_is_read_by_itself(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    block = (
        "blocks:\n  b:\n    parameters: [n]\n    layers:\n      - conv: {channels: n, kernel: 1}\n"
    )
    Path(path).write_text(block)
    assert called(capsys, "check", path)[::2] == (0, "no published figures\n")
    assert called(capsys, "table", path)[0] == 2, "it is no network"
    Path(path).write_text(block.replace("kernel", "kernal"))
    status, _, err = called(capsys, "check", path)
    assert status == 2
    assert f"{path}:5:" in err and "did you mean 'kernel'?" in err
    Path(path).write_text(block.replace("channels: n", "channels: m"))
    assert called(capsys, "check", path)[0] == 2, "m is no name"


def test_a_network_of_the_library_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = called(capsys, "check", "inception_bottleneck")
    assert status == 0
    heading, _, claim = out.splitlines()
    assert heading.split() == ["id", "network", "quantity", "printed", "computed", "verdict"]
    assert claim.split() == [
        *("A038", "inception_bottleneck", "macs", "358M", "271,351,808", "wrong"),
    ]
    assert err == "1 published figure: 1 is wrong\n"


def test_a_changed_verdict_is_status_1(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, claim=f"id: Y, {PARAMS}, verdict: unexplained")
    status, out, err = called(capsys, "check", path)
    assert status == 1
    assert "112" in out
    assert "recorded: unexplained" in err


def test_recorded_verdicts_are_status_0(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, claim=f"id: Z, {PARAMS}")
    status, _, err = called(capsys, "check", path)
    assert (status, err) == (0, "1 published figure: 1 agrees\n")


def test_figures_are_chosen_by_source_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = called(capsys, "check", "vgg16", "--format", "csv")
    every = list(csv.DictReader(io.StringIO(out)))
    words = ["--source", "VGG paper", "--verdict", "agrees"]
    _, out, err = called(capsys, "check", "vgg16", *words, "--format", "csv")
    chosen = list(csv.DictReader(io.StringIO(out)))
    assert chosen == [
        figure
        for figure in every
        if "VGG paper" in figure["source"] and figure["verdict"] == "agrees"
    ]
    assert 0 < len(chosen) < len(every)
    assert err.startswith(f"{len(chosen)} published figure")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["vgg61"], "unknown network 'vgg61'; did you mean"),
        (["vgg16", "--source", "zzz"], "no source has the text 'zzz'"),
        (["vgg16", "--verdict", "right"], "argument --verdict: invalid choice: 'right'"),
        (["nowhere.yaml"], "nowhere.yaml: No such file or directory"),
    ],
)
def test_a_mistake_is_one_message_and_status_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(called(capsys, "check", *words), message)


# ----- budgets -----


def test_a_broken_budget_is_status_1(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, "params <= 1M")
    assert called(capsys, "check", path)[0] == 0
    write(path, "params <= 1M", "macs <= 1K")
    status, out, err = called(capsys, "check", path)
    assert status == 1
    rows = [line.split() for line in out.splitlines()]
    assert ["budget", "tiny", "macs", "<=", "1K", "110,592", "broken"] in rows
    assert "2 budgets: 1 kept, 1 broken" in err
    assert f"archcalc: {path}:3:26: tiny breaks its budget" in err


def test_budgets_stand_in_json(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, "params <= 140")
    status, out, _ = called(capsys, "check", path, "--format", "json")
    assert status == 0
    (record,) = json.loads(out)
    assert record["id"] == "budget"
    assert (record["printed"], record["computed"]) == ("<= 140", 112)
    assert (record["verdict"], record["expected"]) == ("kept", True)
    assert record["deviation"] == 0.25  # 140 / 112 - 1


def test_a_question_about_sources_leaves_budgets_out(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(path, "params <= 1")
    assert called(capsys, "check", path)[0] == 1
    no_source = called(capsys, "check", path, "--source", "paper")
    assert_refused(no_source, "no source has the text 'paper'")
    assert called(capsys, "check", path, "--verdict", "agrees")[0] == 0


def test_a_variant_that_there_is_not_is_refused(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(path, "params <= 1M")
    message = "has no variant 'tny'; did you mean 'tiny'?"
    assert_refused(called(capsys, "check", f"{path}#tny"), message)


# ----- JUnit -----


def test_junit_has_a_case_for_each_claim_and_budget(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = 'quantity: params, value: 1M, source: a <paper> "of" ours, id: T1'
    write(path, "params <= 1M", "macs <= 1K", claim=claim)
    status, out, _ = called(capsys, "check", path, "--format", "junit")
    assert status == 1
    root = ElementTree.fromstring(out)
    assert root.attrib == {"name": "archcalc check", "tests": "3", "failures": "2"}
    (suite,) = root
    assert suite.attrib == {"name": "tiny", "tests": "3", "failures": "2"}
    assert [case.get("name") for case in suite] == [
        'T1: params is 1M (a <paper> "of" ours)',
        "budget: params <= 1M",
        "budget: macs <= 1K",
    ]
    assert all(case.get("file") == path for case in suite)
    assert [case.get("line") for case in suite] == ["7", "3", "3"]
    first, second, third = (case.find("failure") for case in suite)
    assert second is None
    assert first is not None and third is not None
    assert third.get("message") == f"{path}:3:26: tiny breaks its budget: macs is 110592, not <= 1K"
    assert str(third.text).splitlines()[-1].strip() == "^"


def test_junit_holds_no_character_that_xml_forbids(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = r'"\x1b[31m \x01 <b> & \u0085"'
    write(path, "params <= 1M", claim=f"quantity: params, value: 1M, source: {hostile}, id: T1")
    status, out, _ = called(capsys, "check", path, "--format", "junit")
    assert status == 1
    (suite,) = ElementTree.fromstring(out)
    assert "<b> &" in str(suite[0].get("name"))
