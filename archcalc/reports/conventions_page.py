"""Who counts what: the totals that other tools print for the same networks."""

from __future__ import annotations

from archcalc.other_tools import CONVENTIONS, Convention, totals
from archcalc.quantity.at_least import is_open
from archcalc.render.numbers import short
from archcalc.reports.catalogue import COUNTED_BY_OTHERS
from archcalc.reports.library import Library
from archcalc.reports.page import Page, table
from archcalc.reports.site import Site

PATH = "comparisons/conventions.md"
TITLE = "Who counts what"


def conventions_page(library: Library, site: Site) -> Page:
    """What other tools print for ten networks, and what they count."""
    page = site.page(PATH, TITLE)
    page.add(
        "The same network has as many totals as there are tools: some print multiply-accumulates "
        "and call them FLOPs, some add norms, activations or biases, and what a tool does not "
        "know it counts as 0. Below are the totals that each prints for the networks that "
        "archcalc exports, by the rules that stand under the table; `archcalc conventions NAME` "
        "has them for any network. A number in a paper that cannot be placed is often one of "
        "these."
    )
    entries = library.named(COUNTED_BY_OTHERS)
    found = [totals(entry.analysis) for entry in entries]
    rows = [
        [
            convention.name,
            convention.prints,
            *[_text(of_network[convention.name]) for of_network in found],
        ]
        for convention in CONVENTIONS.values()
        if convention.is_of_operations
    ]
    own = ["archcalc", "MACs", *[short(entry.figures.macs) for entry in entries]]
    headings = ["convention", "prints", *[page.link(entry.name, entry.page) for entry in entries]]
    page.add(table(headings, [own, *rows], "ll" + "r" * len(entries)))
    page.heading("What each counts")
    page.add(
        table(["convention", "tool", "counts"], [_rule(c) for c in CONVENTIONS.values()], "lll")
    )
    return page


def _text(total: int) -> str:
    return "?" if is_open(total) else short(total)


def _rule(convention: Convention) -> list[str]:
    counts = ". ".join(filter(None, [convention.rule, convention.wrong]))
    return [convention.name, convention.tool, f"{counts}."]
