"""`archcalc report`: networks as pages with diagrams, tables and plots."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archcalc.commands.arguments import (
    add_changes,
    add_network,
    input_sizes,
    output_path,
    parameters,
)
from archcalc.loading import plain_shapes
from archcalc.render.numbers import counted
from archcalc.reports.library import part_of_library, whole_library
from archcalc.reports.report import pages, write_report

EXAMPLES = (
    "archcalc report vgg16 -o pages",
    "archcalc report",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    some = (
        "networks, FILE, FILE#VARIANT or PACKAGE:FACTORY "
        "(default: all networks, and the pages about all)"
    )
    add_network(parser, "names", some, nargs="*")
    add_changes(parser, "of a model from elsewhere, ")
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FOLDER", default="reports",
        help="default: reports",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Writes the pages."""
    given, shapes = parameters(arguments), plain_shapes(input_sizes(arguments))
    is_part = arguments.names or given or shapes
    library = part_of_library(arguments.names, shapes, given) if is_part else whole_library()
    for missing in write_report(library, Path(arguments.output)):
        print(f"archcalc: left out: {missing}", file=sys.stderr)
    print(f"{arguments.output}: {counted(len(dict(pages(library))), 'page')}", file=sys.stderr)
    return 0
