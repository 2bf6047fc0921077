"""The works that print the figures: lectures, papers, code."""

from __future__ import annotations

from collections import Counter

from archcalc.claims.works import UNKNOWN, Work, printings, works
from archcalc.render.numbers import counted
from archcalc.reports.library import Library
from archcalc.reports.page import Markup, Page, details, joined, markdown, table, web
from archcalc.reports.site import Site

PATH = "sources.md"
TITLE = "The sources of the published figures"


def sources_page(library: Library, site: Site) -> Page:
    """Each work with its title, authors, year and place, and the slides that figures stand on."""
    page = site.page(PATH, TITLE)
    printed = Counter(
        name
        for checked in library.claims
        for name in {printing.work for printing in printings(checked.claim.source)}
    )
    page.add(
        "The figures that are held against computed ones are those that these works print. The "
        "lectures are five sets of slides; what their text does not say of them is not known. A "
        "figure in a lecture is named by the heading of its slide."
    )
    known = [work for work in works().values() if work.name in printed]
    for heading, found in (
        ("Lectures", [work for work in known if work.is_lecture]),
        ("Papers, code and other texts", [work for work in known if not work.is_lecture]),
    ):
        if found:
            page.heading(heading)
        for work in found:
            page.add(f"### {markdown(work.name)}", *_about(work, printed[work.name]))
    return page


def _about(work: Work, figures: int) -> list[str]:
    rows = [
        ("title", work.title),
        ("authors" if "," in work.authors else "author", work.authors),
        ("year", work.year),
        ("place", work.place),
    ]
    if not work.is_lecture:
        rows = [(what, value) for what, value in rows if value]
    address = web(work.address, work.address) if work.address else ""
    lines = [
        *(joined([f"{what}: {value or UNKNOWN}"]) for what, value in rows),
        Markup(f"at: {address}") if address else "",
        f"figures here: {figures}",
    ]
    blocks = ["\n".join(f"- {markdown(line)}" for line in lines if line)]
    if work.note:
        blocks.append(markdown(work.note))
    if work.slides:
        blocks.append(
            details(
                f"{counted(len(work.slides), 'slide')}, by the lines of the text",
                table(["from line", "slide"], [[str(n), text] for n, text in work.slides], "rl"),
            )
        )
    return blocks
