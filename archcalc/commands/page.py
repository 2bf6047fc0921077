"""`archcalc page`: networks in one HTML file, whose figures are recomputed as they are changed."""

from __future__ import annotations

import argparse
import sys

from archcalc.api.paging import page
from archcalc.commands.arguments import (
    add_changes,
    add_network,
    input_sizes,
    output_path,
    parameters,
)
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
    meaning = "networks (see `archcalc list`), FILE, FILE#VARIANT, or PACKAGE:FACTORY"
    add_network(parser, "names", meaning, nargs="+")
    add_changes(parser)
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FILE.html", default="page.html",
        help="where to write it (default: page.html)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Writes the page."""
    sizes, changed = input_sizes(arguments), parameters(arguments)
    made = page(*arguments.names, input=sizes, parameters=changed).html.encode()
    show(made, arguments)
    about = f"{counted(len(arguments.names), 'network')}, {len(made):,} bytes"
    print(f"{arguments.output}: {about}", file=sys.stderr)
    return 0
