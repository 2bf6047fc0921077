"""Which pages a report has, and all of it written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from archcalc.reports import (
    activations_page,
    comparison_page,
    complexity_page,
    conventions_page,
    depth_page,
    errata_page,
    family_page,
    front_page,
    glossary_page,
    index_page,
    network_page,
    scaling_page,
    sources_page,
)
from archcalc.reports.catalogue import GRIDS, SELECTIONS
from archcalc.reports.library import Library
from archcalc.reports.page import Page
from archcalc.reports.site import HOME, Site

MakePage = Callable[[Site], Page]


def write_report(library: Library, folder: Path) -> list[str]:
    """Writes all pages of a library.

    Returns:
        What was left out, and which package it takes; mostly nothing.

    Raises:
        UsageError: a file cannot be written; a size is not a plain number.
    """
    makers = dict(pages(library))
    site = Site(folder, makers)
    for make in makers.values():
        site.write(make(site))
    return site.left_out


def pages(library: Library) -> Iterator[tuple[str, MakePage]]:
    """The path of each page, and what makes it; of a part of a library, those of its networks."""
    for entry in library.entries:
        yield entry.page, partial(network_page.network_page, entry)
    if not library.whole:
        return
    for entries in library.families().values():
        if len(entries) > 1:
            path = network_page.family_page(entries[0])
            yield path, partial(family_page.page_of_family, entries)
    for selection in SELECTIONS:
        path = comparison_page.path_of(selection)
        yield path, partial(comparison_page.selection_page, selection, library)
    for grid in GRIDS:
        yield comparison_page.path_of(grid), partial(comparison_page.grid_page, grid)
    yield complexity_page.PATH, partial(complexity_page.complexity_page, library)
    yield depth_page.PATH, partial(depth_page.depth_page, library)
    yield activations_page.PATH, partial(activations_page.activations_page, library)
    yield scaling_page.PATH, partial(scaling_page.scaling_page, library)
    yield front_page.PATH, front_page.front_page
    yield conventions_page.PATH, partial(conventions_page.conventions_page, library)
    yield errata_page.PATH, partial(errata_page.errata_page, library)
    yield sources_page.PATH, partial(sources_page.sources_page, library)
    yield glossary_page.PATH, glossary_page.glossary_page
    yield HOME, partial(index_page.index_page, library)
