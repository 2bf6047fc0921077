"""`archcalc import`: a model from elsewhere as a spec that a person would have written."""

from __future__ import annotations

import argparse
from pathlib import Path

from archcalc.commands.arguments import add_changes, add_network, analysis_of, output_path
from archcalc.commands.writing import write_whole
from archcalc.folding.text import folded_text
from archcalc.render.spec_text import spec_text

EXAMPLES = (
    "archcalc import torchvision.models:resnet50",
    "archcalc import deploy.prototxt -o net.yaml",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FILE.yaml", help="default: standard output"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--flat", action="store_true", help="a line for each layer, and no blocks")


def run(arguments: argparse.Namespace) -> int:
    """Writes a spec with blocks and repeats, which is the same network layer by layer."""
    analysis = analysis_of(arguments)
    text = spec_text(analysis.graph) if arguments.flat else folded_text(analysis)
    if arguments.output is None:
        print(text, end="")
    else:
        write_whole(Path(arguments.output), text, replace=arguments.force)
    return 0
