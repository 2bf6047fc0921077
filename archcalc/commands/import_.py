"""`archcalc import`: a model from elsewhere as a spec that a person would have written."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_changes, add_network, add_output, analysis_of
from archcalc.commands.printing import show
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
    add_output(parser, "FILE.yaml")
    parser.add_argument("--flat", action="store_true", help="a line for each layer, and no blocks")


def run(arguments: argparse.Namespace) -> int:
    """Writes a spec with blocks and repeats, which is the same network layer by layer."""
    analysis = analysis_of(arguments)
    text = spec_text(analysis.graph) if arguments.flat else folded_text(analysis)
    show(text, arguments)
    return 0
