"""Which values a parameter may take: all real ones, but those with which there is no network.

The network is walked with a symbol in the place of each, of which nothing is assumed, in all cases
that its conditions make; what has to be whole, or not negative, in every case is so by need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, NamedTuple

import sympy

from archcalc.errors import ArchcalcError
from archcalc.parametric.formulas.cases import TooManyCasesError, cases, known_values
from archcalc.parametric.formulas.exact import Exact, exact, holds_at
from archcalc.parametric.formulas.progressions import WHOLE_NUMBERS, Progression
from archcalc.quantity.conditions import NOT_NEGATIVE, WHOLE, deciding, witnessing
from archcalc.quantity.symbolic import ROUNDED


class Domain(NamedTuple):
    """The values that a symbol may take.

    Attributes:
        progression: what they are some of; None where any real number is one.
        least: none is less; None where there is no such number.
        by_need: whether there is no network beyond; else that is assumed.
    """

    progression: Progression | None = None
    least: Exact | None = None
    by_need: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether all are whole numbers."""
        return self.progression is not None and self.progression.is_whole

    def symbol(self, label: str) -> Any:
        """A symbol of which sympy knows as much as it can be told."""
        kind: dict[str, bool] = {"integer": True} if self.is_whole else {"real": True}
        if self.least is not None and self.least >= 0:
            kind["positive" if self.least > 0 else "nonnegative"] = True
        return sympy.Symbol(label, **kind)

    def __contains__(self, value: object) -> bool:
        assert isinstance(value, int | Fraction)
        return (self.progression is None or value in self.progression) and (
            self.least is None or value >= self.least
        )

    def around(self, other: Domain) -> Domain:
        """All that one of two holds, and as little more as can be said."""
        a, b = self.progression, other.progression
        progression = None if a is None or b is None else a.around(b)
        m, n = self.least, other.least
        return Domain(progression, None if m is None or n is None else min(m, n))


COUNTS = Domain(WHOLE_NUMBERS, 1)


def domains(own: Mapping[Any, Exact], run: Callable[[], object]) -> dict[Any, Domain]:
    """What has to hold of each symbol, or there is no network.

    Args:
        own: the network's own value of each symbol, of which nothing is known but that it is real.
        run: builds the network and walks it, with these symbols.
    """
    told: list[tuple[str, Any]] = []

    def listen() -> list[tuple[str, Any]]:
        told.clear()
        with witnessing(lambda what, value: told.append((what, value))):
            run()
        return [*told]

    asked: list[Any] = []

    def at_its_own(condition: Any) -> bool:
        asked.append(condition)
        given = {symbol: own.get(symbol, 1) for symbol in condition.free_symbols}
        with suppress(ZeroDivisionError):
            return holds_at(condition, given)
        return False

    try:
        with deciding(at_its_own):
            heard = listen()
    except ArchcalcError:  # no network with symbols; what is wrong is told later
        return dict.fromkeys(own, Domain())
    found = {symbol: _domain(symbol, heard) for symbol in own}
    if not asked:
        return found
    try:
        return _in_all_cases([*own], listen, told)
    except TooManyCasesError:  # so it is an assumption
        return {symbol: domain._replace(by_need=False) for symbol, domain in found.items()}


def _in_all_cases(
    symbols: Sequence[Any], listen: Callable[[], list[tuple[str, Any]]], told: list[tuple[str, Any]]
) -> dict[Any, Domain]:
    """What holds in each case, whatever is told on the way being known from then on."""

    def without_floors(relation: Any) -> Any:
        whole = {value for what, value in told if what == WHOLE}
        return relation.replace(
            lambda part: isinstance(part, ROUNDED) and part.args[0] in whole,
            lambda part: part.args[0],
        )

    found: dict[Any, Domain] = {}
    for path, heard in cases(listen, rewrite=without_floors):
        if heard is None:  # no network
            continue
        known = {symbol: exact(value) for symbol, value in known_values(path).items()}
        here = {symbol: _domain(symbol, heard) for symbol in symbols}
        if any(value not in here[symbol] for symbol, value in known.items()):
            continue
        for symbol, domain in here.items():
            if symbol in known:
                value = known[symbol]
                whole = WHOLE_NUMBERS if value == int(value) else None
                domain = Domain(domain.progression or whole, value)
            found[symbol] = found[symbol].around(domain) if symbol in found else domain
    return {symbol: found.get(symbol, Domain()) for symbol in symbols}


def _domain(symbol: Any, heard: Iterable[tuple[str, Any]]) -> Domain:
    """What was told of a symbol alone."""
    progression, least = None, None
    for what, value in dict.fromkeys(heard):
        if sympy.sympify(value).free_symbols != {symbol}:
            continue
        if what == WHOLE:
            (factor, constant), of = _line(value)
            if of == symbol:
                whole = Progression.of(factor, 1, -constant)
                progression = whole if progression is None else progression.common(whole)
        low = _least(symbol, value) if what == NOT_NEGATIVE else None
        if low is not None:
            least = low if least is None else max(least, low)
    if progression is not None and least is not None:
        least = progression.from_(least)
    return Domain(progression, None if least is None else exact(least))


def _least(symbol: Any, value: Any) -> Fraction | None:
    """The least that a symbol may be for `value` not to be negative, if `value` grows with it."""
    coefficient, rest = _line(value)
    if rest == symbol:
        return -coefficient[1] / coefficient[0] if coefficient[0] > 0 else None
    if isinstance(rest, sympy.floor) and coefficient[0] > 0:
        inner, of = _line(rest.args[0])
        if of == symbol and inner[0] > 0:  # the floor has to reach so high
            reached = -int(coefficient[1] / coefficient[0] // 1)
            return (reached - inner[1]) / inner[0]
    return None


def _line(value: Any) -> tuple[tuple[Fraction, Fraction], Any]:
    """((a, b), x) where `value` is a*x + b; a is 0 where it is not so simple."""
    constant, rest = sympy.expand(value).as_coeff_Add()
    factor, of = rest.as_coeff_Mul()
    if not (constant.is_Rational and factor.is_Rational):
        return (Fraction(0), Fraction(0)), None
    return (Fraction(exact(factor)), Fraction(exact(constant))), of
