"""`archcalc memory`: what a network needs at inference, and in a training step."""

from __future__ import annotations

import argparse

from archcalc.analysis import Analysis
from archcalc.api.costs import bytes_in
from archcalc.commands.arguments import (
    add_changes,
    add_depth,
    add_exact,
    add_format,
    add_network,
    add_plot,
    graph_of,
    positive,
)
from archcalc.commands.printing import form_of, give, show, written
from archcalc.commands.training_options import add_training, training_options
from archcalc.errors import UsageError, require_extra
from archcalc.memory_use.batches import peaks_over_batches
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import MemoryReport, memory_report
from archcalc.render.batches import BatchesDocument, FormulaDocument
from archcalc.render.memory import MemoryDocument
from archcalc.render.output import Document
from archcalc.render.table import LECTURE
from archcalc.render.training import Budget
from archcalc.walk import analyze

EXAMPLES = (
    "archcalc memory resnet50 --batch 32",
    "archcalc memory resnet50 --batch n --formula",
    "archcalc memory vgg16 --optimizer adam --budget 16GiB",
)
NOTES = (LECTURE,)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    parser.add_argument(
        "--batch", type=batches, default=(1,), metavar="N",
        help="batch size (default 1); of several, as 8,16,32, the peak of a training step each",
    )  # fmt: skip
    parser.add_argument(
        "--formula", action="store_true",
        help="the peak of a training step as a function of the batch, which --batch names",
    )  # fmt: skip
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--latex", action="store_true", help="that formula as LaTeX")
    forms.add_argument(
        "--python", action="store_true", help="that formula as a function that needs nothing"
    )
    step = parser.add_argument_group("the training step")
    add_training(step)
    step.add_argument(
        "--budget", metavar="SIZE",
        help="also the largest batch that trains in it, such as 16GiB; with --checkpoint auto, "
        "by the cheapest cut with which --batch fits",
    )  # fmt: skip
    step.add_argument(
        "--reserve", metavar="SIZE",
        help="of the budget, for what is no tensor: CUDA's context, the workspace of kernels, "
        "fragments of the allocator (default: nothing)",
    )  # fmt: skip
    add_depth(parser)
    add_exact(parser)
    add_plot(parser, "draw what is alive over time")
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the memory of each layer, of an inference and of a training step."""
    options, graph = training_options(arguments), graph_of(arguments)
    batch = arguments.batch
    if arguments.latex or arguments.python:
        show(_formula_as_code(arguments, analyze(graph), options), arguments)
        return 0
    if arguments.formula or isinstance(batch, str) or len(batch) > 1:
        give(_over_batches(arguments, analyze(graph), options), arguments)
        return 0
    analysis = analyze(graph, batch=batch[0])
    room = _room(arguments)
    report = memory_report(analysis, options, room)
    document = MemoryDocument(
        report,
        depth=arguments.depth,
        in_full=arguments.exact,
        budget=None if room is None else _budget(arguments, room, report),
    )
    shown = written(document, arguments)
    if arguments.plot:  # first: whoever reads the text may stop reading
        from archcalc.render.memory_plot import draw_memory

        draw_memory(arguments.plot, report.analysis, report.inference[0].steps, report.training)
    show(shown, arguments)
    return 0


def batches(text: str) -> tuple[int, ...] | str:
    """A batch, several, or the name of one, for argparse."""
    if text.isidentifier():
        return text
    return tuple([positive(part) for part in text.split(",")])


def _symbol(arguments: argparse.Namespace) -> str:
    """What stands for the number of images in a formula."""
    return arguments.batch if isinstance(arguments.batch, str) else "n"


def _formula_as_code(
    arguments: argparse.Namespace, analysis: Analysis, options: TrainingOptions
) -> str:
    """The peak of a training step over the batch, as LaTeX or as Python."""
    if not arguments.formula:
        form = "latex" if arguments.latex else "python"
        raise UsageError("a form of what --formula shows, which is not asked for", form)
    require_extra("formula", "sympy", "symbols")
    from archcalc.parametric.formulas.peak import peak_formula
    from archcalc.render import formula as render

    peaks = peaks_over_batches(analysis, options)
    found = peak_formula(analysis.graph, peaks, _symbol(arguments))
    return render.latex(found) if arguments.latex else render.python(found)


def _over_batches(
    arguments: argparse.Namespace, analysis: Analysis, options: TrainingOptions
) -> Document:
    """The peak of a training step over the batch."""
    for name in ("budget", "reserve", "plot"):
        if getattr(arguments, name) is not None:
            raise UsageError("give one batch, as a number", name)
    batch = arguments.batch
    peaks = peaks_over_batches(analysis, options)
    if arguments.formula:
        return FormulaDocument(analysis, options, peaks, _symbol(arguments))
    if isinstance(batch, str):
        raise UsageError(f"{batch} is no number; what is a formula in it, --formula shows", "batch")
    found = [peaks.at(number) for number in batch]
    return BatchesDocument(analysis, options, found, in_full=arguments.exact)


def _room(arguments: argparse.Namespace) -> int | None:
    """The bytes of --budget that --reserve leaves; None without one."""
    if arguments.budget is None:
        if arguments.reserve is not None:
            raise UsageError("a part of what --budget gives, which is not there", "reserve")
        return None
    form = form_of(arguments)
    if form not in ("text", "json"):
        raise UsageError(f"shown as text and json only, not as {form}", "budget")
    reserve = bytes_in(arguments.reserve, "reserve") if arguments.reserve else 0
    return bytes_in(arguments.budget, "budget") - reserve


def _budget(arguments: argparse.Namespace, room: int, report: MemoryReport) -> Budget:
    """The largest batch that trains in so many bytes, checkpointed as it is in the report."""
    options = report.training.options.without_patterns
    peaks = peaks_over_batches(report.analysis, options)
    return Budget(arguments.budget, arguments.reserve, peaks.within(room), peaks.at(peaks.least))
