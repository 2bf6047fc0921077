"""`archcalc explain`: how each figure of a layer comes about, and what makes up the totals."""

from __future__ import annotations

import argparse

from archcalc.analysis import Analysis
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_format,
    add_network,
    depth,
    graph_of,
    listed,
)
from archcalc.commands.printing import show, written
from archcalc.errors import UsageError, suggestion
from archcalc.explaining.layers import QUANTITIES, derive
from archcalc.explaining.totals import TOTALS, block_called, block_parts, breakdown
from archcalc.render.explain import BlockDocument, LayerDocument, TotalsDocument
from archcalc.render.output import Document
from archcalc.walk import analyze

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
    parser.add_argument(
        "--depth", type=depth, metavar="N",
        help="of the totals, the level of nesting whose blocks are ranked; `all` ranks layers "
        "(default: the deepest that takes few to make up 90%%)",
    )  # fmt: skip
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the derivations."""
    analysis = analyze(graph_of(arguments), batch=arguments.batch, dtype=arguments.dtype)
    quantities = arguments.quantity or []
    name = arguments.layer
    if name is not None and arguments.depth is not None:
        raise UsageError(f"--depth is for the ranking of the whole network; leave {name} out")
    if name is not None and (block := block_called(analysis, name)) is not None:
        if quantities:
            raise UsageError(f"--quantity: all figures of a block ({block}) are one table")
        document: Document = BlockDocument(analysis, block, block_parts(analysis, block))
    elif name is not None:
        found = derive(analysis, analysis.layer(name)).only(quantities)
        document = LayerDocument(analysis, found)
    else:
        document = _totals(analysis, quantities or [*TOTALS], arguments.depth)
    show(written(document, arguments.format))
    return 0


def _totals(analysis: Analysis, quantities: list[str], level: int | None) -> TotalsDocument:
    for quantity in quantities:
        if quantity not in TOTALS:
            guess = suggestion(quantity, TOTALS)
            raise UsageError(f"{quantity!r} is not a total{guess}", "quantity")
    return TotalsDocument(
        analysis, [breakdown(analysis, quantity, level) for quantity in quantities]
    )
