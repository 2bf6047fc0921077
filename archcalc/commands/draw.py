"""`archcalc draw`: a network as a diagram."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archcalc.commands.arguments import (
    ALL_LEVELS,
    add_changes,
    add_network,
    depth,
    graph_of,
    output_path,
)
from archcalc.errors import UsageError
from archcalc.render.drawing import Drawing, draw
from archcalc.render.graphviz import dot_text, picture
from archcalc.render.mermaid import MOST_ARROWS, mermaid_text
from archcalc.walk import analyze

_FORMATS = ("mmd", "dot", "svg", "png")


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
    parser.add_argument(
        "--format", choices=_FORMATS, help="default: by the ending of FILE, else mmd"
    )
    parser.add_argument(
        "--depth", type=depth, metavar="N",
        help="fold blocks below this level of nesting; `all` draws every layer "
        "(default: the deepest that fits)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Writes or prints the diagram."""
    form = _format_of(arguments.output, arguments.format)
    analysis = analyze(graph_of(arguments))
    full = arguments.depth == ALL_LEVELS
    drawing = draw(analysis, arguments.depth, full=full)
    data = _written(drawing, form)
    if arguments.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return 0
    try:
        Path(arguments.output).write_bytes(data)
    except OSError as error:
        raise UsageError(f"{arguments.output}: {error.strerror or error}") from None
    return 0


def _format_of(path: str | None, asked: str | None) -> str:
    """What was asked for, else what the ending of the file says; they may not contradict."""
    ending = "mmd" if path is None else path.rpartition(".")[2].lower()
    if path is not None and ending in _FORMATS and asked not in (None, ending):
        raise UsageError(f"--format {asked} does not go with the ending of {path}")
    if asked is None and ending not in _FORMATS:
        raise UsageError(f"{path}: a drawing is written as .{', .'.join(_FORMATS)}")
    return asked or ending


def _written(drawing: Drawing, form: str) -> bytes:
    if form == "mmd":
        if len(drawing.arrows) > MOST_ARROWS:
            print(
                f"archcalc: {len(drawing.arrows)} arrows; Mermaid draws {MOST_ARROWS} unless told "
                "otherwise (maxEdges): fold with --depth",
                file=sys.stderr,
            )
        return mermaid_text(drawing).encode()
    return dot_text(drawing).encode() if form == "dot" else picture(drawing, form)
