"""Settings as arrays, and the lots that they part into."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import LayerError, SpecError, UsageError
from archcalc.integer_array import IntegerArray, as_quantity
from archcalc.quantity import Parting, is_array, parting
from archcalc.spec.values import Value, own

MOST_AT_ONCE = 1 << 17  # settings that are walked together: their arrays should stay in the cache
FEW = 1 << 10  # settings, among which it is not worth it to look for the same ones

# What a setting that no network exists at is refused with.
REFUSALS = (LayerError, SpecError, UsageError)

# Where an array stands: a parameter, or an item of one that is a list. `INPUT` is the input's
# shape; no parameter is called so.
Place: TypeAlias = "tuple[str, int | None]"
Arrays: TypeAlias = "dict[Place, NDArray[Any]]"
INPUT = "input"

_T = TypeVar("_T")


# ----- arrays of settings -----


def arrays_among(parameters: Mapping[str, Value], input: Sequence[Value] | None) -> Arrays:
    """The arrays among parameters, items of lists, and sizes: int64, float64 or of objects."""
    given: dict[Place, Value] = {(name, None): value for name, value in parameters.items()}
    lists = {name: value for name, value in parameters.items() if isinstance(value, list)}
    for name, items in {**lists, INPUT: input or ()}.items():
        given |= {(name, number): item for number, item in enumerate(items)}
    return {place: _array(value) for place, value in given.items() if _is_array(value)}


def aligned(arrays: Arrays) -> tuple[Arrays, tuple[int, ...]]:
    """The arrays with as many axes as all together, and the shape that they broadcast to.

    Raises:
        UsageError: they do not broadcast against each other.
    """
    try:
        shape = np.broadcast_shapes(*[array.shape for array in arrays.values()])
    except ValueError:
        names = ", ".join(f"{name} {array.shape}" for (name, _), array in arrays.items())
        raise UsageError(f"arrays of these shapes do not go together: {names}") from None
    return {p: a.reshape((1,) * (len(shape) - a.ndim) + a.shape) for p, a in arrays.items()}, shape


@dataclass(frozen=True, slots=True)
class Combinations:
    """The values that settings combine, each combination once if many settings are the same.

    Attributes:
        arrays: the values, each of as many axes as `shape`.
        shape: of the combinations.
        numbers: the number of the combination at each setting; None where they are the settings.
    """

    arrays: Arrays
    shape: tuple[int, ...]
    numbers: NDArray[np.int64] | None

    def at_settings(self, found: NDArray[Any]) -> NDArray[Any]:
        """What was found for each combination, at the settings."""
        return found if self.numbers is None else found.ravel()[self.numbers]


def combinations(arrays: Arrays, shape: tuple[int, ...]) -> Combinations:
    """What the settings combine: a grid of all values that occur, unless that is much larger.

    On a grid what hangs on one value is reckoned once for all others, which is some ten times
    faster; a mesh that is written out, as of `numpy.meshgrid`, becomes one again.
    """
    as_given = Combinations(arrays, shape, None)
    is_grid = math.prod(array.size for array in arrays.values()) == math.prod(shape)
    numbers_only = all(array.dtype.kind in "if" for array in arrays.values())
    if is_grid or not numbers_only or math.prod(shape) < FEW:
        return as_given
    values, places = [], []
    for array in arrays.values():
        found, place = np.unique(array, return_inverse=True)
        values.append(found)
        places.append(np.broadcast_to(place.reshape(array.shape), shape))
    size = tuple(map(len, values))
    if math.prod(size) > 2 * math.prod(shape):
        return as_given
    spread = dict(zip(arrays, np.ix_(*values), strict=True))
    return Combinations(spread, size, np.ravel_multi_index(tuple(places), size))


def _is_array(value: Value) -> bool:
    return is_array(value) or getattr(value, "ndim", 0) > 0


def _array(value: Value) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        return IntegerArray(array).elements
    return array.astype(np.float64) if array.dtype.kind == "f" else array


# ----- lots -----


@dataclass(frozen=True, slots=True)
class Lot:
    """Settings that are looked at together.

    Attributes:
        arrays: their values, each of as many axes as `numbers`, and broadcast against it.
        numbers: the number of each setting among all.
    """

    arrays: Arrays
    numbers: NDArray[np.int64]

    @property
    def fits(self) -> bool:
        """Whether the settings are few enough for one walk."""
        return self.numbers.size <= MOST_AT_ONCE

    def values(self) -> dict[Place, Value]:
        """The arrays as the spec language takes them; where all have one value, that value."""
        return {place: _value(array) for place, array in self.arrays.items()}

    def parts(self, lots: NDArray[Any]) -> Iterator[Lot]:
        """The settings of each lot; still a grid where the lots lie along one axis."""
        along = [axis for axis, size in enumerate(lots.shape) if size > 1]
        for lot in np.unique(lots):
            if len(along) == 1:
                yield self._taken(np.flatnonzero(lots.ravel() == lot), along[0])
                continue
            chosen = np.broadcast_to(lots, self.numbers.shape) == lot
            flat = {p: np.broadcast_to(a, chosen.shape)[chosen] for p, a in self.arrays.items()}
            yield Lot(flat, self.numbers[chosen])

    def tiles(self) -> Iterator[Lot]:
        """The settings, `MOST_AT_ONCE` at a time."""
        if self.fits:
            yield self
            return
        axis = int(np.argmax(self.numbers.shape))
        for half in np.array_split(np.arange(self.numbers.shape[axis]), 2):
            yield from self._taken(half, axis).tiles()

    def _taken(self, index: NDArray[Any], axis: int) -> Lot:
        arrays = {
            place: array if array.shape[axis] == 1 else array.take(index, axis)
            for place, array in self.arrays.items()
        }
        return Lot(arrays, self.numbers.take(index, axis))


def everything(arrays: Arrays, shape: tuple[int, ...]) -> list[Lot]:
    """All settings, parted only by the values of arrays that hold no numbers, such as texts."""
    numbers = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    lots = [Lot(arrays, numbers)]
    for place, array in arrays.items():
        if array.dtype.kind not in "if":
            lots = [part for lot in lots for part in lot.parts(_labels(lot.arrays[place]))]
    return lots


def parted(
    lot: Lot, reckon: Callable[[dict[Place, Value]], _T], *, in_full: bool
) -> Iterator[tuple[Lot, _T | None]]:
    """The lots that the settings part into, with what comes of each; None where refused.

    Args:
        reckon: what the settings part ways in.
        in_full: as for `archcalc.quantity.parting`.
    """
    waiting = [lot] if lot.numbers.size else []
    while waiting:
        part = waiting.pop()
        try:
            with parting(in_full=in_full):
                found = reckon(part.values())
        except Parting as ways:
            waiting += part.parts(ways.lots)
        except REFUSALS:
            yield part, None
        else:
            yield part, found


def _value(array: NDArray[Any]) -> Value:
    first = array.flat[0]
    if array.dtype.kind not in "if" or bool((array == first).all()):
        return own(first)
    return array if array.dtype.kind == "f" else as_quantity(array)


def _labels(array: NDArray[Any]) -> NDArray[np.int64]:
    """A number for each element, the same for the same value."""
    known: dict[str, int] = {}
    labels = [known.setdefault(repr(element), len(known)) for element in array.flat]
    return np.array(labels, dtype=np.int64).reshape(array.shape)
