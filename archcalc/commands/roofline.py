"""`archcalc roofline`: the least time of each layer by itself on a device."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import add_batch, add_changes, add_format, add_network, graph_of
from archcalc.commands.printing import show, written
from archcalc.hardware.device import device_names, find_device
from archcalc.hardware.roofline import roofline
from archcalc.render.roofline import RooflineDocument
from archcalc.walk import analyze

EXAMPLES = (
    "archcalc roofline resnet50",
    "archcalc roofline resnet50 --profile nvidia_t4 --dtype float16 --fused",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser)
    add_changes(parser)
    add_batch(parser)
    parser.add_argument(
        "--profile", default="nvidia_h200", metavar="DEVICE",
        help=f"{', '.join(device_names())}, or a FILE of the same form (default nvidia_h200)",
    )  # fmt: skip
    parser.add_argument(
        "--fused", action="store_true",
        help="norms, activations and sums in the kernel of the convolution before, as compilers do",
    )  # fmt: skip
    parser.add_argument(
        "--no-tf32", dest="tf32", action="store_false",
        help="float32 convolutions in full, where torch rounds to TF32 by default",
    )  # fmt: skip
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints FLOPs, bytes moved, intensity and the least time of each layer."""
    device = find_device(arguments.profile)
    analysis = analyze(graph_of(arguments), batch=arguments.batch, dtype=arguments.dtype)
    bounds = roofline(analysis, device, fused=arguments.fused, tf32=arguments.tf32)
    document = RooflineDocument(analysis, bounds, device, fused=arguments.fused)
    show(written(document, arguments.format))
    return 0
