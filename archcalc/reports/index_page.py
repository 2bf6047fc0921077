"""The first page of a report: all networks, and where the other pages are."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.render.check import tally
from archcalc.reports import (
    activations_page,
    complexity_page,
    conventions_page,
    depth_page,
    errata_page,
    front_page,
    glossary_page,
    scaling_page,
    sources_page,
)
from archcalc.reports.catalogue import GRIDS, SELECTIONS, Grid, Selection
from archcalc.reports.comparison_page import path_of
from archcalc.reports.imagenet import IMAGENET
from archcalc.reports.library import Entry, Library
from archcalc.reports.network_page import family_page
from archcalc.reports.network_table import by_year, network_table
from archcalc.reports.page import Markup, Page, bullets, joined
from archcalc.reports.site import HOME, Site
from archcalc.reports.verification_section import PAGE

# What else was measured, where it has been left there: what is said of it, and by which words.
_MEASURED = (
    ("verification/nvidia_h200/README.md", "On a GPU", "what an H200 measures."),
    (
        "verification/training_on_gpu.md",
        "The training step on a GPU",
        "its peak, in several types.",
    ),
    (
        "verification/imports.md",
        "Public models",
        "of torchvision and timm, read from their modules and held to these.",
    ),
    ("verification/pages.md", "Pages that compute", "in a browser, held to the walk."),
)
CIFAR = 10  # classes; of MNIST as well
_OTHERS = "Other networks, modules and small examples"
_HEADINGS = ("ImageNet", "CIFAR and MNIST", "Text", "Video", _OTHERS)


def index_page(library: Library, site: Site) -> Page:
    """All networks in a table, and links to all other pages."""
    page = site.page(HOME, "The networks and their numbers")
    page.add(
        f"{len(library.entries)} networks, each computed from its spec, layer by layer; the "
        "figures are for one input (an image, a clip, a sequence of tokens) in float32. MACs are "
        "multiply-accumulates, M is 10^6, depth counts the layers with weights on the longest "
        "path, activations are what the lectures list (the input and the outputs of convolutions, "
        "pools and linear layers), field is the receptive field of the last layer that does not "
        "see everything (in parentheses: without gates and norms, where these hide it). "
        "Accuracies, top-1 / top-5 in percent, are published ones; what was measured in different "
        "ways, from one view of each image, from several or from all of it (dense), stands in "
        "different columns. "
        f"The {page.link('glossary', glossary_page.PATH)} has them all.",
        f"{tally(library.claims)}. The {page.link('errata', errata_page.PATH)} list those "
        f"that do not agree, the {page.link('sources', sources_page.PATH)} say who printed them.",
    )
    if PAGE in site:
        page.add(
            f"{page.link('Verification', PAGE)} has the rules beside what torch measures on the "
            "same networks."
        )
    page.add(
        bullets(
            Markup(f"{page.link(title, path)}: {what}")
            for path, title, what in _MEASURED
            if path in site
        )
    )
    page.heading("Comparisons")
    page.add(bullets(_comparisons(page)))
    page.heading("Families")
    page.add(_families(page, library))
    for heading, entries in _groups(library).items():
        page.heading(heading)
        in_millions = all(entry.classes in (IMAGENET, CIFAR) for entry in entries)
        page.add(network_table(page, by_year(entries), in_millions=in_millions))
    return page


def _groups(library: Library) -> dict[str, list[Entry]]:
    """The networks by what they are for; headings without any are left out."""
    found: dict[str, list[Entry]] = {heading: [] for heading in _HEADINGS}
    for entry in library.entries:
        found[_heading(entry)].append(entry)
    return {heading: entries for heading, entries in found.items() if entries}


def _heading(entry: Entry) -> str:
    x = entry.analysis.input
    if x.dtype is not None:
        return "Text"
    if len(x.sizes) == 3:
        return "Video"
    of_classes = {IMAGENET: "ImageNet", CIFAR: "CIFAR and MNIST"}.get(entry.classes or 0)
    return of_classes or _OTHERS


_CHARTS = (complexity_page, depth_page, activations_page, scaling_page, front_page,
           conventions_page)  # fmt: skip


def _comparisons(page: Page) -> Sequence[str]:
    charts = [page.link(chart.TITLE, chart.PATH) for chart in _CHARTS]
    subjects: list[Selection | Grid] = [*SELECTIONS, *GRIDS]
    return [*charts, *(page.link(subject.title, path_of(subject)) for subject in subjects)]


def _families(page: Page, library: Library) -> str:
    links = [
        page.link(entries[0].family.about.title, family_page(entries[0]))
        for entries in library.families().values()
        if family_page(entries[0]) in page.known
    ]
    return joined(links, " · ") + "."
