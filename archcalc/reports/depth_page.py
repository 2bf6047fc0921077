"""How deep networks became, and how much better."""

from __future__ import annotations

from archcalc.render.numbers import short
from archcalc.reports.accuracies import percent, protocol, protocols, said
from archcalc.reports.catalogue import DEEPEST
from archcalc.reports.depth_plot import Bar, draw_depths
from archcalc.reports.imagenet import imagenet
from archcalc.reports.library import Entry, Library
from archcalc.reports.network_table import by_year
from archcalc.reports.page import Page, table
from archcalc.reports.site import Site

PATH = "comparisons/depth.md"
TITLE = "The revolution of depth"


def depth_page(library: Library, site: Site) -> Page:
    """A deep network of each family, by year, with its error."""
    page = site.page(PATH, TITLE)
    entries = by_year(library.named(DEEPEST))
    page.add(
        "Of each family a network that shows how deep it went, by year. Papers count layers in "
        "their own ways, most of them those with weights on the longest path from the image to "
        "the answer, some without the last; that path stands beside their count, and alone where "
        "the paper gives none. The errors are published ones of single networks, not those of the "
        "challenge, which lectures print and which are of ensembles; errors from one view of each "
        "image, from ten, and from all of a larger image are not to be compared with each other."
    )
    bars = [
        Bar(
            name=entry.name,
            year=entry.about.year,
            depth=_depth(entry),
            counted=entry.about.published_depth is not None,
            error=_error(entry),
            protocol=said(protocol(entry)),
        )
        for entry in entries
    ]
    site.plot(
        page,
        "comparison-depth",
        "The depth of a network of each family, by year: from "
        f"{bars[0].depth} layers in {bars[0].year} to {max(bar.depth for bar in bars)}.",
        lambda path: draw_depths(path, bars),
    )
    found = protocols(entries)
    rows = [
        [
            str(entry.about.year),
            page.link(entry.title, entry.page),
            str(entry.about.published_depth or ""),
            str(entry.figures.weight_layers),
            *(percent(_error(entry)) if protocol(entry) == crops else "" for crops in found),
            short(entry.figures.params),
            short(entry.figures.macs),
        ]
        for entry in entries
    ]
    errors = [f"top-5 error, %, {said(crops)}" for crops in found]
    headings = ["year", "network", "depth, the paper's", "longest path", *errors, "params", "MACs"]
    page.add(table(headings, rows, "rl" + "r" * (len(headings) - 2)))
    page.heading("All of them, by depth")
    deepest = sorted(imagenet(library), key=lambda entry: -entry.figures.weight_layers)
    page.add(
        table(
            ["network", "year", "depth, the paper's", "longest path", "layers in all"],
            [
                [
                    page.link(entry.title, entry.page),
                    str(entry.about.year),
                    str(entry.about.published_depth or ""),
                    str(entry.figures.weight_layers),
                    str(len(entry.analysis.layers)),
                ]
                for entry in deepest
            ],
            "lrrrr",
        )
    )
    return page


def _depth(entry: Entry) -> int:
    """As its paper counts it, else the layers with weights on the longest path."""
    return entry.about.published_depth or entry.figures.weight_layers


def _error(entry: Entry) -> float | None:
    """The published top-5 error, in percent."""
    accuracy = entry.about.accuracy
    return None if accuracy is None or accuracy.top5 is None else 100 - accuracy.top5
