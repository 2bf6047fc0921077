"""The one way out: a result as text, markdown, csv, tsv, json, latex, html or parquet.

Each result of a command has a `Document`, in the module of `render` that is called as the command.
It says what is in the result; how that looks in each form, and how it is escaped, is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from archcalc.errors import require_extra, require_known
from archcalc.quantity.arithmetic import plain
from archcalc.record import Record
from archcalc.render import escape
from archcalc.render.text_columns import padded, set_in_columns, shown_width

FORMS = ("text", "markdown", "csv", "tsv", "json", "latex", "html", "parquet")
WIDTH = 80  # columns that prose takes, and tables that can be narrowed
SEPARATORS = {"csv": ",", "tsv": "\t"}


class Table(Record):
    """A table for people: texts that are not escaped yet.

    Attributes:
        headings: of its columns.
        rows: of each row, a text for each column.
        align: a letter for each column: l and r for the side at which its texts stand, w for words
            at the left that are cut where the table is too wide. All to the left if empty.
        total: the last row, set apart.
        room: how much wider than its heading a column is at least, as text.
        keys: how many columns tell the rows, and stand before each part of a table in parts.
        bars: gives for each row how long a bar HTML shows behind each cell, from 0 to 1; None for
            none. See `archcalc.render.bars`.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str = ""
    total: Sequence[str] | None = None
    room: int = 2
    keys: int = 1
    bars: Callable[[], Sequence[Sequence[float | None]]] | None = None

    @property
    def sides(self) -> str:
        """A letter for each column, as `align`."""
        return self.align or "l" * len(self.headings)

    @property
    def to_right(self) -> list[bool]:
        """Whether the texts of each column stand at its right side."""
        return [side == "r" for side in self.sides]


class Title(Record):
    """What a table is of, and lines below that say what holds for it."""

    text: str
    notes: Sequence[str] = ()


class Folded(Record):
    """A table behind a line that says what is in it: folded away where a form can do that."""

    summary: str
    table: Table


Part: TypeAlias = Table | Title | Folded | Sequence[str]  # the latter: lines of a paragraph


class Data(Record):
    """Figures for programs, the same in csv, tsv and parquet: keys as in JSON, plain numbers.

    Values may be lists; they are written with an x between.
    """

    keys: Sequence[str]
    rows: Sequence[Sequence[object]]

    def of(self, network: object) -> Data:
        """The figures, each row with the network's name and what was changed in it at its end."""
        name = str(network)
        return Data([*self.keys, "network"], [[*row, name] for row in self.rows])

    def cells(self) -> list[list[object]]:
        """The values of each row: numbers, texts, truth values, and None for what there is not."""
        return [[_cell(value) for value in row] for row in self.rows]


class Document(Record):
    """A result, and how it is asked for. Each part is made when a form asks for it."""

    def record(self) -> object:
        """The result under fixed keys, in types that JSON knows."""
        raise NotImplementedError

    def json(self) -> str:
        """The record as a text."""
        return json_text(self.record())

    def data(self) -> Data:
        """The figures for programs."""
        raise NotImplementedError

    def parts(self, form: str) -> Iterator[Part]:
        """What people read, from the top: as text with notes, mostly tables alone elsewhere."""
        raise NotImplementedError


def write(document: Document, form: str, width: int | None = None) -> str:
    """A result in any form but parquet, which is not text.

    Args:
        width: columns of a terminal to fit in, as text; None for as wide as it gets.

    Raises:
        UsageError: there is no such form; with a guess.
    """
    require_form(form, FORMS)
    if form == "json":
        return document.json()
    if form in SEPARATORS:
        return _separated(document.data(), SEPARATORS[form])
    return "\n\n".join(part_text(part, form, width) for part in document.parts(form) if part)


