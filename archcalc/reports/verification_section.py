"""What the page of a network says of how its rules were compared with torch.

Nothing is measured here: it is what `archcalc verify --save` has left in the report.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from archcalc.claims.explaining import figure_text
from archcalc.errors import UsageError
from archcalc.reports.library import Entry
from archcalc.reports.page import Page, bullets, joined, markdown, table
from archcalc.reports.site import Site
from archcalc.verification import Conditions

PAGE = "verification/README.md"
RESULTS = "verification/results.json"


def add_verification(page: Page, entry: Entry, site: Site) -> None:
    """Adds the section; nothing for a network that was not verified.

    Raises:
        UsageError: the results cannot be read.
    """
    text = site.read(RESULTS)
    found = None if text is None or not entry.shipped else _results(text).get(entry.name)
    if found is None:
        return
    conditions, result = found
    compared = [f"{count:,} {subject}" for subject, count in result["compared"].items()]
    differences = result["differences"]
    verdict = f"{len(differences):,} differ" if differences else "all agree"
    if not any(result["compared"].values()):
        verdict = "nothing was measured"
    if result.get("not_measured"):  # results of earlier versions do not say
        verdict += f", {result['not_measured']:,} not measured"
    training_only = entry.analysis.training_only_layers
    heads = " Totals are with the heads that exist in training only." if training_only else ""
    page.heading("Verification")
    page.add(
        f"The rules beside {markdown(conditions)}: {joined(compared)}; {verdict}."
        f"{heads} {page.link('All networks verified', PAGE)}.",
        bullets(_difference(figure) for figure in differences),
        table(
            ["total", "by the rule", "by torch", ""],
            [
                [
                    f["quantity"],
                    figure_text(f["rule"]),
                    figure_text(f["measured"]),
                    f.get("note", ""),
                ]
                for f in result["totals"]
            ],
            "lrrl",
        ),
    )


@cache
def _results(text: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each network what was measured under, and what came of it."""
    try:
        kept = json.loads(text)
        conditions = str(Conditions(**kept["conditions"]))
        return {result["network"]: (conditions, result) for result in kept["networks"]}
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{RESULTS} is not a result of archcalc verify: {error!r}") from None


def _difference(figure: dict[str, Any]) -> str:
    where = figure["layer"] or "in all"
    return (
        f"{where}: {figure['quantity']} {figure_text(figure['rule'])} by the rule, "
        f"{figure_text(figure['measured'])} by torch"
    )
