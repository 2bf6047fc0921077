"""`archcalc list`: the networks that archcalc knows."""

from __future__ import annotations

import argparse
import sys

from archcalc.api.known import networks
from archcalc.commands.arguments import add_exact, add_format
from archcalc.commands.printing import give, show
from archcalc.spec.library import network_names

EXAMPLES = (
    "archcalc list",
    "archcalc list 'vgg1?' --figures",
)
FAILS = "no network is called so"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "pattern", metavar="PATTERN", nargs="?", default="",
        help="only networks with this text in their name, title or authors, or with a name such "
        "as 'resnet*'",
    )  # fmt: skip
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--names", action="store_true", help="the names alone, one a line")
    add_format(parser, group=forms)
    parser.add_argument(
        "--figures", action="store_true", help="their params, MACs and activations of one image"
    )
    add_exact(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each network, by family; 1 where there is none."""
    if arguments.names and not arguments.pattern:  # what shells complete: no spec is parsed
        show("\n".join(network_names()), arguments)
        return 0
    found = networks(arguments.pattern, figures=arguments.figures, in_full=arguments.exact)
    if not found.found:
        print(f"archcalc: no network is called {arguments.pattern!r}", file=sys.stderr)
        return 1
    if arguments.names:
        show("\n".join(found.parts), arguments)
    else:
        give(found.document, arguments)
    return 0
