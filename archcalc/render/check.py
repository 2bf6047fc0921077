"""Checked claims as tables, and those that find fault as a list by source."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from archcalc.claims.arithmetic import Arithmetic
from archcalc.claims.budgets import CheckedBudget
from archcalc.claims.check import CheckedClaim
from archcalc.claims.explaining import figure_text
from archcalc.claims.printed import Verdict
from archcalc.claims.works import citation, printings, readable, works
from archcalc.quantity.arithmetic import plain
from archcalc.render import escape
from archcalc.render.escape import Markup
from archcalc.render.numbers import counted
from archcalc.render.output import WIDTH, Data, Document, Part, Table

# The verdicts other than agreement: what they are called, and what they mean.
FAULTS = {
    Verdict.WRONG: (
        "Wrong",
        "The source's own figures make another one, which is what archcalc computes.",
    ),
    Verdict.DIFFERS: (
        "Different",
        "The figure is that of another variant, of another rounding or convention, or follows from "
        "another figure; said which.",
    ),
    Verdict.UNEXPLAINED: (
        "Unexplained",
        "archcalc computes another figure, and where the printed one comes from is not known.",
    ),
}
_VERBS = {
    Verdict.AGREES: ("agrees", "agree"),
    Verdict.TRUNCATED: ("agrees by truncation", "agree by truncation"),
    Verdict.APPROXIMATELY: ("agrees approximately", "agree approximately"),
    Verdict.WRONG: ("is wrong", "are wrong"),
    Verdict.DIFFERS: ("differs", "differ"),
    Verdict.UNEXPLAINED: ("is unexplained", "are unexplained"),
    Verdict.UNDECIDABLE: ("is not decidable here", "are not decidable here"),
}
_OF_BUDGETS = {
    Verdict.AGREES: "kept",
    Verdict.DIFFERS: "broken",
    Verdict.UNDECIDABLE: "undecidable",
}
_DIFFERS_BY = {
    "variant": "Another variant.",
    "rounding": "Another rounding.",
    "convention": "Another convention.",
    "another figure": "Follows from another figure.",
}
_KEYS = (
    "id", "network", "quantity", "printed", "computed", "deviation", "verdict", "because", "source",
)  # fmt: skip


def tally(checked: Sequence[CheckedClaim]) -> str:
    """`33 published figures: 30 agree, 1 is wrong, 2 differ`; `no published figures`."""
    counts = Counter(claim.verdict for claim in checked)
    told = [f"{counts[v]} {_VERBS[v][counts[v] > 1]}" for v in Verdict if counts[v]]
    text = counted(len(checked), "published figure")
    return f"{text}: {', '.join(told)}" if told else text


def verdict_text(checked: CheckedClaim) -> str:
    """The verdict, with what the figure differs by: `differs (rounding)`."""
    by = f" ({checked.claim.by})" if checked.verdict is Verdict.DIFFERS and checked.claim.by else ""
    return checked.verdict.value + by


def record(checked: CheckedClaim) -> dict[str, object]:
    """A checked claim under fixed keys, in types that JSON knows."""
    claim = checked.claim
    changed = [f"{key}={plain(value)}" for key, value in claim.parameters.items()]
    given = claim.input if isinstance(claim.input, dict) else {"": claim.input or ()}
    shapes = {name: "x".join(map(str, sizes)) for name, sizes in given.items()}
    changed += [f"input={f'{name}=' if name else ''}{x}" for name, x in shapes.items() if x]
    deviation = claim.printed.deviation(checked.computed) if claim.printed else None
    return {
        "id": claim.id,
        "also": list(claim.also),
        "network": " ".join([claim.network, *changed]),
        "quantity": claim.quantity,
        "printed": claim.printed.text if claim.printed else None,
        "statement": claim.statement,
        "computed": figure(checked.computed),
        "deviation": None if deviation is None else float(deviation),
        "verdict": checked.verdict.value,
        "by": claim.by,
        "expected": checked.expected,
        "convention": claim.convention,
        "shown_by": claim.shown_by,
        "shown": figure(checked.shown),
        "arithmetic": _arithmetic_record(claim.arithmetic, checked.by_source),
        "because": checked.because,
        "source": readable(claim.source),
    }


def _arithmetic_record(arithmetic: Arithmetic | None, value: Any) -> dict[str, object] | None:
    if arithmetic is None:
        return None
    parts = [
        {"name": part.name, "figure": part.text, "source": readable(part.source)}
        for part in arithmetic.parts
    ]
    return {"expression": arithmetic.expression, "parts": parts, "value": figure(value)}


def figure(value: Any) -> object:
    """A computed value in types that JSON knows: shapes with an x between, fractions as floats."""
    if isinstance(value, (list, tuple)):
        return "x".join(str(plain(item)) for item in value)
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return plain(value)


def computed_text(checked: CheckedClaim) -> str:
    """What archcalc computes; shares in percent, where the claim prints them so."""
    return _text_as_printed(checked, checked.computed)


def _text_as_printed(checked: CheckedClaim, value: Any) -> str:
    printed = checked.claim.printed
    return figure_text(value, printed.unit if printed else Fraction(1))


def shown_text(checked: CheckedClaim) -> str:
    """The expression that shows why, and its value: `kinds[conv].macs = 15,346,630,656`."""
    expression = " ".join(checked.claim.shown_by.split())
    if not expression or checked.shown is True:
        return expression
    return f"{expression} = {_text_as_printed(checked, checked.shown)}"


def arithmetic_text(checked: CheckedClaim) -> str:
    """The arithmetic of the source: `55 * 48 * 2 = 5,280 (size 55, … in …)`; empty without one.

    Parts whose names are not words stand in the arithmetic only.
    """
    arithmetic = checked.claim.arithmetic
    if arithmetic is None:
        return ""
    value = _text_as_printed(checked, checked.by_source)
    told = []
    for source, group in groupby(arithmetic.parts, key=lambda part: readable(part.source)):
        named = [f"{part.name} {part.text}" for part in group if len(part.name) > 1]
        told.append(f"{', '.join(named)} in {source}" if named else f"in {source}")
    return f"{arithmetic.written_out} = {value} ({'; '.join(told)})"


def budget_record(checked: CheckedBudget) -> dict[str, object]:
    """A checked budget under the keys of a claim."""
    budget, bound = checked.budget, checked.budget.bound
    deviation = bound.deviation(checked.computed)
    nothing = dict.fromkeys(("statement", "by", "convention", "shown_by", "because"), "")
    return nothing | {
        "also": [],
        "arithmetic": None,
        "id": "budget",
        "network": budget.network,
        "quantity": budget.quantity,
        "printed": bound.text,
        "computed": figure(checked.computed),
        "deviation": None if deviation is None else float(deviation),
        "verdict": _OF_BUDGETS[checked.verdict],
        "expected": checked.is_kept,
        "shown": None,
        "source": str(budget.place),
    }


class CheckDocument(Document):
    """Checked claims and budgets."""

    checked: Sequence[CheckedClaim]
    budgets: Sequence[CheckedBudget] = ()

    def record(self) -> list[dict[str, object]]:
        """Each claim and budget."""
        return [*map(record, self.checked), *map(budget_record, self.budgets)]

    def data(self) -> Data:
        """A row for each claim and budget."""
        return Data(_KEYS, [[found[key] for key in _KEYS] for found in self.record()])

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each claim and budget; as text what fits a screen of it."""
        rows = [*map(_row_of_claim, self.checked), *map(_row_of_budget, self.budgets)]
        keys: Sequence[str] = _KEYS
        align = ""
        if form == "text":
            keys = ("id", "network", "quantity", "printed", "computed", "verdict")
            align = "lwwwwl"
        yield Table(keys, [[row[key] for key in keys] for row in rows], align)


