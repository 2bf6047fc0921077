"""Settings as arrays, and the groups that they fall into."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import LayerError, QuantityError, SpecError, UsageError
from archcalc.quantity.conditions import Diverged, is_array, splitting
from archcalc.quantity.integer_array import IntegerArray, as_quantity
from archcalc.quantity.real_array import RealArray
from archcalc.record import Record
from archcalc.spec.syntax import INPUT
from archcalc.spec.values import Value, exact_value, own

MOST_AT_ONCE = 1 << 17  # settings that are walked together: their arrays should stay in the cache

# What a setting that no network exists at is refused with.
REFUSALS = (LayerError, SpecError, UsageError)

# Where an array stands: a parameter, or an item of one that is a list; or a size of an input, under
# its `input_place`, which no parameter is called.
Place: TypeAlias = "tuple[str, int | None]"
Arrays: TypeAlias = "dict[Place, NDArray[Any]]"

_T = TypeVar("_T")


# ----- arrays of settings -----


def input_place(name: str) -> str:
    """What stands for an input in the place of a parameter's name."""
    return INPUT if name == INPUT else f"{INPUT} {name}"


def arrays_among(parameters: Mapping[str, Value], inputs: Mapping[str, Sequence[Value]]) -> Arrays:
    """The arrays among parameters, items of lists, and sizes: int64, float64 or of objects."""
    given: dict[Place, Value] = {(name, None): value for name, value in parameters.items()}
    lists = {name: value for name, value in parameters.items() if isinstance(value, list)}
    shapes = {input_place(name): sizes for name, sizes in inputs.items()}
    for name, items in {**lists, **shapes}.items():
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
        raise UsageError(f"arrays of these shapes do not broadcast together: {names}") from None
    return {p: a.reshape((1,) * (len(shape) - a.ndim) + a.shape) for p, a in arrays.items()}, shape


def _is_array(value: Value) -> bool:
    return is_array(value) or getattr(value, "ndim", 0) > 0


def _array(value: Value) -> NDArray[Any]:
    if np.ma.is_masked(value):
        raise UsageError("an array with masked elements, which have no value; fill or drop them")
    array = np.asarray(value)
    if array.dtype.kind in "iu":
        return IntegerArray(array).elements
    return array.astype(np.float64) if array.dtype.kind == "f" else array


# ----- groups -----


class Group(Record):
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

    def parts(self, groups: NDArray[Any]) -> Iterator[Group]:
        """The settings of each group; still a grid where the groups lie along one axis."""
        along = [axis for axis, size in enumerate(groups.shape) if size > 1]
        for group in np.unique(groups):
            if len(along) == 1:
                yield self._taken(np.flatnonzero(groups.ravel() == group), along[0])
                continue
            chosen = np.broadcast_to(groups, self.numbers.shape) == group
            flat = {p: np.broadcast_to(a, chosen.shape)[chosen] for p, a in self.arrays.items()}
            yield Group(flat, self.numbers[chosen])

    def tiles(self, most: int | None = None) -> Iterator[Group]:
        """The settings, `most` at a time; by default `MOST_AT_ONCE`."""
        if self.numbers.size <= (most or MOST_AT_ONCE):
            yield self
            return
        for half in self.halves():
            yield from half.tiles(most)

    def halves(self) -> list[Group]:
        """The settings in two groups, cut across the longest axis."""
        axis = int(np.argmax(self.numbers.shape))
        halves = np.array_split(np.arange(self.numbers.shape[axis]), 2)
        return [self._taken(half, axis) for half in halves]

    def _taken(self, index: NDArray[Any], axis: int) -> Group:
        arrays = {
            place: array if array.shape[axis] == 1 else array.take(index, axis)
            for place, array in self.arrays.items()
        }
        return Group(arrays, self.numbers.take(index, axis))


def everything(arrays: Arrays, shape: tuple[int, ...]) -> list[Group]:
    """All settings, split only by the values of arrays that hold no numbers, such as texts."""
    numbers = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    groups = [Group(arrays, numbers)]
    for place, array in arrays.items():
        if array.dtype.kind not in "if":
            groups = [
                part for group in groups for part in group.parts(_labels(group.arrays[place]))
            ]
    return groups


def split(
    group: Group, compute: Callable[[dict[Place, Value]], _T], *, in_full: bool
) -> Iterator[tuple[Group, _T | None]]:
    """The groups that the settings fall into, with what comes of each; None where refused.

    Args:
        compute: what the settings may diverge in.
        in_full: as for `archcalc.quantity.conditions.splitting`.
    """
    waiting = [group] if group.numbers.size else []
    while waiting:
        part = waiting.pop()
        try:
            with splitting(in_full=in_full):
                found = compute(part.values())
        except Diverged as ways:
            waiting += part.parts(ways.groups)
        except REFUSALS:
            yield part, None
        except QuantityError:
            if part.numbers.size == 1:
                raise
            waiting += part.halves()  # down to single settings, which are computed with ints
        else:
            yield part, found


def _value(array: NDArray[Any]) -> Value:
    first = array.flat[0]
    if array.size == 1 or array.dtype.kind not in "if" or bool((array == first).all()):
        return own(first)
    return RealArray.of(array, exact_value) if array.dtype.kind == "f" else as_quantity(array)


def _labels(array: NDArray[Any]) -> NDArray[np.int64]:
    """A number for each element, the same for the same value."""
    known: dict[str, int] = {}
    labels = [known.setdefault(repr(element), len(known)) for element in array.flat]
    return np.array(labels, dtype=np.int64).reshape(array.shape)
