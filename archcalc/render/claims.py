"""Checked claims as tables, and the errata among them as a list by source."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from archcalc.claims.budgets import CheckedBudget
from archcalc.claims.checking import CheckedClaim
from archcalc.claims.printed import PERCENT, Verdict
from archcalc.quantity import plain
from archcalc.render import escape
from archcalc.render.table import csv_text, tabulate_rows

WRONG = (Verdict.DIFFERS, Verdict.UNEXPLAINED)
_KEYS = (
    "id", "network", "quantity", "printed", "computed", "deviation", "verdict", "because", "source",
)  # fmt: skip
WIDTH = 80
_WIDTHS = {"quantity": 34, "network": 16}


def record(checked: CheckedClaim) -> dict[str, object]:
    """A checked claim under fixed keys, in types that JSON knows."""
    claim = checked.claim
    changed = [f"{key}={plain(value)}" for key, value in claim.parameters.items()]
    if claim.input is not None:
        changed.append("input=" + "x".join(map(str, claim.input)))
    deviation = claim.printed.deviation(checked.computed)
    return {
        "id": claim.id,
        "network": " ".join([claim.network, *changed]),
        "quantity": claim.quantity,
        "printed": claim.printed.text,
        "computed": figure(checked.computed, claim.printed.unit),
        "deviation": None if deviation is None else f"{float(deviation):+.2%}",
        "verdict": checked.verdict.value,
        "expected": checked.expected,
        "convention": claim.convention,
        "shown_by": claim.shown_by,
        "shown": figure(checked.shown, claim.printed.unit),
        "because": claim.because,
        "source": claim.source,
    }


def figure(value: Any, unit: Fraction = Fraction(1)) -> object:
    """A computed value: integers as they are, other numbers to six digits, shapes with an x.

    Shares are shown as the claim prints them: in percent, where its `unit` is a hundredth.
    """
    if isinstance(value, (list, tuple)):
        return "x".join(str(plain(item)) for item in value)
    if unit == PERCENT and not isinstance(value, bool) and value is not None:
        return f"{float(value / unit):.4g}%"
    if isinstance(value, Fraction):
        return float(f"{float(value):.6g}")
    return plain(value)


def budget_record(checked: CheckedBudget) -> dict[str, object]:
    """A checked budget under the keys of a claim."""
    budget, bound = checked.budget, checked.budget.bound
    deviation = bound.deviation(checked.computed)
    nothing = dict.fromkeys(("convention", "shown_by", "because"), "")
    return nothing | {
        "id": "budget",
        "network": budget.network,
        "quantity": budget.quantity,
        "printed": bound.text,
        "computed": figure(checked.computed, bound.unit),
        "deviation": None if deviation is None else f"{float(deviation):+.2%}",
        "verdict": "kept" if checked.is_kept else "broken",
        "expected": checked.is_kept,
        "shown": None,
        "source": str(budget.place),
    }


def claim_table(
    checked: Iterable[CheckedClaim], form: str, budgets: Iterable[CheckedBudget] = ()
) -> str:
    """A row for each claim and budget, in any format of tabulate, or text, markdown, csv or json.

    Raises:
        UsageError: there is no such format.
    """
    records = [*map(record, checked), *map(budget_record, budgets)]
    if form == "json":
        return json.dumps(records, indent=1, ensure_ascii=False)
    if form == "csv":
        return csv_text([_KEYS, *([r[key] for key in _KEYS] for r in records)])
    if form == "text":
        keys: tuple[str, ...] = ("id", "network", "quantity", "printed", "computed", "verdict")
        rows = [[_cut(shown(r[key]), _WIDTHS.get(key)) for key in keys] for r in records]
    else:
        keys = _KEYS
        rows = [[shown(r[key]) for key in keys] for r in records]
    return tabulate_rows(keys, rows, form)


def errata(checked: Iterable[CheckedClaim], form: str) -> str:
    """The figures that are wrong, grouped by source: printed, computed, and the reason."""
    wrong = [claim for claim in checked if claim.verdict in WRONG]
    if form == "json":
        return json.dumps([record(claim) for claim in wrong], indent=1, ensure_ascii=False)
    by_source: dict[str, list[CheckedClaim]] = {}
    for claim in wrong:
        by_source.setdefault(claim.claim.source, []).append(claim)
    lines = []
    for source in sorted(by_source):
        if form == "markdown":
            lines += [f"## {escape.markdown(source)}", ""]
            lines += [f"- {escape.markdown(_erratum(claim))}" for claim in by_source[source]]
        else:
            lines.append(source)
            for claim in by_source[source]:
                lines += textwrap.wrap(
                    _erratum(claim), WIDTH, initial_indent="  ", subsequent_indent="    "
                )
        lines.append("")
    return "\n".join(lines).rstrip("\n")


def _erratum(checked: CheckedClaim) -> str:
    claim = record(checked)
    text = (
        f"{claim['network']}, {claim['quantity']}: printed {claim['printed']}, "
        f"computed {shown(claim['computed'])}"
    )
    if checked.verdict is Verdict.UNEXPLAINED:
        return f"{text}; unexplained. {claim['because']}".rstrip()
    value = "" if checked.shown is True else f" = {shown(claim['shown'])}"
    return f"{text}. {claim['because']} ({claim['shown_by']}{value})"


def shown(value: object) -> str:
    """A computed value as text: `true`, `1,234`; empty for None."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: width - 1] + "…"