def at_fault(checked: Iterable[CheckedClaim]) -> list[CheckedClaim]:
    """Those that are wrong, differ or are unexplained."""
    return [claim for claim in checked if claim.verdict in FAULTS]


class ErrataDocument(CheckDocument):
    """Claims that are at fault: wrong, different and unexplained ones apart, by source."""

    def parts(self, form: str) -> Iterator[Part]:
        """As text and in Markdown a paragraph for each figure; else the table of `check`."""
        if form in ("text", "markdown"):
            yield list(map(Markup, _errata(self.checked, form)))
        else:
            yield from super().parts(form)


def _row_of_claim(checked: CheckedClaim) -> dict[str, str]:
    """A claim as people read it."""
    found = record(checked)
    return {key: figure_text(found[key]) for key in _KEYS} | {
        "deviation": _percent_off(found["deviation"]),
        "printed": checked.claim.said,
        "computed": computed_text(checked),
        "verdict": verdict_text(checked),
    }


def _row_of_budget(checked: CheckedBudget) -> dict[str, str]:
    found = budget_record(checked)
    return {key: figure_text(found[key]) for key in _KEYS} | {
        "deviation": _percent_off(found["deviation"]),
        "computed": figure_text(checked.computed, checked.budget.bound.unit),
    }


def _percent_off(deviation: object) -> str:
    return f"{deviation:+.2%}" if isinstance(deviation, float) else ""


