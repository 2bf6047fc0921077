"""The published figures that are wrong, by the work that printed them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.claims.checking import CheckedClaim
from archcalc.claims.printed import Verdict
from archcalc.render.claims import WRONG, record, shown
from archcalc.reports.claim_tables import quantity, reason
from archcalc.reports.library import Library
from archcalc.reports.page import Markup, Page, anchor, bullets, table, web
from archcalc.reports.site import Site

PATH = "errata.md"


class Printing(NamedTuple):
    """Where a figure is printed.

    Attributes:
        work: the lecture or paper.
        place: the line, section, table or figure in it; empty where unknown.
    """

    work: str
    place: str


def errata_page(library: Library, site: Site) -> Page:
    """Every figure that is wrong, once under each work that prints it."""
    page = site.page(PATH, "Errata")
    wrong = [checked for checked in library.claims if checked.verdict in WRONG]
    unexplained = sum(checked.verdict is Verdict.UNEXPLAINED for checked in wrong)
    page.add(
        f"Of {len(library.claims)} published figures {len(wrong)} are wrong: rounded as printed, "
        f"they are not what the network has. Of {len(wrong) - unexplained} the reason is known, "
        "with arithmetic over the layers that gives the printed figure or shows the slip; "
        f"{unexplained} remain unexplained. A figure that several works print stands under each."
    )
    by_work: dict[str, list[tuple[str, CheckedClaim]]] = {}
    for checked in wrong:
        for work, place in printings(checked.claim.source):
            by_work.setdefault(work, []).append((place, checked))
    works = sorted(by_work, key=str.casefold)
    page.add(bullets(Markup(f"{web(work, anchor(work))}: {len(by_work[work])}") for work in works))
    known = {entry.name: entry for entry in library.entries}
    for work in works:
        page.heading(work)
        rows = []
        for place, checked in sorted(by_work[work], key=lambda item: _natural(item[0])):
            figures = record(checked)
            network = known.get(checked.claim.network)
            name = checked.claim.network
            rows.append(
                [
                    place,
                    checked.claim.id,
                    page.link(name, network.page) if network else name,
                    str(figures["printed"]),
                    shown(figures["computed"]),
                    Markup(f"{quantity(checked)}: {reason(checked)}"),
                ]
            )
        headings = ["where", "id", "network", "printed", "computed", "what, and why"]
        page.add(table(headings, rows, "lllrrl"))
    return page


def printings(source: str) -> Iterator[Printing]:
    """`AlexNet paper, figure 2; lectures 002, L130; 004, L77` as three printings."""
    lectures = False
    for part in source.split(";"):
        work, _, place = part.strip().partition(",")
        if re.fullmatch(r"\d{3}", work) and lectures:
            work = f"lecture {work}"
        lectures = re.fullmatch(r"lectures? \d{3}", work) is not None
        yield Printing(work.replace("lectures ", "lecture "), place.strip())


def _natural(place: str) -> list[tuple[bool, int, str]]:
    """Orders places as people do: L9 before L60."""
    parts: Iterable[str] = re.split(r"(\d+)", place)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
