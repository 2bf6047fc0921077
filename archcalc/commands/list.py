"""`archcalc list`: the networks that archcalc knows."""

from __future__ import annotations

import argparse

from archcalc.api.known import networks
from archcalc.commands.arguments import add_format
from archcalc.commands.printing import give, show
from archcalc.spec.library import network_names

EXAMPLES = (
    "archcalc list",
    "archcalc list --names | grep resnet",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--names", action="store_true", help="the names alone, one a line")
    add_format(parser, group=forms)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each network, by family."""
    if arguments.names:
        show("\n".join(network_names()), arguments)
        return 0
    give(networks().document, arguments)
    return 0
