"""Settings that give the same figures, each combination of values once.

Many settings are alike to a network: the same values come again, or other values make the same
layers of it, as widths do that round to the same channels. What is alike is computed once, and on
the grid of what is left, what depends on one value is computed once for all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archcalc.errors import QuantityError
from archcalc.graph import Graph
from archcalc.parametric.setting_groups import REFUSALS, Arrays, Group, Place
from archcalc.quantity.conditions import Diverged, splitting
from archcalc.quantity.integer_array import IntegerArray
from archcalc.record import Record
from archcalc.spec.values import Value

FEW = 1 << 10  # settings, among which it is not worth it to look for the same ones
SOME = 1 << 14  # elements of an array that tell whether it has many values
# How much larger than the settings a grid of all their values may be: walking it is some ten times
# faster than walking them one beside the other.
MOST_OF_GRID = 4


class Combinations(Record):
    """The values that settings combine, each combination once if many settings are the same.

    Attributes:
        arrays: the values, each of as many axes as `shape`.
        shape: of the combinations.
        numbers: the number of the combination at each setting; None where they are the settings.
    """

    arrays: Arrays
    shape: tuple[int, ...]
    numbers: NDArray[np.int64] | None

    @property
    def is_grid(self) -> bool:
        """Whether each value is combined with each other one."""
        return math.prod(array.size for array in self.arrays.values()) == math.prod(self.shape)

    def put(
        self, found: NDArray[Any], column: NDArray[Any], settings: NDArray[np.int64] | slice
    ) -> None:
        """Enters what was found for each combination at the settings, by their numbers."""
        if self.numbers is None:
            column[settings] = found.ravel()
        elif isinstance(settings, slice) and found.dtype == column.dtype:  # with none in between
            np.take(found.ravel(), self.numbers.ravel(), out=column[settings], mode="clip")
        else:
            column[settings] = found.ravel()[self.numbers.ravel()]


def combinations(arrays: Arrays, shape: tuple[int, ...]) -> Combinations:
    """What the settings combine: a grid of all values that occur, unless that is much larger.

    On a grid what depends on one value is computed once for all others, which is some ten times
    faster; a mesh that is written out, as of `numpy.meshgrid`, becomes one again.
    """
    as_given = Combinations(arrays, shape, None)
    numbers_only = all(array.dtype.kind in "if" for array in arrays.values())
    if not numbers_only or math.prod(shape) < FEW:
        return as_given
    # Some of the elements have at least so many values; sorting all may be in vain.
    fewest = [len(np.unique(array.ravel()[:SOME])) for array in arrays.values()]
    if math.prod(fewest) > MOST_OF_GRID * math.prod(shape):
        return as_given
    values, places = [], []
    for array in arrays.values():
        found, place = np.unique(array, return_inverse=True)
        values.append(found)
        places.append(np.broadcast_to(place.reshape(array.shape), shape))
    size = tuple(map(len, values))
    too_many = math.prod(size) > MOST_OF_GRID * math.prod(shape)
    if too_many or (as_given.is_grid and math.prod(size) == math.prod(shape)):
        return as_given
    spread = dict(zip(arrays, np.ix_(*values), strict=True))
    return Combinations(spread, size, np.ravel_multi_index(tuple(places), size))


def by_layers(
    group: Group, graph: Graph, build: Callable[[Mapping[Place, Value]], Graph]
) -> Combinations:
    """What the settings of a group combine, where values count as one that make the same layers.

    Whether a size depends on one value alone is seen by building the network once more, on a small
    grid of the values that occur: its shape tells.

    Args:
        group: settings that go the same way while the network is built.
        graph: what is built at them.
        build: builds it at other values.
    """
    shape = group.numbers.shape
    as_given = Combinations(group.arrays, shape, None)
    if group.numbers.size < FEW or any(a.dtype.kind not in "if" for a in group.arrays.values()):
        return as_given
    values = [np.broadcast_to(array, shape).ravel() for array in group.arrays.values()]
    sizes = list(_sizes_in(graph))
    axes = _axes_of_sizes(dict(zip(group.arrays, values, strict=True)), build)
    if axes is None or len(axes) != len(sizes):
        return as_given
    few, numbers = [], []
    for axis, array in enumerate(values):
        made = [
            np.broadcast_to(s, shape).ravel()
            for s, at in zip(sizes, axes, strict=True)
            if at == axis
        ]
        first, number = _classes(array, made)
        few.append(first)
        numbers.append(number)
    size = tuple(map(len, few))
    if math.prod(size) > MOST_OF_GRID * group.numbers.size:
        return as_given
    spread = dict(zip(group.arrays, np.ix_(*few), strict=True))
    return Combinations(spread, size, np.ravel_multi_index(tuple(numbers), size).reshape(shape))


def _axes_of_sizes(
    values: Arrays, build: Callable[[Mapping[Place, Value]], Graph]
) -> list[int | None] | None:
    """For each array among the sizes of a network the one parameter that it depends on.

    None of one that depends on no parameter; in place of the list, where one depends on several, or
    where other combinations of the values do not go the same way.
    """
    some = [np.unique([array[0], array.min(), array.max()]) for array in values.values()]
    spread = np.ix_(*some)
    numbers = np.arange(math.prod(map(len, some))).reshape([len(array) for array in some])
    trial = Group(dict(zip(values, spread, strict=True)), numbers)
    try:
        with splitting(in_full=False):
            graph = build(trial.values())
    except (Diverged, QuantityError, *REFUSALS):
        return None
    found: list[int | None] = []
    for size in _sizes_in(graph):
        axes = [axis for axis, length in enumerate(size.shape) if length > 1]
        if len(axes) > 1:
            return None
        found.append(axes[0] if axes else None)
    return found


def _sizes_in(graph: Graph) -> Iterator[NDArray[np.int64]]:
    """The arrays in a network: among the sizes of its inputs, and the fields of its layers."""
    waiting: list[object] = [tuple(graph.input_sizes)]
    waiting += [tuple(vars(node.layer).values()) for node in graph.nodes]
    for value in waiting:
        yield from _arrays_in(value)


def _arrays_in(value: object) -> Iterator[NDArray[np.int64]]:
    if isinstance(value, IntegerArray):
        yield value.elements
    elif isinstance(value, tuple):
        for item in value:
            yield from _arrays_in(item)


def _classes(
    values: NDArray[Any], made: list[NDArray[np.int64]]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values of which as many as lie side by side make the same: one of each, and which for each.

    Args:
        values: of a parameter, at each setting.
        made: the sizes that depend on it, at each setting.
    """
    different: list[NDArray[np.int64]] = []
    for sizes in {_where(sizes): sizes for sizes in made}.values():
        if not any(_are_equal(sizes, other) for other in different):
            different.append(sizes)
    some, place = _with_each_value(values)
    order = some[np.argsort(values[some])]  # equal values are alike: in any order
    begins = np.zeros(len(order), dtype=bool)
    begins[0] = True
    for sizes in different:
        in_order = sizes[order]
        begins[1:] |= in_order[1:] != in_order[:-1]
    number = np.empty(len(values), dtype=np.int64)
    number[order] = np.cumsum(begins) - 1
    return values[order[begins]], number if place is None else number[some[place]]


def _where(array: NDArray[Any]) -> object:
    """The same for arrays, of one shape and kind, that are the same memory."""
    return array.__array_interface__["data"][0], array.strides


def _are_equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays are equal; mostly the first elements tell."""
    return np.array_equal(a[:FEW], b[:FEW]) and np.array_equal(a, b)


def _with_each_value(values: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Elements among which each value stands, and which of them has the value of each element.

    Of whole numbers that lie close each value once, which takes no sorting; else all elements.
    """
    least = values.min()
    if values.dtype.kind == "f" or values.max() - least > len(values):
        return np.arange(len(values)), None
    last = np.full(int(values.max() - least) + 1, -1)
    last[values - least] = np.arange(len(values))
    present = last >= 0
    return last[present], (np.cumsum(present) - 1)[values - least]
