"""Formulas as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE, precedence_traditional

from archcalc.parametric.formulas.formula import Formula, Formulas
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

    # sympy puts whatever holds a remainder in parentheses; a remainder itself takes them.
    def _needs_add_brackets(self, expr: Any) -> bool:
        return bool(expr.is_Add or expr.is_Relational or isinstance(expr, sympy.Mod))

    def _needs_mul_brackets(self, expr: Any, first: bool = False, last: bool = False) -> bool:
        if expr.is_Mul:
            return bool(not first and expr.could_extract_minus_sign())
        loose = precedence_traditional(expr) < PRECEDENCE["Mul"]
        return loose or bool(expr.is_Piecewise or isinstance(expr, sympy.Mod))

    def _print_Mul(self, expr: Any) -> str:
        if isinstance(-expr, sympy.Mod):
            return rf"- \left({self._print(-expr)}\right)"
        shown: str = super()._print_Mul(expr)
        return shown

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        name, item = re.fullmatch(r"([^\[]*)(?:\[(\d+)\])?", expr.name).groups()  # type: ignore[union-attr]  # matches all
        name = escape.latex(name) if len(name) == 1 else rf"\mathrm{{{escape.latex(name)}}}"
        return name if item is None else f"{name}_{{{item}}}"

    def _print_floor(self, expr: Any, exp: Any = None) -> str:
        return self._rounded(expr, "floor", exp)

    def _print_ceiling(self, expr: Any, exp: Any = None) -> str:
        return self._rounded(expr, "ceil", exp)

    def _print_Mod(self, expr: Any, exp: Any = None) -> str:
        # sympy writes a remainder by a remainder without the parentheses that it takes.
        shown = [
            self.parenthesize(part, PRECEDENCE["Mul"], strict=not part.has(sympy.Mod))
            for part in expr.args
        ]
        return self._with_exponent(r" \bmod ".join(shown), exp)

    def _print_Piecewise(self, expr: Any, exp: Any = None) -> str:
        rows = [(self.doprint(value), condition) for value, condition in expr.args]
        return self._with_exponent(_of_cases(rows, self), exp)

    def _with_exponent(self, shown: str, exp: Any) -> str:
        return shown if exp is None else rf"\left({shown}\right)^{{{exp}}}"

    def _rounded(self, expr: Any, side: str, exp: Any) -> str:
        numerator, denominator = as_fraction(expr.args[0])
        shown = self._print(numerator)
        if denominator != 1:
            shown = rf"\frac{{{shown}}}{{{denominator}}}"
        shown = rf"\left\l{side} {shown} \right\r{side}"
        return shown if exp is None else f"{shown}^{{{exp}}}"


def _cases(formula: Formula) -> str:
    writer = _Writer(formula.symbols)
    rows = []
    for case in formula.cases:
        values = [writer.doprint(value) for value in case.values]
        shown = rf"\left[{', '.join(values)}\right]" if formula.is_list else values[0]
        rows.append((shown, case.condition))
    return rows[0][0] if len(rows) == 1 and rows[0][1] == sympy.true else _of_cases(rows, writer)


def _of_cases(rows: Sequence[tuple[str, Any]], writer: _Writer) -> str:
    """Values behind one brace, each with its condition."""
    lines = [
        rf"{value} & \text{{otherwise}}" if condition == sympy.true
        else rf"{value} & \text{{if }} {writer.doprint(condition)}"
        for value, condition in rows
    ]  # fmt: skip
    return "\\begin{cases}\n" + " \\\\\n".join(lines) + "\n\\end{cases}"
