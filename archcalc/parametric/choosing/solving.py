"""The largest or smallest value of a parameter at which conditions hold, exact at the boundary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from archcalc.errors import QuantityError, UsageError
from archcalc.graph import Graph
from archcalc.identity import value_text
from archcalc.parametric.axes import OVER, Axis, Interval, Steps, read_axis
from archcalc.parametric.choosing.selection import Selection
from archcalc.parametric.choosing.trials import Trial, Trials
from archcalc.parametric.variables import variable
from archcalc.record import Record

FOR = "for"  # the argument that messages name
FEW_WALKED = 16  # values that are all looked at, whatever that takes
FEW = 64  # values that are all looked at where figures come by arrays
MANY = 1_000_000  # values that are all looked at where they go few ways, together in arrays
_WAYS = 4
_AS_QUICK = 8  # values between which a guess is as quick as halving
LAST = 1 << 20  # of the whole numbers that are looked at where none are named
MOST_LAYERS = 5_000  # of a network, beyond which no more layers are tried


class Solution(Record):
    """Where conditions hold.

    Attributes:
        label: of what was looked for.
        wanted: `largest` or `smallest`.
        conditions: that are to hold.
        value: the answer; None where they hold at no value that was looked at.
        next: the value behind it, at which they do not hold; None where none was looked at.
        shown: both; the first value that was looked at, where there is no answer.
        quantities: to show of them.
        looked: at how many values.
        first, last: of those that were looked at.
        all_between: whether all of these were looked at.
        is_mixed: whether they hold, do not hold and hold again among those that were looked at.
    """

    label: str
    wanted: str
    conditions: str
    value: Any
    next: Any
    shown: Selection
    quantities: tuple[str, ...]
    looked: int
    first: Any
    last: Any
    all_between: bool
    is_mixed: bool

    @property
    def holds_somewhere(self) -> bool:
        """Whether there is an answer."""
        return self.value is not None


def solve(
    graph: Graph,
    text: str,
    where: str,
    *,
    smallest: bool = False,
    quantities: Sequence[str] = (),
    batch: int,
    dtype: str,
) -> Solution:
    """The largest value, or the smallest, at which conditions hold.

    Where few values are named, or the network goes few ways at all of them, each is looked at.
    Otherwise distances from the first one double, starting at the network's own value, up to where
    the conditions hold and then do not, or halve; in between the boundary is looked for where the
    figures say that it may be, down to two values side by side.

    Args:
        text: LABEL or LABEL=VALUES; without values of whole numbers from 1 on.
        where: the conditions.
        quantities: shown beside those of the conditions.

    Raises:
        UsageError: the label, the values or the conditions are wrong.
    """
    axis = axis_of(text, graph)
    trials = Trials(graph, [axis], where, {}, batch=batch, dtype=dtype)
    _Search(trials, _start(axis, graph)).look(smallest)
    trials.require_quantities()
    seen = {number: trial.holds for (number,), trial in trials.seen.items()}
    looked = sorted(seen)
    held = [number for number in looked if seen[number]]
    shown = looked[:1]
    if held:
        best = held[0] if smallest else held[-1]
        beyond = best - 1 if smallest else best + 1
        shown = [best, *([beyond] if beyond in seen else [])]
    asked = tuple(q for q in dict.fromkeys([*trials.quantities, *quantities]) if q != axis.label)
    pattern = [seen[number] for number in looked]

    def value(number: int) -> Any:
        return trials.setting((number,))[axis.label]

    return Solution(
        axis.label,
        "smallest" if smallest else "largest",
        where,
        value(shown[0]) if held else None,
        value(shown[1]) if len(shown) > 1 else None,
        trials.selection([(number,) for number in shown], asked),
        asked,
        len(looked),
        value(looked[0]),
        value(looked[-1]),
        len(looked) == looked[-1] - looked[0] + 1,
        sum(holds and not before for before, holds in pairwise([False, *pattern])) > 1,
    )


def axis_of(text: str, graph: Graph, *, needs_values: bool = False) -> Axis:
    """The values to look at, from small to large: LABEL=VALUES, or LABEL if these need not be said.

    Raises:
        UsageError: there is no such number in the network, or these are no values of one.
    """
    one = variable(text.partition("=")[0].strip(), graph, FOR)
    if "=" not in text:
        if needs_values:
            raise UsageError(
                f"{one.label}: with an objective, say which values to look at, such as "
                f"{one.label}=1..64 or {one.label}=0.25:1:0.05",
                FOR,
            )
        if not isinstance(one.own, int):
            raise UsageError(
                f"{one.label} is {value_text(one.own)}; say which values to look at, such as "
                f"{one.label}=0.1:2:0.01",
                FOR,
            )
        return Axis(one.label, Steps(Fraction(1), Fraction(1), LAST))
    try:
        axis = read_axis(text)
    except UsageError as error:
        raise UsageError(str(error).removeprefix(f"{OVER}: "), FOR) from None
    if isinstance(axis.values, Interval):
        raise UsageError(f"{axis.label}: say in which steps to look, such as 0.1:2:0.01", FOR)
    if isinstance(axis.values, Steps):
        return axis
    for value in axis.values:
        if isinstance(value, (bool, str, list)) or value is None:
            raise UsageError(f"{axis.label}: {value_text(value)} is not a number", FOR)
    return Axis(axis.label, tuple(sorted(axis.values)))


def _start(axis: Axis, graph: Graph) -> int:
    """The number of the value that is looked at first: the network's own, if it is one of them."""
    own = variable(axis.label, graph, FOR).own
    values = axis.values
    if isinstance(values, Steps) and isinstance(own, int | Fraction):
        number = (own - values.first) / values.step
        if number.denominator == 1 and 0 <= number < values.count:
            return int(number)
    return 0


