"""The forms of a result: tables for people, figures for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from archcalc import UsageError
from archcalc.record import replace
from archcalc.render.bars import in_columns, in_rows
from archcalc.render.escape import Markup
from archcalc.render.output import (
    FORMS,
    Data,
    Document,
    Folded,
    Part,
    Table,
    Title,
    parquet,
    part_text,
    require_form,
    write,
)
from archcalc.render.text_columns import shown_width
from tests.hostile import TEXTS
from tests.test_imports import PACKAGE

FOR_PEOPLE = ["text", "markdown", "latex", "html"]
SMALL = Table(["layer", "n"], [["a", "1"], ["bc", "12,345"]], "lr")


class Small(Document):
    """A result with a part of each kind."""

    def record(self) -> object:
        return {"é": 1}

    def data(self) -> Data:
        rows = [["a", 1, [3, 3], True], ["b", 2.5, "all", None]]
        return Data(["name", "ratio", "field", "used"], rows).of("net (k=1)")

    def parts(self, form: str) -> Iterator[Part]:
        yield Title("net & co", ["a_b", "c"])
        yield SMALL
        yield ["that is all"]


def of_texts(*texts: str) -> Table:
    """A table with these in every place."""
    return Table(texts, [texts, texts], total=texts)


# ----- for people -----


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("text", ["layer         n", "-------  ------", "a             1", "bc       12,345"]),
        (
            "markdown",
            [
                "| layer   |      n |",
                "|:--------|-------:|",
                "| a       |      1 |",
                "| bc      | 12,345 |",
            ],
        ),
        (
            "latex",
            [
                r"\begin{tabular}{lr}", r"\hline", r"layer & n \\", r"\hline", r"a & 1 \\",
                r"bc & 12,345 \\", r"\hline", r"\end{tabular}",
            ],
        ),
        (
            "html",
            [
                "<table>", "<thead>",
                '<tr><th>layer</th><th style="text-align: right">n</th></tr>',
                "</thead>", "<tbody>",
                '<tr><td>a</td><td style="text-align: right">1</td></tr>',
                '<tr><td>bc</td><td style="text-align: right">12,345</td></tr>',
                "</tbody>", "</table>",
            ],
        ),
    ],
)  # fmt: skip
def test_a_table_in_each_form(form: str, lines: list[str]) -> None:
    assert part_text(SMALL, form).splitlines() == lines


def test_a_total_is_set_apart() -> None:
    table = replace(SMALL, total=["both", "12,346"])
    assert part_text(table, "text").splitlines()[-2:] == ["-------  ------", "both     12,346"]
    assert part_text(table, "markdown").splitlines()[-1] == "| both    | 12,346 |"
    assert r"bc & 12,345 \\" + "\n\\hline\n" + r"both & 12,346 \\" in part_text(table, "latex")
    assert re.search(r"</tbody>\n<tfoot>\n<tr>.*both.*</tr>\n</tfoot>", part_text(table, "html"))


def test_a_title_and_paragraphs_stand_around() -> None:
    small = Small()
    assert write(small, "text").startswith("net & co\na_b\nc\n\nlayer ")
    assert write(small, "markdown").startswith("**net &amp; co**\n\na_b\nc\n\n| layer ")
    assert write(small, "latex").startswith("\\textbf{net \\& co}\n\na\\_b\\newline\nc\n\n\\begin")
    assert write(small, "html").startswith("<p><strong>net &amp; co</strong></p>\n\n<p>a_b<br>\nc")
    for form in FOR_PEOPLE:
        assert "that is all" in write(small, form).splitlines()[-1]


def test_a_table_of_nothing_has_its_headings() -> None:
    for form in FOR_PEOPLE:
        assert "layer" in part_text(replace(SMALL, rows=[]), form)


def test_a_narrow_terminal_cuts_words_and_no_figures() -> None:
    table = Table(["layer", "n"], [["a" * 20, "1" * 12], ["b", "2"]], "wr", room=0)
    assert part_text(table, "text", 24).splitlines()[2:] == [
        f"{'a' * 9}…  {'1' * 12}",
        f"b{' ' * 22}2",
    ]
    assert "a" * 7 + "…" in part_text(table, "text", 5)
    assert "a" * 20 in part_text(table, "markdown")


def test_columns_are_as_wide_as_their_signs() -> None:
    assert [shown_width(text) for text in ("abc", "卷积", "e\u0301", "≠ µ … ×")] == [3, 4, 1, 7]
    lines = part_text(Table(["n", "k"], [["卷积", "x"], ["abcd", "x"]]), "text").splitlines()
    assert {line.index("x") + line.count("卷积") * 2 for line in lines[2:]} == {6}


@pytest.mark.parametrize("form", FOR_PEOPLE)
def test_a_table_keeps_its_shape_whatever_stands_in_it(form: str) -> None:
    harmless = part_text(of_texts(*["x"] * len(TEXTS)), form)
    assert part_text(of_texts(*TEXTS), form).count("\n") == harmless.count("\n")


def test_a_row_of_markdown_has_the_columns_of_its_table() -> None:
    for line in part_text(of_texts(*TEXTS), "markdown").splitlines():
        assert len(re.findall(r"(?<!\\)\|", line)) == len(TEXTS) + 1


class Cells(HTMLParser):
    """The texts of cells, and all tags, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts[-1] += data


