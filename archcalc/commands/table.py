"""`archcalc table`: every figure of a network, layer by layer."""

from __future__ import annotations

import argparse
import sys

from archcalc.analysis import Analysis, AnalysisStopped
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_depth,
    add_exact,
    add_format,
    add_network,
    analysis_of,
    positive,
)
from archcalc.commands.printing import form_of, give
from archcalc.errors import UsageError
from archcalc.loading import listed
from archcalc.render.columns import COLUMNS, ON_REQUEST
from archcalc.render.table import LECTURE, TableDocument

EXAMPLES = (
    "archcalc table vgg16",
    "archcalc table resnet50 --sort macs --top 5",
    "archcalc table mobilenet_v1 --set alpha=0.5 --format csv",
)
NOTES = (
    LECTURE,
    "all: the outputs of all layers; peak: the most that is alive at once, with the",
    "input, so that it may be more; training: what is kept for the backward pass",
    "of a block, memory is the sum of its outputs",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_batch(parser)
    add_depth(parser)
    parser.add_argument(
        "--columns", type=listed, metavar="A,B,…",
        help=f"any of {', '.join([*(column.name for column in COLUMNS), *ON_REQUEST])}; "
        "headings do as well",
    )  # fmt: skip
    parser.add_argument(
        "--sort", metavar="COLUMN",
        help="layers, or the blocks of --depth, by this column, the largest first",
    )  # fmt: skip
    parser.add_argument(
        "--top", type=positive, metavar="N", help="only the N largest, by MACs without --sort"
    )
    parser.add_argument("--by", choices=("kind",), help="a row for each layer kind, with its sums")
    parser.add_argument(
        "--convention", type=listed, default=[], metavar="A,B,…", dest="conventions",
        help="also what other tools count, such as fvcore; see `archcalc conventions`",
    )  # fmt: skip
    add_exact(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the table; of a network that fails midway, all up to there, then the error."""
    for option in ("by", "sort", "top"):
        if getattr(arguments, option) is not None and form_of(arguments) == "json":
            raise UsageError("JSON has every layer, in order", option)
    try:
        analysis = analysis_of(arguments)
    except AnalysisStopped as error:
        _show(error.partial.of_batch(arguments.batch, arguments.dtype), arguments)
        sys.stdout.flush()
        raise
    _show(analysis, arguments)
    return 0


def _show(analysis: Analysis, arguments: argparse.Namespace) -> None:
    document = TableDocument(
        analysis,
        columns=arguments.columns,
        depth=arguments.depth,
        in_full=arguments.exact,
        conventions=arguments.conventions,
        by=arguments.by,
        sort=arguments.sort,
        top=arguments.top,
    )
    give(document, arguments)
