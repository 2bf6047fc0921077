"""`archcalc page`: networks in one HTML file, whose figures are recomputed as they are changed."""

from __future__ import annotations

import argparse
import sys

from archcalc.api.paging import page
from archcalc.commands.arguments import add_changes, add_networks, add_output, graph_of
from archcalc.commands.printing import show
from archcalc.render.numbers import counted

EXAMPLES = (
    "archcalc page resnet50 -o resnet50.html",
    "archcalc page vgg16 mobilenet_v1 -o two.html",
)
NOTES = """\
The page needs no server and no network: sizes, batch, data type and parameters
are changed in it, and every figure is computed from closed forms of archcalc.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_networks(parser)
    add_changes(parser)
    add_output(parser, "FILE.html", "page.html")


def run(arguments: argparse.Namespace) -> int:
    """Writes the page."""
    made = page(*[graph_of(arguments, name) for name in arguments.names]).html.encode()
    show(made, arguments)
    about = f"{counted(len(arguments.names), 'network')}, {len(made):,} bytes"
    print(f"{arguments.output}: {about}", file=sys.stderr)
    return 0
