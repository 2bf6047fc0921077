"""`archcalc solve`: the largest or best values of parameters that keep to a budget."""

from __future__ import annotations

import argparse

from archcalc.api.solving import solved
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_exact,
    add_format,
    add_network,
    graph_of,
)
from archcalc.commands.printing import give
from archcalc.loading import listed

EXAMPLES = (
    "archcalc solve mobilenet_v1 --for alpha=0.1:2:0.01 --where 'macs <= 150M'",
    "archcalc solve resnet50 --for 'depths[2]' --where 'macs <= 8G'",
    "archcalc solve nin --for H=8..64 --for W=64 --where 'macs<40M' --maximize macs",
)
FAILS = "the conditions hold at no value that was looked at"
NOTES = (
    "--for KEY looks at whole numbers, at distances that double or halve from the",
    "network's own on, up to where the conditions hold and then do not, and then",
    "in between; --for KEY=VALUES looks at these, as of archcalc sweep: at all of",
    "them, where that is quick",
    "--maximize and --minimize take values for each unknown; of settings that are",
    "as good the one with the largest values is shown, or the smallest",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "--for", metavar="KEY[=VALUES]", required=True, dest="unknowns", action="append",
        help="what to find: a parameter, an item of one (depths[2]), or a size of the input (H); "
        "of a real number in which steps, as in alpha=0.1:2:0.01; again for more of them",
    )  # fmt: skip
    parser.add_argument(
        "--where", metavar="CONDITIONS", required=True,
        help="what is to hold: 'macs <= 150M and params < 3M', or '… or …'",
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--smallest", action="store_true", help="the smallest value, and not the largest"
    )
    which.add_argument(
        "--maximize", default="", metavar="A", help="the setting with the most of a figure"
    )
    which.add_argument(
        "--minimize", default="", metavar="A", help="the setting with the least of a figure"
    )
    parser.add_argument(
        "--figures", type=listed, default=[], metavar="A,B,…", help="shown besides, as in claims"
    )
    add_changes(parser)
    add_batch(parser)
    add_exact(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the answer and what lies beside it; 1 where there is none."""
    found = solved(
        graph_of(arguments), arguments.unknowns, arguments.where, smallest=arguments.smallest,
        maximize=arguments.maximize, minimize=arguments.minimize, figures=arguments.figures,
        batch=arguments.batch, dtype=arguments.dtype, in_full=arguments.exact,
    )  # fmt: skip
    give(found.document, arguments)
    return 0 if found.found.holds_somewhere else 1
