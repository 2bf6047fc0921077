"""`archcalc diff`: what changes from one network to another."""

from __future__ import annotations

import argparse
import os
import sys

from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_exact,
    add_format,
    add_network,
    analysis_of,
)
from archcalc.commands.printing import give
from archcalc.comparing.diff import difference
from archcalc.render.diff import DiffDocument
from archcalc.spec.settings import split_settings

EXAMPLES = (
    "archcalc diff resnet50 resnet101",
    "archcalc diff mobilenet_v1 'mobilenet_v1 alpha=0.5' --full",
    "archcalc diff HEAD:net.yaml net.yaml --markdown",
)
FAILS = "the networks differ"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    for name in ("before", "after"):
        one = "a network, FILE, FILE#VARIANT or REV:FILE; 'NAME KEY=VALUE' sets a parameter of it"
        add_network(parser, name, one)
    add_changes(parser)
    add_batch(parser)
    parser.add_argument(
        "--full", action="store_true",
        help="every layer that is different, and those whose figures alone are; nothing folded",
    )  # fmt: skip
    add_exact(parser)
    forms = parser.add_mutually_exclusive_group()
    add_format(parser, group=forms)
    forms.add_argument(
        "--markdown", action="store_const", const="markdown", dest="format",
        help="as a comment on a pull request has it: the totals, and the layers folded away "
        "(--format markdown)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints the difference; 1 where there is one, as `diff` does, so that scripts can ask."""
    before, after = (analysis_of(arguments, name) for name in (arguments.before, arguments.after))
    names = (split_settings(arguments.before)[0], split_settings(arguments.after)[0])
    found = difference(before, after, names)
    in_color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    document = DiffDocument(found, full=arguments.full, in_color=in_color, in_full=arguments.exact)
    give(document, arguments)
    return 0 if found.is_empty else 1
