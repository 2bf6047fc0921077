"""What conditions say of a symbol, such as `n > 1` and `alpha != 1/2`: the range that it is in."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import inf
from typing import Any, NamedTuple

import sympy

from archcalc.parametric.formulas.exact import Exact, exact, rational
from archcalc.quantity.symbolic import ROUNDED
from archcalc.record import Record, replace


class Range(Record):
    """The numbers that a symbol may be.

    Attributes:
        whole: whether they are whole numbers only; the bounds are then whole, and within.
        low, high: the bounds; infinite where there is none.
        low_open, high_open: whether a bound itself is out.
        holes: single numbers that are out.
    """

    whole: bool
    low: Exact | float = -inf
    high: Exact | float = inf
    low_open: bool = False
    high_open: bool = False
    holes: frozenset[Exact] = frozenset()

    @classmethod
    def of(cls, symbol: Any) -> Range:
        """What sympy knows of a symbol."""
        whole = bool(symbol.is_integer)
        if symbol.is_positive:
            return cls(whole, 1) if whole else cls(whole, 0, low_open=True)
        return cls(whole, 0) if symbol.is_nonnegative else cls(whole)

    @property
    def is_empty(self) -> bool:
        """Whether there is no such number."""
        if self.low > self.high:
            return True
        if self.low == self.high:
            return self.low_open or self.high_open or self.low in self.holes
        if self.whole and self.high - self.low <= len(self.holes):
            return all(n in self.holes for n in range(int(self.low), int(self.high) + 1))
        return False

    def where(self, relation: Any) -> Range:
        """Those for which a relation as `simplest` gives it holds: the symbol to a number."""
        number, kind = exact(relation.rhs), relation.func
        if kind is sympy.Ne:
            return replace(self, holes=self.holes | {number})._trimmed()
        found = self
        if kind in (sympy.Eq, sympy.Ge, sympy.Gt):
            found = found._above(number, kind is sympy.Gt)
        if kind in (sympy.Eq, sympy.Le, sympy.Lt):
            found = found._below(number, kind is sympy.Lt)
        return found._trimmed()

    def _trimmed(self) -> Range:
        """Whole numbers without those at the ends that are out."""
        found = self
        while found.whole and found.low in found.holes and found.low < found.high:
            found = replace(found, low=found.low + 1)
        while found.whole and found.high in found.holes and found.low < found.high:
            found = replace(found, high=found.high - 1)
        return found

    def _above(self, number: Exact, is_open: bool) -> Range:
        if self.whole:
            number, is_open = (number + 1 if is_open else number), False
        if (number, is_open) <= (self.low, self.low_open):
            return self
        return replace(self, low=number, low_open=is_open)

    def _below(self, number: Exact, is_open: bool) -> Range:
        if self.whole:
            number, is_open = (number - 1 if is_open else number), False
        if (-number, is_open) <= (-self.high, self.high_open):
            return self
        return replace(self, high=number, high_open=is_open)

    def relations(self, symbol: Any) -> Iterator[Any]:
        """What says so, as relations of the symbol, without what sympy knows of it."""
        known = Range.of(symbol)
        if self.low == self.high:
            yield sympy.Eq(symbol, _number(self.low))
            return
        if (self.low, self.low_open) > (known.low, known.low_open):
            yield (sympy.Gt if self.low_open else sympy.Ge)(symbol, _number(self.low))
        if self.high < inf:
            yield (sympy.Lt if self.high_open else sympy.Le)(symbol, _number(self.high))
        for hole in sorted(self.holes):
            if self.low <= hole <= self.high:
                yield sympy.Ne(symbol, _number(hole))


def simplest(relation: Any) -> Any:
    """A relation of one symbol, where it is linear in it, as the symbol to a number; of a whole
    one, to a whole number. Others as they are; true or false where there is nothing to ask."""
    difference = sympy.expand(relation.lhs - relation.rhs)
    if difference.is_number:
        return relation.func(difference, 0)
    if len(difference.free_symbols) != 1:
        return relation
    (symbol,) = difference.free_symbols
    factor = difference.coeff(symbol, 1)
    rest = sympy.expand(difference - factor * symbol)
    if not (factor.is_Rational and rest.is_Rational and factor):
        return relation
    kind = relation.reversed.func if factor < 0 else relation.func
    number = -rest / factor
    if symbol.is_integer and not number.is_Integer:
        if kind in (sympy.Eq, sympy.Ne):
            return sympy.true if kind is sympy.Ne else sympy.false
        upwards = kind in (sympy.Gt, sympy.Ge)
        kind = sympy.Ge if upwards else sympy.Le
        number = sympy.ceiling(number) if upwards else sympy.floor(number)
    return kind(symbol, number)


class _Line(NamedTuple):
    """slope x symbol + height, which a value may come near to and not reach if it is open."""

    slope: Fraction
    height: Fraction
    is_open: bool = False

    def plus(self, other: _Line, times: Fraction = Fraction(1)) -> _Line:
        """The sum with another, so many times."""
        return _Line(
            self.slope + times * other.slope,
            self.height + times * other.height,
            self.is_open or other.is_open,
        )

    def is_below_zero(self, within: Range) -> bool:
        """Whether all that is no larger than the line is negative, over a range."""
        return self._signed(within, 1)

    def is_above_zero(self, within: Range) -> bool:
        """Whether all that is no smaller than the line is positive, over a range."""
        return self._signed(within, -1)

    def _signed(self, within: Range, sign: int) -> bool:
        slope, height = sign * self.slope, sign * self.height
        end, is_open = (
            (within.high, within.high_open) if slope > 0 else (within.low, within.low_open)
        )
        if slope and isinstance(end, float):
            return False
        most = height if not slope else slope * Fraction(end) + height
        return most < 0 or (most == 0 and (self.is_open or bool(slope and is_open)))


def certain(relation: Any, within: Range) -> bool | None:
    """Whether a relation of one symbol holds all over a range, or nowhere in it; None if neither
    is seen. It looks at floors as at what they are between: floor(64 w) < 128 w where w > 0."""
    found = _between(sympy.expand(relation.lhs - relation.rhs))
    if found is None:
        return None
    low, high = found
    below, above = high.is_below_zero(within), low.is_above_zero(within)
    if not (below or above):
        return None
    if relation.func in (sympy.Eq, sympy.Ne):
        return relation.func is sympy.Ne
    return below is (relation.func in (sympy.Lt, sympy.Le))


def _between(expression: Any) -> tuple[_Line, _Line] | None:
    """Lines that an expression of one symbol lies between; None if it has other parts."""
    if expression.is_Rational:
        line = _Line(Fraction(0), Fraction(exact(expression)))
        return line, line
    if expression.is_Symbol:
        line = _Line(Fraction(1), Fraction(0))
        return line, line
    if isinstance(expression, ROUNDED):
        inner = _between(sympy.expand(expression.args[0]))
        if inner is None:
            return None
        one = _Line(Fraction(0), Fraction(1), is_open=True)
        low, high = inner
        down = isinstance(expression, sympy.floor)
        return (low.plus(one, Fraction(-1)), high) if down else (low, high.plus(one))
    if expression.is_Add or expression.is_Mul:
        terms = expression.args if expression.is_Add else (expression,)
        total = _Line(Fraction(0), Fraction(0))
        low, high = total, total
        for term in terms:
            factor, rest = term.as_coeff_Mul()
            inner = None if rest.is_Mul or not factor.is_Rational else _between(rest)
            if inner is None:
                return None
            times = Fraction(exact(factor))
            first, second = inner if times > 0 else inner[::-1]
            low, high = low.plus(first, times), high.plus(second, times)
        return low, high
    return None


def is_of_one(relation: Any) -> bool:
    """Whether a relation is one of a symbol to a number."""
    return bool(relation.is_Relational and relation.lhs.is_Symbol and relation.rhs.is_Rational)


def _number(value: Exact | float) -> Any:
    assert not isinstance(value, float), "a bound that there is"
    return rational(value)
