"""What the page of a network says about its receptive field."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.comparing.stages import output_strides, stride_text
from archcalc.render.numbers import local_beside, per_axis
from archcalc.reports.growth_plot import Growth, draw_growth, growth
from archcalc.reports.library import Entry
from archcalc.reports.page import Page, code, table
from archcalc.reports.site import Site
from archcalc.reports.waypoints import waypoints
from archcalc.unit_field import path_sizes

_LEAST_DRAWN = 3  # points: fewer make no curve


def add_field(page: Page, entry: Entry, site: Site) -> None:
    """Adds the section; nothing where the input has no positions."""
    analysis = entry.analysis
    if not analysis.input.grid:
        return
    page.heading("Receptive field")
    found = growth(analysis)
    if len(found) >= _LEAST_DRAWN:
        last = found[-1]
        site.plot(
            page,
            f"{entry.name}-field",
            f"The receptive field of {entry.title} over its depth: {last.field} pixels at "
            f"{last.layer}, {last.smallest} by the smallest path.",
            lambda path: draw_growth(path, analysis, found),
        )
    page.add(_stage_table(analysis, found), _what_follows(analysis))


def _stage_table(analysis: Analysis, found: list[Growth]) -> str:
    """A row for the last waypoint of each stage."""
    strides, paths = output_strides(analysis), path_sizes(analysis)
    last_of = {strides[point.layer]: point.layer for point in found}
    branched = any(point.smallest != point.field for point in found)
    rows = []
    for stride, name in last_of.items():
        layer = analysis.layer(name)
        smallest = [per_axis(paths[name].smallest)] if branched else []
        rows.append(
            [
                stride_text(stride),
                code(name),
                per_axis(layer.receptive_field)
                + local_beside(layer.receptive_field, layer.local_receptive_field),
                *smallest,
                per_axis(layer.jump, "-"),
                per_axis(layer.offset, "-"),
            ]
        )
    smallest = ["by the smallest path"] if branched else []
    headings = ["stage", "up to", "field", *smallest, "jump", "offset"]
    return table(headings, rows, "ll" + "r" * (len(headings) - 2)) if rows else ""


def _what_follows(analysis: Analysis) -> str:
    """From which layer on every unit sees everything."""
    for layer, _ in waypoints(analysis):
        if layer.receptive_field == "all":
            return f"From {code(layer.name)} on, every value depends on the whole image."
    return ""
