"""A long expression in several lines."""

from __future__ import annotations

from typing import Any

import sympy

from archcalc.quantity.symbolic import EXTREMES
from archcalc.render.formula.expression import ExpressionWriter
from archcalc.render.output import WIDTH

LONG_TERM = 24  # characters; terms as long as this stand on lines of their own


def parts_of(value: Any, writer: ExpressionWriter) -> list[str]:
    """A sum by its terms, each with its sign; a largest or smallest by its arguments."""
    if isinstance(value, EXTREMES):
        shown = writer.arguments(value)
        return [
            writer.call(value) + f"{shown[0]},",
            *[f"{x}," for x in shown[1:-1]],
            f"{shown[-1]})",
        ]
    terms = writer.ordered(sympy.Add.make_args(value))
    shown = [writer.doprint(term) for term in terms]
    return [shown[0], *[f"- {t[1:]}" if t.startswith("-") else f"+ {t}" for t in shown[1:]]]


def items_of(shown: list[str]) -> list[str]:
    """A list by its items, the first behind the bracket that opens."""
    parts = [*[f"{item}," for item in shown[:-1]], *shown[-1:]] or [""]
    parts[0] = f"[{parts[0]}"
    parts[-1] += "]"
    return parts


def filled(lead: str, parts: list[str], long: int) -> list[str]:
    """The parts behind `lead`, as many on a line as fit; each on its own if one is `long`."""
    indent = " " * (len(lead) + _opened(parts[0]))
    lines = [lead + parts[0]]
    alone = max(map(len, parts)) > long
    for part in parts[1:]:
        if alone or len(f"{lines[-1]} {part}") > WIDTH:
            lines.append(indent + part)
        else:
            lines[-1] += f" {part}"
    return lines


def _opened(part: str) -> int:
    """How far behind the start of a part stands what goes on within its `max(`, `min(` or `[`."""
    if part.startswith("["):
        return 1
    return len("max(") if part.count("(") > part.count(")") else 0
