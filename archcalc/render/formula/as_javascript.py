"""Expressions as JavaScript, exact: whole numbers as BigInt, others as two, which divide."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import sympy

from archcalc.errors import UsageError
from archcalc.parametric.formulas.formula import Formula, Formulas
from archcalc.quantity.symbolic import ROUNDED
from archcalc.render import escape
from archcalc.render.formula.as_text import notes, subject

_ATOM, _POWER, _PRODUCT, _SUM, _LOWEST = range(5)  # how tight what is written binds
_SIGNS: dict[Any, str] = {
    sympy.Eq: "===", sympy.Ne: "!==", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">=",
}  # fmt: skip

# What the code calls: a quotient rounded down, the largest and the smallest, what is left of a
# division, with the sign of the divisor as in Python.
PRELUDE = """\
const $f = (a, b) => { const q = a / b; return a % b !== 0n && a < 0n !== b < 0n ? q - 1n : q; };
const $r = (a, b) => a - b * $f(a, b);
const $M = (...x) => x.reduce((a, b) => (a > b ? a : b));
const $m = (...x) => x.reduce((a, b) => (a < b ? a : b));
"""


class Written(NamedTuple):
    """An expression as code.

    Attributes:
        over: what is divided, a BigInt.
        under: by what, a BigInt above 0; None of a whole number.
        binding: how tight `over` binds.
    """

    over: str
    under: str | None
    binding: int


class JavaScriptWriter:
    """Writes expressions as JavaScript.

    Attributes:
        names: what symbols are called, once and for all: two names of one that need not be whole.
    """

    def __init__(self, names: Callable[[Any], tuple[str, str | None]]) -> None:
        self.names = names
        self._written: dict[Any, Written] = {}
        self._texts: dict[Any, str] = {}

    def whole(self, expression: Any) -> str:
        """An expression that is a whole number, as a BigInt."""
        found = self.write(expression)
        return found.over if found.under is None else f"({found.over})/({found.under})"

    def condition(self, condition: Any) -> str:
        """A condition, as a truth value."""
        if condition in (sympy.true, sympy.false):
            return str(bool(condition)).lower()
        if isinstance(condition, (sympy.And, sympy.Or)):
            sign = "&&" if isinstance(condition, sympy.And) else "||"
            return f"({sign.join(sorted(map(self.condition, condition.args)))})"
        if isinstance(condition, sympy.Not):
            return f"!({self.condition(condition.args[0])})"
        a, b = map(self.write, condition.args)
        if a.under != b.under:
            a, b = _times(a, _whole(b.under)), _times(b, _whole(a.under))
        return f"{_in(a, _SUM)}{_SIGNS[condition.func]}{_in(b, _SUM)}"

    def write(self, expression: Any) -> Written:
        """An expression, as a quotient of two BigInts where it need not be whole.

        Raises:
            UsageError: it is not rational.
        """
        found = self._written.get(expression)
        if found is None:
            found = self._written[expression] = self._write(expression)
        return found

    def _write(self, expression: Any) -> Written:
        if expression.is_Symbol:
            over, under = self.names(expression)
            return Written(over, under, _ATOM)
        if expression.is_Rational:
            under = None if expression.q == 1 else f"{expression.q}n"
            return Written(f"{expression.p}n", under, _ATOM if expression.p >= 0 else _SUM)
        if expression.is_Add:
            return self._sum(expression)
        if expression.is_Mul:
            return self._product(expression)
        if expression.is_Pow and expression.exp.is_Integer:
            return self._power(expression)
        if isinstance(expression, ROUNDED):
            inner = self.write(expression.args[0])
            if inner.under is None:
                return inner
            if isinstance(expression, sympy.floor):
                return Written(f"$f({inner.over},{inner.under})", None, _ATOM)
            return Written(f"-$f(-{_in(inner, _ATOM)},{inner.under})", None, _SUM)
        if isinstance(expression, (sympy.Max, sympy.Min)):
            call = "$M" if isinstance(expression, sympy.Max) else "$m"
            parts, under = self._alike([self.write(part) for part in expression.args])
            return Written(f"{call}({','.join(sorted(parts))})", under, _ATOM)
        if isinstance(expression, sympy.Mod):
            (a, b), under = self._alike([self.write(part) for part in expression.args])
            return Written(f"$r({a},{b})", under, _ATOM)
        raise UsageError(f"{str(expression)[:60]} is not a fraction, which an exact function gives")

    def _alike(self, parts: Sequence[Written]) -> tuple[list[str], str | None]:
        """What is divided of several, once all are divided by the same."""
        unders = list(dict.fromkeys(part.under for part in parts if part.under is not None))
        if not unders:
            return [part.over for part in parts], None
        if len(unders) == 1:
            (under,) = unders
            every = [p if p.under else _times(p, _whole(under)) for p in parts]
            return [part.over for part in every], under
        found = []
        for part in parts:
            for under in unders:
                if under != part.under:
                    part = _times(part, _whole(under))
            found.append(part.over)
        return found, "*".join(f"({under})" for under in unders)

    def _text(self, expression: Any) -> str:
        found = self._texts.get(expression)
        if found is None:
            found = self._texts[expression] = str(expression)
        return found

    def _sum(self, expression: Any) -> Written:
        terms = sorted(expression.args, key=lambda term: (term.is_number, self._text(term)))
        parts = [self.write(term) for term in terms]
        numbers = [int(p.under[:-1]) for p in parts if p.under and p.under[:-1].isdigit()]
        if numbers and all(p.under is None or p.under[:-1].isdigit() for p in parts):
            common = int(sympy.ilcm(1, *numbers))
            parts = [
                _times(p, _whole(f"{common // int((p.under or '1n')[:-1])}n"))._replace(under=None)
                for p in parts
            ]
            return Written(_added(parts), f"{common}n" if common > 1 else None, _SUM)
        overs, under = self._alike([p._replace(over=_in(p, _SUM), binding=_SUM) for p in parts])
        return Written(_added([Written(over, None, _SUM) for over in overs]), under, _SUM)

    def _product(self, expression: Any) -> Written:
        factors = sorted(expression.args, key=lambda part: (not part.is_number, self._text(part)))
        over, under, is_negative = [], [], False
        for part in map(self.write, factors):
            if part.over == "-1n":
                is_negative = not is_negative
            elif part.over != "1n":
                over.append(_in(part, _PRODUCT))
            if part.under is not None:
                under.append(part.under)
        text = "*".join(over) or "1n"
        below = "*".join(u if _is_plain(u) else f"({u})" for u in under) or None
        if is_negative:
            return Written(f"-{text}" if len(over) < 2 else f"-({text})", below, _SUM)
        return Written(text, below, _PRODUCT if len(over) > 1 else _ATOM)

    def _power(self, expression: Any) -> Written:
        base, exponent = self.write(expression.base), int(expression.exp)
        if exponent < 0:
            above = base.under or "1n"
            base = Written(above, _in(base, _LOWEST), _LOWEST)
        power = abs(exponent)
        if power == 1:
            return base
        over = f"{_in(base, _ATOM)}**{power}n"
        return Written(over, None if base.under is None else f"({base.under})**{power}n", _POWER)


def _in(part: Written, binding: int) -> str:
    """What is divided, in parentheses unless it binds as tight as that."""
    return part.over if part.binding <= binding else f"({part.over})"


def _whole(code: str | None) -> Written:
    return Written(code or "1n", None, _ATOM if code is None or _is_plain(code) else _LOWEST)


def _is_plain(code: str) -> bool:
    return code.replace("$", "_").isalnum() or code.replace("_", "a").replace("$", "a").isalnum()


def _times(a: Written, b: Written) -> Written:
    if b.over == "1n":
        return a
    if a.over == "1n":
        return Written(b.over, a.under, b.binding)
    return Written(f"{_in(a, _PRODUCT)}*{_in(b, _PRODUCT)}", a.under, _PRODUCT)


def _added(parts: Sequence[Written]) -> str:
    text = "+".join(_in(part, _SUM) for part in parts)
    return text.replace("+-", "-")


def javascript(formulas: Formulas) -> str:
    """A function for each formula, which needs nothing but JavaScript.

    Each takes one object with the symbols by name: BigInts, numbers that are whole, or {n, d};
    and gives a BigInt, {n, d}, or an array of these.
    """
    body = "\n\n".join(_function(formula, formulas) for formula in formulas.formulas)
    return f"{PRELUDE}{_READ}\n{body}"


_READ = """\
const $n = (x) => BigInt(typeof x === "object" ? x.n : x);
const $d = (x) => BigInt(typeof x === "object" ? x.d : 1);
const $q = (n, d) => (n % d === 0n ? n / d : { n, d });
"""


def _function(formula: Formula, formulas: Formulas) -> str:
    about = "; ".join([f"{formula.quantity} of {subject(formulas)}", *notes(formulas)])
    lines = [f"// {escape.one_line(about)}", f"function {name_of(formula)}(values) {{"]
    names: dict[Any, tuple[str, str | None]] = {}
    for number, symbol in enumerate(formula.symbols):
        names[symbol] = (f"n{number}", None if symbol.is_integer else f"d{number}")
        label = json.dumps(str(symbol))
        lines.append(f"  const n{number} = $n(values[{label}]);")
        if not symbol.is_integer:
            lines.append(f"  const d{number} = $d(values[{label}]);")
    writer = JavaScriptWriter(lambda symbol: names[symbol])
    for case in formula.cases:
        shown = [_value(writer.write(value)) for value in case.values]
        result = f"[{', '.join(shown)}]" if formula.is_list else shown[0]
        if case is formula.cases[-1]:
            lines.append(f"  return {result};")
        else:
            lines.append(f"  if ({writer.condition(case.condition)}) return {result};")
    return "\n".join([*lines, "}"])


def name_of(formula: Formula) -> str:
    """What the function of a formula is called."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in formula.quantity)
    return "of_" + plain.strip("_").lower()


def _value(written: Written) -> str:
    return written.over if written.under is None else f"$q({written.over}, {written.under})"
