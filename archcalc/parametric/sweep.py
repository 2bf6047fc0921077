"""Many settings of a network at once: one walk over arrays for all that go the same way.

Where a condition of the spec or a check of a layer holds for some settings only, they diverge
(`conditions.Diverged`), and each group is walked by itself: settings of one shape stay
together, and those that a layer refuses end up among themselves.

Imports numpy, and is itself imported only where a user brings arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from archcalc.analysis import Analysis
from archcalc.errors import LayerError, QuantityError, SpecError, UsageError
from archcalc.expansion import ExpansionStopped, build_graph
from archcalc.figures.of_layer import Totals
from archcalc.graph import Graph
from archcalc.identity import Identity
from archcalc.loading import input_shapes
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.totals import DEFINITIONS, ActivationBytes, activation_bytes
from archcalc.parametric.combinations import Combinations, by_layers, combinations
from archcalc.parametric.setting_groups import (
    MOST_AT_ONCE,
    REFUSALS,
    Arrays,
    Group,
    Place,
    aligned,
    arrays_among,
    everything,
    input_place,
    split,
)
from archcalc.quantity.arithmetic import LARGEST_INT64, Quantity
from archcalc.quantity.at_least import AtLeast, is_open, known_part
from archcalc.quantity.conditions import is_symbol
from archcalc.quantity.integer_array import IntegerArray
from archcalc.record import Record, as_dict
from archcalc.spec.labels import size_labels
from archcalc.spec.syntax import INPUT, Network
from archcalc.spec.values import Value, own
from archcalc.walk import walk

T = TypeVar("T")
MOST_BUILT = 1 << 20  # settings for which the network is built at once, to see which are alike


class _Source(Record):
    """A network, and what all settings have."""

    network: Network
    parameters: Mapping[str, Value]
    inputs: Mapping[str, Sequence[Value]]
    batch: int
    dtype: str

    def graph(self, values: Mapping[Place, Value]) -> Graph:
        """The network with `values` in the places of arrays."""
        parameters, inputs = self.changed(values)
        shapes = input_shapes({**self.inputs, **inputs})
        return build_graph(self.network, input=shapes, parameters={**self.parameters, **parameters})

    def changed(
        self, values: Mapping[Place, Value]
    ) -> tuple[dict[str, Value], dict[str, list[Value]]]:
        """The parameters in which `values` stand, and the inputs."""
        found: dict[str, Value] = {}
        shapes = {input_place(name): sizes for name, sizes in self.inputs.items()}
        for (name, item), value in values.items():
            if item is None:
                found[name] = value
            else:
                before = shapes[name] if name in shapes else self.parameters[name]
                found.setdefault(name, list(before))[item] = value
        inputs = {n: found.pop(place) for n, place in self.places() if place in found}
        return found, inputs

    def places(self) -> list[tuple[str, str]]:
        """The inputs that are given, each with its `input_place`."""
        return [(name, input_place(name)) for name in self.inputs]

    def identity(self, arrays: Arrays) -> Identity:
        """The network with what is changed in it at all settings alike."""
        varied = {name for name, _ in arrays}
        fixed = {name: value for name, value in self.parameters.items() if name not in varied}
        shapes = {name: self.inputs[name] for name, place in self.places() if place not in varied}
        return build_graph(self.network, input=input_shapes(shapes), parameters=fixed).identity

    def label(self, place: Place) -> str:
        """What users call the number in a place."""
        name, number = place
        inputs = [input for input, of in self.places() if of == name]
        if not inputs:
            return name if number is None else f"{name}[{number}]"
        sizes = len(self.inputs[inputs[0]]) - 1
        label = "C" if not number else size_labels(sizes)[number - 1]
        is_first = inputs[0] == next(iter(self.network.inputs))
        is_plain = is_first and label not in self.network.parameters
        return label if is_plain else f"{inputs[0]}[{number}]"

    def analysis(self, values: Mapping[Place, Value], *, fields: bool = True) -> Analysis:
        """The analysis of the network with `values` in the places of arrays."""
        return walk(self.graph(values), self.batch, self.dtype, fields=fields)

    def totals(self, values: Mapping[Place, Value]) -> list[Quantity]:
        """The sums over the layers that run at inference."""
        return [*as_dict(self.analysis(values, fields=False).totals).values()]

    def require_known(self, arrays: Arrays) -> None:
        """Raises what is wrong with the arguments at every setting: UsageError."""
        first = {place: own(_usual(array)) for place, array in arrays.items()}
        of_inputs = [name for _, name in self.places()]
        sizes = {place: 1 for place in arrays if place[0] in of_inputs}
        with suppress(LayerError, SpecError):
            graph = self.graph({**first, **sizes})
            if any(map(is_symbol, [*graph.input_sizes, *graph.parameters.values()])):
                raise UsageError(f"{graph.name} has free sizes; a sweep takes numbers and arrays")


class Sweep(Record):
    """The figures of many settings of a network.

    Arrays of figures have the shape that the arrays of the settings broadcast to. They are masked
    (`numpy.ma`) where a setting is invalid, and plain if none is; `AtLeast` such where opaque
    layers have costs that nobody knows.

    Attributes:
        shape: of the settings.
        valid: whether the network exists at each setting; `reason` says why it does not.
        totals: sums over the layers that run at inference, as arrays.
    """

    shape: tuple[int, ...]
    valid: NDArray[np.bool_]
    totals: Totals
    _source: _Source
    _arrays: Arrays
    _parts: tuple[_Part, ...]

    def __repr__(self) -> str:
        valid = int(self.valid.sum())
        return (
            f"<Sweep of {self._source.identity(self._arrays)}: {self.valid.size} settings, {valid} "
            f"of them valid; shape {self.shape}>"
        )

    def activation_bytes(self) -> ActivationBytes:
        """The activations under four definitions, as arrays. Walks the network once more."""
        found = self._collected(_memory_of, len(DEFINITIONS), fields=False)
        return ActivationBytes(**dict(zip(DEFINITIONS, cast(Any, found), strict=True)))

    def collect(self, figure: Callable[[Analysis], Quantity]) -> NDArray[np.int64]:
        """Any whole number of an analysis as an array: `lambda a: a.layer("fc").params`.

        `figure` is called for each group of settings that go the same way, with an analysis of
        arrays; settings with the same layers share one. Walks the network once more.
        """
        (found,) = self._collected(lambda analysis: [figure(analysis)], 1, fields=True)
        return found

    def setting(self, *index: int) -> dict[str, Value]:
        """What arrays were given for, at `index`: parameters, and `input`; of several by name."""
        found, inputs = self._source.changed(self._at(index))
        if inputs and len(self._source.network.inputs) == 1:
            return {**found, INPUT: next(iter(inputs.values()))}
        return {**found, INPUT: inputs} if inputs else found

    def reason(self, *index: int) -> str | None:
        """Why the setting at `index` is invalid, in the words of `analyze`; None if it is valid."""
        if self.valid[index]:
            return None
        values = self._at(index)
        try:
            try:
                self._source.analysis(values)
            except ExpansionStopped as stopped:  # a layer before that may be refused, too
                walk(stopped.graph, self._source.batch, self._source.dtype)
        except REFUSALS as error:
            return str(error)
        raise AssertionError(f"the setting at {index} is valid by itself")

    @property
    def about(self) -> str:
        """The network, with what is changed in it at all settings alike."""
        return str(self._source.identity(self._arrays))

    @property
    def holds_for(self) -> str:
        """The batch and dtype of the figures."""
        return f"batch {self._source.batch}, {self._source.dtype}"

    def ways(self) -> int:
        """In how many groups the valid settings go different ways, as far as totals show."""
        return sum(len(part.groups) for part in self._parts)

    def axes(self) -> dict[str, NDArray[Any]]:
        """The arrays, each of as many axes as `shape`, by what they are for: `depths[2]`, `H`."""
        return {self._source.label(place): array for place, array in self._arrays.items()}

    def analysis(self, *index: int, fields: bool = True) -> Analysis:
        """The analysis of the network at `index` by itself, in plain numbers.

        Args:
            fields: as for `walk`.

        Raises:
            LayerError, SpecError, UsageError: there is no network.
        """
        return self._source.analysis(self._at(index), fields=fields)

    def walked(
        self, compute: Callable[[Analysis], T], *, fields: bool = True
    ) -> Iterator[tuple[Combinations, NDArray[np.int64] | slice, list[tuple[Group, T | None]]]]:
        """What is computed of groups of valid settings; None where it is refused. In parts: the
        combinations of values, the settings that have them, the groups of those."""
        for part in self._parts:
            found: list[tuple[Group, T | None]] = []
            for group in part.groups:
                found += split(
                    group,
                    lambda v: compute(self._source.analysis(v, fields=fields)),
                    in_full=True,
                )
            yield part.combinations, part.numbers, found

    def _at(self, index: tuple[int, ...]) -> dict[Place, Value]:
        return {
            place: own(np.broadcast_to(array, self.shape)[index])
            for place, array in self._arrays.items()
        }

    def _collected(
        self, figures: Callable[[Analysis], list[Quantity]], count: int, *, fields: bool
    ) -> list[NDArray[np.int64]]:
        table = _Table(self.shape, count)
        for different, numbers, groups in self.walked(figures, fields=fields):
            inner = _Table(different.shape, count)
            inner.add(groups)
            table.enter(different, numbers, inner)
        return table.columns()


def sweep(
    network: Network,
    *,
    inputs: Mapping[str, Sequence[Value]],
    parameters: Mapping[str, Value],
    batch: int,
    dtype: str,
) -> Sweep:
    """The figures of `network` at all settings of the arrays among its parameters and sizes.

    Raises:
        UsageError: an unknown parameter, or arrays that do not broadcast against each other.
        QuantityError: a figure passes 64 bits.
    """
    source = _Source(network, parameters, inputs, batch, dtype)
    arrays, shape = aligned(arrays_among(parameters, inputs))
    source.require_known(arrays)
    table = _Table(shape, len(Totals._fields))
    parts = []
    for numbers, different in _different(source, arrays, shape):
        inner = _Table(different.shape, len(Totals._fields))
        groups: list[Group] = []
        for group in everything(different.arrays, different.shape):
            for alike in _by_shape(source, group):
                for tile in alike.tiles():
                    groups += inner.add(split(tile, source.totals, in_full=False))
        parts.append(_Part(numbers, different, tuple(groups)))
        table.enter(different, numbers, inner)
    totals: Any = table.columns()
    return Sweep(shape, table.valid(), Totals(*totals), source, arrays, tuple(parts))


def _different(
    source: _Source, arrays: Arrays, shape: tuple[int, ...]
) -> Iterator[tuple[NDArray[np.int64] | slice, Combinations]]:
    """The settings in parts, and what each of them combines."""
    by_value = combinations(arrays, shape)
    if by_value.numbers is not None or by_value.is_grid or math.prod(shape) <= MOST_AT_ONCE:
        yield slice(None), by_value
        return
    for group in everything(arrays, shape):
        for tile in group.tiles(MOST_BUILT):
            for part, graph in split(tile, source.graph, in_full=False):
                if graph is not None:
                    whole = part.numbers.size == math.prod(shape)  # and still in order
                    numbers = slice(None) if whole else part.numbers.ravel()
                    yield numbers, by_layers(part, graph, source.graph)


def _by_shape(source: _Source, group: Group) -> list[Group]:
    """The settings, split by the shape of their graphs where they are too many for one walk."""
    if group.fits:
        return [group]
    return [part for part, _ in split(group, source.graph, in_full=False)]


def _memory_of(analysis: Analysis) -> list[Quantity]:
    unknown = why_memory_is_unknown(analysis, analysis.dtype)
    if unknown is not None:
        raise UsageError(unknown, "dtype")
    memory = activation_bytes(analysis)
    return [getattr(memory, name) for name in DEFINITIONS]


class _Part(Record):
    """Settings that are looked at together.

    Attributes:
        numbers: of the settings among all.
        combinations: what they combine.
        groups: the valid combinations, in groups.
    """

    numbers: NDArray[np.int64] | slice
    combinations: Combinations
    groups: tuple[Group, ...]


class _Table:
    """A column for each figure, with a row for each setting or combination of values."""

    def __init__(self, shape: tuple[int, ...], count: int) -> None:
        self._shape = shape
        rows = math.prod(shape)
        self._valid = np.zeros(rows, dtype=bool)
        self._columns = [np.zeros(rows, dtype=np.int64) for _ in range(count)]
        self._unknown = [0] * count  # of each figure the most terms that are not known

    def enter(
        self, combinations: Combinations, numbers: NDArray[np.int64] | slice, found: _Table
    ) -> None:
        """Enters what was found for combinations at the settings that have them."""
        pairs = zip(self._columns, found._columns, strict=True)
        for column, of_combinations in [(self._valid, found._valid), *pairs]:
            combinations.put(of_combinations, column, numbers)
        self._unknown = [max(pair) for pair in zip(self._unknown, found._unknown, strict=True)]

    def add(self, computed: Iterable[tuple[Group, list[Quantity] | None]]) -> list[Group]:
        """Enters the figures of groups; those of them that are valid."""
        valid = []
        for part, found in computed:
            if found is not None:
                self._enter(part, found)
                valid.append(part)
        return valid

    def _enter(self, group: Group, found: list[Quantity]) -> None:
        rows = group.numbers.ravel()
        self._valid[rows] = True
        for number, (column, figure) in enumerate(zip(self._columns, found, strict=True)):
            if is_open(figure):
                self._unknown[number] = max(self._unknown[number], figure.unknown)
            elements = _elements(known_part(figure))
            column[rows] = np.broadcast_to(elements, group.numbers.shape).ravel()

    def valid(self) -> NDArray[np.bool_]:
        """At each setting, whether there are figures."""
        return self._valid.reshape(self._shape)

    def columns(self) -> list[NDArray[np.int64]]:
        """The figures at each setting, masked where there are none.

        Of a figure that is not known in full at some setting, what is known: `AtLeast` that.
        """
        columns: list[Any] = [column.reshape(self._shape) for column in self._columns]
        if not self._valid.all():
            columns = [np.ma.masked_array(column, mask=~self.valid()) for column in columns]
        return [
            cast(Any, AtLeast(cast(Any, column), unknown)) if unknown else column
            for column, unknown in zip(columns, self._unknown, strict=True)
        ]


def _usual(array: NDArray[Any]) -> Any:
    """The first element that is a number of 64 bits; of other arrays the first, or a zero."""
    if not array.size:
        return array.dtype.type()
    if array.dtype.kind != "f":
        return array.flat[0]
    usual = np.abs(array.ravel()) < LARGEST_INT64  # nor is nan
    return array.flat[int(np.argmax(usual))]


def _elements(figure: Any) -> NDArray[np.int64]:
    if isinstance(figure, IntegerArray):
        return figure.elements
    if abs(figure) > LARGEST_INT64:
        raise QuantityError(f"{figure:,} does not fit in 64 bits")
    return np.asarray(figure, dtype=np.int64)
