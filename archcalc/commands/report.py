"""`archcalc report`: networks as pages with diagrams, tables and plots."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archcalc.commands.arguments import add_network, output_path
from archcalc.render.numbers import counted
from archcalc.reports.library import part_of_library, whole_library
from archcalc.reports.report import pages, write_report

EXAMPLES = (
    "archcalc report vgg16 -o pages",
    "archcalc report",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    some = "networks, FILE or FILE#VARIANT (default: all networks, and the pages about all)"
    add_network(parser, "names", some, nargs="*")
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FOLDER", default="reports",
        help="default: reports",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Writes the pages."""
    library = part_of_library(arguments.names) if arguments.names else whole_library()
    for missing in write_report(library, Path(arguments.output)):
        print(f"archcalc: left out: {missing}", file=sys.stderr)
    print(f"{arguments.output}: {counted(len(dict(pages(library))), 'page')}", file=sys.stderr)
    return 0
