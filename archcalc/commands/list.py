"""`archcalc list`: the networks that archcalc knows."""

from __future__ import annotations

import argparse

from archcalc.api.known import networks
from archcalc.spec.library import network_names

EXAMPLES = (
    "archcalc list",
    "archcalc list --names | grep resnet",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--names", action="store_true", help="the names alone, one a line")


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each network, by family."""
    if arguments.names:
        print("\n".join(network_names()))
        return 0
    print(networks())
    return 0
