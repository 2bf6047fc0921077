"""`archcalc roofline`: the least time that a device needs, layer by layer."""

from __future__ import annotations

import argparse
import json

from archcalc.commands.arguments import add_batch, add_changes, add_network, graph_of
from archcalc.render.roofline import device_line, roofline_record, roofline_table
from archcalc.render.table import conditions
from archcalc.roofline import device_names, find_device, roofline
from archcalc.walk import analyze


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_batch(parser)
    parser.add_argument(
        "--profile", default="nvidia_h200", metavar="DEVICE",
        help=f"{', '.join(device_names())}, or a FILE of the same form (default nvidia_h200)",
    )  # fmt: skip
    parser.add_argument(
        "--format", default="text", metavar="FORMAT",
        help="text (default), markdown, csv, json, or any format of tabulate",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints FLOPs, bytes moved, intensity and the least time of each layer."""
    device = find_device(arguments.profile)
    analysis = analyze(graph_of(arguments), batch=arguments.batch, dtype=arguments.dtype)
    bounds = roofline(analysis, device)
    if arguments.format == "json":
        print(json.dumps(roofline_record(analysis, bounds, device), indent=1))
        return 0
    if arguments.format == "text":
        print(f"{analysis.identity}: {conditions(analysis)}")
        print(f"{device_line(device, analysis.dtype)}\n")
    print(roofline_table(analysis, bounds, arguments.format))
    return 0
