"""`archcalc schema`: the JSON Schema of specs, or of the JSON that a command prints."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_output
from archcalc.commands.printing import show

EXAMPLES = (
    "archcalc schema",
    "archcalc schema table > contract.json",
)
CHOOSING = ("sweep", "solve", "which", "conventions")  # commands that print what to choose by


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "what", nargs="?", choices=("spec", "table", *CHOOSING), default="spec",
        help="spec: the spec language, for editors (default); else what this command prints "
        "with --format json",
    )  # fmt: skip
    add_output(parser, "FILE.json")


def run(arguments: argparse.Namespace) -> int:
    """Prints the schema."""
    if arguments.what == "spec":
        from archcalc.spec.schema import spec_schema

        schema = spec_schema()
    elif arguments.what in CHOOSING:
        from archcalc.render.choosing_schemas import schema_of

        schema = schema_of(arguments.what)
    else:
        from archcalc.render.contract import contract_schema

        schema = contract_schema()
    from archcalc.render.output import json_text

    show(json_text(schema, indent=2), arguments)
    return 0
