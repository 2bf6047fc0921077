"""Where the memory of networks goes: into parameters, or into activations."""

from __future__ import annotations

from archcalc.render.numbers import short, short_bytes
from archcalc.reports.imagenet import distinct, imagenet
from archcalc.reports.library import Library
from archcalc.reports.page import Page, table
from archcalc.reports.scatter_plot import Point, draw_scatter
from archcalc.reports.site import Site

PATH = "comparisons/activations.md"
TITLE = "Parameters against activations"


def activations_page(library: Library, site: Site) -> Page:
    """Parameters against activations: what a network costs to keep, and what to run."""
    page = site.page(PATH, TITLE)
    ordered = sorted(imagenet(library), key=lambda entry: -entry.figures.training_bytes)
    page.add(
        "Parameters are paid for once, activations for each image of a batch. AlexNet and VGG keep "
        "most of their memory in fully connected weights; networks that end in a global average "
        "pool have few weights and many maps, so their memory in training is that of activations. "
        "The last column says how many images it takes until the activations that the backward "
        "pass keeps outweigh the parameters. Of the networks of a family that cost nearly the "
        "same, the chart has one; the table has all."
    )
    points = [
        Point(
            label=entry.name,
            group=str(entry.about.year),
            x=entry.figures.params,
            y=entry.figures.training_bytes,
            area=entry.figures.macs,
        )
        for entry in distinct(ordered)
    ]
    site.plot(
        page,
        "comparison-activations",
        f"Bytes kept for the backward pass of {len(points)} networks against their parameters; "
        "areas are MACs.",
        lambda path: draw_scatter(
            path,
            points,
            x="parameters",
            y="bytes kept for the backward pass, one image",
            area="MACs",
            log_y=True,
        ),
    )
    rows = [
        [
            page.link(entry.title, entry.page),
            short(entry.figures.params),
            short_bytes(entry.analysis.totals.param_bytes),
            short_bytes(entry.figures.peak_bytes),
            short_bytes(entry.figures.training_bytes),
            f"{entry.analysis.totals.param_bytes / entry.figures.training_bytes:.1f}",
        ]
        for entry in ordered
    ]
    headings = ["network", "params", "bytes of params", "peak at inference", "kept in training",
                "images until as much"]  # fmt: skip
    page.add(table(headings, rows, "lrrrrr"))
    return page
