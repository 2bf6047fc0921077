"""Figures at settings: as arrays where the walk over arrays has them, else setting by setting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archcalc.analysis import Analysis
from archcalc.claims.conditions import in_full
from archcalc.claims.printed import Printed, PrintedError, Verdict
from archcalc.errors import UsageError
from archcalc.figures.language import evaluate, reads_fields
from archcalc.parametric.combinations import Combinations
from archcalc.parametric.setting_groups import Group
from archcalc.parametric.sweep import Sweep
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.quantity.at_least import AtLeast, is_open, known_part
from archcalc.quantity.conditions import is_array, is_real_array
from archcalc.record import Record
from archcalc.spec.values import ExpressionError, exact_value, own

MOST_WALKED = 10_000  # settings that are walked one by one, a hundred a second or so
_TRIED = 8  # settings at which a quantity is looked for before it is said to be none

# Shows how far a long work over items has come: gives them back, one after the other.
Watch: TypeAlias = Callable[[Sequence[int], str], Iterable[int]]

_INVALID, _KNOWN, _LEAST, _ALONE = range(4)  # what is known of a figure at a setting


def _unwatched(items: Sequence[int], what: str) -> Iterable[int]:
    return items


class Column(Record):
    """A quantity at some settings.

    Attributes:
        values: int64, float64 where each stands for the exact value that a spec would read, or
            objects: exact fractions, lists, texts.
        known: whether there is a value.
        least: whether the quantity is at least the value, and more is not known.
    """

    values: NDArray[Any]
    known: NDArray[np.bool_]
    least: NDArray[np.bool_]

    def cell(self, number: int) -> Any:
        """The quantity at one of the settings; None where there is none."""
        if not self.known[number]:
            return None
        value = exact_value(own(self.values[number]))
        return AtLeast(value, 1) if self.least[number] else value

    def kept(self, bound: Printed) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where a bound is certainly kept, and where that hangs on costs that are not known.

        Raises:
            PrintedError: a value is no number.
        """
        if self.values.dtype == object:
            kept = self._verdicts(np.flatnonzero(self.known), bound)
        else:
            kept = self._compared(bound)
        kept &= self.known
        least = self.least & self.known
        upper = bound.relation in ("<", "<=")
        return kept & ~(least & upper), least & (kept if upper else ~kept)

    def ranks(self) -> NDArray[np.int64]:
        """The place of each value among all, the same for equal ones. Raises as `kept`."""
        if self.values.dtype == object:
            for value in self.values[self.known]:
                if isinstance(value, (bool, str, list)):
                    raise PrintedError(f"{value} is not a number")
            filled = np.where(self.known, self.values, 0)
        else:
            filled = self.values
        found: NDArray[np.int64] = np.unique(filled, return_inverse=True)[1].reshape(-1)
        return found

    def _verdicts(self, numbers: NDArray[np.int64], bound: Printed) -> NDArray[np.bool_]:
        kept = np.zeros(len(self.values), dtype=bool)
        for number in numbers:
            kept[number] = bound.verdict(self.values[number]) is Verdict.AGREES
        return kept

    def _compared(self, bound: Printed) -> NDArray[np.bool_]:
        limit, values = bound.value, self.values
        if values.dtype.kind == "f":
            near = float(limit)
            kept = values < near if "<" in bound.relation else values > near
            # The exact values are in the order of the floats that are nearest to them.
            return kept | self._verdicts(np.flatnonzero(values == near), bound)
        # Whole numbers keep a bound where they keep the next whole one.
        if bound.relation == "<=":
            return np.asarray(values <= math.floor(limit))
        if bound.relation == "<":
            return np.asarray(values < math.ceil(limit))
        if bound.relation == ">=":
            return np.asarray(values >= math.ceil(limit))
        return np.asarray(values > math.floor(limit))


class _Whole:
    """A quantity at all settings of a sweep."""

    def __init__(self, count: int) -> None:
        self.values: NDArray[Any] = np.zeros(count, dtype=np.int64)
        self.state = np.full(count, _INVALID, dtype=np.uint8)

    def enter(self, group: Group, found: Any) -> None:
        """Enters the quantity at a group of settings."""
        rows = group.numbers.ravel()
        elements = _elements(known_part(found), group.numbers.shape)
        if elements is None:
            self.state[rows] = _ALONE
            return
        self.state[rows] = _LEAST if is_open(found) else _KNOWN
        if elements.dtype == object and self.values.dtype != object:
            self.values = self.values.astype(object)
        self.values[rows] = elements.ravel()

    def spread(self, part: _Whole, combinations: Combinations, settings: Any) -> None:
        """Enters what was found for combinations at the settings that have them."""
        if part.values.dtype == object and self.values.dtype != object:
            self.values = self.values.astype(object)
        combinations.put(part.values, self.values, settings)
        combinations.put(part.state, self.state, settings)