def test_html_shows_the_texts_and_holds_no_tags_of_them() -> None:
    shown, harmless = (
        Cells(part_text(of_texts(*texts), "html")) for texts in (TEXTS, ["x"] * len(TEXTS))
    )
    assert shown.tags == harmless.tags == {"table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert shown.texts[: len(TEXTS)] == Cells("".join(f"<td>{_shown(t)}</td>" for t in TEXTS)).texts


def _shown(text: str) -> str:
    from archcalc.render import escape

    return escape.one_line(text).replace("&", "&amp;").replace("<", "&lt;")


def test_latex_holds_no_commands_of_the_texts() -> None:
    table = part_text(of_texts(*TEXTS), "latex")
    assert "\\input" not in table
    assert "\\textbf" not in table
    for line in table.splitlines()[2:-2]:
        assert line == r"\hline" or len(re.findall(r"(?<!\\)&", line)) == len(TEXTS) - 1


@pytest.mark.parametrize("sign", ["*", "["])
def test_no_row_of_latex_is_an_option_of_the_row_before(sign: str) -> None:
    assert not re.search(r"\\\\\n[*\[]", part_text(of_texts(f"{sign}x", "y"), "latex"))


@pytest.mark.parametrize("form", FOR_PEOPLE)
def test_markup_is_not_escaped(form: str) -> None:
    assert "$a_1$ <b>" in part_text(Table([Markup("$a_1$ <b>")], []), form)
    assert ("$a_1$ <b>" in part_text(Table(["$a_1$ <b>"], []), form)) is (form == "text")


# ----- for programs -----


def test_csv_and_tsv_have_plain_values_and_the_network() -> None:
    expected = [
        ["name", "ratio", "field", "used", "network"],
        ["a", "1", "3x3", "True", "net (k=1)"],
        ["b", "2.5", "all", "", "net (k=1)"],
    ]
    for form, separator in (("csv", ","), ("tsv", "\t")):
        text = write(Small(), form)
        assert list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)) == expected


def test_json_has_letters_as_they_are() -> None:
    assert write(Small(), "json") == '{\n "é": 1\n}'


def test_parquet_has_the_rows_of_csv_in_columns_of_one_kind_each() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table

    table = read_table(pyarrow.BufferReader(parquet(Small())))
    assert table.to_pydict() == {
        "name": ["a", "b"],
        "ratio": [1.0, 2.5],
        "field": ["3x3", "all"],
        "used": [True, None],
        "network": ["net (k=1)"] * 2,
    }


def test_parquet_of_nothing_has_its_keys() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table

    class Nothing(Small):
        def data(self) -> Data:
            return Data(["name", "n", "n"], [])

    table = read_table(pyarrow.BufferReader(parquet(Nothing())))
    assert (table.column_names, table.num_rows) == (["name", "n"], 0)


# ----- what is wrong -----


def test_an_unknown_form_is_refused_with_a_guess() -> None:
    with pytest.raises(UsageError, match=r"^unknown format 'markdwon'; did you mean 'markdown'\?$"):
        write(Small(), "markdwon")
    with pytest.raises(UsageError, match=r"^unknown format 'q'; known: text, markdown, csv, "):
        require_form("q", FORMS)


# ----- the results -----


def test_every_result_has_its_own_tests() -> None:
    modules = [p for p in PACKAGE.glob("render/*.py") if "Document(" in p.read_text("utf-8")]
    assert len(modules) > 10
    folder = Path(__file__).parent
    assert [m.name for m in modules if not (folder / f"test_{m.name}").exists()] == []


def test_html_has_bars_behind_figures() -> None:
    table = Table(
        ["layer", "macs"], [["a", "1"], ["b", "4"], ["c", "0"], ["d", "?"]], "lr", ["total", "5"],
        bars=lambda: in_columns([[None] * 4, [1, 4, 0, "n"]]),
    )  # fmt: skip
    shown = part_text(table, "html")
    ends = re.findall(r"linear-gradient\(to left, #\w+ ([\d.]+)%, transparent 0\)", shown)
    assert ends == ["25", "100"]
    for form in ("text", "markdown", "latex"):
        assert "gradient" not in part_text(table, form)


def test_bars_are_of_plain_numbers_beside_the_largest() -> None:
    assert in_rows([[1, 2.0, True, "x", None, -1, np.int64(2)], [0, 0], []]) == [
        [0.5, 1.0, None, None, None, 0.0, 1.0],
        [None, None],
        [],
    ]


def test_what_is_folded_is_a_table_behind_a_line() -> None:
    folded = Folded("2 < 3", Table(["a"], [["1"]]))
    for form in ("markdown", "html"):
        shown = part_text(folded, form)
        assert shown.startswith("<details>\n<summary>2 &lt; 3</summary>\n\n")
        assert shown.endswith("\n\n</details>")
        assert part_text(folded.table, form) in shown
    assert part_text(folded, "text") == f"2 < 3\n\n{part_text(folded.table, 'text')}"
