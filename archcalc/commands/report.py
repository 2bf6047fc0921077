"""`archcalc report`: networks as pages with diagrams, tables and plots, or as live pages."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.api.progress import watched
from archcalc.commands.arguments import (
    add_changes,
    add_networks,
    input_sizes,
    output_path,
    parameters,
)
from archcalc.commands.processes import computed
from archcalc.commands.writing import write_whole
from archcalc.errors import UsageError, refused_by_system, require_extra
from archcalc.loading import plain_shapes
from archcalc.render.numbers import counted
from archcalc.reports.library import part_of_library, whole_library
from archcalc.reports.live_pages import live_page, networks_of
from archcalc.reports.report import pages, write_report
from archcalc.spec.syntax import Network
from archcalc.spec.values import Value

if TYPE_CHECKING:
    from archcalc.pages.listing import Listed

EXAMPLES = (
    "archcalc report vgg16 -o pages",
    "archcalc report",
    "archcalc report --html",
)
HTML = "pages"  # where pages that compute are written, unless elsewhere


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_networks(parser, "all networks, and the pages about all")
    add_changes(parser, "of a model from elsewhere, ", notes=False)  # which pages have
    parser.add_argument(
        "--html", action="store_true",
        help="pages as those of `archcalc page`, and index.html, which lists them",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=output_path, metavar="FOLDER",
        help=f"default: reports; {HTML} with --html",
    )  # fmt: skip
    parser.add_argument(
        "--force", action="store_true", help="with --html, replace an index.html that is there"
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the pages."""
    given, shapes = parameters(arguments), plain_shapes(input_sizes(arguments))
    if arguments.html:
        return _write_live_pages(arguments, shapes, given)
    folder = arguments.output or "reports"
    is_part = arguments.names or given or shapes
    library = part_of_library(arguments.names, shapes, given) if is_part else whole_library()
    for missing in write_report(library, Path(folder)):
        print(f"archcalc: left out: {missing}", file=sys.stderr)
    print(f"{folder}: {counted(len(dict(pages(library))), 'page')}", file=sys.stderr)
    return 0


def _write_live_pages(
    arguments: argparse.Namespace, shapes: Mapping[str, tuple[int, ...]], given: Mapping[str, Value]
) -> int:
    """Writes a live page of each network, and when all are there the list of them."""
    require_extra("--html", "sympy", "symbols")
    from archcalc.pages.listing import HOME, list_of

    folder = Path(arguments.output or HTML)
    if (folder / HOME).is_file() and not arguments.force:
        raise UsageError(f"{folder / HOME} is there already; --force replaces it")
    networks = networks_of(arguments.names, shapes, given)
    with refused_by_system(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write = partial(_write_live_page, folder)
    workers = min(len(networks), os.cpu_count() or 1)
    found: dict[str, Listed] = {}
    died = "a process that made pages has died; called again, it makes all of them"
    written = (
        (write(network) for network in networks)
        if workers < 2
        else computed(write, networks, workers, died)
    )
    with closing(watched(networks, "pages")) as bars, closing(written):
        for _ in bars:
            one = next(written)
            found[one.name] = one
    write_whole(str(folder / HOME), list_of([found[network.name] for network in networks]))
    print(f"{folder / HOME}: {counted(len(networks), 'network')}", file=sys.stderr)
    return 0


def _write_live_page(folder: Path, network: Network) -> Listed:
    """Writes the page of a network; what the list says of it."""
    one, page = live_page(network)
    write_whole(str(folder / one.file), page)
    return one