class Figures:
    """The figures of the settings of sweeps, computed when they are asked for, and kept.

    The settings of all sweeps are numbered one after the other: rows.

    Attributes:
        sweeps: of a network each, over the same axes.
        labels: of the axes.
        refused: why there is no such quantity, by quantity and row.
        watch: shows how far long work has come.
        ends: behind the last row of each sweep.
    """

    def __init__(
        self, sweeps: Sequence[Sweep], watch: Watch = _unwatched, order: Iterable[str] = ()
    ) -> None:
        self.sweeps = tuple(sweeps)
        labels = dict.fromkeys(label for one in sweeps for label in one.axes())
        self.labels = tuple(dict.fromkeys([*[x for x in order if x in labels], *labels]))
        self.refused: dict[tuple[str, int], str] = {}
        self.watch = watch
        self.ends = np.cumsum([sweep.valid.size for sweep in sweeps])
        self._valid = np.concatenate([sweep.valid.ravel() for sweep in sweeps])
        self._whole: dict[str, list[_Whole]] = {}
        self._alone: dict[tuple[str, int], Any] = {}
        self._required: set[str] = set()

    def remember(self, quantity: str, row: int, value: Any) -> None:
        """Keeps a quantity that was found at a setting, so that it takes no walk."""
        self._alone[quantity, row] = value

    @property
    def count(self) -> int:
        """Of all settings."""
        return int(self.ends[-1])

    def valid(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether there is a network at each of the rows."""
        found: NDArray[np.bool_] = self._valid[rows]
        return found

    def place(self, row: int) -> tuple[Sweep, tuple[int, ...]]:
        """The sweep that a row is of, and its index there."""
        number = int(np.searchsorted(self.ends, row, side="right"))
        sweep = self.sweeps[number]
        within = row - int(self.ends[number]) + sweep.valid.size
        return sweep, tuple(int(n) for n in np.unravel_index(within, sweep.shape))

    def all_rows(self) -> NDArray[np.int64]:
        """Every setting."""
        return np.arange(self.count)

    def prepare(self, quantities: Iterable[str]) -> None:
        """Finds quantities at all settings in one walk over arrays, as far as these go.

        Whether there are such quantities `require` says.

        Raises:
            QuantityError: one passes 64 bits.
        """
        new = [q for q in dict.fromkeys(quantities) if q not in {*self._whole, *self.labels}]
        valid = np.flatnonzero(self._valid).tolist() if self._alone else []
        for quantity in [q for q in new if valid and all((q, n) in self._alone for n in valid)]:
            new.remove(quantity)
            self._whole[quantity] = [_remembered(sweep) for sweep in self.sweeps]
        if new:
            parts = [_whole(sweep, new) for sweep in self.sweeps]
            self._whole |= {q: [part[number] for part in parts] for number, q in enumerate(new)}

    def require(self, quantities: Iterable[str], argument: str) -> None:
        """Refuses what is a quantity of no network at all: UsageError, with the argument."""
        asked = list(quantities)
        self.prepare(asked)
        for quantity in asked:
            if quantity not in {*self._required, *self.labels}:
                self._require_some(quantity, argument)
                self._required.add(quantity)

    def goes_by_arrays(self, quantity: str) -> bool:
        """Whether a quantity, once prepared, takes no walks of single settings."""
        if quantity in self.labels:
            return True
        return not any((whole.state == _ALONE).any() for whole in self._whole[quantity])

    def columns(self, quantities: Sequence[str], rows: NDArray[np.int64]) -> list[Column]:
        """Quantities at some rows, each an axis or what `prepare` takes.

        Raises:
            UsageError: they take too many walks.
        """
        self.prepare(quantities)
        missing = [q for q in quantities if q not in self.labels]
        states = {q: self._gathered(rows, [w.state for w in self._whole[q]]) for q in missing}
        self._walk(rows, states)
        return [
            self._axis(q, rows) if q in self.labels else self._column(q, rows, states[q])
            for q in quantities
        ]

    def _axis(self, label: str, rows: NDArray[np.int64]) -> Column:
        arrays = []
        for sweep in self.sweeps:
            axes = sweep.axes()
            missing = np.array([None], dtype=object)
            arrays.append(np.broadcast_to(axes.get(label, missing), sweep.shape).ravel())
        known = np.ones(len(rows), dtype=bool)
        return Column(self._gathered(rows, arrays), known, np.zeros_like(known))

    def _gathered(self, rows: NDArray[np.int64], arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """The elements at the rows, of an array for each sweep."""
        if len(arrays) == 1:
            return arrays[0][rows]
        kinds = {array.dtype for array in arrays}
        common = [a if len(kinds) == 1 else a.astype(object) for a in arrays]
        found: NDArray[Any] = np.concatenate(common)[rows]
        return found

    def _column(self, quantity: str, rows: NDArray[np.int64], state: NDArray[np.uint8]) -> Column:
        values = self._gathered(rows, [w.values for w in self._whole[quantity]])
        known, least = state != _INVALID, state == _LEAST
        alone = np.flatnonzero(state == _ALONE)
        if len(alone):
            walked = [self._alone[quantity, int(row)] for row in rows[alone]]
            values, known = values.astype(object), known.copy()
            for number, value in zip(alone, walked, strict=True):
                values[number] = known_part(value)
                known[number] = value is not None
                least[number] = is_open(value)
            if all(type(value) is int and abs(value) <= LARGEST_INT64 for value in values):
                values = values.astype(np.int64)
        return Column(values, known, least)

    def _walk(self, rows: NDArray[np.int64], states: dict[str, NDArray[np.uint8]]) -> None:
        """Walks by itself each of the rows at which a quantity is found in no other way."""
        missing: dict[int, list[str]] = {}
        for quantity, state in states.items():
            for row in rows[state == _ALONE].tolist():
                if (quantity, row) not in self._alone:
                    missing.setdefault(row, []).append(quantity)
        if len(missing) > MOST_WALKED:
            names = ", ".join(q for q in states if not self.goes_by_arrays(q))
            raise UsageError(
                f"{names} takes a walk for each setting, and these are {len(missing):,}; up to "
                f"{MOST_WALKED:,} are walked so: narrow them down by other figures first, or draw "
                "fewer"
            )
        for row in self.watch([*missing], ", ".join(q for q in states)):
            sweep, index = self.place(row)
            analysis = sweep.analysis(*index, fields=any(map(reads_fields, missing[row])))
            for quantity in missing[row]:
                self._alone[quantity, row] = self._by_itself(quantity, analysis, row)

    def _by_itself(self, quantity: str, analysis: Analysis, row: int) -> Any:
        try:
            return evaluate(in_full(quantity), analysis)
        except ExpressionError as error:
            self.refused[quantity, row] = f"{quantity}: {error}"
            return None

    def _require_some(self, quantity: str, argument: str) -> None:
        """Refuses what is a quantity of no network at all: tried at some settings."""
        whole = np.concatenate([part.state for part in self._whole[quantity]])
        found = (value for (name, _), value in self._alone.items() if name == quantity)
        if ((whole == _KNOWN) | (whole == _LEAST)).any() or any(x is not None for x in found):
            return
        errors = []
        for state, end in zip(self._whole[quantity], self.ends, strict=True):
            alone = np.flatnonzero(state.state == _ALONE) + int(end) - len(state.state)
            some = np.linspace(0, len(alone) - 1, min(len(alone), _TRIED)).astype(int)
            for row in alone[some]:
                sweep, index = self.place(int(row))
                try:
                    fields = reads_fields(quantity)
                    evaluate(in_full(quantity), sweep.analysis(*index, fields=fields))
                    return
                except ExpressionError as error:
                    errors.append(error)
        if errors:
            raise UsageError(f"{quantity}: {errors[0]}", argument)


def _whole(sweep: Sweep, quantities: Sequence[str]) -> list[_Whole]:
    """Quantities at all settings of a sweep."""
    full = [in_full(quantity) for quantity in quantities]
    totals = [getattr(sweep.totals, name, None) for name in full]
    # One that is open at some setting counts as open at all of them there.
    if not any(total is None or is_open(total) for total in totals):
        return [_of_total(sweep, total) for total in totals]
    found = [_Whole(sweep.valid.size) for _ in full]

    def figures(analysis: Analysis) -> list[Any]:
        return [_tried(name, analysis) for name in full]

    fields = any(map(reads_fields, full))
    for combinations, numbers, groups in sweep.walked(figures, fields=fields):
        parts = [_Whole(math.prod(combinations.shape)) for _ in full]
        for group, values in groups:
            for number, part in enumerate(parts):
                part.enter(group, None if values is None else values[number])
        for whole, part in zip(found, parts, strict=True):
            whole.spread(part, combinations, numbers)
    return found


def _remembered(sweep: Sweep) -> _Whole:
    whole = _Whole(sweep.valid.size)
    whole.state[sweep.valid.ravel()] = _ALONE
    return whole


def _of_total(sweep: Sweep, total: Any) -> _Whole:
    whole = _Whole(sweep.valid.size)
    whole.values = np.ma.getdata(total).ravel()
    whole.state[sweep.valid.ravel()] = _KNOWN
    return whole


def _tried(quantity: str, analysis: Analysis) -> Any:
    """A quantity of an analysis of arrays; None where arrays do not go so far."""
    try:
        return evaluate(quantity, analysis)
    except (ExpressionError, UsageError, TypeError):
        return None


def _elements(found: Any, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """The values at a group of settings; None where they have to be found one by one."""
    if is_array(found):
        return np.broadcast_to(found.elements, shape)
    if is_real_array(found):
        exact = np.empty(shape, dtype=object)
        for index in np.ndindex(shape):
            exact[index] = found.at(index)
        return exact
    if type(found) is int and abs(found) <= LARGEST_INT64:
        return np.full(shape, found, dtype=np.int64)
    if type(found) is int or isinstance(found, Fraction):
        return np.full(shape, found, dtype=object)
    return None
