"""`archcalc report`: networks as pages with diagrams, tables and plots."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archcalc.commands.arguments import COMPLETE_NETWORKS, output_path
from archcalc.render.numbers import counted
from archcalc.reports.library import part_of_library, whole_library
from archcalc.reports.report import pages, write_report

EXAMPLES = (
    "archcalc report vgg16 -o pages",
    "archcalc report",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    action = parser.add_argument(
        "names", metavar="NAME", nargs="*",
        help="networks, FILE or FILE#VARIANT (default: all networks, and the pages about all)",
    )  # fmt: skip
    action.complete = COMPLETE_NETWORKS  # type: ignore[attr-defined]  # what shtab reads
    parser.add_argument(
        "-o",
        "--output",
        type=output_path,
        metavar="FOLDER",
        default="reports",
        help="default: reports",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the pages."""
    library = part_of_library(arguments.names) if arguments.names else whole_library()
    for missing in write_report(library, Path(arguments.output)):
        print(f"archcalc: left out: {missing}", file=sys.stderr)
    print(f"{arguments.output}: {counted(len(dict(pages(library))), 'page')}", file=sys.stderr)
    return 0
