"""`archcalc which`: the networks that a printed number may be about, and by whose count."""

from __future__ import annotations

import argparse

from archcalc.api.placing import which
from archcalc.commands.arguments import add_exact, add_format, add_network
from archcalc.commands.printing import give

EXAMPLES = (
    "archcalc which --params 25.56M --macs 4.09G",
    "archcalc which --macs 7.7G --tolerance 1%",
    "archcalc which --params 1.33M --over alpha=0.25:1:0.25",
)
FAILS = "no network prints so"
NOTES = (
    "--macs may be counted as multiply-accumulates (macs), as twice these (flops),",
    "or as another tool does, by its name in archcalc conventions",
    "with --over only networks are looked at that have such a parameter or size, at",
    "each of the values: a list or a range, as of archcalc sweep",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser, "names", "networks and files to look at (default: all networks)", nargs="*")
    parser.add_argument("--params", default="", metavar="N", help="as printed, such as 25.56M")
    parser.add_argument(
        "--macs", default="", metavar="N", help="as printed, of whatever operations: 4.09G"
    )
    parser.add_argument(
        "--tolerance", default="", metavar="N%",
        help="how far off a total may be; the last digit, rounded or cut off, by default",
    )  # fmt: skip
    parser.add_argument(
        "--over", metavar="KEY=VALUES", action="append", default=[],
        help="settings to look at, of a parameter, an item of one (depths[2]), or a size of the "
        "input (H); again for more, all of whose combinations are settings",
    )  # fmt: skip
    add_exact(parser, always=True)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints a row for each network that matches; 1 where there is none."""
    found = which(
        *arguments.names, params=arguments.params, macs=arguments.macs,
        tolerance=arguments.tolerance, over=arguments.over,
    )  # fmt: skip
    give(found.document, arguments)
    return 0 if found.found else 1
