"""Formulas as functions of Python that need nothing."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import sympy
from sympy.printing.precedence import PRECEDENCE

from archcalc.formulas.deriving import Case, Formula, Formulas
from archcalc.render import escape
from archcalc.render.formula.as_text import notes, subject
from archcalc.render.formula.expression import (
    ExpressionWriter,
    as_fraction,
    is_no_number,
)
from archcalc.render.formula.lines import LONG_TERM, WIDTH, filled, parts_of
from archcalc.symbolic import ROUNDED


def python(formulas: Formulas) -> str:
    """A function for each formula, which needs nothing but Python."""
    body = "\n\n\n".join(_function(formula, formulas) for formula in formulas.formulas)
    return f"import math\n\n\n{body}" if "math." in body else body


class _Writer(ExpressionWriter):
    """Writes expressions as Python: what is rounded by `//`, symbols by names that Python takes."""

    def __init__(self, symbols: Sequence[Any]) -> None:
        super().__init__(symbols)
        self.identifiers = _identifiers(symbols)

    def value(self, value: Any) -> str:
        """A number as Python reckons it exactly, of whole numbers and fractions."""
        over, under = sympy.fraction(sympy.together(value))
        if not under.is_Integer:
            return f"({self._print(over)})/({self._print(under)})"
        shown = self._print(sympy.expand(value * under) if under != 1 else value)
        if _is_whole(value):
            return shown if under == 1 else f"({shown})//{under}"
        return f"round({shown})" if under == 1 else f"round(({shown})/{under})"

    def arguments(self, extreme: Any) -> list[str]:
        return [self.value(x) for x in sorted(self.ordered(extreme.args), key=is_no_number)]

    def _print_Symbol(self, expr: Any) -> str:
        return self.identifiers.get(expr, str(expr))

    def _print_floor(self, expr: Any) -> str:
        numerator, denominator = as_fraction(expr.args[0])
        if denominator == 1:
            return f"math.floor({self._print(expr.args[0])})"
        return f"({self.parenthesize(numerator, PRECEDENCE['Mul'])}//{denominator})"

    def _print_ceiling(self, expr: Any) -> str:
        numerator, denominator = as_fraction(expr.args[0])
        if denominator == 1:
            return f"math.ceil({self._print(expr.args[0])})"
        return self._print_floor(
            sympy.floor((numerator + denominator - 1) / denominator, evaluate=False)
        )


def _is_whole(value: Any) -> bool:
    """Whether all its symbols outside of floors are whole numbers."""
    outside = value.replace(lambda part: isinstance(part, ROUNDED), lambda _: sympy.Integer(1))
    return all(symbol.is_integer for symbol in outside.free_symbols)


def _function(formula: Formula, formulas: Formulas) -> str:
    writer = _Writer(formula.symbols)
    name = re.sub(r"\W+", "_", formula.quantity).strip("_").lower() or "formula"
    arguments = ", ".join(writer.identifiers.values())
    about = "; ".join([f"{formula.quantity} of {subject(formulas)}", *notes(formulas)])
    fractions = [n for symbol, n in writer.identifiers.items() if not symbol.is_integer]
    if fractions:
        about += f"; {' and '.join(fractions)} as int or Fraction, since floats are inexact"
    lines = [f"def {_identifier(name)}({arguments}):", _docstring(about)]
    for case in formula.cases:
        inside = case is not formula.cases[-1]
        if inside:
            lines.append(f"    if {writer.doprint(case.condition)}:")
        lines += _return(case, formula.is_list, writer, "        " if inside else "    ")
    return "\n".join(lines)


def _return(case: Case, is_list: bool, writer: _Writer, indent: str) -> list[str]:
    values = [writer.value(value) for value in case.values]
    whole = f"{indent}return " + (f"[{', '.join(values)}]" if is_list else values[0])
    value = case.values[0]
    if len(whole) <= WIDTH or is_list or writer.doprint(value) != values[0]:
        return [whole]
    inner = filled(f"{indent}    ", parts_of(value, writer), LONG_TERM)
    return [f"{indent}return (", *inner, f"{indent})"]


def _docstring(about: str) -> str:
    plain = escape.one_line(about).replace("\\", "/").replace('"', "'")
    return fill(f'"""{plain}."""', WIDTH, initial_indent="    ", subsequent_indent="    ")


def _identifiers(symbols: Sequence[Any]) -> dict[Any, str]:
    """A name for each symbol that Python takes, and no two the same."""
    found: dict[Any, str] = {}
    for symbol in symbols:
        name = _identifier(re.sub(r"\W+", "_", str(symbol)).strip("_"))
        while name in found.values():
            name += "_"
        found[symbol] = name
    return found


def _identifier(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) or name == "math" else name
