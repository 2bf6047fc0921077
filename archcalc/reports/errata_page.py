"""The published figures that do not agree, by verdict and by the work that prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archcalc.claims.check import CheckedClaim
from archcalc.claims.printed import Verdict
from archcalc.claims.works import Printing, printings, readable
from archcalc.render.check import FAULTS, computed_text, tally
from archcalc.render.numbers import counted
from archcalc.reports import sources_page
from archcalc.reports.claim_tables import ids, place, quantity, reason
from archcalc.reports.library import Library
from archcalc.reports.page import Markup, Page, anchor, bullets, joined, markdown, table, web
from archcalc.reports.site import Site

PATH = "errata.md"
UNDECIDABLE = "Not decidable here"


def errata_page(library: Library, site: Site) -> Page:
    """Every figure that does not agree, under its verdict, once for each work that prints it."""
    page = site.page(PATH, "Errata")
    sources = page.link("sources", sources_page.PATH)
    page.add(
        f"{tally(library.claims)}. Only the first of the lists below says that a figure is "
        "wrong. The second says of which variant, rounding or convention a figure is, and the "
        "third that nothing known here makes it. A figure that several works print stands under "
        f"each; the {sources} say which works these are."
    )
    sections = [
        (name, meaning, [claim for claim in library.claims if claim.verdict is verdict])
        for verdict, (name, meaning) in FAULTS.items()
    ]
    undecided = [claim for claim in library.claims if claim.verdict is Verdict.UNDECIDABLE]
    page.add(
        bullets(
            Markup(f"{web(name, anchor(name))}: {counted(len(claims), 'figure')}. {meaning}")
            for name, meaning, claims in sections
        )
    )
    for name, meaning, claims in sections:
        page.heading(name)
        page.add(meaning)
        _add_works(page, library, claims)
    page.heading(UNDECIDABLE)
    page.add(
        "What these say does not follow from the layers: above all error rates, which are measured "
        "on images."
    )
    page.add(bullets(_undecided(claim) for claim in undecided))
    return page


def _add_works(page: Page, library: Library, claims: Iterable[CheckedClaim]) -> None:
    by_work: dict[str, list[tuple[Printing, CheckedClaim]]] = {}
    for checked in claims:
        for printing in printings(checked.claim.source):
            by_work.setdefault(printing.work, []).append((printing, checked))
    known = {entry.name: entry for entry in library.entries}
    for work in sorted(by_work, key=str.casefold):
        page.add(f"### {page.link(work, sources_page.PATH, anchor(work))}")
        rows = []
        for printing, checked in sorted(by_work[work], key=lambda item: _natural(item[0].place)):
            name = checked.claim.network
            network = known.get(name)
            rows.append(
                [
                    place(printing),
                    ids(checked),
                    page.link(name, network.page) if network else name,
                    checked.claim.said,
                    computed_text(checked),
                    joined([quantity(checked), reason(checked)], ": "),
                ]
            )
        headings = ["where", "id", "network", "printed", "computed", "what, and why"]
        page.add(table(headings, rows, "lllrrl"))


def _undecided(checked: CheckedClaim) -> Markup:
    return Markup(
        f"{markdown(ids(checked))}, {markdown(checked.claim.network)}: "
        f"{markdown(checked.claim.said)} ({markdown(readable(checked.claim.source))}). "
        f"{markdown(checked.because)}"
    )


def _natural(place: str) -> list[tuple[bool, int, str]]:
    """Orders places as people do: L9 before L60."""
    parts: Iterable[str] = re.split(r"(\d+)", place)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
