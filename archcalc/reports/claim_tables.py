"""Published figures on pages: tables of verdicts, and why figures are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from archcalc.claims.checking import CheckedClaim
from archcalc.claims.printed import Verdict
from archcalc.render.claims import WRONG, record, shown
from archcalc.reports.page import Markup, code, joined, markdown, table


def tally(checked: Iterable[CheckedClaim]) -> str:
    """How many figures came to which verdict: `30 agree, 2 differ`."""
    counts = Counter(claim.verdict for claim in checked)
    return ", ".join(f"{counts[v]} {_SAID[v]}" for v in Verdict if counts[v])


_SAID = {
    Verdict.AGREES: "agree",
    Verdict.TRUNCATED: "agree by truncation",
    Verdict.APPROXIMATELY: "agree approximately",
    Verdict.DIFFERS: "differ for a known reason",
    Verdict.UNEXPLAINED: "differ for an unknown reason",
}


def claim_table(checked: Sequence[CheckedClaim]) -> str:
    """A row for each figure about one network."""
    rows = []
    for claim in checked:
        figures = record(claim)
        rows.append(
            [
                claim.claim.id,
                quantity(claim),
                str(figures["printed"]),
                shown(figures["computed"]),
                str(figures["verdict"]),
                claim.claim.source,
            ]
        )
    headings = ["id", "figure", "printed", "computed", "verdict", "source"]
    return table(headings, rows, "llrrll")


def quantity(checked: CheckedClaim) -> Markup:
    """What a figure is of, with what was changed of the network, and what was counted."""
    claim = checked.claim
    changed = str(record(checked)["network"]).removeprefix(claim.network).strip()
    at = Markup(f" at {code(changed)}") if changed else Markup("")
    said = Markup(f" ({markdown(claim.convention)})") if claim.convention else Markup("")
    return Markup(code(" ".join(claim.quantity.split())) + at + said)


def reasons(checked: Iterable[CheckedClaim]) -> list[Markup]:
    """For each figure that is wrong or has a remark: which it is, and what there is to say."""
    return [
        Markup(
            f"{markdown(claim.claim.id)}: {quantity(claim)}, "
            f"printed {markdown(claim.claim.printed.text)}: {reason(claim)}"
        )
        for claim in checked
        if claim.verdict in WRONG or claim.claim.because
    ]


def reason(checked: CheckedClaim) -> Markup:
    """Why a figure is wrong, with the arithmetic that shows it; or that nobody knows."""
    figures = record(checked)
    because = markdown(checked.claim.because)
    if checked.verdict is Verdict.UNEXPLAINED:
        return joined(["unexplained.", because], " ")
    if not checked.claim.shown_by:
        return because
    value = "" if checked.shown is True else f" = {shown(figures['shown'])}"
    expression = " ".join(checked.claim.shown_by.split())
    return Markup(f"{because} ({code(expression)}{markdown(value)})")
