"""A network with hostile names and a hostile title: text in every output, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

import pytest

from archcalc import Analysis, analyze
from archcalc.comparing.compare import contrast
from archcalc.comparing.diff import difference
from archcalc.render.compare import CompareDocument
from archcalc.render.contract import to_json
from archcalc.render.diff import DiffDocument
from archcalc.render.escape import one_line
from archcalc.render.output import write
from archcalc.render.table import TableDocument, caption
from tests.hostile import TEXTS, hostile_analysis

# For people; csv, tsv and json hold every text as it is.
FOR_PEOPLE = ["text", "markdown", "latex", "html"]


@pytest.fixture(scope="module")
def hostile() -> Analysis:
    return hostile_analysis()


def table(analysis: Analysis, form: str) -> str:
    return write(TableDocument(analysis), form)


def side_by_side(analysis: Analysis, form: str) -> str:
    return write(CompareDocument(contrast([analysis, analyze("lenet5")])), form)


def changes(analysis: Analysis, form: str) -> str:
    return write(DiffDocument(difference(analyze("lenet5"), analysis)), form)


OUTPUTS = [table, side_by_side, changes]


@pytest.mark.parametrize("form", FOR_PEOPLE)
@pytest.mark.parametrize("output", OUTPUTS)
def test_no_output_has_a_control_character(
    hostile: Analysis, output: Callable[[Analysis, str], str], form: str
) -> None:
    for line in output(hostile, form).split("\n"):
        assert line.replace("\t", " ").isprintable(), line  # tabs part the cells of tsv


@pytest.mark.parametrize("output", OUTPUTS)
def test_rows_of_markdown_keep_their_columns(
    hostile: Analysis, output: Callable[[Analysis, str], str]
) -> None:
    for part in output(hostile, "markdown").split("\n\n"):
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines()}
        assert len(bars) == 1


@pytest.mark.parametrize("output", OUTPUTS)
def test_html_has_no_tags_but_its_own(
    hostile: Analysis, output: Callable[[Analysis, str], str]
) -> None:
    tags = set(re.findall(r"</?(\w+)", output(hostile, "html")))
    around = {"tfoot", "p", "strong", "br", "details", "summary"}  # titles, and what is folded
    assert tags - around == {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("output", OUTPUTS)
def test_latex_has_no_commands_but_its_own(
    hostile: Analysis, output: Callable[[Analysis, str], str]
) -> None:
    commands = re.findall(r"\\([a-z]{3,})", output(hostile, "latex"))
    assert commands.count("textbf") <= 1  # the title
    assert {*commands} <= {
        "begin", "end", "hline", "textbackslash", "textasciitilde", "textasciicircum", "textbar",
        "textless", "textgreater", "textbf",
    }  # fmt: skip


def test_the_caption_is_two_lines(hostile: Analysis) -> None:
    title, _ = caption(hostile)
    assert title.isprintable()
    assert one_line(TEXTS[0]) in title


@pytest.mark.parametrize(("form", "separator"), [("csv", ","), ("tsv", "\t")])
def test_csv_tsv_and_json_hold_the_names_as_they_are(
    hostile: Analysis, form: str, separator: str
) -> None:
    text = write(TableDocument(hostile, columns=["name", "kind"]), form)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = [row[0] for row in rows][1:]
    assert names == [layer.name for layer in hostile.layers]
    assert [layer["name"] for layer in json.loads(to_json(hostile))["layers"]] == names
