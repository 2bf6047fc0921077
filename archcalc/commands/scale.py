"""`archcalc scale`: how the figures of a network grow with its width, depth and resolution."""

from __future__ import annotations

import argparse

from archcalc.api.varying import scale
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_exact,
    add_format,
    add_network,
    add_plot,
    graph_of,
)
from archcalc.commands.printing import show, written
from archcalc.loading import listed
from archcalc.record import replace
from archcalc.render.table import LECTURE
from archcalc.spec.keys import WAYS

EXAMPLES = (
    "archcalc scale mobilenet_v1",
    "archcalc scale resnet50 --by depths[2] --quantity params,macs",
)
NOTES = (LECTURE,)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "--by", type=listed, metavar="A,B,…",
        help="a parameter, an item of one (depths[0]), a size of the input (H), or, where no "
        f"parameter has that name, {', '.join(WAYS)}; default: those of the three that it has",
    )  # fmt: skip
    parser.add_argument(
        "--quantity", type=listed, metavar="A,B,…",
        help="as in claims (default: parameters, MACs, memory)",
    )  # fmt: skip
    add_changes(parser)
    add_batch(parser)
    add_plot(parser, "draw the growth over the factor")
    add_exact(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints what becomes of each figure after doubling, and what power that is."""
    found = scale(
        graph_of(arguments), arguments.by or (), quantities=arguments.quantity or (),
        batch=arguments.batch, dtype=arguments.dtype,
    )  # fmt: skip
    shown = written(replace(found.document, in_full=arguments.exact), arguments)
    if arguments.plot:  # first: whoever reads the table may stop reading
        from archcalc.render.scale_plot import DRAWN, draw_scaling

        ways = [*found.found]
        draw_scaling(arguments.plot, ways[0].now, ways, arguments.quantity or DRAWN)
    show(shown, arguments)
    return 0
