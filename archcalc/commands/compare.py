"""`archcalc compare`: networks side by side."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_exact,
    add_format,
    add_network,
    add_plot,
    analysis_of,
)
from archcalc.commands.printing import show, written
from archcalc.comparing.compare import contrast
from archcalc.render.compare import CompareDocument
from archcalc.render.table import LECTURE
from archcalc.spec.settings import split_settings

EXAMPLES = (
    "archcalc compare resnet50 vgg16",
    "archcalc compare mobilenet_v1 'mobilenet_v1 alpha=0.5'",
)
NOTES = (LECTURE,)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    several = "two networks or more; 'NAME KEY=VALUE' sets a parameter of one of them"
    add_network(parser, "names", several, nargs="+")
    add_changes(parser)
    add_batch(parser)
    add_exact(parser)
    parser.add_argument(
        "--rows", action="store_true", help="a row for each network, without stages and ratios"
    )
    add_plot(parser, "draw the networks as bars of stages")
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints totals with ratios to the first network's, then stage by stage; or a row each."""
    analyses = [analysis_of(arguments, name) for name in arguments.names]
    found = contrast(analyses, [split_settings(name)[0] for name in arguments.names])
    document = CompareDocument(found, in_full=arguments.exact, by_network=arguments.rows)
    shown = written(document, arguments)
    if arguments.plot:  # first: whoever reads the text may stop reading
        from archcalc.render.compare_plot import draw_contrast

        draw_contrast(arguments.plot, found)
    show(shown, arguments)
    return 0
