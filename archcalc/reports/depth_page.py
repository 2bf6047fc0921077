"""How deep networks became, and how much better."""

from __future__ import annotations

from archcalc.render.numbers import short
from archcalc.reports.depth_plot import Bar, draw_depths
from archcalc.reports.imagenet import imagenet
from archcalc.reports.library import Entry, Library
from archcalc.reports.network_table import by_year
from archcalc.reports.page import Page, table
from archcalc.reports.site import Site

PATH = "comparisons/depth.md"
TITLE = "The revolution of depth"


def depth_page(library: Library, site: Site) -> Page:
    """The deepest networks of each year, and their errors."""
    page = site.page(PATH, TITLE)
    errors = {
        entry.name: 100 - accuracy.top5
        for entry in imagenet(library)
        if (accuracy := entry.about.accuracy) is not None and accuracy.top5 is not None
    }
    entries = _best_of_families(library, errors)
    page.add(
        "Of each family the network with the fewest published top-5 errors on ImageNet, by year. "
        "Depth counts the layers with weights on the longest path from the image to the answer. "
        "The errors are of single networks; those of the challenge, which lectures print, are of "
        "ensembles."
    )
    bars = [
        Bar(entry.name, entry.about.year, entry.figures.weight_layers, errors[entry.name])
        for entry in entries
    ]
    site.plot(
        page,
        "comparison-depth",
        "The depth of the best network of each family, by year: from "
        f"{bars[0].depth} layers in {bars[0].year} to {max(bar.depth for bar in bars)}.",
        lambda path: draw_depths(path, bars),
    )
    rows = [
        [
            str(entry.about.year),
            page.link(entry.title, entry.page),
            str(entry.figures.weight_layers),
            f"{errors[entry.name]:.1f}",
            short(entry.figures.params),
            short(entry.figures.macs),
        ]
        for entry in entries
    ]
    headings = ["year", "network", "depth", "top-5 error, %", "params", "MACs"]
    page.add(table(headings, rows, "rlrrrr"))
    page.heading("All of them, by depth")
    deepest = sorted(imagenet(library), key=lambda entry: -entry.figures.weight_layers)
    page.add(
        table(
            ["network", "year", "depth", "layers in all"],
            [
                [
                    page.link(entry.title, entry.page),
                    str(entry.about.year),
                    str(entry.figures.weight_layers),
                    str(len(entry.analysis.layers)),
                ]
                for entry in deepest
            ],
            "lrrr",
        )
    )
    return page


def _best_of_families(library: Library, errors: dict[str, float]) -> list[Entry]:
    """Of each family the network with the fewest errors, by year."""
    best: dict[str, Entry] = {}
    for entry in imagenet(library):
        if entry.name in errors:
            held = best.setdefault(entry.family.name, entry)
            best[entry.family.name] = min(held, entry, key=lambda entry: errors[entry.name])
    return by_year(best.values())
