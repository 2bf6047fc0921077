"""The page of a family: its variants side by side, and the spec that they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archcalc.comparing.compare import contrast
from archcalc.layers.setting_text import setting_text
from archcalc.quantity.at_least import known_part
from archcalc.render.compare_plot import draw_contrast
from archcalc.reports.library import Entry
from archcalc.reports.network_page import family_page, paper_link, spec_of
from archcalc.reports.network_table import network_table
from archcalc.reports.page import Markup, Page, code, fenced, joined, table
from archcalc.reports.site import Site


def page_of_family(entries: Sequence[Entry], site: Site) -> Page:
    """The variants of one spec file."""
    family = entries[0].family
    page = site.page(family_page(entries[0]), family.about.title or family.name)
    work = joined([family.about.authors, paper_link(family.about.paper)], ": ")
    page.add(Markup(f"{work} ({family.about.year}).") if work and family.about.year else work)
    page.heading("Variants")
    in_millions = all(known_part(entry.figures.macs) >= 10**6 for entry in entries)
    page.add(network_table(page, entries, in_millions=in_millions))
    site.plot(
        page,
        f"family-{family.name}",
        "Bars of the parameters, MACs and activations of "
        f"{', '.join(entry.name for entry in entries)}, divided into stages.",
        lambda path: draw_contrast(path, contrast([entry.analysis for entry in entries])),
    )
    page.add(_differences(entries))
    page.heading("Spec")
    page.add(f"{code(family.source.name)}, without its published figures:")
    page.add(fenced(spec_of(entries[0]), "yaml"))
    return page


def _differences(entries: Sequence[Entry]) -> str:
    """The parameters in which those variants differ that have the same layers else."""
    bodies = Counter(id(entry.analysis.graph.network.body) for entry in entries)
    alike = [entry for entry in entries if bodies[id(entry.analysis.graph.network.body)] > 1]
    given = [entry.analysis.graph.parameters for entry in alike]
    names = given[0] if given else []
    differing = [name for name in names if len({repr(values[name]) for values in given}) > 1]
    if not differing:
        return ""
    rows = [
        [code(entry.name), *(code(setting_text(values[name])) for name in differing)]
        for entry, values in zip(alike, given, strict=True)
    ]
    return table(["variant", *map(code, differing)], rows)
