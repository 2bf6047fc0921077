"""The best of the settings of several parameters at which conditions hold."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import count, product
from typing import Any

import numpy as np

from archcalc.claims.conditions import Condition
from archcalc.claims.printed import PrintedError, Verdict
from archcalc.errors import QuantityError, UsageError
from archcalc.graph import Graph
from archcalc.parametric.choosing.selection import Selection
from archcalc.parametric.choosing.solving import FEW, FOR, axis_of
from archcalc.parametric.choosing.space import settings_of
from archcalc.parametric.choosing.trials import Point, Trial, Trials
from archcalc.quantity.at_least import is_open
from archcalc.record import Record

MANY = 2_000_000  # settings that are all looked at where they go few ways, together in arrays
_WAYS = 200
MOST_LOOKED = 1_000  # settings that are looked at one by one


class Proof(Enum):
    """Why there is no better setting."""

    ALL = "all settings were looked at"
    MONOTONE = "each figure goes one way with each unknown, at all settings looked at"
    NONE = "none: there may be a better one"


class Optimum(Record):
    """The best setting at which conditions hold.

    Attributes:
        labels: of the unknowns.
        wanted: `most` or `least`.
        objective: of what.
        conditions: that are to hold.
        values: the answer, by label; None where they hold at no setting that was looked at.
        shown: the answer, then the settings beside it, one step along one unknown each; a setting
            that was looked at, where there is no answer.
        holds: for each of these whether the conditions hold there.
        quantities: to show of them.
        settings: how many there are.
        looked: at how many.
        proof: why there is no better one.
        at_end: the labels of unknowns of which it has the first or the last value, and is better
            so: beyond there may be a better one.
    """

    labels: tuple[str, ...]
    wanted: str
    objective: str
    conditions: str
    values: dict[str, Any] | None
    shown: Selection
    holds: tuple[bool, ...]
    quantities: tuple[str, ...]
    settings: int
    looked: int
    proof: Proof
    at_end: tuple[str, ...]

    @property
    def holds_somewhere(self) -> bool:
        """Whether there is an answer."""
        return self.values is not None


def optimum(
    graph: Graph,
    texts: Sequence[str],
    where: str,
    objective: str,
    *,
    least: bool = False,
    quantities: Sequence[str] = (),
    batch: int,
    dtype: str,
) -> Optimum:
    """The setting with the most, or the least, of a figure among those at which conditions hold.

    Of settings that are as good it is the one with the largest values, or the smallest for the
    least, those of the first unknown first. All are looked at where there are few, or where they go
    few ways in arrays. Otherwise boxes of settings are cut in halves: where each figure goes one
    way with each unknown, its corners bound what it is within.

    Args:
        texts: LABEL=VALUES of each unknown.
        where: the conditions.
        objective: the figure.
        quantities: shown besides.

    Raises:
        UsageError: a label, values, the objective or the conditions are wrong.
    """
    argument = "minimize" if least else "maximize"
    axes = [axis_of(text, graph, needs_values=True) for text in texts]
    labels = [axis.label for axis in axes]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"{label} is given {labels.count(label)} times", FOR)
    trials = Trials(graph, axes, where, {argument: objective}, batch=batch, dtype=dtype)
    search = _Search(trials, objective, argument, least)
    search.look()
    trials.require_quantities()
    best, looked = search.best, search.looked
    points = [best, *search.beside(best)] if best else [tuple(0 for _ in axes)]
    holds = tuple([trials.at(point).holds for point in points])
    asked = tuple(
        [q for q in dict.fromkeys([objective, *trials.quantities, *quantities]) if q not in labels]
    )
    return Optimum(
        labels=tuple(labels),
        wanted="least" if least else "most",
        objective=objective,
        conditions=where,
        values=trials.setting(best) if best else None,
        shown=trials.selection(points, asked),
        holds=holds,
        quantities=asked,
        settings=math.prod(trials.counts),
        looked=looked,
        proof=search.proof,
        at_end=search.at_end(best) if best else (),
    )


class _Search:
    """Looks for the best setting.

    Attributes:
        best: that was found; None where the conditions hold at none.
        looked: at how many settings.
        proof: why there is no better one.
    """

    def __init__(self, trials: Trials, objective: str, argument: str, least: bool) -> None:
        self._trials, self._objective, self._argument = trials, objective, argument
        self._sign = -1 if least else 1
        self.best: Point | None = None
        self.looked = 0
        self.proof = Proof.NONE

    def look(self) -> None:
        """Finds the best setting."""
        if self._all_are_quick():
            self._look_at_all()
        else:
            boxes = _Boxes(self._trials, self._objective, self._sign)
            points = boxes.looked_at()
            self.best = max((p for p in points if self._is_one(p)), key=self._rank, default=None)
            is_best = self.best is None or not self._climbed()
            done = boxes.is_done and is_best and _goes_one_way(self._trials, boxes.signs)
            self.proof = Proof.MONOTONE if done else Proof.NONE
            self.looked = len(self._trials.seen)

    def beside(self, point: Point) -> list[Point]:
        """The settings one step along one unknown away: for each, further on and back."""
        found = []
        for axis, number in enumerate(self._trials.counts):
            for step in (self._sign, -self._sign):
                if 0 <= point[axis] + step < number:
                    found.append((*point[:axis], point[axis] + step, *point[axis + 1 :]))
        return found

    def at_end(self, point: Point) -> tuple[str, ...]:
        """The unknowns of which it has the first or the last value, and is better so."""
        found = []
        for axis, label in enumerate(self._trials.labels):
            beside = [other for other in self.beside(point) if other[axis] != point[axis]]
            if len(beside) == 1:
                here, there = (
                    _number(self._trials.at(p), self._objective) for p in (point, *beside)
                )
                if there is not None and self._sign * here > self._sign * there:
                    found.append(label)
        return tuple(found)

    def _rank(self, point: Point) -> tuple[Any, ...]:
        value = self._trials.at(point).values[self._objective]
        return (self._sign * value, *[self._sign * number for number in point])

    def _is_one(self, point: Point) -> bool:
        trial = self._trials.at(point)
        if not trial.holds:
            return False
        value = trial.values[self._objective]
        if isinstance(value, (bool, str, list)):
            raise UsageError(f"{self._objective} is {value}, which is no number", self._argument)
        return _number(trial, self._objective) is not None

    def _climbed(self) -> bool:
        """Goes on to settings beside the best while they are better; whether any was."""
        moved = False
        while self.best is not None:
            beside = [point for point in self.beside(self.best) if self._is_one(point)]
            better = max(beside, key=self._rank, default=self.best)
            if self._rank(better) <= self._rank(self.best):
                break
            self.best, moved = better, True
        return moved

    def _all_are_quick(self) -> bool:
        """Whether to look at every setting: there are few, or they go few ways in arrays."""
        counts = self._trials.counts
        if math.prod(counts) <= FEW or math.prod(counts) > MANY:
            return math.prod(counts) <= FEW
        for most in (2, 3):  # of what takes single walks, no more than a few
            each = [sorted({0, (n - 1) * (most - 2) // 2, n - 1}) for n in counts]
            points = [*product(*each)]
            try:
                figures = self._trials.figures(points)
                figures.prepare(self._trials.quantities)
            except QuantityError:
                return False
            if not all(map(figures.goes_by_arrays, self._trials.quantities)):
                return False
        # Each value of what makes other layers is a way of its own.
        ways = figures.sweeps[0].ways() / len(points)
        for axis, values in enumerate(each):
            layers = {
                self._trials.at(tuple(0 if a != axis else n for a in range(len(counts)))).layers
                for n in values
            }
            ways *= counts[axis] if len(layers) > 1 else len(values)
        return ways <= _WAYS

    def _look_at_all(self) -> None:
        trials = self._trials
        self.looked, self.proof = math.prod(trials.counts), Proof.ALL
        figures = trials.figures_of(settings_of(trials.axes, None))
        figures.prepare(trials.quantities)
        figures.require([self._objective], self._argument)
        chosen = Selection(figures, figures.all_rows()).where(trials.where)
        (column,) = chosen.columns([self._objective])
        known = np.flatnonzero(column.known & ~column.least)
        if len(known):
            try:
                ranks = column.ranks()
            except PrintedError as error:
                raise UsageError(f"{self._objective}: {error}", self._argument) from None
            wanted = ranks[known].max() if self._sign > 0 else ranks[known].min()
            rows = chosen.rows[known[ranks[known] == wanted]]
            row = rows.max() if self._sign > 0 else rows.min()
            self.best = tuple(int(n) for n in np.unravel_index(row, trials.counts))


class _Boxes:
    """Boxes of settings, cut in halves until the best one is found, or too many are looked at.

    Attributes:
        signs: for each quantity and axis whether it grows (1), falls (-1), stays (0) or is not
            known to do any of these (None).
        is_done: whether no box is left in which there may be a better setting.
    """

    def __init__(self, trials: Trials, objective: str, sign: int) -> None:
        self._trials, self._objective, self._sign = trials, objective, sign
        self.is_done = False
        first = tuple(0 for _ in trials.counts)
        last = tuple(n - 1 for n in trials.counts)
        self.signs = {
            quantity: [self._direction(quantity, axis, (first, last)) for axis in range(len(first))]
            for quantity in trials.quantities
        }
        self._whole = (first, last)

    def looked_at(self) -> list[Point]:
        """The settings that were looked at."""
        best: tuple[Any, Point] | None = None
        order = count()
        waiting: list[tuple[Any, int, Point, Point]] = []

        def add(low: Point, high: Point) -> None:
            if self._may_hold(low, high):
                bound = self._bound(low, high)
                heapq.heappush(waiting, (-bound, next(order), low, high))

        add(*self._whole)
        while waiting:
            negative, _, low, high = heapq.heappop(waiting)
            furthest = self._in_order(high if self._sign > 0 else low)
            if best is not None and (-negative, furthest) <= best:
                continue
            if len(self._trials.seen) > MOST_LOOKED:
                return [*self._trials.seen]
            for point in {low, high}:
                trial = self._trials.at(point)
                value = _number(trial, self._objective)
                if trial.holds and value is not None:
                    found = (
                        self._sign * value,
                        point if self._sign > 0 else tuple(-n for n in point),
                    )
                    best = found if best is None else max(best, found)
            if low != high:
                for half in _halves(low, high):
                    add(*half)
        self.is_done = True
        return [*self._trials.seen]

    def _in_order(self, point: Point) -> Point:
        """What is larger where a setting as good is to be taken."""
        return tuple(self._sign * number for number in point)

    def _direction(self, quantity: str, axis: int, bases: Sequence[Point]) -> int | None:
        """Which way a quantity goes along an axis, from the first to the last value."""
        found: set[int] = set()
        last = self._trials.counts[axis] - 1
        for base in bases:
            ends = [(*base[:axis], n, *base[axis + 1 :]) for n in (0, last)]
            low, high = (_number(self._trials.at(point), quantity) for point in ends)
            if low is not None and high is not None:
                found.add(int(high > low) - int(high < low))
        if not found or {1, -1} <= found:
            return None
        return sum(found)

    def _corner(self, quantity: str, low: Point, high: Point, most: bool) -> Any:
        """The most or the least of a quantity in a box, if it goes one way; None if unknown."""
        point = []
        for sign, first, last in zip(self.signs[quantity], low, high, strict=True):
            if sign is None:
                return None
            point.append(last if (sign >= 0) is most else first)
        return _number(self._trials.at(tuple(point)), quantity)

    def _bound(self, low: Point, high: Point) -> Any:
        value = self._corner(self._objective, low, high, self._sign > 0)
        return math.inf if value is None else self._sign * value

    def _may_hold(self, low: Point, high: Point) -> bool:
        return any(all(self._may_keep(c, low, high) for c in way) for way in self._trials.ways)

    def _may_keep(self, condition: Condition, low: Point, high: Point) -> bool:
        upper = "<" in condition.bound.relation
        value = self._corner(condition.quantity, low, high, not upper)
        return value is None or condition.bound.verdict(value) is Verdict.AGREES


def _halves(low: Point, high: Point) -> Iterator[tuple[Point, Point]]:
    """A box cut in two, across its longest side."""
    axis = max(range(len(low)), key=lambda n: high[n] - low[n])
    middle = (low[axis] + high[axis]) // 2
    yield low, (*high[:axis], middle, *high[axis + 1 :])
    yield (*low[:axis], middle + 1, *low[axis + 1 :]), high


def _number(trial: Trial, quantity: str) -> Any:
    """A quantity at a setting; None where it is no number, or not known in full."""
    value = trial.values.get(quantity)
    return None if is_open(value) or isinstance(value, (bool, str, list)) else value


def _goes_one_way(trials: Trials, signs: dict[str, list[int | None]]) -> bool:
    """Whether each quantity goes the way that its signs say, between all settings looked at."""
    for quantity, along in signs.items():
        if None in along:
            return False
        seen = {point: _number(trial, quantity) for point, trial in trials.seen.items()}
        seen = {point: value for point, value in seen.items() if value is not None}
        places = np.array([*seen], dtype=np.int64).reshape(len(seen), len(along))
        in_order = {value: rank for rank, value in enumerate(sorted({*seen.values()}))}
        ranks = np.array([in_order[value] for value in seen.values()])
        before = np.ones((len(seen), len(seen)), dtype=bool)
        for axis, sign in enumerate(along):
            if sign:
                at = places[:, axis] * sign
                before &= at[:, None] <= at[None, :]
        if (before & (ranks[:, None] > ranks[None, :])).any():
            return False
    return True
