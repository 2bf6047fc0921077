"""What `sweep` returns: figures as arrays, and the settings to choose from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from archcalc.api.progress import watched
from archcalc.api.results import Result
from archcalc.errors import UsageError
from archcalc.loading import listed
from archcalc.parametric import sweep as of_arrays
from archcalc.parametric.choosing.columns import Figures
from archcalc.parametric.choosing.selection import Selection
from archcalc.render.sweep import SweepDocument

if TYPE_CHECKING:
    import pandas

FIGURES = ("params", "macs", "peak_bytes")
MOST_SHOWN = 60  # settings in a notebook


class Rows(Mapping[str, dict[str, Any]]):
    """The values and figures of each setting, by its number among those that are chosen."""

    def __init__(self, selection: Selection, quantities: Sequence[str]) -> None:
        self._selection = selection
        self._names = [*selection.figures.labels, *quantities]

    def __len__(self) -> int:
        return len(self._selection.rows)

    def __iter__(self) -> Iterator[str]:
        return map(str, range(len(self)))

    def __getitem__(self, name: str) -> dict[str, Any]:
        number = int(name) if name.isdecimal() else len(self)
        if number >= len(self):
            raise KeyError(name)
        one = self._selection.part(number, number + 1)
        columns = one.columns(self._names)
        return {key: c.cell(0) for key, c in zip(self._names, columns, strict=True)}


class Settings(Result[Selection, dict[str, Any]]):
    """Some of the settings of a sweep, in an order, a row each.

    The parts are the values and figures of each, by its number: "0", "1", …
    """

    def __init__(self, selection: Selection, quantities: Sequence[str]) -> None:
        self._quantities = tuple(quantities)
        rows = Rows(selection, self._quantities)
        super().__init__(selection, rows, SweepDocument(selection, self._quantities))

    def where(self, conditions: str) -> Settings:
        """Those at which conditions hold: `macs <= 150M and params < 3M`, `… or …`.

        On the left stand quantities as in claims, or what is varied; on the right figures with
        their units.

        Raises:
            UsageError: a condition is malformed, or of an unknown quantity.
        """
        return Settings(self.found.where(conditions), self._quantities)

    def pareto(self, *quantities: str) -> Settings:
        """Those that no other one beats: as good in each quantity, and better in one.

        Less is better, and of `"-quantity"` more. Settings that are equal in all quantities are
        all there, or none of them.

        Raises:
            UsageError: a quantity is unknown, or no number; there are fewer than two.
        """
        return Settings(self.found.pareto(_each(quantities)), self._quantities)

    def sort(self, *quantities: str) -> Settings:
        """In order of quantities, of `"-quantity"` the largest first. Raises as `pareto`."""
        return Settings(self.found.sort(_each(quantities)), self._quantities)

    def top(self, count: int) -> Settings:
        """The first of them."""
        if count < 0:
            raise UsageError(f"there are no first {count}", "count")
        return Settings(self.found.top(count), self._quantities)

    def figures(self, *quantities: str) -> Settings:
        """The same settings with other figures, named as in claims.

        Raises:
            UsageError: one is unknown.
        """
        wanted = [q for q in _each(quantities) if q not in self.found.figures.labels]
        self.found.figures.require(wanted, "quantities")
        return Settings(self.found, wanted)

    def __repr__(self) -> str:
        return f"<{len(self):,} settings of {', '.join(dict.fromkeys(self.found.networks()))}>"

    def _repr_html_(self) -> str:
        shown = Settings(self.found.top(MOST_SHOWN), self._quantities)
        return super(Settings, shown)._repr_html_()


class Sweep(of_arrays.Sweep):
    __doc__ = of_arrays.Sweep.__doc__

    def settings(self, *quantities: str) -> Settings:
        """The settings one after the other, with figures, named as in claims.

        By default parameters, MACs and the peak of memory.

        Raises:
            UsageError: a figure is unknown.
        """
        figures = Figures([self], watched)
        found = Selection(figures, np.arange(figures.count))
        return Settings(found, ()).figures(*(quantities or FIGURES))

    def where(self, conditions: str) -> Settings:
        """The settings at which conditions hold; see `Settings.where`."""
        return self.settings().where(conditions)

    def pareto(self, *quantities: str) -> Settings:
        """The settings that no other one beats; see `Settings.pareto`."""
        return self.settings().pareto(*quantities)

    def to_frame(self, *quantities: str) -> pandas.DataFrame:
        """A row for each setting as a pandas DataFrame; see `settings`.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return self.settings(*quantities).to_frame()

    def _repr_html_(self) -> str:
        return self.settings()._repr_html_()


def _each(quantities: Sequence[str]) -> list[str]:
    return [name for text in quantities for name in listed(text)]
