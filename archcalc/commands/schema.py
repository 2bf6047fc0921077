"""`archcalc schema`: the JSON Schema of specs, or of the JSON that `table` prints."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_output
from archcalc.commands.printing import show

EXAMPLES = (
    "archcalc schema",
    "archcalc schema table > contract.json",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "what", nargs="?", choices=("spec", "table"), default="spec",
        help="spec: the spec language, for editors (default); table: `table --format json`",
    )  # fmt: skip
    add_output(parser, "FILE.json")


def run(arguments: argparse.Namespace) -> int:
    """Prints the schema."""
    if arguments.what == "spec":
        from archcalc.spec.schema import spec_schema

        schema = spec_schema()
    else:
        from archcalc.render.contract import contract_schema

        schema = contract_schema()
    from archcalc.render.output import json_text

    show(json_text(schema, indent=2), arguments)
    return 0
