"""`archcalc field`: receptive fields, of all layers or of one unit."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.commands.arguments import add_changes, add_network, graph_of, listed, positive
from archcalc.errors import UsageError
from archcalc.render.field import (
    FIELD_KEYS,
    effective_lines,
    field_records,
    field_rows,
    unit_lines,
    unit_record,
)
from archcalc.render.table import caption, tabulate_rows
from archcalc.unit_field import UnitField, unit_field, unit_over
from archcalc.walk import analyze

if TYPE_CHECKING:
    from archcalc.torch_backend.effective import EffectiveField


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "layer",
        metavar="LAYER",
        nargs="?",
        help="what a unit of this layer sees (default: a table)",
    )
    add_changes(parser)
    parser.add_argument(
        "--at", metavar="ROW,COL", help="the unit's position, from 0 (default: in the middle)"
    )
    parser.add_argument("--phases", action="store_true", help="the interval of each phase")
    parser.add_argument(
        "--effective", action="store_true", help="measure how much each pixel matters (Luo 2016)"
    )
    parser.add_argument(
        "--runs", type=positive, default=20, metavar="N", help="of --effective (default 20)"
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the boxes over the image")
    parser.add_argument(
        "--layers",
        type=listed,
        default=[],
        metavar="A,B,…",
        help="further layers whose boxes to draw around the same place",
    )
    parser.add_argument("--picture", metavar="FILE", help="a picture to draw them over")
    parser.add_argument(
        "--format", default="text", metavar="FORMAT",
        help="text (default), markdown, csv, json, or any format of tabulate",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints what all layers, or one unit, see."""
    analysis = analyze(graph_of(arguments))
    if arguments.layer is None:
        for option in ("at", "plot", "layers", "picture"):
            if getattr(arguments, option):
                raise UsageError(f"--{option} needs a LAYER")
        if arguments.format == "json":
            print(json.dumps(field_records(analysis), indent=1))
            return 0
        if arguments.format == "text":
            print("\n".join(caption(analysis)[:1]), f"input {analysis.input}", "", sep="\n")
        headings = [key.replace("_", " ").replace("receptive ", "") for key in FIELD_KEYS]
        print(tabulate_rows(headings, field_rows(analysis), arguments.format))
        return 0
    field = unit_field(analysis, arguments.layer, _position(arguments.at))
    record, lines = (
        unit_record(analysis, field),
        unit_lines(analysis, field, phases=arguments.phases),
    )
    effective = _measured(analysis, field, arguments.runs) if arguments.effective else None
    if effective is not None:
        record["effective"] = {f"{share:.0%}": side for share, side in effective.sides.items()}
        lines += effective_lines(effective)
    print(json.dumps(record, indent=1) if arguments.format == "json" else "\n".join(lines))
    if arguments.plot:
        from archcalc.render.field_plot import draw_effective, draw_fields

        if effective is not None:
            draw_effective(arguments.plot, analysis, effective)
        else:
            others = [unit_over(analysis, name, field) for name in arguments.layers]
            draw_fields(arguments.plot, analysis, [field, *others], arguments.picture)
    return 0


def _measured(analysis: Analysis, field: UnitField, runs: int) -> EffectiveField:
    from archcalc.torch_backend import require_torch

    require_torch("--effective")
    from archcalc.torch_backend.effective import effective_field

    return effective_field(analysis, field.layer.name, field.unit or None, runs=runs)


def _position(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}([,x]\d{1,9})*", text):
        raise UsageError(f"--at {text}: expected a position such as 3,3")
    return tuple(map(int, re.split("[,x]", text)))
