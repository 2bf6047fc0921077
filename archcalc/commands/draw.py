"""`archcalc draw`: a network as a diagram."""

from __future__ import annotations

import argparse
import sys

from archcalc.api.drawing import FORMS, draw
from archcalc.commands.arguments import (
    add_changes,
    add_depth,
    add_network,
    graph_of,
    output_path,
)
from archcalc.commands.printing import show
from archcalc.errors import UsageError
from archcalc.render.mermaid import MOST_ARROWS
from archcalc.render.rows import ALL_LEVELS

EXAMPLES = (
    "archcalc draw resnet18",
    "archcalc draw googlenet --depth 1 -o googlenet.dot",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FILE",
        help="where to write it: Mermaid as .mmd, or .dot, .svg, .png (default: print it)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--format", choices=FORMS, help="default: by the ending of FILE, else mmd")
    add_depth(
        parser,
        "fold blocks below this level of nesting; `all` draws every layer "
        "(default: the deepest that fits)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes or prints the diagram."""
    form = _format_of(arguments.output, arguments.format)
    full = arguments.depth == ALL_LEVELS
    diagram = draw(graph_of(arguments), depth=arguments.depth, full=full)
    arrows = len(diagram.drawing.arrows)
    if form == "mmd" and arrows > MOST_ARROWS:
        print(
            f"archcalc: {arrows} arrows; Mermaid draws {MOST_ARROWS} unless told otherwise "
            "(maxEdges): fold with --depth",
            file=sys.stderr,
        )
    show(diagram.written(form), arguments)
    return 0


def _format_of(path: str | None, asked: str | None) -> str:
    """What was asked for, else what the ending of the file says; they may not contradict."""
    ending = "mmd" if path is None else path.rpartition(".")[2].lower()
    if path is not None and ending in FORMS and asked not in (None, ending):
        raise UsageError(f"--format {asked} does not go with the ending of {path}")
    if asked is None and ending not in FORMS:
        raise UsageError(f"{path}: a drawing is written as .{', .'.join(FORMS)}")
    return asked or ending
