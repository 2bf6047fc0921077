"""Some of the settings of a space, in an order: by conditions, by fronts, the first of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archcalc.claims.conditions import Condition, read_conditions
from archcalc.claims.printed import PrintedError
from archcalc.errors import UsageError
from archcalc.parametric.choosing.columns import MOST_WALKED, Column, Figures
from archcalc.parametric.choosing.front import front
from archcalc.record import Record, replace

_NAME = re.compile(r"-\s*([\w.]+(\[[^\]]*\](\.\w+)?)?)")  # of one quantity, with a minus before it


class Selection(Record):
    """Some of the settings of one sweep, or of several over the same axes.

    Attributes:
        figures: what is known of all settings.
        rows: the numbers of those that are chosen, in order.
        undecided: how many were left out because what decides is a cost that is not known.
    """

    figures: Figures
    rows: NDArray[np.int64]
    undecided: int = 0

    def where(self, text: str) -> Selection:
        """Those at which conditions hold: `macs <= 150M and params < 3M`, or `… or …`.

        Raises:
            UsageError: a condition is malformed, or of an unknown quantity.
        """
        try:
            ways = read_conditions(text)
            self.figures.require([c.quantity for way in ways for c in way], "where")
            rows = self._valid()
            certain, possible = np.zeros((2, len(rows)), dtype=bool)
            for way in ways:
                kept, open_ = self._kept(way, rows)
                certain |= kept
                possible |= open_
        except PrintedError as error:
            raise UsageError(str(error), "where") from None
        undecided = self.undecided + int((possible & ~certain).sum())
        return replace(self, rows=rows[certain], undecided=undecided)

    def pareto(self, quantities: Sequence[str]) -> Selection:
        """Those that no other one beats: as good in each quantity, and better in one.

        Less is better, and of `-quantity` more. Settings that are equal in all are all there, or
        none of them. They stay in order.

        Raises:
            UsageError: a quantity is unknown, or no number.
        """
        if len(quantities) < 2:
            raise UsageError("a front takes two quantities or more", "pareto")
        columns, signs, rows = self._compared(quantities, "pareto")
        known = np.logical_and.reduce([c.known & ~c.least for c in columns])
        ranks = [s * self._ranks(c, "pareto") for c, s in zip(columns, signs, strict=True)]
        best = front(np.stack(ranks, axis=1)[known])
        undecided = self.undecided + int((~known).sum())
        return replace(self, rows=rows[known][best], undecided=undecided)

    def sort(self, quantities: Sequence[str]) -> Selection:
        """In order of quantities, of `-quantity` the largest first; what has none comes last.

        Raises:
            UsageError: as `pareto`.
        """
        columns, signs, rows = self._compared(quantities, "sort")
        keys: list[NDArray[Any]] = []
        for column, sign in zip(columns, signs, strict=True):
            keys += [~column.known, sign * self._ranks(column, "sort")]
        order = np.lexsort(keys[::-1])
        invalid = self.rows[~self.figures.valid(self.rows)]
        return replace(self, rows=np.concatenate([rows[order], invalid]))

    def top(self, count: int) -> Selection:
        """The first of them."""
        return self.part(0, count)

    def part(self, first: int, behind: int) -> Selection:
        """Those from one number up to before another."""
        return replace(self, rows=self.rows[first:behind])

    def columns(self, quantities: Sequence[str]) -> list[Column]:
        """Quantities, or axes, at the settings. Raises UsageError as `pareto`."""
        return self.figures.columns(quantities, self.rows)

    def reasons(self, quantities: Sequence[str]) -> list[str | None]:
        """For each setting why it is invalid, or has none of the quantities; None where it has all.

        Each invalid one takes a walk of its own: of more than `MOST_WALKED` it is said that they
        are invalid, and no more.
        """
        figures = self.figures
        found: dict[int, str] = {}
        for row in self.rows.tolist():
            refused = [figures.refused[q, row] for q in quantities if (q, row) in figures.refused]
            if refused:
                found[row] = "; ".join(refused)
        invalid = self.rows[~figures.valid(self.rows)].tolist()
        found |= dict.fromkeys(invalid[MOST_WALKED:], "invalid; a walk of it alone says why")
        for row in figures.watch(invalid[:MOST_WALKED], "reasons"):
            sweep, index = figures.place(row)
            found[row] = sweep.reason(*index) or ""
        return [found.get(row) for row in self.rows.tolist()]

    def valid_count(self) -> int:
        """How many of the settings are valid."""
        return int(self.figures.valid(self.rows).sum())

    def networks(self) -> list[str]:
        """For each setting, of which network it is."""
        names = [sweep.about for sweep in self.figures.sweeps]
        numbers = np.searchsorted(self.figures.ends, self.rows, side="right")
        return [names[number] for number in numbers.tolist()]

    def _valid(self) -> NDArray[np.int64]:
        return self.rows[self.figures.valid(self.rows)]

    def _kept(
        self, way: Sequence[Condition], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where all conditions certainly hold, and where that hangs on costs that are not known.

        What takes walks of single settings comes last, for the settings that are left.
        """
        certain = np.ones(len(rows), dtype=bool)
        possible = certain.copy()
        in_order = sorted(way, key=lambda one: not self.figures.goes_by_arrays(one.quantity))
        for quantity, bound in in_order:
            left = np.flatnonzero(possible)
            (column,) = self._columns([quantity], rows[left], "where")
            try:
                kept, open_ = column.kept(bound)
            except PrintedError as error:
                raise PrintedError(f"{quantity}: {error}") from None
            certain[left] &= kept
            possible[left] &= kept | open_
        return certain, possible & ~certain

    def _compared(
        self, quantities: Sequence[str], argument: str
    ) -> tuple[list[Column], list[int], NDArray[np.int64]]:
        """Quantities at the valid settings, for each whether less is better (1) or more (-1)."""
        names, rows = [*map(_without_minus, quantities)], self._valid()
        self.figures.require(names, argument)
        columns = self._columns(names, rows, argument)
        signs = [1 if n == q else -1 for n, q in zip(names, quantities, strict=True)]
        return columns, signs, rows

    def _columns(
        self, quantities: Sequence[str], rows: NDArray[np.int64], argument: str
    ) -> list[Column]:
        try:
            return self.figures.columns(quantities, rows)
        except UsageError as error:
            raise UsageError(str(error), argument) from None

    @staticmethod
    def _ranks(column: Column, argument: str) -> NDArray[np.int64]:
        try:
            return column.ranks()
        except PrintedError as error:
            raise UsageError(str(error), argument) from None


def choose(
    figures: Figures,
    quantities: Sequence[str],
    *,
    where: str | None = None,
    pareto: Sequence[str] = (),
    sort: Sequence[str] = (),
    top: int | None = None,
) -> Selection:
    """The settings that are asked for, in that order of steps; what is asked of them in one walk.

    Args:
        quantities: that will be shown, too.

    Raises:
        UsageError: as the methods of `Selection`.
    """
    asked = [*quantities, *map(_without_minus, [*pareto, *sort])]
    with suppress(PrintedError):  # `where` tells
        asked += [c.quantity for way in read_conditions(where or "") for c in way]
    figures.prepare(asked)
    figures.require(quantities, "figures")
    chosen = Selection(figures, figures.all_rows())
    if where is not None:
        chosen = chosen.where(where)
    if pareto:
        chosen = chosen.pareto(pareto)
    if sort:
        chosen = chosen.sort(sort)
    return chosen if top is None else chosen.top(top)


def _without_minus(quantity: str) -> str:
    match = _NAME.fullmatch(quantity)
    return quantity if match is None else match[1]
