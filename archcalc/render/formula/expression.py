"""How the expressions of formulas are written: their order, their fractions, names for parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sympy
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.str import StrPrinter

from archcalc.quantity.symbolic import EXTREMES, ROUNDED, linear


class ExpressionWriter(StrPrinter):  # type: ignore[misc]  # sympy publishes no types
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
        found = linear(part.args[0]) if isinstance(part, ROUNDED) else None
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
        return [self.doprint(x) for x in sorted(self.ordered(extreme.args), key=is_no_number)]

    def call(self, extreme: Any) -> str:
        """The function that an extreme is of, with the parenthesis that opens."""
        return "max(" if isinstance(extreme, sympy.Max) else "min("

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        """An operand, in parentheses unless it binds tighter than what it stands in."""
        own = self.binding(item)
        shown: str = self._print(item)
        return f"({shown})" if own < level or (own == level and not strict) else shown

    def binding(self, item: Any) -> int:
        """How tight what is printed for an expression binds, on sympy's scale.

        A remainder has parentheses in every product, where `%` binds as `*` and `/` do.
        """
        if item in self.names:
            found = PRECEDENCE["Atom"]
        elif isinstance(item, sympy.Mod):
            found = PRECEDENCE["Add"]
        elif item.is_Relational or isinstance(item, sympy.Not):
            found = PRECEDENCE["Relational"]
        else:
            found = precedence(item)
        return int(found)

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

    def _print_Piecewise(self, expr: Any) -> str:
        """`(4 if n > 1 else 8)`; what no condition covers is nan."""
        shown = ""
        for value, condition in expr.args:
            if condition == sympy.true:
                return f"({shown}{self._print(value)})"
            shown += f"{self._print(value)} if {self._print(condition)} else "
        return f"({shown}{self._print(sympy.nan)})"

    def _print_Relational(self, expr: Any) -> str:
        sign = "==" if isinstance(expr, sympy.Eq) else expr.rel_op
        sides = [self.parenthesize(side, PRECEDENCE["Relational"]) for side in expr.args]
        return f" {sign} ".join(sides)

    def _print_And(self, expr: Any) -> str:
        return self._joined(expr, " and ")

    def _print_Or(self, expr: Any) -> str:
        return self._joined(expr, " or ")

    def _joined(self, expr: Any, word: str) -> str:
        """Conditions, in parentheses where they are joined ones themselves."""
        return word.join(
            sorted(self.parenthesize(part, PRECEDENCE["Relational"], strict=True)
                   for part in expr.args)
        )  # fmt: skip

    def _print_Not(self, expr: Any) -> str:
        return f"not ({self._print(expr.args[0])})"

    def fraction(self, inside: Any) -> str:
        """`(H + 1)/2`, where sympy has `H/2 + 1/2`."""
        numerator, denominator = as_fraction(inside)
        if denominator == 1:
            return self._print(numerator)
        return f"{self.parenthesize(numerator, PRECEDENCE['Mul'], strict=True)}/{denominator}"

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
        found = linear(base.args[0]) if isinstance(base, ROUNDED) else None
        size = 0 if base.is_Symbol else 10**9 if found is None else found[2]
        numbers = [int(digits) for digits in re.findall(r"\d+", str(base))]
        return min(places, default=len(self._places)), size, numbers, str(base), -constant


def is_no_number(argument: Any) -> bool:
    """Sorts a number before all else."""
    return not argument.is_number


def as_fraction(inside: Any) -> tuple[Any, int]:
    """An expression as (numerator, denominator); the denominator is 1 where it is not a sum."""
    found = linear(inside)
    if found is None:
        return inside, 1
    coefficients, constant, denominator = found
    return sum(n * symbol for symbol, n in coefficients.items()) + constant, denominator


def _named_parts(value: Any) -> Iterator[Any]:
    """The floors and extremes in a value that stand in no other, as often as they stand there."""
    for part in value.args:
        if isinstance(part, (*ROUNDED, *EXTREMES)):
            yield part
        else:
            yield from _named_parts(part)
