"""Formulas as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Any

import sympy

from archcalc.identity import Identity
from archcalc.parametric.formulas.formula import Case, Formula, Formulas
from archcalc.record import replace
from archcalc.render import escape
from archcalc.render.formula.expression import ExpressionWriter
from archcalc.render.formula.lines import LONG_TERM, filled, items_of, parts_of
from archcalc.render.output import WIDTH

MOST_EQUAL = 2  # pairs of sizes
MOST_WRITTEN_OUT = 3 * WIDTH  # characters; in a longer formula parts that recur get a name


def text(formulas: Formulas) -> str:
    """Each formula in lines that fit a terminal; what recurs in a long one is named below it."""
    blocks = ["\n".join(_lines(formula)) for formula in formulas.formulas]
    separator = "\n\n" if any("\n" in block for block in blocks) else "\n"
    return separator.join([*blocks, *_filled_notes(formulas)])


def line_count(formula: Formula) -> int:
    """How many lines `text` takes for it."""
    return len(list(_lines(formula)))


def text_by_part(formulas: Formulas, parts: Mapping[str, str]) -> str:
    """The formulas of one quantity of several parts, with what recurs in them named once.

    Args:
        parts: the name of each, by the quantity that its formula is of; at least one.
    """
    writer = ExpressionWriter(formulas.formulas[0].symbols)
    writer.name_recurring([value for formula in formulas.formulas for value in _values(formula)])
    width = max(len(parts[formula.quantity]) for formula in formulas.formulas)
    lines: list[str] = []
    for formula in formulas.formulas:
        lead = f"{escape.one_line(parts[formula.quantity]):{width}} = "
        lines += _formula_lines(lead, formula, writer)
    return "\n".join([*lines, *_where(len(lead), writer), *_filled_notes(formulas)])


def _filled_notes(formulas: Formulas) -> list[str]:
    every = [*changes(formulas), *notes(formulas)]
    return [fill(note, WIDTH, subsequent_indent="  ") for note in every]


def _lines(formula: Formula) -> Iterator[str]:
    writer = ExpressionWriter(formula.symbols)
    values = _values(formula)
    if sum(len(writer.doprint(value)) for value in values) > MOST_WRITTEN_OUT:
        writer.name_recurring(values)
    lead = f"{escape.one_line(formula.quantity)} = "
    yield from _formula_lines(lead, formula, writer)
    yield from _where(len(lead), writer)


def _values(formula: Formula) -> list[Any]:
    return [value for case in formula.cases for value in case.values]


def _formula_lines(lead: str, formula: Formula, writer: ExpressionWriter) -> Iterator[str]:
    for case in formula.cases:
        yield from _case_lines(lead, case, formula.is_list, writer)
        lead = " " * (len(lead) - 2) + "= "


def _where(width: int, writer: ExpressionWriter) -> list[str]:
    """What the names stand for, behind a lead of this width."""
    lead = " " * (width - 2) + "where "
    return filled(lead, writer.meanings(), WIDTH) if writer.names else []


def _case_lines(lead: str, case: Case, is_list: bool, writer: ExpressionWriter) -> list[str]:
    condition = "" if case.condition == sympy.true else f"  if {writer.doprint(case.condition)}"
    shown = [writer.doprint(value) for value in case.values]
    whole = f"[{', '.join(shown)}]" if is_list else shown[0]
    if len(lead + whole + condition) <= WIDTH:
        return [lead + whole + condition]
    parts = items_of(shown) if is_list else parts_of(case.values[0], writer)
    lines = filled(lead, parts, LONG_TERM)
    if condition and len(lines[-1] + condition) > WIDTH:
        return [*lines, " " * len(lead) + condition]
    return [*lines[:-1], lines[-1] + condition]


def subject(formulas: Formulas) -> Identity:
    """The network, with what was changed in it and is not a symbol of the formulas."""
    free = {str(symbol) for formula in formulas.formulas for symbol in formula.symbols}
    found = formulas.graph.identity
    return replace(found, changed={k: v for k, v in found.changed.items() if k not in free})


def changes(formulas: Formulas) -> Iterator[str]:
    """Of which network they are, where that is not the one that its spec describes."""
    if subject(formulas).is_changed:
        yield f"of {subject(formulas)}"


def notes(formulas: Formulas) -> Iterator[str]:
    """What the formulas take for granted."""
    taken = [*formulas.assumptions, *(f"{label} >= {n}" for label, n in formulas.first.items())]
    if taken:
        followed = [f"{label} = {n}" for label, n in formulas.last.items()]
        upto = f" (compared with the walk up to {', '.join(followed)})" if followed else ""
        yield f"for {', '.join(taken)}{upto}"
    writer = ExpressionWriter(formulas.formulas[0].symbols if formulas.formulas else ())
    equal = [f"{writer.doprint(m)} == {writer.doprint(n)}" for m, n in formulas.equal]
    if equal:
        more = f" and {len(equal) - MOST_EQUAL} more" if len(equal) > MOST_EQUAL else ""
        yield f"where branches match: {', '.join(equal[:MOST_EQUAL])}{more}"
