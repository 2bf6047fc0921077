"""Formulas against the walk, at settings drawn from where they claim to hold.

What sympy was told of a symbol, what it made of a condition, what a closed form says of a count
that nobody looked at: all of it shows at some setting. So each formula is compared at its
network's own values, at zero, at fractions, at both sides of each comparison and of the nearest
steps of each floor, at counts as large as can be walked, and where several symbols change at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from random import Random
from typing import Any, NamedTuple

import sympy

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.figures.language import evaluate
from archcalc.parametric.formulas.domains import Domain
from archcalc.parametric.formulas.exact import Exact, exact, value_at
from archcalc.parametric.formulas.formula import Formula, setting_text
from archcalc.quantity.symbolic import EXTREMES, ROUNDED
from archcalc.record import Record
from archcalc.spec.values import ExpressionError

LEAST_SETTINGS = 20
MOST_TRIES = 400  # of settings, most of which may give no network
MOST_STEPS = 18  # of conditions and floors, along one symbol
MOST_LAYERS = 25_000  # that are walked, if that makes so many settings
NEW = 0.4  # of the values there, which none of the rules gives
JOINT = 12  # settings in which several symbols change, at least
_COUNTS = (12, 16, 20, 25, 32, 40, 48, 56, 64, 80, 100, 130, 160, 250, 400, 1000)
_FACTORS: tuple[Fraction, ...] = tuple(
    map(Fraction, ("1/3", "7/20", "1/2", "3/4", "11/8", "2", "41/13", "10"))
)
_NUMBERS: tuple[Fraction, ...] = tuple(
    map(Fraction, ("0", "1", "2", "3", "5", "8", "1/2", "1/7", "2/3", "5/2", "-1", "-3/2"))
)
_BESIDE = Fraction(1, 1000)  # of a step, where numbers need not be whole


class Unknown(Record):
    """A symbol, and of which of its values formulas claim to hold.

    Attributes:
        symbol: as the formulas have it.
        own: the network's own value.
        domain: beyond it, it is said, there is no network.
        claimed: the least value, no less than a number, that what is assumed allows.
        is_count: whether the number of layers depends on it.
        probes: whether to see if there are networks beyond the domain.
    """

    symbol: Any
    own: Exact
    domain: Domain
    claimed: Callable[[Exact], Exact]
    is_count: bool
    probes: bool

    def values(self, steps: Iterable[Exact]) -> list[Exact]:
        """What to try: those beyond the domain as well, to see that there is no network."""
        found: list[Exact] = [self.own, *_NUMBERS, self.own - 1, self.own + 1]
        found += [self.own * factor for factor in _FACTORS]
        found += [exact(self.own * factor // 1 + 1) for factor in _FACTORS]
        found += self.walked_far()
        tried = dict.fromkeys(exact(value) for value in [*found, *steps])
        beyond = [value for value in tried if self.probes and value not in self.domain]
        return list(dict.fromkeys([*map(self.claimed, tried), *beyond]))

    def any_value(self, random: Random) -> Exact:
        """A value that nobody thought of."""
        if self.is_count or self.domain.is_whole:
            return self.claimed(random.randint(0, 2 * int(abs(Fraction(self.own))) + 20))
        return self.claimed(
            exact(abs(Fraction(self.own or 1)) * Fraction(random.randint(1, 90), 30))
        )

    def walked_far(self) -> list[int]:
        """Counts as large as can be walked: a form found from small ones shows there."""
        return [*range(1, 12), *_COUNTS] if self.is_count else []


class Difference(NamedTuple):
    """A formula that is not what the walk says.

    Attributes:
        found: what the formula gives; None where it gives nothing.
    """

    formula: Formula
    setting: dict[Any, Exact]
    found: list[Exact] | None
    right: Any

    def __str__(self) -> str:
        found = "nothing" if self.found is None else self._shown(self.found)
        right = self._shown(self.right if isinstance(self.right, list) else [self.right])
        return f"at {setting_text(self.setting)} it gives {found}, and the walk {right}"

    def _shown(self, numbers: list[Any]) -> str:
        shown = [f"{n:,}" if isinstance(n, int) else str(n) for n in numbers]
        return f"[{', '.join(shown)}]" if self.formula.is_list else shown[0]


@dataclass
class Comparison:
    """Compares formulas with the walk.

    Attributes:
        unknowns: the symbols.
        walk: the analysis at a setting; None where there is no network, or too large a one.
        settings: at how many they were compared.
        last: for each count, the largest of these.
        beyond: of each symbol what its domain says, and where there are networks all the same.
    """

    unknowns: Sequence[Unknown]
    walk: Callable[[Mapping[Any, Exact]], Analysis | None]
    settings: int = 0
    last: dict[Any, int] = field(default_factory=dict)
    beyond: dict[Any, set[str]] = field(default_factory=dict)

    def difference(
        self, formulas: Sequence[Formula], conditions: Iterable[Any]
    ) -> Difference | None:
        """The first difference; None if there is none.

        Args:
            conditions: on symbols, that the walk was asked.
        """
        self.settings, walked = 0, 0
        drawn: set[tuple[Exact, ...]] = set()
        for tried, (setting, is_enough) in enumerate(self._drawn(formulas, conditions)):
            enough = is_enough or walked > MOST_LAYERS
            if enough and (self.settings >= LEAST_SETTINGS or tried >= MOST_TRIES):
                break
            if tuple(setting.values()) in drawn:
                continue
            drawn.add(tuple(setting.values()))
            analysis = self.walk(setting)
            if analysis is None or self._is_beyond(setting):
                continue
            self.settings += 1
            walked += len(analysis.layers)
            for unknown in self.unknowns:
                if unknown.is_count:
                    value = int(setting[unknown.symbol])
                    self.last[unknown.symbol] = max(value, self.last.get(unknown.symbol, value))
            for formula in formulas:
                found = difference_at(formula, setting, analysis)
                if found is not None:
                    return found
        return None

    def _is_beyond(self, setting: Mapping[Any, Exact]) -> bool:
        """Whether formulas do not claim to hold at a network; notes why not."""
        found = False
        for unknown in self.unknowns:
            value, domain = setting[unknown.symbol], unknown.domain
            if value in domain:
                continue
            found = True
            if domain.progression is not None and value not in domain.progression:
                self.beyond.setdefault(unknown.symbol, set()).add("progression")
            if domain.least is not None and value < domain.least:
                self.beyond.setdefault(unknown.symbol, set()).add("least")
        return found

    def _drawn(
        self, formulas: Sequence[Formula], conditions: Iterable[Any]
    ) -> Iterator[tuple[dict[Any, Exact], bool]]:
        """Settings, and whether those before it would do if they were networks."""
        own = {unknown.symbol: unknown.claimed(unknown.own) for unknown in self.unknowns}
        yield own, False
        asked = list(dict.fromkeys(_changing(formulas, conditions)))
        random = Random(0)
        values: dict[Any, list[Exact]] = {}
        alone: list[dict[Any, Exact]] = []
        for unknown in self.unknowns:
            symbol = unknown.symbol
            steps = islice(_steps(symbol, asked, own), MOST_STEPS)
            values[symbol] = unknown.values(steps)
            alone += [{**own, symbol: value} for value in values[symbol]]
        random.shuffle(alone)  # of a large network some are left out
        yield from ((setting, False) for setting in alone)
        for number in range(MOST_TRIES if self.unknowns else 0):
            setting = {
                unknown.symbol: unknown.any_value(random)
                if random.random() < NEW
                else random.choice(values[unknown.symbol])
                for unknown in self.unknowns
            }
            yield setting, len(values) == 1 or number >= JOINT


def difference_at(
    formula: Formula, setting: Mapping[Any, Exact], analysis: Analysis
) -> Difference | None:
    """What a formula and the walk say at one setting, where they differ."""
    try:
        right = evaluate(formula.quantity, analysis)
    except ExpressionError:  # the layer that it is about is not there
        return None
    try:
        found = formula.at(setting)
    except UsageError:
        return Difference(formula, dict(setting), None, right)
    numbers = right if isinstance(right, list) else [right]
    if len(numbers) != len(found):  # axes that are alike at some settings are one number there
        numbers = numbers * len(found) if len(numbers) == 1 else numbers
    return None if found == numbers else Difference(formula, dict(setting), found, right)


def _changing(formulas: Sequence[Formula], conditions: Iterable[Any]) -> Iterator[tuple[Any, bool]]:
    """What something turns at: (expression, whether at each whole number; else at zero)."""
    for condition in conditions:
        yield from _turns(condition)
    for formula in formulas:
        for case in formula.cases:
            yield from _turns(case.condition)
            for value in case.values:
                yield from _turns(value)


def _turns(expression: Any) -> Iterator[tuple[Any, bool]]:
    for part in sympy.preorder_traversal(sympy.sympify(expression)):
        if getattr(part, "is_Relational", False):
            yield part.lhs - part.rhs, False
        elif isinstance(part, EXTREMES):
            first, *others = part.args
            for other in others[:3]:
                yield first - other, False
        elif isinstance(part, ROUNDED):
            yield part.args[0], True
        elif isinstance(part, sympy.Mod):
            yield part.args[0] / part.args[1], True


def _steps(
    symbol: Any, asked: Iterable[tuple[Any, bool]], own: Mapping[Any, Exact]
) -> Iterator[Exact]:
    """Where something turns along one symbol, as far as it is a line there, and both sides."""
    whole = bool(symbol.is_integer)
    beside = Fraction(1) if whole else _BESIDE
    seen: set[Exact] = set()
    for expression, at_whole in asked:
        if symbol not in expression.free_symbols:
            continue
        try:
            now = value_at(expression, own)
            slope = value_at(expression, {**own, symbol: own[symbol] + 1}) - now
        except ZeroDivisionError:
            continue
        if not slope:
            continue
        targets: list[Exact] = [now // 1, now // 1 + 1] if at_whole else [0]
        for target in targets:
            place = exact(own[symbol] + Fraction(target - now) / slope)
            place = exact(place // 1) if whole else place
            if place not in seen and -(10**9) < place < 10**9:
                seen.add(place)
                yield from (place, exact(place + beside), exact(place - beside))
