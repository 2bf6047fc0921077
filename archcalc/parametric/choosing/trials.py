"""Settings that are looked at one by one: whether conditions hold there, and what figures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archcalc.claims.conditions import Condition, in_full, read_conditions
from archcalc.claims.printed import PrintedError, Verdict
from archcalc.errors import QuantityError, UsageError
from archcalc.figures.language import evaluate, reads_fields
from archcalc.graph import Graph
from archcalc.parametric.axes import Axis
from archcalc.parametric.choosing.columns import Figures
from archcalc.parametric.choosing.selection import Selection, choose
from archcalc.parametric.choosing.space import swept, values_at, walked
from archcalc.parametric.setting_groups import REFUSALS
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.quantity.at_least import known_part
from archcalc.record import Record, as_dict
from archcalc.spec.values import ExpressionError, exact_value, own
from archcalc.walk import walk

Point: TypeAlias = "tuple[int, ...]"  # the number of a value for each axis


class Trial(Record):
    """What was found at a setting.

    Attributes:
        holds: whether the conditions do.
        values: of each quantity; None of one that is not there. Empty where there is no network,
            and where settings were looked at in arrays.
        layers: how many there are; None where there is no network, and in arrays.
    """

    holds: bool
    values: Mapping[str, Any]
    layers: int | None


class Trials:
    """Looks at settings, and remembers what was found.

    Attributes:
        axes: what is varied, and the values that it may take.
        ways: the conditions: lists of which all hold, of which one is enough.
        quantities: of the conditions, and others that are asked for.
        seen: what was found, by setting.
    """

    def __init__(
        self,
        graph: Graph,
        axes: Sequence[Axis],
        where: str,
        others: Mapping[str, str],
        *,
        batch: int,
        dtype: str,
    ) -> None:
        """`others`: quantities by the argument that asks for them.

        Raises:
            UsageError: a condition is malformed.
        """
        self.axes, self.where = axes, where
        self._graph, self._batch, self._dtype = graph, batch, dtype
        try:
            self.ways = read_conditions(where)
        except PrintedError as error:
            raise UsageError(str(error), "where") from None
        asked = [(c.quantity, "where") for way in self.ways for c in way]
        asked += [(quantity, argument) for argument, quantity in others.items()]
        self._argument = dict(reversed(asked))
        self.quantities = [*dict.fromkeys(quantity for quantity, _ in asked)]
        self._never_found = {q for q in self.quantities if q not in self.labels}
        self._fields = any(map(reads_fields, self.quantities))
        self.seen: dict[Point, Trial] = {}

    @property
    def labels(self) -> list[str]:
        """Of what is varied."""
        return [axis.label for axis in self.axes]

    @property
    def counts(self) -> list[int]:
        """How many values each axis has."""
        return [axis.count or 0 for axis in self.axes]

    def setting(self, point: Point) -> dict[str, Any]:
        """The values at a setting, by label."""
        return {
            axis.label: exact_value(own(values_at(axis, np.array([number]))[0]))
            for axis, number in zip(self.axes, point, strict=True)
        }

    def at(self, point: Point) -> Trial:
        """Looks at a setting by itself.

        Raises:
            UsageError: a quantity exists in no network, or is no number.
            QuantityError: a figure passes 64 bits.
        """
        if point not in self.seen:
            self.seen[point] = self._tried(point)
        return self.seen[point]

    def look_at_all(self, points: Sequence[Point]) -> None:
        """Looks at settings in arrays together. Raises as `at`."""
        new = [point for point in points if point not in self.seen]
        if new:
            figures = self.figures(new)
            held = {*Selection(figures, figures.all_rows()).where(self.where).rows.tolist()}
            self.seen |= {point: Trial(n in held, {}, None) for n, point in enumerate(new)}
            self._never_found.clear()  # `where` has asked

    def figures(self, points: Sequence[Point]) -> Figures:
        """What is known of some settings, as rows."""
        numbers = np.array(points, dtype=np.int64).reshape(len(points), len(self.axes))
        arrays = {axis.label: values_at(axis, numbers[:, n]) for n, axis in enumerate(self.axes)}
        return self.figures_of(arrays)

    def figures_of(self, settings: Mapping[str, NDArray[Any]]) -> Figures:
        """What is known of settings given as arrays, by label."""
        return Figures([swept(self._graph, settings, batch=self._batch, dtype=self._dtype)])

    def selection(self, points: Sequence[Point], quantities: Sequence[str]) -> Selection:
        """Some settings, to show with figures of them."""
        figures = self.figures(points)
        for row, point in enumerate(points):
            for quantity, value in self.seen[point].values.items():
                if value is not None and quantity not in figures.labels:
                    figures.remember(quantity, row, value)
        return choose(figures, quantities)

    def require_quantities(self) -> None:
        """Refuses a quantity that was found nowhere, and is not there in the network itself.

        Raises:
            UsageError: there is no such figure, with a guess.
        """
        if not self._never_found:
            return
        analysis = walk(self._graph, self._batch, self._dtype)
        for quantity in self.quantities:
            if quantity in self._never_found:
                try:
                    evaluate(in_full(quantity), analysis)
                except ExpressionError as error:
                    message = f"{quantity}: {error}"
                    raise UsageError(message, self._argument[quantity]) from None
        self._never_found.clear()

    def _tried(self, point: Point) -> Trial:
        values = self.setting(point)
        try:
            analysis = walked(
                self._graph, values, batch=self._batch, dtype=self._dtype, fields=self._fields
            )
        except REFUSALS:
            return Trial(False, {}, None)
        sums = map(known_part, as_dict(analysis.totals).values())
        if any(abs(number) > LARGEST_INT64 for number in sums):
            raise QuantityError(f"a figure of {analysis.identity} passes 64 bits")
        for quantity in self.quantities:
            if quantity not in values:
                values[quantity] = self._evaluated(quantity, analysis)
        holds = any(all(self._holds(c, values[c.quantity]) for c in way) for way in self.ways)
        return Trial(holds, values, len(analysis.layers))

    def _evaluated(self, quantity: str, analysis: Any) -> Any:
        try:
            found = evaluate(in_full(quantity), analysis)
        except ExpressionError:
            self.require_quantities()
            return None
        self._never_found.discard(quantity)
        return found

    @staticmethod
    def _holds(condition: Condition, value: Any) -> bool:
        if value is None:
            return False
        try:
            return condition.bound.verdict(value) is Verdict.AGREES
        except PrintedError as error:
            raise UsageError(f"{condition.quantity}: {error}", "where") from None
