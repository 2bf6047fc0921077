"""`archcalc memory`: what a network needs at inference, and in a training step."""

from __future__ import annotations

import argparse
import re

from archcalc.commands.arguments import (
    add_changes,
    add_format,
    add_network,
    depth,
    graph_of,
    output_path,
    positive,
)
from archcalc.errors import UsageError
from archcalc.memory_use.report import MemoryReport, memory_report
from archcalc.memory_use.training import OPTIMIZERS, TRAINING_DTYPES, largest_batch
from archcalc.render.memory import (
    budget_line,
    layer_table,
    memory_lines,
    memory_record,
)
from archcalc.render.output import FORMS, SEPARATORS, json_text
from archcalc.render.rows import depth_that_fits, layer_rows, rows_at_depth
from archcalc.render.table import caption
from archcalc.walk import analyze

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?))?B?")


EXAMPLES = (
    "archcalc memory resnet50 --batch 32",
    "archcalc memory vgg16 --optimizer adam --budget 16GiB",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="images (default 1)")
    parser.add_argument(
        "--dtype", default="float32", metavar="TYPE",
        help=f"{', '.join(TRAINING_DTYPES)} (default float32)",
    )  # fmt: skip
    parser.add_argument(
        "--optimizer", default="sgd", metavar="NAME", help=f"{', '.join(OPTIMIZERS)} (default sgd)"
    )
    parser.add_argument(
        "--budget", metavar="SIZE", help="also the largest batch that trains in it, such as 16GiB"
    )
    parser.add_argument(
        "--depth", type=depth, metavar="N",
        help="fold blocks below this level of nesting, or `all` (default: what fits a screen)",
    )  # fmt: skip
    parser.add_argument("--exact", action="store_true", help="all digits in place of 12.85MB")
    parser.add_argument(
        "--plot", type=output_path, metavar="FILE.svg", help="draw what is alive over time"
    )
    add_format(parser, FORMS[:-1])


def run(arguments: argparse.Namespace) -> int:
    """Prints the memory of each layer, of an inference and of a training step."""
    budget = None if arguments.budget is None else _bytes(arguments.budget)
    analysis = analyze(graph_of(arguments), batch=arguments.batch)
    report = memory_report(analysis, optimizer=arguments.optimizer, dtype=arguments.dtype)
    shown = _shown(report, arguments, budget)
    if arguments.plot:  # first: whoever reads the text may stop reading
        from archcalc.render.memory_plot import draw_memory

        draw_memory(arguments.plot, report.analysis, report.inference[0].steps)
    print(shown)
    return 0


def _shown(report: MemoryReport, arguments: argparse.Namespace, budget: int | None) -> str:
    """All of it in the format that was asked for; the table alone where that is one of tables."""
    analysis, form, level = report.analysis, arguments.format, arguments.depth
    if budget is not None and form not in ("text", "json"):
        raise UsageError(f"--budget: {form} is the table of layers alone; text and json have room")
    fitting = None
    if budget is not None:
        fitting = largest_batch(analysis, budget, optimizer=report.optimizer, dtype=report.dtype)
    if form == "json":
        extra = {} if budget is None else {"largest_batch": fitting.batch if fitting else 0}
        return json_text(memory_record(report) | extra)
    if form in SEPARATORS and level is None:
        rows = layer_rows(analysis)
    else:
        rows = rows_at_depth(analysis, level or depth_that_fits(analysis))
    table = layer_table(report, rows, form, in_full=arguments.exact)
    if form != "text":
        return table
    notes = memory_lines(report, in_full=arguments.exact)
    if budget is not None:
        notes.append(budget_line(report, arguments.budget, fitting))
    return "\n".join([*caption(analysis), "", table, "", *notes])


def _bytes(text: str) -> int:
    match = _BUDGET.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--budget {text}: expected a size such as 16GiB or 24GB")
    number, prefix, binary = match.groups()
    scale = (1024 if binary else 1000) ** (" KMGT".index(prefix) if prefix else 0)
    return int(float(number) * scale)
