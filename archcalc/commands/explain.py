"""`archcalc explain`: how each figure of a layer comes about, and what makes up the totals."""

from __future__ import annotations

import argparse

from archcalc.api.explaining import explain
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_depth,
    add_exact,
    add_format,
    add_network,
    graph_of,
)
from archcalc.commands.printing import give
from archcalc.explaining.layers import QUANTITIES
from archcalc.explaining.totals import TOTALS
from archcalc.loading import listed

EXAMPLES = (
    "archcalc explain vgg16 conv1_1",
    "archcalc explain resnet50 --depth 2",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "layer", metavar="LAYER", nargs="?",
        help="a layer, or a block (default: which layers make up the totals)",
    )  # fmt: skip
    add_changes(parser)
    add_batch(parser)
    parser.add_argument(
        "--quantity", type=listed, metavar="A,B,…",
        help=f"of a layer, any of {', '.join(QUANTITIES)} (default: all that say something); "
        f"of the totals, any of {', '.join(TOTALS)} (default: all)",
    )  # fmt: skip
    add_depth(
        parser,
        "of the totals, the level of nesting whose blocks are ranked; `all` ranks layers "
        "(default: the deepest that takes few to make up 90%%)",
    )
    add_exact(parser, always=True)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the derivations."""
    found = explain(
        graph_of(arguments), arguments.layer, quantities=arguments.quantity or (),
        depth=arguments.depth, batch=arguments.batch, dtype=arguments.dtype,
    )  # fmt: skip
    give(found.document, arguments)
    return 0
