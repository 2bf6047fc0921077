"""The table of a network, in every text format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcalc.analysis import Analysis, LayerAnalysis, counted
from archcalc.errors import UsageError, did_you_mean
from archcalc.quantity.arithmetic import plain
from archcalc.render import escape
from archcalc.render.columns import Column
from archcalc.render.numbers import exact, share, short, short_bytes
from archcalc.render.rows import Row

SEPARATORS = {"csv": ",", "tsv": "\t"}  # formats for machines: plain numbers, keys of the contract
MARKDOWN = "pipe"  # the format of tabulate that every Markdown reader takes
_MOST_SHRINKABLE = ("name", "kind")
_LEAST_WIDTH = 8


def caption(analysis: Analysis) -> list[str]:
    """What the table is of, and what its figures hold for."""
    about = analysis.graph.about
    origin = ", ".join(
        part for part in (first_authors(about.authors), str(about.year or "")) if part
    )
    title = f"{analysis.identity}: {about.title}" if about.title else str(analysis.identity)
    lines = (
        f"{title}, {origin}" if origin else title,
        f"{conditions(analysis)}; MACs: multiply-accumulates; MB: 10^6 bytes",
    )
    return [escape.one_line(line) for line in lines]


def first_authors(authors: str) -> str:
    """One or two authors as they are; of more, the first and "et al."."""
    names = authors.split(", ")
    return authors if len(names) < 3 else f"{names[0]} et al."


def conditions(analysis: Analysis) -> str:
    """The input, batch and dtype that the figures hold for."""
    return f"input {analysis.input}, batch {analysis.batch}, {analysis.dtype}"


def total_label(analysis: Analysis) -> str:
    """What stands before the sums; a partial analysis has no total."""
    return "total" if analysis.error is None else "up to here"


def text_table(
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    total: str = "total",
    training_too: bool = False,
    in_full: bool,
    width: int | None,
) -> str:
    """A table for a terminal, a tree where blocks stand in blocks; no dependency.

    Args:
        total: what stands before the sums.
        training_too: whether layers that exist in training only are part of the sums.
        in_full: all digits in place of `138.36M`.
        width: columns of the terminal to fit in; None for as wide as it gets.
    """
    cells = [[_cell(row, column, in_full, tree=True) for column in columns] for row in rows]
    sums = _total_cells(total, _summed(rows, training_too), columns, in_full)
    headings = [column.heading for column in columns]
    widths = [max(map(len, strip)) for strip in zip(headings, sums, *cells, strict=True)]
    _shrink(widths, columns, width)
    left = [column.name in ("name", "kind", "inputs", "window") for column in columns]

    def line(texts: Sequence[str]) -> str:
        parts = [
            _fitted(text, w).ljust(w) if to_left else text.rjust(w)
            for text, w, to_left in zip(texts, widths, left, strict=True)
        ]
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join([line(headings), rule, *map(line, cells), rule, line(sums)])


def tabulated(
    analysis: Analysis,
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    form: str,
    training_too: bool = False,
    in_full: bool,
) -> str:
    """The table in any format of tabulate, or `markdown`; the arguments are `text_table`'s.

    Raises:
        UsageError: tabulate has no such format; with a guess.
    """
    from tabulate import tabulate

    require_format(form)
    full_rows = [row for row in rows if row.layers]
    cells = [[_cell(row, column, in_full, tree=False) for column in columns] for row in full_rows]
    of = f" of {analysis.identity}" if analysis.identity.is_changed else ""
    label = f"{total_label(analysis)}{of} ({conditions(analysis)})"
    total = _total_cells(label, _summed(rows, training_too), columns, in_full)
    return tabulate(
        [[escape.cell(text, form) for text in row] for row in (*cells, total)],
        headers=[column.heading for column in columns],
        tablefmt=MARKDOWN if form == "markdown" else form,
        disable_numparse=True,
        colalign=["right" if column.summed else "left" for column in columns],
    )


def known_formats() -> list[str]:
    """All that --format can be: text, markdown, csv, json, and the formats of tabulate."""
    from tabulate import tabulate_formats

    return sorted({*tabulate_formats, *SEPARATORS, "markdown", "json", "text"})


def require_format(form: str) -> None:
    """Raises UsageError unless `form` is one of `known_formats`."""
    known = known_formats()
    if form not in known:
        guess = did_you_mean(form, known) or f"; known: {', '.join(known)}"
        raise UsageError(f"unknown format {form!r}{guess}")


def tabulate_rows(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    form: str,
    align: Sequence[str] | None = None,
) -> str:
    """Rows of text as text, markdown or in any format of tabulate.

    Args:
        align: for each column "left" or "right"; None for all to the left.

    Raises:
        UsageError: there is no such format; with a guess.
    """
    from tabulate import tabulate

    require_format(form)
    style = {"text": "simple", "markdown": MARKDOWN}.get(form, form)
    cells = [[escape.cell(text, form) for text in row] for row in (headings, *rows)]
    return tabulate(
        cells[1:], headers=cells[0], tablefmt=style, disable_numparse=True, colalign=align,
        preserve_whitespace=True,  # labels of a tree are indented
    )  # fmt: skip


def with_network(analysis: Analysis, headings: Sequence[str], form: str) -> list[str]:
    """The headings, the first with the network where it was changed: a table alone has no title."""
    first, *others = headings
    if form != "text" and analysis.identity.is_changed:
        first = f"{first} of {analysis.identity}"
    return [first, *others]


def separated(form: str, rows: Iterable[Iterable[object]]) -> str:
    """Rows as csv or tsv."""
    import csv
    import io

    out = io.StringIO()
    csv.writer(out, delimiter=SEPARATORS[form], lineterminator="\n").writerows(rows)
    return out.getvalue().rstrip("\n")


def separated_of(
    analysis: Analysis, form: str, headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> str:
    """Rows as csv or tsv, each with the network's name and what was changed in it at its end."""
    network = str(analysis.identity)
    return separated(form, [[*headings, "network"], *([*row, network] for row in rows)])


