"""The largest or smallest value of a parameter at which conditions hold, exact at the boundary."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from archcalc.claims.conditions import in_full, read_conditions
from archcalc.claims.printed import PrintedError
from archcalc.errors import LayerError, QuantityError, SpecError, UsageError
from archcalc.figures.language import evaluate
from archcalc.graph import Graph
from archcalc.identity import value_text
from archcalc.parametric.axes import OVER, Axis, Interval, Steps, read_axis
from archcalc.parametric.choosing.columns import Figures
from archcalc.parametric.choosing.selection import Selection, choose
from archcalc.parametric.choosing.space import swept, values_at
from archcalc.parametric.variables import variable
from archcalc.record import Record
from archcalc.spec.values import ExpressionError, exact_value, own
from archcalc.walk import walk

FOR = "for"  # the argument that messages name
FEW = 64  # values that are all looked at, whatever that takes
MANY = 1_000_000  # values that are all looked at where they go few ways, together in arrays
_WAYS = 4
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
    Otherwise distances double from the first value on, up to where the conditions hold and then
    do not, and the boundary in between is found by bisection.

    Args:
        text: LABEL or LABEL=VALUES; without values of whole numbers from 1 on.
        where: the conditions.
        quantities: shown beside those of the conditions.

    Raises:
        UsageError: the label, the values or the conditions are wrong.
    """
    axis = _axis(text, graph)
    search = _Search(graph, axis, where, batch, dtype)
    search.look(smallest)
    looked = sorted(search.seen)
    held = [number for number in looked if search.seen[number]]
    shown = looked[:1]
    if held:
        best = held[0] if smallest else held[-1]
        beyond = best - 1 if smallest else best + 1
        shown = [best, *([beyond] if beyond in search.seen else [])]
    asked = tuple(q for q in dict.fromkeys([*search.quantities, *quantities]) if q != axis.label)
    pattern = [search.seen[number] for number in looked]
    return Solution(
        axis.label,
        "smallest" if smallest else "largest",
        where,
        search.value(shown[0]) if held else None,
        search.value(shown[1]) if len(shown) > 1 else None,
        search.selection(shown, asked),
        asked,
        len(looked),
        search.value(looked[0]),
        search.value(looked[-1]),
        len(looked) == looked[-1] - looked[0] + 1,
        sum(holds and not before for before, holds in pairwise([False, *pattern])) > 1,
    )


def _axis(text: str, graph: Graph) -> Axis:
    """The values to look at, from small to large."""
    one = variable(text.partition("=")[0].strip(), graph, FOR)
    if "=" not in text:
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


class _Search:
    """Values of a parameter by their numbers, and at which of them conditions hold.

    Attributes:
        seen: for each number that was looked at, whether they hold.
        count: of all values.
        quantities: of the conditions.
    """

    def __init__(self, graph: Graph, axis: Axis, where: str, batch: int, dtype: str) -> None:
        self._graph, self._axis, self._where = graph, axis, where
        self._conditions = {"batch": batch, "dtype": dtype}
        self.count = axis.count or 0
        self.seen: dict[int, bool] = {}
        try:
            ways = read_conditions(where)
        except PrintedError as error:
            raise UsageError(str(error), "where") from None
        self.quantities = [*dict.fromkeys(c.quantity for way in ways for c in way)]
        analysis = walk(graph, batch, dtype)
        for quantity in self.quantities:
            try:
                if quantity != axis.label:
                    evaluate(in_full(quantity), analysis)
            except ExpressionError as error:
                raise UsageError(f"{quantity}: {error}", "where") from None

    def value(self, number: int) -> Any:
        """The value with a number."""
        return exact_value(own(values_at(self._axis, np.array([number]))[0]))

    def selection(self, numbers: Sequence[int], quantities: Sequence[str]) -> Selection:
        """The settings with some numbers, and figures of them."""
        return choose(self._figures(numbers), quantities)

    def look(self, smallest: bool) -> None:
        """Looks at as many values as it takes."""
        at_once = FEW < self.count <= MANY and not self._deepens() and self._go_few_ways()
        if self.count <= FEW or at_once:
            self.look_at(range(self.count))
        else:
            self._look_further(smallest)

    def look_at(self, numbers: Sequence[int]) -> None:
        """Looks at some values, all in arrays together."""
        new = [n for n in numbers if n not in self.seen]
        if new:
            held = Selection(self._figures(new), np.arange(len(new))).where(self._where)
            self.seen |= dict.fromkeys(new, False)
            self.seen |= dict.fromkeys([new[n] for n in held.rows.tolist()], True)

    def _figures(self, numbers: Sequence[int]) -> Figures:
        arrays = {self._axis.label: values_at(self._axis, np.array(numbers, dtype=np.int64))}
        return Figures([swept(self._graph, arrays, **self._conditions)])  # type: ignore[arg-type]  # batch and dtype

    def _layers(self, number: int) -> int | None:
        """How many layers the network has at a value; None where there is no network."""
        sweep, index = self._figures([number]).place(0)
        try:
            return len(sweep.analysis(*index).layers)
        except (LayerError, SpecError, UsageError):
            return None

    def _deepens(self) -> bool:
        """Whether larger values seem to make more layers, so that not all can be walked at once."""
        return self._layers(1) != self._layers(2) or self._layers(2) != self._layers(3)

    def _go_few_ways(self) -> bool:
        """Whether some values in between go few ways, and figures come by arrays."""
        some = np.unique(np.linspace(0, self.count - 1, FEW).astype(np.int64)).tolist()
        figures = self._figures(some)
        figures.prepare(self.quantities)
        if not all(map(figures.goes_by_arrays, self.quantities)):
            return False
        return figures.sweeps[0].ways() <= _WAYS

    def _look_further(self, smallest: bool) -> None:
        """Looks at distances that double, and between the two values where it has changed."""
        number, before = 0, -1
        while True:
            try:
                self.look_at([number])
                layers = self._layers(number)
            except QuantityError:  # its figures are beyond 64 bits, and so are those behind it
                return
            if any(self.seen.values()) and (smallest or not self.seen[number]):
                break
            if number == self.count - 1 or (layers is not None and layers > MOST_LAYERS):
                return
            before, number = number, min(2 * number + 1, self.count - 1)
        while number - before > 1:
            middle = (before + number) // 2
            self.look_at([middle])
            if self.seen[middle] == self.seen[number]:
                number = middle
            else:
                before = middle
