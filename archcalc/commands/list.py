"""`archcalc list`: the networks that archcalc knows."""

from __future__ import annotations

import argparse

from archcalc.spec.library import families, network_names

EXAMPLES = (
    "archcalc list",
    "archcalc list --names | grep resnet",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--names", action="store_true", help="the names alone, one a line")


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each network, by family."""
    if arguments.names:
        print("\n".join(network_names()))
        return 0
    networks = [network for family in families() for network in family.networks.values()]
    width = max(len(network.name) for network in networks)
    for network in networks:
        year = network.about.year or ""
        print(f"{network.name:{width}}  {year:4}  {network.about.title}".rstrip())
    return 0
