"""`archcalc solve`: the largest value of a parameter that keeps to a budget, or the smallest."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_format,
    add_network,
    graph_of,
)
from archcalc.commands.printing import give
from archcalc.errors import require_extra
from archcalc.loading import listed
from archcalc.render.solve import SolveDocument
from archcalc.render.sweep import SweepDocument
from archcalc.walk import require_dtype

EXAMPLES = (
    "archcalc solve mobilenet_v1 --for alpha=0.1:2:0.01 --where 'macs <= 150M'",
    "archcalc solve resnet50 --for 'depths[2]' --where 'macs <= 8G'",
)
FAILS = "the conditions hold at no value that was looked at"
NOTES = (
    "--for KEY looks at whole numbers from 1 on, at distances that double up to",
    "where the conditions hold and then do not, and then halve; --for KEY=VALUES",
    "looks at these, as of archcalc sweep: at all of them, where that is quick",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "--for", metavar="KEY[=VALUES]", required=True, dest="label",
        help="what to find: a parameter, an item of one (depths[2]), or a size of the input (H); "
        "of a real number in which steps, as in alpha=0.1:2:0.01",
    )  # fmt: skip
    parser.add_argument(
        "--where", metavar="CONDITIONS", required=True,
        help="what is to hold: 'macs <= 150M and params < 3M', or '… or …'",
    )  # fmt: skip
    parser.add_argument(
        "--smallest", action="store_true", help="the smallest value, and not the largest"
    )
    parser.add_argument(
        "--figures", type=listed, default=[], metavar="A,B,…", help="shown besides, as in claims"
    )
    add_changes(parser)
    add_batch(parser)
    parser.add_argument("--exact", action="store_true", help="all digits in place of 138.36M")
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the value and the next one; 1 where there is none."""
    require_extra("solve", "numpy", "arrays")
    from archcalc.parametric.choosing.solving import solve

    require_dtype(arguments.dtype)
    found = solve(
        graph_of(arguments), arguments.label, arguments.where, smallest=arguments.smallest,
        quantities=arguments.figures, batch=arguments.batch, dtype=arguments.dtype,
    )  # fmt: skip
    rows = SweepDocument(found.shown, found.quantities, arguments.exact)
    give(SolveDocument(found, rows), arguments)
    return 0 if found.value is not None else 1
