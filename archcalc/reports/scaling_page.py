"""How the figures of a few networks grow, and the formulas behind it."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.errors import MissingExtraError, require_extra
from archcalc.parametric.scale import QUANTITIES, figures, possible_ways
from archcalc.render.scale import change_text, growth_rows
from archcalc.render.scale_plot import draw_scaling
from archcalc.reports.catalogue import GROWING, Growing
from archcalc.reports.library import Entry, Library
from archcalc.reports.page import Page, bullets, code, fenced, joined, table
from archcalc.reports.site import Site

PATH = "comparisons/scaling.md"
TITLE = "How networks grow"


def scaling_page(library: Library, site: Site) -> Page:
    """What twice the width, depth and resolution makes of some networks."""
    page = site.page(PATH, TITLE)
    page.add(
        "Twice as wide, a convolution has four times the weights and multiply-adds; on maps of "
        "twice the height and width it has four times the multiply-adds and the same weights. What "
        "a whole network makes of that depends on its ends: the image keeps its channels, the last "
        "layer its classes.",
        "Each cell of the tables has the ratio after doubling, the exponent that it amounts to, "
        "and behind the arrow the one that it approaches for large factors, unless it is there.",
    )
    for growing, entry in zip(GROWING, library.named(g.name for g in GROWING), strict=True):
        page.heading(entry.title)
        _add_network(page, growing, entry, site)
    return page


def _add_network(page: Page, growing: Growing, entry: Entry, site: Site) -> None:
    analysis = entry.analysis
    now = figures(analysis, [*QUANTITIES])
    ways = possible_ways(analysis)
    names = [way.name for way in ways]
    page.add(f"{page.link('All about it', entry.page)}. What is doubled:")
    page.add(bullets(f"{way.name}: {change_text(way)}" for way in ways))
    headings = ["quantity", "now", *names]
    page.add(
        table(
            headings,
            growth_rows(now, {way: way.growth([*now]) for way in ways}),
            "lr" + "l" * len(names),
        )
    )
    site.plot(
        page,
        f"scaling-{entry.name}",
        f"Parameters, MACs and memory of {entry.name} over the factor by which its "
        f"{', '.join(names)} grows.",
        lambda path: draw_scaling(path, analysis, ways),
    )
    try:
        formulas = _formulas(analysis, growing)
    except MissingExtraError as missing:
        site.leave_out(missing)
        return
    symbols = joined((code(label) for label in growing.symbols), " and ")
    page.add(f"In closed form, in {symbols}:", fenced(formulas, "text"))


def _formulas(analysis: Analysis, growing: Growing) -> str:
    require_extra("a formula", "sympy", "symbols")
    from archcalc.parametric.formulas.deriving import derive_formulas
    from archcalc.render.formula import text

    quantities = ("params", "macs", "activation_values")
    network = analysis.graph.network
    return text(derive_formulas(network, quantities, growing.symbols, assume=growing.assume))
