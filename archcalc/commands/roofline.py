"""`archcalc roofline`: the least time of each layer by itself on a device."""

from __future__ import annotations

import argparse

from archcalc.api.costs import roofline
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_depth,
    add_exact,
    add_format,
    add_network,
    graph_of,
)
from archcalc.commands.printing import give
from archcalc.hardware.device import USUAL, device_names
from archcalc.record import replace

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
        "--profile", default=USUAL, metavar="DEVICE",
        help=f"{', '.join(device_names())}, or a FILE of the same form (default {USUAL})",
    )  # fmt: skip
    parser.add_argument(
        "--fused", action="store_true",
        help="norms, activations and sums in the kernel of the convolution before, as compilers do",
    )  # fmt: skip
    parser.add_argument(
        "--no-tf32", dest="tf32", action="store_false",
        help="float32 convolutions in full, where torch rounds to TF32 by default",
    )  # fmt: skip
    add_depth(parser)
    add_exact(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints FLOPs, bytes moved, intensity and the least time of each layer."""
    found = roofline(
        graph_of(arguments), profile=arguments.profile, fused=arguments.fused, tf32=arguments.tf32,
        batch=arguments.batch, dtype=arguments.dtype,
    )  # fmt: skip
    document = replace(found.document, depth=arguments.depth, in_full=arguments.exact)
    give(document, arguments)
    return 0
