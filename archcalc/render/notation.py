"""Expressions of derivations as text and as LaTeX, with symbols or with the values put in."""

from __future__ import annotations

from archcalc.explaining.forms import Extreme, Form, Name, Number, Product, Quotient, Sum

# How tightly the surroundings of an expression bind: parentheses stand where it binds less.
_ALONE, _ADDED, _MULTIPLIED, _DIVIDED_BY = range(4)


def text(form: Form, *, values: bool = False) -> str:
    """`(n - k + 2*p)/s + 1`, or with `values` `(227 - 11 + 2*0)/4 + 1`.

    A quotient that is not rounded here is written without a floor.
    """
    return _Text(values).write(form, _ALONE)


def latex(form: Form, *, values: bool = False) -> str:
    r"""`\frac{n - k + 2 \cdot p}{s} + 1`; as `text` otherwise."""
    return _Latex(values).write(form, _ALONE)


def latex_name(symbol: str) -> str:
    r"""`C_in` as `C_{\mathrm{in}}`, `weights` as `\mathrm{weights}`."""
    base, _, index = symbol.partition("_")
    base = base if len(base) == 1 else rf"\mathrm{{{base}}}"
    if not index:
        return base
    index = index.replace("_", ",")
    return f"{base}_{{{index}}}" if len(index) == 1 else rf"{base}_{{\mathrm{{{index}}}}}"


def latex_number(value: int) -> str:
    """All digits, in groups of three."""
    return f"{value:,}".replace(",", "{,}")


class _Text:
    """Writes expressions as text."""

    times = "*"

    def __init__(self, values: bool) -> None:
        self._values = values

    def write(self, form: Form, tightness: int) -> str:
        match form:
            case Number(value):
                return self.number(value)
            case Name(symbol, value) if self._values:
                shown = self.number(value)
                return self.grouped(shown) if value < 0 and tightness > _ALONE else shown
            case Name(symbol, _):
                return self.name(symbol)
            case Sum():
                shown = self._sum(form)
                return self.grouped(shown) if tightness > _ADDED else shown
            case Product(coefficient, factors):
                parts = [self.write(factor, _MULTIPLIED) for factor in factors]
                if abs(coefficient) != 1:
                    parts.insert(0, self.number(abs(coefficient)))
                shown = ("-" if coefficient < 0 else "") + self.times.join(parts)
                loosest = _MULTIPLIED if coefficient > 0 else _ALONE
                return self.grouped(shown) if tightness > loosest else shown
            case Quotient(up=up):
                if not form.is_exact:
                    return self.rounded(self.quotient(form, _ALONE), up)
                return self.quotient(form, tightness)
            case Extreme(which, forms):
                return self.call(which, [self.write(item, _ALONE) for item in forms])

    def _sum(self, form: Sum) -> str:
        shown = ""
        for coefficient, term in form.terms:
            minus = coefficient < 0
            sign = (" - " if minus else " + ") if shown else "-" if minus else ""
            if abs(coefficient) == 1:
                shown += sign + self.write(term, _ADDED if shown else _ALONE)
            else:
                shown += sign + self.write(Product(abs(coefficient), (term,)), _ADDED)
        if form.constant:
            sign = " - " if form.constant < 0 else " + "
            shown += sign + self.number(abs(form.constant))
        return shown

    def name(self, symbol: str) -> str:
        return symbol

    def number(self, value: int) -> str:
        return f"{value:,}"

    def grouped(self, shown: str) -> str:
        return f"({shown})"

    def quotient(self, form: Quotient, tightness: int) -> str:
        over = self.write(form.dividend, _MULTIPLIED)
        shown = f"{over}/{self.write(form.divisor, _DIVIDED_BY)}"
        return self.grouped(shown) if tightness > _ADDED else shown

    def rounded(self, shown: str, up: bool) -> str:
        return f"{'ceil' if up else 'floor'}({shown})"

    def call(self, function: str, arguments: list[str]) -> str:
        return f"{function}({', '.join(arguments)})"


class _Latex(_Text):
    """Writes expressions as LaTeX math."""

    times = r" \cdot "

    def name(self, symbol: str) -> str:
        return latex_name(symbol)

    def number(self, value: int) -> str:
        return latex_number(value)

    def grouped(self, shown: str) -> str:
        return rf"\left({shown}\right)"

    def quotient(self, form: Quotient, tightness: int) -> str:
        over, under = self.write(form.dividend, _ALONE), self.write(form.divisor, _ALONE)
        return rf"\frac{{{over}}}{{{under}}}"

    def rounded(self, shown: str, up: bool) -> str:
        side = "ceil" if up else "floor"
        return rf"\left\l{side} {shown} \right\r{side}"

    def call(self, function: str, arguments: list[str]) -> str:
        return rf"\{function}\left({', '.join(arguments)}\right)"
