"""What accuracy costs: the chart of accuracy against multiply-adds."""

from __future__ import annotations

from archcalc.reports.accuracies import percent, protocol, protocols, said
from archcalc.reports.imagenet import distinct, imagenet
from archcalc.reports.library import Entry, Library
from archcalc.reports.network_table import millions
from archcalc.reports.page import Page, table
from archcalc.reports.scatter_plot import Point, draw_scatter
from archcalc.reports.site import Site

PATH = "comparisons/complexity.md"
TITLE = "Accuracy against multiply-adds and parameters"


def complexity_page(library: Library, site: Site) -> Page:
    """Accuracy against multiply-adds, with parameters as areas (after Canziani et al. 2016)."""
    page = site.page(PATH, TITLE)
    top1 = {
        entry.name: accuracy.top1
        for entry in imagenet(library)
        if (accuracy := entry.about.accuracy) is not None and accuracy.top1 is not None
    }
    entries = sorted(
        (entry for entry in imagenet(library) if entry.name in top1),
        key=lambda entry: -top1[entry.name],
    )
    page.add(
        "Each disc is a network: at the right what takes many multiply-adds, at the top what is "
        "often right, large what has many parameters. The chart is that of Canziani et al. 2016 "
        "(arXiv:1605.07678), with every cost computed from the layers. The accuracies are "
        "published ones, of training recipes that differ; a ring marks those that are not from a "
        "single view of each image, which flatters a network. Of the "
        "networks of a family that cost nearly the same, the chart has one; the tables have all, "
        "with a table for each way to measure."
    )
    points = [
        Point(
            label=entry.name,
            group=str(entry.about.year),
            x=entry.figures.macs,
            y=top1[entry.name],
            area=entry.figures.params,
            hollow=protocol(entry) != 1,
        )
        for entry in distinct(entries)
    ]
    site.plot(
        page,
        "comparison-complexity",
        f"Top-1 accuracy of {len(points)} networks against their MACs; areas are parameters.",
        lambda path: draw_scatter(
            path, points, x="MACs, one image", y="top-1 accuracy, %", area="params"
        ),
    )
    for crops in protocols(entries):
        page.heading(f"Accuracy: {said(crops)}")
        page.add(_table(page, [entry for entry in entries if protocol(entry) == crops]))
    return page


def _table(page: Page, entries: list[Entry]) -> str:
    """Networks whose accuracy was measured in the same way."""
    rows = []
    for entry in entries:
        accuracy = entry.about.accuracy
        if accuracy is None or accuracy.top1 is None:
            continue
        rows.append(
            [
                page.link(entry.title, entry.page),
                percent(accuracy.top1),
                percent(accuracy.top5),
                millions(entry.figures.macs),
                millions(entry.figures.params),
                f"{accuracy.top1 / (entry.figures.params / 10**6):.2f}",
                accuracy.source,
            ]
        )
    headings = ["network", "top-1", "top-5", "MACs, M", "params, M", "top-1 per M params",
                "accuracy from"]  # fmt: skip
    return table(headings, rows, "lrrrrrl")
