"""What accuracy costs: the chart of accuracy against multiply-adds."""

from __future__ import annotations

from archcalc.reports.imagenet import distinct, imagenet, views
from archcalc.reports.library import Library
from archcalc.reports.network_table import millions, percent
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
        "networks of a family that cost nearly the same, the chart has one; the table has all."
    )
    points = [
        Point(
            label=entry.name,
            group=str(entry.about.year),
            x=entry.figures.macs,
            y=top1[entry.name],
            area=entry.figures.params,
            hollow=views(entry) != 1,
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
    rows = [
        [
            page.link(entry.title, entry.page),
            percent(top1[entry.name]),
            percent(entry.about.accuracy.top5 if entry.about.accuracy else None),
            str(views(entry) or ""),
            millions(entry.figures.macs),
            millions(entry.figures.params),
            f"{top1[entry.name] / (entry.figures.params / 10**6):.2f}",
            entry.about.accuracy.source if entry.about.accuracy else "",
        ]
        for entry in entries
    ]
    headings = ["network", "top-1", "top-5", "views", "MACs, M", "params, M", "top-1 per M params",
                "accuracy from"]  # fmt: skip
    page.add(table(headings, rows, "lrrrrrrl"))
    return page
