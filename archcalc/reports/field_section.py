"""What the page of a network says about its receptive field."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.comparing.stages import output_strides, stride_text
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.quantity.arithmetic import certainly_one
from archcalc.receptive_field.words import words_for
from archcalc.render.numbers import counted, local_beside, per_axis
from archcalc.reports.growth_plot import Growth, draw_growth, growth
from archcalc.reports.library import Entry
from archcalc.reports.page import Page, code, table
from archcalc.reports.site import Site
from archcalc.reports.waypoints import waypoints
from archcalc.unit_field import path_sizes, unit_field

_LEAST_DRAWN = 3  # points: fewer make no curve


def add_field(page: Page, entry: Entry, site: Site) -> None:
    """Adds the section; nothing where the input has no positions."""
    analysis = entry.analysis
    if not has_positions(analysis):
        return
    found, follows = growth(analysis), _what_follows(analysis)
    if follows and all(point.field == 1 for point in found):
        found = []  # attention alone sees more than a position: no windows that make it grow
    if not found and not follows:
        return
    page.heading("Receptive field")
    if len(found) >= _LEAST_DRAWN:
        _add_plot(page, entry, site, found)
    page.add(_stage_table(analysis, found), follows)


def has_positions(analysis: Analysis) -> bool:
    """Whether the input has positions of which a value may see some, and others not."""
    return not all(map(certainly_one, analysis.input.grid))


def _add_plot(page: Page, entry: Entry, site: Site, found: list[Growth]) -> None:
    last, position = found[-1], words_for(entry.analysis.input).position
    branched = any(point.smallest != point.field for point in found)
    by_the_smallest = f", {last.smallest} by the smallest path" if branched else ""
    site.plot(
        page,
        f"{entry.name}-field",
        f"The receptive field of {entry.title} over its depth: {counted(last.field, position)} at "
        f"{last.layer}{by_the_smallest}.",
        lambda path: draw_growth(path, entry.analysis, found),
    )


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
    """From which layer on every unit sees everything, or all that a causal one may see."""
    words = words_for(analysis.input)
    for layer, _ in waypoints(analysis):
        if layer.receptive_field == "all":
            everything = f"the whole {words.example}"
            if _looks_back(analysis, layer):
                everything = f"its own {words.position} and all before it"
            return f"From {code(layer.name)} on, every value depends on {everything}."
    return ""


def _looks_back(analysis: Analysis, layer: LayerAnalysis) -> bool:
    """Whether the first unit of a sequence sees the first position alone."""
    if len(analysis.input.grid) != 1 or [layer.origins.axes[n] for n in layer.unit_axes] != [0]:
        return False
    return unit_field(analysis, layer.name, (0,)).in_image == ((0, 0),)
