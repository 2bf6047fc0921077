"""Pages that set a few networks, or settings of one network, side by side."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.comparing.compare import Contrast, contrast
from archcalc.comparing.key_figures import key_figures
from archcalc.expansion import build_graph
from archcalc.render.compare import (
    Line,
    cell,
    input_lines,
    ratio_text,
    stage_lines,
    total_lines,
    totals_shown,
)
from archcalc.render.compare_plot import draw_contrast
from archcalc.render.mermaid import mermaid_text
from archcalc.render.numbers import exact, short_bytes
from archcalc.reports.catalogue import Grid, Selection
from archcalc.reports.grid_plot import draw_grid
from archcalc.reports.layer_tables import block_table, small_drawing
from archcalc.reports.library import Library
from archcalc.reports.network_table import network_table
from archcalc.reports.page import Page, code, details, fenced, table
from archcalc.reports.site import Site
from archcalc.spec.library import find_network
from archcalc.walk import analyze

_MOST_WITH_RATIOS = 2  # networks that stand beside each other with a ratio


def path_of(subject: Selection | Grid) -> str:
    """The path of the page about networks that are compared."""
    return f"comparisons/{subject.slug}.md"


def selection_page(selection: Selection, library: Library, site: Site) -> Page:
    """Networks side by side, in all and by stage."""
    entries = library.named(selection.names)
    page = site.page(path_of(selection), selection.title)
    found = contrast([entry.analysis for entry in entries])
    page.add(selection.about)
    site.plot(
        page,
        f"comparison-{selection.slug}",
        "Bars of the parameters, MACs and activations of "
        f"{', '.join(found.labels)}, divided into stages.",
        lambda path: draw_contrast(path, found),
    )
    if len(entries) > _MOST_WITH_RATIOS:
        page.add(network_table(page, entries, in_millions=True))
        by_stage = _line_table(found, list(stage_lines(found)), by_stage=True)
        page.add(details("Stage by stage", by_stage))
        return page
    page.add(
        _line_table(
            found,
            [*input_lines(found), *total_lines(found, totals_shown(found.totals))],
            by_stage=False,
        )
    )
    for entry in entries:
        page.heading(entry.title)
        page.add(f"{page.link('All about it', entry.page)}.")
        page.add(fenced(mermaid_text(small_drawing(entry.analysis)), "mermaid"))
        page.add(block_table(entry.analysis))
    return page


def grid_page(grid: Grid, site: Site) -> Page:
    """One network at all combinations of two parameters' values."""
    page = site.page(path_of(grid), grid.title)
    (row_name, row_values), (column_name, column_values) = grid.rows, grid.columns
    network = find_network(grid.name)
    cells = {
        (row, column): analyze(
            build_graph(network, parameters={row_name: row, column_name: column})
        )
        for row in row_values
        for column in column_values
    }
    page.add(grid.about)
    site.plot(
        page,
        f"comparison-{grid.slug}",
        f"The MACs of {grid.name} over {column_name}, a line for each {row_name}.",
        lambda path: draw_grid(path, grid, {at: cells[at].totals.macs for at in cells}),
    )
    largest = max(analysis.totals.macs for analysis in cells.values())
    rows = [_setting(at, analysis, largest) for at, analysis in cells.items()]
    headings = [code(row_name), code(column_name), "params", "MACs", "share of the MACs",
                "activations, lecture", "activations, peak"]  # fmt: skip
    page.add(table(headings, rows, "rrrrrrr"))
    return page


def _setting(at: tuple[int | float, int | float], analysis: Analysis, largest: int) -> list[str]:
    figures = key_figures(analysis)
    return [
        *map(str, at),
        exact(figures.params),
        exact(figures.macs),
        f"{figures.macs / largest:.1%}",
        short_bytes(figures.lecture_bytes),
        short_bytes(figures.peak_bytes),
    ]


def _line_table(found: Contrast, lines: list[Line], *, by_stage: bool) -> str:
    """A row for each figure, a column for each network; of two, a ratio behind the second."""
    with_ratio = len(found.labels) <= _MOST_WITH_RATIOS
    rows, before = [], ""
    for line in lines:
        cells = [cell(line.figure, value) for value in line.values]
        if with_ratio:
            cells += [ratio_text(ratio) for ratio in line.ratios]
        stage = [line.stage if line.stage != before else ""] if by_stage else []
        rows.append([*stage, line.figure.heading, *cells])
        before = line.stage
    names = [code(label) for label in found.labels]
    headings = [*(["stage"] if by_stage else []), "figure", *names, *(["ratio"] * with_ratio)]
    words = 2 if by_stage else 1
    return table(headings, rows, "l" * words + "r" * (len(headings) - words))