def machine_text(value: object, separator: str = "x") -> object:
    """A value as a cell of csv: whole numbers as they are, lists with `separator` between."""
    found = plain(value)
    if isinstance(found, list):
        return separator.join("" if item is None else str(item) for item in found)
    return found


def separated_rows(
    analysis: Analysis, rows: Sequence[Row], columns: Sequence[Column], form: str
) -> str:
    """The rows as csv or tsv under the names of the JSON contract, plain integers, no total."""
    separators = {"inputs": " "}
    cells = [
        [machine_text(c.value(row), separators.get(c.name, "x")) for c in columns]
        for row in rows
        if row.layers
    ]
    return separated_of(analysis, form, [column.name for column in columns], cells)


def summary(analysis: Analysis, *, in_full: bool) -> list[str]:
    """The totals in words, for under a table."""
    from archcalc.memory_use.totals import activation_bytes, training_only_bytes, unused_bytes

    count, size = (exact, exact) if in_full else (short, short_bytes)
    totals, memory = analysis.totals, activation_bytes(analysis)
    lines = [
        f"params       {exact(totals.params)} "
        f"= {exact(totals.weights)} weights + {exact(totals.biases)} biases, "
        f"{size(totals.param_bytes)}",
        f"buffers      {exact(totals.buffers)}",
        f"MACs         {exact(totals.macs)}",
        f"FLOPs        {exact(totals.flops)} = 2 x MACs; other ops {count(totals.other_ops)}",
        f"activations  lecture {size(memory.lecture)}, all {size(memory.all)}, "
        f"peak {size(memory.peak)}, training {size(memory.training)}",
        *([f"             {memory.unknown}"] if memory.unknown else []),
        *_most(analysis, in_full),
    ]
    groups = (
        ("for training only", analysis.training_only_layers,
         analysis.training_only_totals, training_only_bytes),
        ("unused, since no output needs them", analysis.unused_layers,
         analysis.unused_totals, unused_bytes),
    )  # fmt: skip
    for what, layers, apart, kept in groups:
        if layers:
            lines.append(
                f"not in these totals, {what}: params {count(apart.params)}, "
                f"MACs {count(apart.macs)}, activations {size(kept(analysis).all)}"
            )
    return lines


def field_legend(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """What `all (7)` and `?` stand for, where they stand."""
    two = any(column.beside(row) for column in columns for row in rows)
    fields = [
        row.layers[-1].receptive_field
        for row in rows
        if row.layers and any(column.name == "receptive_field" for column in columns)
    ]
    none = any(field is None or (isinstance(field, tuple) and None in field) for field in fields)
    return [
        *["field        of all that is seen; in parentheses without gates and norms"] * two,
        *["field ?      open, or no one interval; `archcalc field NAME LAYER` tells of each unit"]
        * none,
    ]


def _most(analysis: Analysis, in_full: bool) -> list[str]:
    """Where most of the memory and most of the parameters sit, if they are plain numbers."""
    layers = analysis.inference_layers
    figures = [(plain(x.activation_bytes), plain(x.params), x.name) for x in layers]
    if not figures or not all(isinstance(m, int) and isinstance(p, int) for m, p, _ in figures):
        return []
    count, size = (exact, exact) if in_full else (short, short_bytes)
    widest = max(layers, key=lambda layer: layer.activation_values)
    heaviest = max(layers, key=lambda layer: layer.params)
    all_bytes = sum(layer.activation_bytes for layer in layers)
    return [
        f"most memory  {widest.name}, {size(widest.activation_bytes)} "
        f"({share(widest.activation_bytes, all_bytes)}); "
        f"most params {heaviest.name}, {count(heaviest.params)} "
        f"({share(heaviest.params, analysis.totals.params) or '0%'})",
    ]


def _cell(row: Row, column: Column, in_full: bool, *, tree: bool) -> str:
    if tree and column.name == "name":
        return escape.one_line(row.label)
    return escape.one_line(column.text(row, in_full=in_full))


def _summed(rows: Sequence[Row], training_too: bool) -> tuple[LayerAnalysis, ...]:
    """The layers that the sums under a table are over."""
    layers = counted([layer for row in rows for layer in row.layers])
    return tuple(layer for layer in layers if training_too or not layer.training_only)


def _total_cells(
    label: str, layers: tuple[LayerAnalysis, ...], columns: Sequence[Column], in_full: bool
) -> list[str]:
    everything = Row(label, "", layers)
    return [
        label if column.name == "name"
        else _cell(everything, column, in_full, tree=False) if column.summed and layers
        else ""
        for column in columns
    ]  # fmt: skip


def _shrink(widths: list[int], columns: Sequence[Column], width: int | None) -> None:
    """Narrows the columns of words, the widest first, until the line fits `width`."""
    words = [i for i, column in enumerate(columns) if column.name in _MOST_SHRINKABLE]
    while width is not None and words and sum(widths) + 2 * (len(widths) - 1) > width:
        widest = max(words, key=lambda i: widths[i])
        if widths[widest] <= _LEAST_WIDTH:
            return
        widths[widest] -= 1


def _fitted(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