def _errata(at_fault: Sequence[CheckedClaim], form: str) -> list[str]:
    lines: list[str] = []
    for verdict, (name, meaning) in FAULTS.items():
        by_source: dict[str, list[CheckedClaim]] = {}
        for claim in at_fault:
            if claim.verdict is verdict:
                by_source.setdefault(readable(claim.claim.source), []).append(claim)
        if by_source:
            write = _errata_in_markdown if form == "markdown" else _errata_in_text
            lines += write(f"{name}: {sum(map(len, by_source.values()))}", meaning, by_source)
    if form == "text" and at_fault:
        lines += _lectures(at_fault)
    return lines if lines[-1:] != [""] else lines[:-1]


def _errata_in_text(
    heading: str, meaning: str, by_source: dict[str, list[CheckedClaim]]
) -> list[str]:
    lines = [heading, *textwrap.wrap(meaning, WIDTH), ""]
    for source in sorted(by_source, key=str.casefold):
        lines += textwrap.wrap(source, WIDTH)
        for claim in by_source[source]:
            lines += textwrap.wrap(
                erratum(claim), WIDTH, initial_indent="  ", subsequent_indent="    "
            )
        lines.append("")
    return lines


def _errata_in_markdown(
    heading: str, meaning: str, by_source: dict[str, list[CheckedClaim]]
) -> list[str]:
    lines = [f"## {escape.markdown(heading)}", "", escape.markdown(meaning), ""]
    for source in sorted(by_source, key=str.casefold):
        lines += [f"### {escape.markdown(source)}", ""]
        lines += [f"- {escape.markdown(erratum(claim))}" for claim in by_source[source]]
        lines.append("")
    return lines


def _lectures(checked: Iterable[CheckedClaim]) -> list[str]:
    """What the lectures are that the sources name."""
    named = {printing.work for claim in checked for printing in printings(claim.claim.source)}
    lectures = [work for name, work in works().items() if name in named and work.is_lecture]
    if not lectures:
        return []
    lines = ["Lectures"]
    for work in lectures:
        text = f"{work.name}: {citation(work)}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def difference(checked: CheckedClaim) -> str:
    """What a figure differs by, as a sentence; empty for others."""
    return _DIFFERS_BY[checked.claim.by] if checked.claim.by else ""


def erratum(checked: CheckedClaim) -> str:
    """A figure that is at fault, in a paragraph."""
    claim = record(checked)
    name = f"{checked.claim.id}, " if checked.claim.id else ""
    quantity = " ".join(checked.claim.quantity.split())
    parts = [
        f"{name}{claim['network']}, {quantity}: printed {checked.claim.said}, "
        f"computed {computed_text(checked)}.",
        difference(checked),
        f"By its own figures: {arithmetic_text(checked)}." if checked.claim.arithmetic else "",
        checked.because,
        f"({shown_text(checked)})" if checked.claim.shown_by else "",
    ]
    return " ".join(part for part in parts if part)
