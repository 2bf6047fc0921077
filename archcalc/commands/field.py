"""`archcalc field`: receptive fields, of all layers or of one unit."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.commands.arguments import (
    add_changes,
    add_depth,
    add_exact,
    add_format,
    add_network,
    add_plot,
    analysis_of,
    positive,
)
from archcalc.commands.printing import give, show, written
from archcalc.errors import UsageError
from archcalc.loading import listed
from archcalc.render.field import FieldDocument, UnitDocument
from archcalc.unit_field import UnitField, unit_field, unit_over

if TYPE_CHECKING:
    from archcalc.torch_backend.effective import EffectiveField


_RUNS = 20  # random inputs and weights that --effective averages over
_OF_A_LAYER = ("at", "channel", "phases", "effective", "runs", "plot", "layers", "picture")


EXAMPLES = (
    "archcalc field vgg16",
    "archcalc field vgg16 pool5 --at 3,3",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    parser.add_argument(
        "layer", metavar="LAYER", nargs="?",
        help="what a unit of this layer, or of a block's output, sees (default: a table)",
    )  # fmt: skip
    add_changes(parser)
    parser.add_argument(
        "--at", metavar="ROW,COL",
        help="the unit's position, from 0; of a vector, a feature (default: in the middle)",
    )  # fmt: skip
    parser.add_argument(
        "--channel", type=_channel, metavar="N",
        help="of one channel, from 0 (default: all together)",
    )  # fmt: skip
    parser.add_argument("--phases", action="store_true", help="the interval of each phase")
    parser.add_argument(
        "--effective", action="store_true", help="measure how much each pixel matters (Luo 2016)"
    )
    parser.add_argument(
        "--runs", type=positive, metavar="N", help=f"of --effective (default {_RUNS})"
    )
    add_plot(parser, "draw the boxes over the image")
    parser.add_argument(
        "--layers", type=listed, default=[], metavar="A,B,…",
        help="further layers whose boxes to draw around the same place",
    )  # fmt: skip
    parser.add_argument("--picture", metavar="FILE", help="a picture to draw them over")
    add_depth(parser)
    add_exact(parser, always=True)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints what all layers, or one unit, see."""
    _refuse_what_would_be_dropped(arguments)
    analysis = analysis_of(arguments)
    if arguments.layer is None:
        give(FieldDocument(analysis, arguments.depth), arguments)
        return 0
    if arguments.depth is not None:
        raise UsageError(f"all layers are folded; leave {arguments.layer} out", "depth")
    at, channel = _position(arguments.at), arguments.channel
    layer = _layer_meant(analysis, arguments.layer)
    field = unit_field(analysis, layer, at, channel=channel)
    runs = arguments.runs or _RUNS
    effective = _measured(analysis, field, runs) if arguments.effective else None
    document = UnitDocument(analysis, field, phases=arguments.phases, effective=effective)
    shown = written(document, arguments)
    if arguments.plot:  # first: whoever reads the text may stop reading
        from archcalc.render.field_plot import draw_effective, draw_fields

        if effective is not None:
            draw_effective(arguments.plot, analysis, effective)
        else:
            others = [unit_over(analysis, name, field) for name in arguments.layers]
            draw_fields(arguments.plot, analysis, [field, *others], arguments.picture)
    show(shown, arguments)
    return 0


def _layer_meant(analysis: Analysis, name: str) -> str:
    """The layer of that name; of a block, the one whose output is the block's, which is said."""
    last = analysis.end_of(name)
    if last != name:
        print(f"archcalc: note: the output of the block {name} is that of {last}", file=sys.stderr)
    return last


def _refuse_what_would_be_dropped(arguments: argparse.Namespace) -> None:
    """Raises UsageError for an option that changes nothing without another one."""
    values = [(name, getattr(arguments, name)) for name in _OF_A_LAYER]
    given = [name for name, value in values if value or type(value) is int]
    if arguments.layer is None and given:
        raise UsageError(f"--{given[0]} needs a LAYER")
    if arguments.effective and arguments.channel is not None:
        raise UsageError("--effective measures all channels together, without --channel")
    if arguments.runs and not arguments.effective:
        raise UsageError("--runs needs --effective")
    for name in ("layers", "picture"):
        if getattr(arguments, name) and not arguments.plot:
            raise UsageError(f"--{name} needs --plot")
        if getattr(arguments, name) and arguments.effective:
            raise UsageError(f"--{name} draws boxes, and --effective its own picture")


def _measured(analysis: Analysis, field: UnitField, runs: int) -> EffectiveField:
    from archcalc.torch_backend import require_torch

    require_torch("--effective")
    from archcalc.torch_backend.effective import effective_field

    return effective_field(analysis, field.layer.name, field.unit, runs=runs)


def _channel(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"expected the number of a channel, found {text!r}")
    return int(text)


def _position(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,9}([,x]\d{1,9})*", text):
        raise UsageError(f"--at {text}: expected a position such as 3,3")
    return tuple(map(int, re.split("[,x]", text)))
