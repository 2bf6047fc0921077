"""Published figures on pages: tables of verdicts, and why figures differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archcalc.claims.check import CheckedClaim
from archcalc.claims.works import Printing, printings, slides_of, works
from archcalc.render.check import (
    FAULTS,
    arithmetic_text,
    computed_text,
    difference,
    record,
    shown_text,
    verdict_text,
)
from archcalc.reports import sources_page
from archcalc.reports.page import Markup, Page, anchor, code, joined, markdown, table


def claim_table(page: Page, checked: Sequence[CheckedClaim]) -> str:
    """A row for each figure about one network, its sources linked."""
    rows = [
        [
            ids(claim),
            quantity(claim),
            claim.claim.said,
            computed_text(claim),
            verdict_text(claim),
            sources(page, claim.claim.source),
        ]
        for claim in checked
    ]
    headings = ["id", "figure", "printed", "computed", "verdict", "source"]
    return table(headings, rows, "llrrll")


def ids(checked: CheckedClaim) -> str:
    """The ids under which a figure is known."""
    return ", ".join((checked.claim.id, *checked.claim.also))


def quantity(checked: CheckedClaim) -> Markup:
    """What a figure is of, with what was changed of the network, and what was counted."""
    claim = checked.claim
    changed = str(record(checked)["network"]).removeprefix(claim.network).strip()
    said = f"({claim.convention})" if claim.convention else ""
    return joined(
        [
            code(" ".join(claim.quantity.split())),
            Markup(f"at {code(changed)}") if changed else "",
            said,
        ],
        " ",
    )


def sources(page: Page, source: str) -> Markup:
    """Who printed a figure, each work linked to its entry on the page of sources."""
    return joined((printing_link(page, printing) for printing in printings(source)), "; ")


def printing_link(page: Page, printing: Printing) -> Markup:
    """A work, linked, and the place in it; of a lecture, the slide."""
    work: str = printing.work
    if work in works():
        work = page.link(work, sources_page.PATH, anchor(work))
    return joined([work, place(printing)])


def place(printing: Printing) -> str:
    """Where in a work a figure stands; in a lecture, on which slide."""
    slides = slides_of(printing)
    return f"slide {' and '.join(f'“{slide}”' for slide in slides)}" if slides else printing.place


def reasons(checked: Iterable[CheckedClaim]) -> list[Markup]:
    """For each figure that is at fault or has a remark: which it is, and what there is to say."""
    told = [claim for claim in checked if claim.verdict in FAULTS or claim.because]
    return [Markup(": ".join(filter(None, [_verdict(claim), reason(claim)]))) for claim in told]


def _verdict(claim: CheckedClaim) -> str:
    said = markdown(claim.claim.said)
    figure = f"{quantity(claim)}, printed {said}" if claim.claim.quantity else said
    return f"{markdown(ids(claim))}: {figure}, {verdict_text(claim)}"


def reason(checked: CheckedClaim) -> Markup:
    """Why a figure is not what archcalc computes, with the arithmetic that shows it."""
    by_source = arithmetic_text(checked)
    return joined(
        [
            difference(checked),
            f"By its own figures: {by_source}." if by_source else "",
            checked.because,
            Markup(f"({code(shown_text(checked))})") if checked.claim.shown_by else "",
        ],
        " ",
    )
