"""Formulas as functions of Python that need nothing."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from textwrap import fill
from typing import Any

import sympy
from sympy.printing.precedence import PRECEDENCE

from archcalc.errors import UsageError
from archcalc.parametric.formulas.assumptions import read_assumption
from archcalc.parametric.formulas.formula import Case, Formula, Formulas
from archcalc.quantity.symbolic import ROUNDED
from archcalc.render import escape
from archcalc.render.formula.as_text import notes, subject
from archcalc.render.formula.expression import ExpressionWriter
from archcalc.render.formula.lines import LONG_TERM, filled, items_of, parts_of
from archcalc.render.output import WIDTH


def python(formulas: Formulas) -> str:
    """A function for each formula, which needs nothing but Python.

    Exact, of ints and of fractions: what is divided is rounded by `//` where it is a whole number
    or a floor, and a `Fraction` elsewhere.
    """
    taken = set(_USED)
    body = "\n\n\n".join(_function(formula, formulas, taken) for formula in formulas.formulas)
    imports = [
        line
        for name, line in (("math.", "import math"), ("Fraction(", _IMPORT_FRACTION))
        if name in body
    ]
    return "\n".join(imports) + f"\n\n\n{body}" if imports else body


_IMPORT_FRACTION = "from fractions import Fraction"
_USED = {"math", "Fraction", "max", "min"}  # by the functions themselves
MOST_POINTS = 5000  # at which a sum is looked at, to know whether it is a whole number


class _Writer(ExpressionWriter):
    """Writes expressions as Python, without a float; symbols by names that Python takes."""

    def __init__(self, symbols: Sequence[Any], assumptions: Sequence[str] = ()) -> None:
        super().__init__(symbols)
        self.identifiers = _identifiers(symbols)
        self._known = _assumed(symbols, assumptions)

    def binding(self, item: Any) -> int:
        if isinstance(item, ROUNDED) and _has_quotient(item.args[0]):
            return int(PRECEDENCE["Add"])  # `//`, and the minus of a ceiling, as a remainder
        return super().binding(item)

    def value_parts(self, value: Any) -> tuple[str, list[str], str]:
        """A value in parts, for several lines, with what stands before and behind them."""
        if not _has_quotient(value):
            return "(", parts_of(value, self), ")"
        over, under = _quotient(value)
        shown = self._print(under)
        if self._is_whole(over, under):
            return "(", parts_of(over, self), f")//{shown}"
        parts = parts_of(over, self)
        return "Fraction(", [*parts[:-1], f"{parts[-1]},", shown], ")"

    def _print(self, expr: Any, **settings: Any) -> str:
        if isinstance(expr, (sympy.Add, sympy.Mul, sympy.Pow)) and _has_quotient(expr):
            return self._divided(expr)
        return super()._print(expr, **settings)

    def _print_Symbol(self, expr: Any) -> str:
        return self.identifiers.get(expr, str(expr))

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        if not expr.exp.is_integer:
            raise UsageError(f"{expr} is not a fraction, which an exact function would give")
        if expr.base.is_Rational and expr.base.q != 1:
            base = self._print(expr.base)
        elif not expr.exp.is_nonnegative:  # of an int Python would make a float
            base = f"Fraction({self._print(expr.base)})"
        else:
            base = self.parenthesize(expr.base, PRECEDENCE["Pow"])
        return f"{base}**{self.parenthesize(expr.exp, PRECEDENCE['Pow'])}"

    def _print_Rational(self, expr: Any) -> str:
        return f"Fraction({expr.p}, {expr.q})"

    def _print_NaN(self, expr: Any) -> str:
        return "math.nan"

    def _divided(self, expr: Any) -> str:
        over, under = _quotient(expr)
        if self._is_whole(over, under):
            return self._floor_of(over, under)
        return f"Fraction({self._print(over)}, {self._print(under)})"

    def _is_whole(self, over: Any, under: Any) -> bool:
        if self._known:
            over = sympy.expand(over.xreplace(self._known))
        return is_whole(over, under)

    def _floor_of(self, over: Any, under: Any) -> str:
        over = self.parenthesize(over, PRECEDENCE["Mul"], strict=True)
        return f"{over}//{self.parenthesize(under, PRECEDENCE['Mul'])}"

    def _print_floor(self, expr: Any) -> str:
        over, under = _quotient(expr.args[0])
        return f"math.floor({self._print(over)})" if under == 1 else self._floor_of(over, under)

    def _print_ceiling(self, expr: Any) -> str:
        over, under = _quotient(expr.args[0])
        if under == 1:
            return f"math.ceil({self._print(over)})"
        if under.is_Integer and self._is_whole(over, sympy.S.One):
            return self._floor_of(over + under - 1, under)
        return f"-({self._floor_of(-over, under)})"

    def _print_Function(self, expr: Any) -> str:
        raise UsageError(f"{expr} cannot be written in Python that needs nothing")


def _assumed(symbols: Sequence[Any], assumptions: Sequence[str]) -> dict[Any, Any]:
    """The symbols that are assumed to be whole, or multiples and a rest, as these."""
    labels = {str(symbol): symbol for symbol in symbols}
    found = {}
    for text in assumptions:
        what, _, label = text.partition(" ")
        if what == "whole":
            found[labels[label]] = sympy.Dummy(integer=True)
            continue
        try:
            assumed = read_assumption(text)
        except UsageError:  # a bound
            continue
        if assumed.divisor and assumed.factor == 1:
            multiple = assumed.divisor * sympy.Dummy(integer=True)
            found[labels[assumed.label]] = multiple + assumed.rest
    return found


def _has_quotient(expression: Any) -> bool:
    """Whether something is divided in it, outside of floors, extremes and the like."""
    if expression.is_Add or expression.is_Mul:
        return any(map(_has_quotient, expression.args))
    if expression.is_Pow:
        exponent, _ = expression.exp.as_coeff_Mul()
        return exponent < 0 or (expression.exp.is_Integer and _has_quotient(expression.base))
    return bool(expression.is_Rational and expression.q != 1)


def _quotient(expression: Any) -> tuple[Any, Any]:
    """An expression as what is divided by what, both without a quotient."""
    if not _has_quotient(expression):
        return expression, sympy.S.One
    over, under = sympy.fraction(sympy.together(expression))
    return over, under


def is_whole(over: Any, under: Any) -> bool:
    """Whether a quotient is a whole number whatever whole numbers stand for its parts.

    A polynomial is divisible everywhere if it is so at 0 … degree of each of its parts: its
    forward differences there make up all of its values (Cahen & Chabert 1997).
    """
    if not under.is_Integer:
        return False
    names = {part: sympy.Dummy() for part in _parts(over)}
    if not all(part.is_integer for part in names):
        return False
    if under == 1 or not names:
        return bool(under == 1 or over % under == 0)
    polynomial = sympy.Poly(over.xreplace(names), *names.values(), domain="ZZ")
    spans = [range(degree + 1) for degree in polynomial.degree_list()]
    if prod(map(len, spans)) > MOST_POINTS:
        return False
    terms = polynomial.terms()
    return all(
        sum(int(c) * prod(map(pow, point, powers)) for powers, c in terms) % int(under) == 0
        for point in product(*spans)
    )


def _parts(expression: Any) -> Iterator[Any]:
    """What sums, products and whole powers are of."""
    if expression.is_Add or expression.is_Mul:
        for part in expression.args:
            yield from _parts(part)
    elif expression.is_Pow and expression.exp.is_Integer:
        yield from _parts(expression.base)
    elif not expression.is_Integer:
        yield expression


def _function(formula: Formula, formulas: Formulas, taken: set[str]) -> str:
    writer = _Writer(formula.symbols, formulas.assumptions)
    name = _identifier(re.sub(r"\W+", "_", formula.quantity).strip("_").lower(), taken)
    arguments = ", ".join(writer.identifiers.values())
    about = "; ".join([f"{formula.quantity} of {subject(formulas)}", *notes(formulas)])
    fractions = [n for symbol, n in writer.identifiers.items() if not symbol.is_integer]
    if fractions:
        about += f"; {' and '.join(fractions)} as int or Fraction, since floats are inexact"
    lines = [f"def {name}({arguments}):", _docstring(about)]
    for case in formula.cases:
        inside = case is not formula.cases[-1]
        if inside:
            lines.append(f"    if {writer.doprint(case.condition)}:")
        lines += _return(case, formula.is_list, writer, "        " if inside else "    ")
    return "\n".join(lines)


def _return(case: Case, is_list: bool, writer: _Writer, indent: str) -> list[str]:
    shown = [writer.doprint(value) for value in case.values]
    whole = f"{indent}return " + (f"[{', '.join(shown)}]" if is_list else shown[0])
    if len(whole) <= WIDTH:
        return [whole]
    if is_list:
        return filled(f"{indent}return ", items_of(shown), LONG_TERM)
    before, parts, behind = writer.value_parts(case.values[0])
    inner = filled(f"{indent}    ", parts, LONG_TERM)
    return [f"{indent}return {before}", *inner, f"{indent}{behind}"]


def _docstring(about: str) -> str:
    plain = escape.one_line(about).replace("\\", "/").replace('"', "'")
    return fill(f'"""{plain}."""', WIDTH, initial_indent="    ", subsequent_indent="    ")


def _identifiers(symbols: Sequence[Any]) -> dict[Any, str]:
    """A name for each symbol that Python takes, and no two the same."""
    taken = set(_USED)
    return {s: _identifier(re.sub(r"\W+", "_", str(s)).strip("_"), taken) for s in symbols}


def _identifier(name: str, taken: set[str]) -> str:
    """A name that Python takes and that is not taken yet; now it is."""
    name = name if name.isidentifier() else f"_{name}"
    while keyword.iskeyword(name) or name in taken:
        name += "_"
    taken.add(name)
    return name
