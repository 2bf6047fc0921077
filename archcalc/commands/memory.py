"""`archcalc memory`: what a network needs at inference, and in a training step."""

from __future__ import annotations

import argparse

from archcalc.api.costs import bytes_in
from archcalc.commands.arguments import (
    add_changes,
    add_depth,
    add_format,
    add_network,
    add_plot,
    graph_of,
    positive,
)
from archcalc.commands.printing import show, written
from archcalc.errors import UsageError
from archcalc.memory_use.batches import peaks_over_batches
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import TRAINING_DTYPES, TrainingOptions
from archcalc.memory_use.report import MemoryReport, memory_report
from archcalc.render.memory import Budget, MemoryDocument
from archcalc.render.table import LECTURE
from archcalc.walk import analyze

EXAMPLES = (
    "archcalc memory resnet50 --batch 32",
    "archcalc memory vgg16 --optimizer adam --budget 16GiB",
)
NOTES = (LECTURE,)


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
    add_depth(parser)
    parser.add_argument("--exact", action="store_true", help="all digits in place of 12.85MB")
    add_plot(parser, "draw what is alive over time")
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the memory of each layer, of an inference and of a training step."""
    budget = None if arguments.budget is None else bytes_in(arguments.budget)
    analysis = analyze(graph_of(arguments), batch=arguments.batch)
    report = memory_report(analysis, optimizer=arguments.optimizer, dtype=arguments.dtype)
    document = MemoryDocument(
        report,
        depth=arguments.depth,
        in_full=arguments.exact,
        budget=None if budget is None else _budget(arguments, budget, report),
    )
    shown = written(document, arguments.format)
    if arguments.plot:  # first: whoever reads the text may stop reading
        from archcalc.render.memory_plot import draw_memory

        draw_memory(arguments.plot, report.analysis, report.inference[0].steps)
    show(shown)
    return 0


def _budget(arguments: argparse.Namespace, budget: int, report: MemoryReport) -> Budget:
    form = arguments.format
    if form not in ("text", "json"):
        raise UsageError(f"shown as text and json only, not as {form}", "budget")
    options = TrainingOptions(optimizer=report.optimizer, dtype=report.dtype)
    peaks = peaks_over_batches(report.analysis, options)
    return Budget(arguments.budget, peaks.within(budget), peaks.at(peaks.least))
