"""Formulas as text, as LaTeX, and as Python that needs nothing."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from archcalc.formulas.deriving import Case, Formula, Formulas
from archcalc.render import escape
from archcalc.symbolic import linear

WIDTH = 80
LONG_TERM = 24  # characters; terms as long as this stand on lines of their own
MOST_WRITTEN_OUT = 3 * WIDTH  # characters; in a longer formula parts that recur get a name

_ROUNDED = (sympy.floor, sympy.ceiling)
_EXTREMES = (sympy.Max, sympy.Min)


def text(formulas: Formulas) -> str:
    """Each formula in lines that fit a terminal; what recurs in a long one is named below it."""
    blocks = ["\n".join(_lines(formula)) for formula in formulas.formulas]
    separator = "\n\n" if any("\n" in block for block in blocks) else "\n"
    return separator.join([*blocks, *_notes(formulas)])


def line_count(formula: Formula) -> int:
    """How many lines `text` takes for it."""
    return len(list(_lines(formula)))


def text_by_part(formulas: Formulas, parts: Mapping[str, str]) -> str:
    """The formulas of one quantity of several parts, with what recurs in them named once.

    Args:
        parts: the name of each, by the quantity that its formula is of; at least one.
    """
    writer = _Text(formulas.formulas[0].symbols)
    writer.name_recurring([value for formula in formulas.formulas for value in _values(formula)])
    width = max(len(parts[formula.quantity]) for formula in formulas.formulas)
    lines: list[str] = []
    for formula in formulas.formulas:
        lead = f"{escape.one_line(parts[formula.quantity]):{width}} = "
        lines += _formula_lines(lead, formula, writer)
    return "\n".join([*lines, *_where(len(lead), writer), *_notes(formulas)])


def latex(formulas: Formulas) -> str:
    """Each formula as a displayed equation."""
    shown = [
        f"\\[\n\\mathrm{{{escape.latex(formula.quantity)}}} = {_latex_cases(formula)}\n\\]"
        for formula in formulas.formulas
    ]
    return "\n".join([*shown, *[f"% {note}" for note in _notes(formulas)]])


def python(formulas: Formulas) -> str:
    """A function for each formula, which needs nothing but Python."""
    body = "\n\n\n".join(_function(formula, formulas) for formula in formulas.formulas)
    return f"import math\n\n\n{body}" if "math." in body else body


def _notes(formulas: Formulas) -> Iterator[str]:
    """What the formulas take for granted."""
    taken = [*formulas.assumptions, *(f"{label} >= {n}" for label, n in formulas.first.items())]
    if taken:
        yield f"for {', '.join(taken)}"


# ----- text -----


def _lines(formula: Formula) -> Iterator[str]:
    writer = _Text(formula.symbols)
    values = _values(formula)
    if sum(len(writer.doprint(value)) for value in values) > MOST_WRITTEN_OUT:
        writer.name_recurring(values)
    lead = f"{escape.one_line(formula.quantity)} = "
    yield from _formula_lines(lead, formula, writer)
    yield from _where(len(lead), writer)


def _values(formula: Formula) -> list[Any]:
    return [value for case in formula.cases for value in case.values]


def _formula_lines(lead: str, formula: Formula, writer: _Text) -> Iterator[str]:
    for case in formula.cases:
        yield from _case_lines(lead, case, formula.is_list, writer)
        lead = " " * (len(lead) - 2) + "= "


def _where(width: int, writer: _Text) -> list[str]:
    """What the names stand for, behind a lead of this width."""
    lead = " " * (width - 2) + "where "
    return _filled(lead, writer.meanings(), WIDTH) if writer.names else []


def _case_lines(lead: str, case: Case, is_list: bool, writer: _Text) -> list[str]:
    condition = "" if case.condition == sympy.true else f"  if {writer.doprint(case.condition)}"
    shown = [writer.doprint(value) for value in case.values]
    whole = f"[{', '.join(shown)}]" if is_list else shown[0]
    if len(lead + whole + condition) <= WIDTH:
        return [lead + whole + condition]
    parts = [f"{item}," for item in shown] if is_list else _parts(case.values[0], writer)
    lines = _filled(lead, parts, LONG_TERM)
    if condition and len(lines[-1] + condition) > WIDTH:
        return [*lines, " " * len(lead) + condition]
    return [*lines[:-1], lines[-1] + condition]


def _parts(value: Any, writer: _Text) -> list[str]:
    """A sum by its terms, each with its sign; a largest or smallest by its arguments."""
    if isinstance(value, _EXTREMES):
        shown = writer.arguments(value)
        return [
            writer.call(value) + f"{shown[0]},",
            *[f"{x}," for x in shown[1:-1]],
            f"{shown[-1]})",
        ]
    terms = writer.ordered(sympy.Add.make_args(value))
    shown = [writer.doprint(term) for term in terms]
    return [shown[0], *[f"- {t[1:]}" if t.startswith("-") else f"+ {t}" for t in shown[1:]]]


def _filled(lead: str, parts: list[str], long: int) -> list[str]:
    """The parts behind `lead`, as many on a line as fit; each on its own if one is `long`."""
    goes_on = parts[0].count("(") > parts[0].count(")")  # behind the parenthesis of max( or min(
    indent = " " * (len(lead) + (len("max(") if goes_on else 0))
    lines = [lead + parts[0]]
    alone = max(map(len, parts)) > long
    for part in parts[1:]:
        if alone or len(f"{lines[-1]} {part}") > WIDTH:
            lines.append(indent + part)
        else:
            lines[-1] += f" {part}"
    return lines


class _Text(StrPrinter):  # type: ignore[misc]  # sympy publishes no types
    """Writes expressions as Python has them, with floor(…) and ceil(…).

    Terms stand in the order of their degree, then of the symbols, then from the finest size to
    the coarsest.

    Attributes:
        names: parts that are written by a name.
    """

    def __init__(self, symbols: Sequence[Any]) -> None:
        super().__init__()
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self.names: dict[Any, str] = {}

    def name_recurring(self, values: Sequence[Any]) -> None:
        """Names the floors and the extremes that stand in the values more than once."""
        counts: dict[Any, int] = {}
        for value in values:
            for part in _named_parts(value):
                counts[part] = counts.get(part, 0) + 1
        recurring = [part for part, count in counts.items() if count > 1]
        for part in sorted(recurring, key=self._rank):
            self.names[part] = self._new_name(part)

    def meanings(self) -> list[str]:
        """`h2 = ceil(H/2),` for each name, in terms of those of what it contains."""
        every, shown = self.names, []
        for part, name in every.items():
            self.names = {other: n for other, n in every.items() if other != part}
            shown.append(f"{name} = {self.doprint(part)},")
        self.names = every
        return [*shown[:-1], shown[-1].removesuffix(",")]

    def _new_name(self, part: Any) -> str:
        """`h32` for ceil(H/32), `x1` for what is not so simple; one that is not taken."""
        found = linear(part.args[0]) if isinstance(part, _ROUNDED) else None
        base, number = "x", len(self.names) + 1
        symbols = [] if found is None else list(found[0])
        if found is not None and len(symbols) == 1 and symbols[0].is_Symbol:
            base, number = str(symbols[0]).lower(), found[2]
        taken = {*self.names.values(), *map(str, self._places)}
        name = f"{base}{number}"
        while name in taken:
            name += "_"
        return name

    def ordered(self, terms: Sequence[Any]) -> list[Any]:
        """Terms in the order of the class."""
        return sorted(terms, key=self._key)

    def arguments(self, extreme: Any) -> list[str]:
        """What the largest or smallest is of: a number first, then in the order of terms."""
        return [self.doprint(x) for x in sorted(self.ordered(extreme.args), key=_is_no_number)]

    def call(self, extreme: Any) -> str:
        """The function that an extreme is of, with the parenthesis that opens."""
        return "max(" if isinstance(extreme, sympy.Max) else "min("

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        return self.ordered(sympy.Add.make_args(expr))

    def _print(self, expr: Any, **settings: Any) -> str:
        if expr in self.names:
            return self.names[expr]
        shown: str = super()._print(expr, **settings)
        return shown

    def _print_floor(self, expr: Any) -> str:
        return f"floor({self.fraction(expr.args[0])})"

    def _print_ceiling(self, expr: Any) -> str:
        return f"ceil({self.fraction(expr.args[0])})"

    def _print_Max(self, expr: Any) -> str:
        return f"{self.call(expr)}{', '.join(self.arguments(expr))})"

    _print_Min = _print_Max

    def _print_Mod(self, expr: Any) -> str:
        over, under = (self.parenthesize(part, PRECEDENCE["Mul"]) for part in expr.args)
        return f"{over} % {under}"

    def _print_Relational(self, expr: Any) -> str:
        sign = "==" if isinstance(expr, sympy.Eq) else expr.rel_op
        return f"{self._print(expr.lhs)} {sign} {self._print(expr.rhs)}"

    def _print_And(self, expr: Any) -> str:
        return " and ".join(sorted(map(self._print, expr.args)))

    def _print_Or(self, expr: Any) -> str:
        return " or ".join(f"({part})" for part in sorted(map(self._print, expr.args)))

    def fraction(self, inside: Any) -> str:
        """`(H + 1)/2`, where sympy has `H/2 + 1/2`."""
        numerator, denominator = as_fraction(inside)
        if denominator == 1:
            return self._print(numerator)
        over = self._print(numerator)
        return f"({over})/{denominator}" if numerator.is_Add else f"{over}/{denominator}"

    def _key(self, term: Any) -> tuple[int, list[tuple[Any, int]]]:
        if term.is_Add:  # as its leading term
            return min(map(self._key, term.args))
        _, rest = term.as_coeff_Mul()
        powers = [factor.as_base_exp() for factor in sympy.Mul.make_args(rest)]
        whole = [(base, int(e) if e.is_Integer else 1) for base, e in powers if base != 1]
        return -sum(e for _, e in whole), sorted((self._rank(base), -e) for base, e in whole)

    def _rank(self, base: Any) -> tuple[int, int, list[int], str, Any]:
        constant, base = base.as_coeff_Add()  # a size less a constant stands behind the size
        places = [self._places.get(symbol, len(self._places)) for symbol in base.free_symbols]
        found = linear(base.args[0]) if isinstance(base, _ROUNDED) else None
        size = 0 if base.is_Symbol else 10**9 if found is None else found[2]
        numbers = [int(digits) for digits in re.findall(r"\d+", str(base))]
        return min(places, default=len(self._places)), size, numbers, str(base), -constant


def _is_no_number(argument: Any) -> bool:
    return not argument.is_number


def as_fraction(inside: Any) -> tuple[Any, int]:
    """An expression as (numerator, denominator); the denominator is 1 where it is no sum."""
    found = linear(inside)
    if found is None:
        return inside, 1
    coefficients, constant, denominator = found
    return sum(n * symbol for symbol, n in coefficients.items()) + constant, denominator


def _named_parts(value: Any) -> Iterator[Any]:
    """The floors and extremes in a value that stand in no other, as often as they stand there."""
    for part in value.args:
        if isinstance(part, (*_ROUNDED, *_EXTREMES)):
            yield part
        else:
            yield from _named_parts(part)


# ----- LaTeX -----


class _Latex(LatexPrinter):  # type: ignore[misc]  # sympy publishes no types
    """Writes expressions as LaTeX, in the order of `_Text`."""

    def __init__(self, symbols: Sequence[Any]) -> None:
        super().__init__()
        self._text = _Text(symbols)

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


def _latex_cases(formula: Formula) -> str:
    writer = _Latex(formula.symbols)
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


# ----- Python -----


class _Python(_Text):
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
        return [self.value(x) for x in sorted(self.ordered(extreme.args), key=_is_no_number)]

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
    outside = value.replace(lambda part: isinstance(part, _ROUNDED), lambda _: sympy.Integer(1))
    return all(symbol.is_integer for symbol in outside.free_symbols)


def _function(formula: Formula, formulas: Formulas) -> str:
    writer = _Python(formula.symbols)
    name = re.sub(r"\W+", "_", formula.quantity).strip("_").lower() or "formula"
    arguments = ", ".join(writer.identifiers.values())
    about = "; ".join([f"{formula.quantity} of {formulas.graph.name}", *_notes(formulas)])
    fractions = [n for symbol, n in writer.identifiers.items() if not symbol.is_integer]
    if fractions:
        about += f"; {' and '.join(fractions)} as int or Fraction, since floats are inexact"
    lines = [f"def {_identifier(name)}({arguments}):", f"    {_docstring(about)}"]
    for case in formula.cases:
        inside = case is not formula.cases[-1]
        if inside:
            lines.append(f"    if {writer.doprint(case.condition)}:")
        lines += _return(case, formula.is_list, writer, "        " if inside else "    ")
    return "\n".join(lines)


def _return(case: Case, is_list: bool, writer: _Python, indent: str) -> list[str]:
    values = [writer.value(value) for value in case.values]
    whole = f"{indent}return " + (f"[{', '.join(values)}]" if is_list else values[0])
    value = case.values[0]
    if len(whole) <= WIDTH or is_list or writer.doprint(value) != values[0]:
        return [whole]
    inner = _filled(f"{indent}    ", _parts(value, writer), LONG_TERM)
    return [f"{indent}return (", *inner, f"{indent})"]


def _docstring(about: str) -> str:
    plain = escape.one_line(about).replace("\\", "/").replace('"', "'")
    return f'"""{plain}."""'


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
