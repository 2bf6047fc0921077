"""`archcalc kinds`: the layer kinds, and the fields of one."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_format
from archcalc.commands.printing import give
from archcalc.errors import require_known
from archcalc.layers.registry import all_kinds, kind_called, known_names
from archcalc.render.kinds import KindDocument, KindsDocument

EXAMPLES = (
    "archcalc kinds",
    "archcalc kinds conv",
)
NOTES = ("names of fields are understood as torch.nn has them, too",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "kind", metavar="NAME", nargs="?", help="one kind: its rules, its fields, their defaults"
    )
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints a row for each kind, or what there is to know of one."""
    if arguments.kind is None:
        give(KindsDocument(all_kinds()), arguments)
        return 0
    require_known("unknown layer kind", arguments.kind, known_names())
    kind = kind_called(arguments.kind)
    assert kind is not None  # its name is known
    give(KindDocument(kind), arguments)
    return 0