def parquet(document: Document) -> bytes:
    """The figures for programs as a Parquet file.

    A column whose values are of several kinds, such as sizes and `all`, is one of texts; one that
    was asked for twice stands there once.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    require_extra("a Parquet file", "pyarrow", "parquet")
    import pyarrow
    from pyarrow.parquet import write_table

    data = document.data()
    columns = zip(*data.cells(), strict=True) if data.rows else [()] * len(data.keys)
    by_key = dict(zip(data.keys, map(_of_one_kind, columns), strict=True))
    sink = pyarrow.BufferOutputStream()
    write_table(pyarrow.table(by_key), sink)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def require_form(form: str, forms: Sequence[str]) -> str:
    """The form. Raises UsageError, with a guess, unless it is one of `forms`."""
    require_known("unknown format", form, forms)
    return form


def json_text(value: object, indent: int | None = 1) -> str:
    """A value in types that JSON knows as JSON, with letters such as é as they are."""
    import json  # which a table in a terminal should not wait for

    return json.dumps(value, indent=indent, ensure_ascii=False)


# ----- for programs -----


def _separated(data: Data, separator: str) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerows([data.keys, *data.cells()])
    return out.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    found = plain(value)
    if isinstance(found, list):
        return "x".join("" if item is None else str(item) for item in found)
    return found


def _of_one_kind(column: Sequence[object]) -> list[object]:
    kinds = {type(value) for value in column if value is not None}
    if len(kinds) < 2 or kinds == {int, float}:
        return list(column)
    return [None if value is None else str(value) for value in column]


# ----- for people -----


def part_text(part: Part, form: str, width: int | None = None) -> str:
    """A part in one of the forms for people; `width` as of `write`."""
    if isinstance(part, Table):
        return _text_table(part, width) if form == "text" else _TABLES[form](part)
    if isinstance(part, Title):
        if form == "text":
            return _paragraph([part.text, *part.notes], form, width)
        notes = [_paragraph(part.notes, form)] if part.notes else []
        return "\n\n".join([_TITLES[form].format(escape.line(part.text, form)), *notes])
    if isinstance(part, Folded):
        return _folded(part, form, width)
    return _paragraph(part, form, width if form == "text" else None)


def _folded(part: Folded, form: str, width: int | None) -> str:
    table = part_text(part.table, form, width)
    if form not in ("markdown", "html"):
        return f"{_paragraph([part.summary], form, width)}\n\n{table}"
    # Behind an empty line Markdown is read inside of it, too; the line itself is HTML in both.
    head = f"<details>\n<summary>{escape.line(part.summary, 'html')}</summary>"
    return f"{head}\n\n{table}\n\n</details>"


def _paragraph(lines: Sequence[str], form: str, width: int | None = None) -> str:
    shown = [escape.line(line, form) for line in lines]
    if width is not None and any(shown_width(line) > width for line in shown):
        from archcalc.render.fitting import broken_lines

        shown = broken_lines(shown, width)
    whole = _LINE_ENDS[form].join(shown)
    return f"<p>{whole}</p>" if form == "html" else whole


_TITLES = {
    "markdown": "**{}**",
    "latex": r"\textbf{{{}}}",
    "html": "<p><strong>{}</strong></p>",
}
_LINE_ENDS = {"text": "\n", "markdown": "\n", "latex": "\\newline\n", "html": "<br>\n"}


def _lines(table: Table, form: str) -> list[list[str]]:
    """The headings, the rows and the total, each text escaped."""
    total = [] if table.total is None else [table.total]
    lines = (table.headings, *table.rows, *total)
    return [[escape.cell(text, form) for text in line] for line in lines]


def _widths(lines: list[list[str]], room: int) -> list[int]:
    """How wide each column is."""
    widest = [max(map(shown_width, column)) for column in zip(*lines, strict=True)]
    return [max(w, shown_width(text) + room) for w, text in zip(widest, lines[0], strict=True)]


def _text_table(table: Table, width: int | None) -> str:
    lines = _lines(table, "text")
    widths = _widths(lines, table.room)
    sides, has_total = table.sides, table.total is not None
    if width is not None and sum(widths) + 2 * (len(widths) - 1) > width:
        from archcalc.render.fitting import fitted

        return fitted(lines, widths, sides, width, table.keys, has_total)
    headings, *rows = [[line] for line in lines]
    return set_in_columns(headings, rows, widths, sides, has_total)


def _markdown_table(table: Table) -> str:
    lines, sides = _lines(table, "markdown"), table.to_right
    widths = _widths(lines, 2)
    dashes = ["-" * (width + 1) for width in widths]
    rule = [f"{d}:" if to_right else f":{d}" for d, to_right in zip(dashes, sides, strict=True)]
    headings, *rows = [f"| {' | '.join(map(padded, line, widths, sides))} |" for line in lines]
    return "\n".join([headings, f"|{'|'.join(rule)}|", *rows])


def _latex_table(table: Table) -> str:
    lines = [" & ".join(line) for line in _lines(table, "latex")]
    # Behind the \\ of the row before, a * or [ would be read as an option of it.
    headings, *rows = [rf"{'{}' * line.startswith(('*', '['))}{line} \\" for line in lines]
    if table.total is not None:
        rows.insert(-1, r"\hline")
    sides = "".join("r" if to_right else "l" for to_right in table.to_right)
    begin, end = rf"\begin{{tabular}}{{{sides}}}", r"\end{tabular}"
    return "\n".join([begin, r"\hline", headings, r"\hline", *rows, r"\hline", end])


def _html_table(table: Table) -> str:
    none: Sequence[float | None] = [None] * len(table.headings)

    def row(texts: Sequence[str], tag: str, bars: Sequence[float | None] = none) -> str:
        styles = map(_style, table.to_right, bars)
        cells = [f"<{tag}{style}>{t}</{tag}>" for t, style in zip(texts, styles, strict=True)]
        return f"<tr>{''.join(cells)}</tr>"

    headings, *texts = _lines(table, "html")
    bars = [] if table.bars is None else [*table.bars()]
    bars += [none] * (len(texts) - len(bars))  # of the total, too
    rows = [row(line, "td", bar) for line, bar in zip(texts, bars, strict=True)]
    if table.total is not None:
        rows[-1:] = ["</tbody>", "<tfoot>", rows[-1], "</tfoot>"]
    else:
        rows.append("</tbody>")
    head = ["<thead>", row(headings, "th"), "</thead>"]
    return "\n".join(["<table>", *head, "<tbody>", *rows, "</table>"])


_BAR = "#4682b440"  # steel blue, through which a dark ground shows too


def _style(to_right: bool, bar: float | None) -> str:
    styles = ["text-align: right"] if to_right else []
    if bar:
        side, length = "left" if to_right else "right", f"{100 * bar:.3g}%"
        styles.append(f"background: linear-gradient(to {side}, {_BAR} {length}, transparent 0)")
    return f' style="{"; ".join(styles)}"' if styles else ""


_TABLES = {
    "markdown": _markdown_table,
    "latex": _latex_table,
    "html": _html_table,
}
