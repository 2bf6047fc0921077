"""Formulas as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

from archcalc.formulas.deriving import Formula, Formulas
from archcalc.render import escape
from archcalc.render.formula.as_text import changes, notes
from archcalc.render.formula.expression import ExpressionWriter, as_fraction


def latex(formulas: Formulas) -> str:
    """Each formula as a displayed equation."""
    shown = [
        f"\\[\n\\mathrm{{{escape.latex(formula.quantity)}}} = {_cases(formula)}\n\\]"
        for formula in formulas.formulas
    ]
    return "\n".join([*shown, *[f"% {note}" for note in (*changes(formulas), *notes(formulas))]])


class _Writer(LatexPrinter):  # type: ignore[misc]  # sympy publishes no types
    """Writes expressions as LaTeX, in the order of `ExpressionWriter`."""

    def __init__(self, symbols: Sequence[Any]) -> None:
        long = any(len(symbol.name) > 1 for symbol in symbols)  # two of them would run together
        super().__init__({"mul_symbol": r" \, " if long else None})
        self._text = ExpressionWriter(symbols)

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        return self._text.ordered(sympy.Add.make_args(expr))

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        name, item = re.fullmatch(r"([^\[]*)(?:\[(\d+)\])?", expr.name).groups()  # type: ignore[union-attr]  # matches all
        name = escape.latex(name) if len(name) == 1 else rf"\mathrm{{{escape.latex(name)}}}"
        return name if item is None else f"{name}_{{{item}}}"

    def _print_floor(self, expr: Any, exp: Any = None) -> str:
        return self._rounded(expr, "floor", exp)

    def _print_ceiling(self, expr: Any, exp: Any = None) -> str:
        return self._rounded(expr, "ceil", exp)

    def _rounded(self, expr: Any, side: str, exp: Any) -> str:
        numerator, denominator = as_fraction(expr.args[0])
        shown = self._print(numerator)
        if denominator != 1:
            shown = rf"\frac{{{shown}}}{{{denominator}}}"
        shown = rf"\left\l{side} {shown} \right\r{side}"
        return shown if exp is None else f"{shown}^{{{exp}}}"


def _cases(formula: Formula) -> str:
    writer = _Writer(formula.symbols)
    shown = []
    for case in formula.cases:
        values = [writer.doprint(value) for value in case.values]
        value = rf"\left[{', '.join(values)}\right]" if formula.is_list else values[0]
        shown.append(
            value if case.condition == sympy.true
            else rf"{value} & \text{{if }} {writer.doprint(case.condition)}"
        )  # fmt: skip
    if len(shown) == 1:
        return shown[0]
    lines = " \\\\\n".join(shown)
    return f"\\begin{{cases}}\n{lines}\n\\end{{cases}}"
