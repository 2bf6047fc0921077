"""Every command of a result in every form: the same options, and the same rows for programs."""

from __future__ import annotations

import argparse
import csv
import io
import json
import shlex

import pytest

from archcalc.cli import parser_of_all
from archcalc.render.output import FORMS
from tests.commands.calling import assert_refused, called

# Of each command that takes all forms, calls with a result of each kind, and what is always in it.
CALLS = {
    "table lenet5": "tanh1",
    "compare lenet5 lenet_caffe": "params",
    "diff lenet5 lenet_caffe": "C1",
    "check lenet5": "A040",
    "errata --source Kim": "A038",
    "scale lenet5": "params",
    "sweep lenet5 --over H=32,33,8": "params",
    "solve lenet5 --for H=30..34 --where 'macs <= 417K'": "32",
    "solve lenet5 --for H=30..33 --for W=32,33 --where 'macs <= 420K' --maximize macs": "32",
    "field lenet5": "tanh1",
    "field lenet5 S4 --at 0,0": "S4",
    "memory lenet5": "tanh1",
    "roofline lenet5": "C1",
    "explain lenet5 C1": "biases",
    "explain resnet18 layer1": "params",
    "explain lenet5": "C5",
    "conventions lenet5": "torchinfo",
    "which lenet5 --params 61.7K": "lenet5",
    "verify lenet5": "tanh1",
    "list": "lenet5",
    "kinds": "conv",
    "kinds conv": "kernel",
}


def takes(parser: argparse.ArgumentParser) -> set[str]:
    """The forms that a command takes, if it is one of a result."""
    found = [action for action in parser._actions if action.dest == "format"]
    return {form for action in found for form in action.choices or ()}


def test_every_command_of_a_result_is_called_here_and_takes_every_form() -> None:
    (commands,) = (
        action
        for action in parser_of_all()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    taken = {name: takes(parser) for name, parser in commands.choices.items()}
    of_results = {name for name, forms in taken.items() if forms and name != "draw"}
    assert {words.split()[0] for words in CALLS} == of_results
    for name in of_results:
        assert taken[name] - {"junit"} == set(FORMS)


@pytest.mark.parametrize("words", CALLS)
def test_every_form_shows_the_result(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    if words.startswith("verify"):
        pytest.importorskip("torch")
    rows = {}
    # All claims are checked for errata, which takes seconds each time.
    for form in ("csv", "tsv", "html") if words.startswith("errata") else FORMS[:-1]:
        status, out, _ = called(capsys, *shlex.split(words), "--format", form)
        assert status == (1 if words.startswith("diff") else 0)
        assert CALLS[words] in out
        if form in ("csv", "tsv"):
            separator = "\t" if form == "tsv" else ","
            rows[form] = list(csv.reader(io.StringIO(out), delimiter=separator))
        if form == "json":
            json.loads(out)
        assert ("<table>" in out) == (form == "html")
        assert ("tabular" in out) == (form == "latex")
    assert rows["csv"] == rows["tsv"]
    assert len({len(row) for row in rows["csv"]}) == 1
    assert len(rows["csv"]) > 1


@pytest.mark.parametrize("words", CALLS)
def test_every_result_is_a_table_of_parquet(
    words: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table

    from archcalc.cli import main

    if words.startswith("verify"):
        pytest.importorskip("torch")
    main([*shlex.split(words), "--format", "csv"])
    keys, *rows = csv.reader(io.StringIO(capfdbinary.readouterr().out.decode()))
    main([*shlex.split(words), "--format", "parquet"])
    table = read_table(pyarrow.BufferReader(capfdbinary.readouterr().out))
    assert (table.column_names, table.num_rows) == (keys, len(rows))


@pytest.mark.parametrize("words", sorted({words.split()[0] for words in CALLS}))
def test_an_unknown_format_is_refused_with_a_guess(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"compare": ["lenet5", "lenet_caffe"], "diff": ["lenet5", "lenet_caffe"]}
    given = [] if words in ("list", "errata", "check") else names.get(words, ["lenet5"])
    answer = called(capsys, words, *given, "--format", "markdwon")
    assert_refused(answer, "unknown format 'markdwon'; did you mean 'markdown'?")


def test_names_have_no_format(capsys: pytest.CaptureFixture[str]) -> None:
    answer = called(capsys, "list", "--names", "--format", "csv")
    assert_refused(answer, "not allowed with argument --names")