class _Search:
    """Looks at values of a parameter, by their numbers, for the one where conditions turn."""

    def __init__(self, trials: Trials, start: int) -> None:
        self._trials, self._start = trials, start
        (self._count,), (self._label,) = trials.counts, trials.labels

    def look(self, smallest: bool) -> None:
        """Looks at as many values as it takes."""
        if self._all_are_quick():
            self._trials.look_at_all([(number,) for number in range(self._count)])
            return
        with suppress(QuantityError):  # figures are beyond 64 bits, and so are those behind it
            pair = self._turn(smallest)
            if pair is not None:
                self._narrow(*sorted(pair))

    def _trial(self, number: int) -> Trial:
        return self._trials.at((number,))

    def _all_are_quick(self) -> bool:
        """Whether to look at every value: there are few of them, or all go few ways in arrays."""
        if self._count <= FEW_WALKED or self._count > MANY:
            return self._count <= FEW_WALKED
        if self._count > FEW and len({self._trial(number).layers for number in (1, 2, 3)}) > 1:
            return False  # larger values seem to make more layers
        for samples in (2, FEW):  # of what takes single walks, no more than a few
            some = np.unique(np.linspace(0, self._count - 1, samples).astype(np.int64)).tolist()
            figures = self._trials.figures([(number,) for number in some])
            figures.prepare(self._trials.quantities)
            if not all(map(figures.goes_by_arrays, self._trials.quantities)):
                return False
        return self._count <= FEW or figures.sweeps[0].ways() <= _WAYS

    def _turn(self, smallest: bool) -> tuple[int, int] | None:
        """Two values of which the conditions hold at one: beyond it, in the direction that is
        asked for, lies the other. None where there are none such."""
        outwards = not smallest
        if not self._trial(self._start).holds:
            found = self._sought(self._start, not outwards, holds=True)
            if found is not None:
                return found
            found = self._sought(self._start, outwards, holds=True)
            if found is None:
                return None
            return self._sought(found[1], outwards, holds=False)
        return self._sought(self._start, outwards, holds=False)

    def _sought(self, number: int, upwards: bool, *, holds: bool) -> tuple[int, int] | None:
        """The first of numbers at distances that double, or halve, at which the conditions hold,
        or do not, and the one before it; None where that is at none of them."""
        while True:
            layers = self._trial(number).layers
            before = number
            number = min(2 * number + 1, self._count - 1) if upwards else max(0, (number - 1) // 2)
            if number == before or (upwards and layers is not None and layers > MOST_LAYERS):
                return None
            try:
                if self._trial(number).holds is holds:
                    return before, number
            except QuantityError:
                return None

    def _narrow(self, low: int, high: int) -> None:
        """Finds two values side by side with the conditions holding at one of them.

        Looks where a figure is about to reach its bound; beyond that, at distances that double,
        while it is the same end that comes nearer; in the middle where that is as quick.
        """
        at_low, towards, times = self._trial(low).holds, 0, 0
        while high - low > 1:
            number = (low + high) // 2
            if high - low > _AS_QUICK:
                expected = self._expected(low, high)
                number = number if expected is None else expected + towards * (1 << times >> 1)
                number = min(max(number, low + 1), high - 1)
            before, towards = towards, 1 if self._trial(number).holds is at_low else -1
            times = times + 1 if before == towards else 1
            if towards == 1:
                low = number
            else:
                high = number

    def _expected(self, low: int, high: int) -> int | None:
        """The last number before a condition turns that holds at one of two, if a figure goes along
        the parabola through both and the value seen beside them that is nearest the bound; None
        where no figure says.
        """
        for quantity, bound in (c for way in self._trials.ways for c in way):
            seen = self._above(quantity, bound.value)
            if low not in seen or high not in seen or seen[low] * seen[high] > 0:
                continue  # it is not this condition that turns
            near = [low, high, *sorted(seen, key=lambda number: abs(seen[number]))]
            expected = _parabola([(self._value(n), seen[n]) for n in dict.fromkeys(near)][:3])
            first, last = low, high
            while last - first > 1:
                middle = (first + last) // 2
                if expected(self._value(middle)) * seen[high] > 0:
                    last = middle
                else:
                    first = middle
            return first
        return None

    def _above(self, quantity: str, limit: Any) -> dict[int, Fraction]:
        """By how much a quantity is above a limit at the values seen, by their numbers."""
        seen = {n: trial.values.get(quantity) for (n,), trial in self._trials.seen.items()}
        return {n: Fraction(x) - limit for n, x in seen.items() if isinstance(x, (int, Fraction))}

    def _value(self, number: int) -> Any:
        return self._trials.setting((number,))[self._label]


def _parabola(points: Sequence[tuple[Fraction, Fraction]]) -> Callable[[Fraction], Fraction]:
    """Newton's interpolation through up to three points; a line through two."""
    places = [place for place, _ in points]
    slopes = [value for _, value in points]
    for order in range(1, len(points)):
        for n in reversed(range(order, len(points))):
            slopes[n] = (slopes[n] - slopes[n - 1]) / (places[n] - places[n - order])

    def at(place: Fraction) -> Fraction:
        found = Fraction(0)
        for known, slope in zip(reversed(places), reversed(slopes), strict=True):
            found = found * (place - known) + slope
        return found

    return at
