"""`archcalc table`: every figure of a network, layer by layer."""

from __future__ import annotations

import argparse
import os
import sys

from archcalc.analysis import Analysis, AnalysisStopped
from archcalc.commands.arguments import add_batch, add_changes, add_network, depth, graph_of, listed
from archcalc.render.columns import COLUMNS, DEFAULT_COLUMNS, columns_named
from archcalc.render.rows import depth_that_fits, layer_rows, rows_at_depth
from archcalc.render.table import (
    SEPARATORS,
    caption,
    field_legend,
    separated_rows,
    summary,
    tabulated,
    text_table,
    total_label,
)
from archcalc.walk import analyze

_INDENT = " " * 13  # what follows the names of the figures under a table


EXAMPLES = (
    "archcalc table vgg16",
    "archcalc table mobilenet_v1 --set alpha=0.5 --format csv",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_batch(parser)
    parser.add_argument(
        "--depth", type=depth, metavar="N",
        help="fold blocks below this level of nesting, or `all` (default: what fits a screen)",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=listed, metavar="A,B,…",
        help=f"any of {', '.join(column.name for column in COLUMNS)}",
    )  # fmt: skip
    parser.add_argument("--exact", action="store_true", help="all digits in place of 138.36M")
    parser.add_argument(
        "--format", default="text", metavar="FORMAT",
        help="text (default), markdown, csv, json, or any format of tabulate",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints the table; of a network that fails midway, all up to there, then the error."""
    try:
        analysis = analyze(graph_of(arguments), batch=arguments.batch, dtype=arguments.dtype)
    except AnalysisStopped as error:
        print(_table(error.partial, arguments), flush=True)
        raise
    print(_table(analysis, arguments))
    return 0


def _table(analysis: Analysis, arguments: argparse.Namespace) -> str:
    if arguments.format == "json":
        from archcalc.render.contract import to_json

        return to_json(analysis)
    names = arguments.columns
    if arguments.format in SEPARATORS:
        every = names or [column.name for column in COLUMNS]
        level = arguments.depth
        rows = rows_at_depth(analysis, level) if level else layer_rows(analysis)
        return separated_rows(analysis, rows, columns_named(every), arguments.format)
    columns = columns_named(names or DEFAULT_COLUMNS)
    level = arguments.depth or depth_that_fits(analysis)
    rows = rows_at_depth(analysis, level)
    if arguments.format != "text":
        return tabulated(analysis, rows, columns, form=arguments.format, in_full=arguments.exact)
    width = os.get_terminal_size().columns if sys.stdout.isatty() else None
    total, exact = total_label(analysis), arguments.exact
    table = text_table(rows, columns, total=total, in_full=exact, width=width)
    notes = summary(analysis, in_full=exact) if analysis.error is None else []
    if sum(len(row.layers) > 1 for row in rows):
        notes.append(f"{len(analysis.layers)} layers, folded; --depth all shows each")
    notes += field_legend(rows, columns)
    parts = [_wrapped(caption(analysis), width), table, _wrapped(notes, width)]
    return "\n\n".join(part for part in parts if part)


def _wrapped(lines: list[str], width: int | None) -> str:
    """The lines, broken where a terminal would break them, but between words."""
    if width is not None and any(len(line) > width for line in lines):
        from textwrap import fill

        lines = [fill(line, width, subsequent_indent=_INDENT) for line in lines]
    return "\n".join(lines)
