"""Every figure of every layer of a network, and its totals: of numbers, or in symbols.

A batch and the bytes of a value are symbols as the sizes are, if the caller wants; what is summed
is said by what it is a sum of, so that no long sum has to be written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy

from archcalc.analysis import DTYPES, Analysis
from archcalc.errors import ArchcalcError
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import OF_LAYER, SUMMED, LayerAnalysis
from archcalc.figures.of_network import OF_NETWORK
from archcalc.graph import Graph
from archcalc.hardware.roofline import bytes_moved
from archcalc.memory_use.liveness import step_by_step, storages
from archcalc.memory_use.open_memory import unsettled, why_memory_is_unknown
from archcalc.memory_use.totals import input_bytes, saved_bytes
from archcalc.quantity.at_least import is_open
from archcalc.quantity.conditions import is_symbol, named, remembered
from archcalc.receptive_field.per_axis import PerAxis
from archcalc.record import Record, replace

KEPT = "kept_bytes"  # of a layer, for the backward pass
MOVED = "bytes_moved"  # of a layer in a kernel of its own, at inference
AXES = ((), ("x",), ("y", "x"), ("z", "y", "x"))  # of the input, in the keys of figures
_WITHOUT_FORM = ("training_peak", "input")  # a search through the step; what is given
_NUMBERS = (Unit.COUNT, Unit.BYTES)
_PER_AXIS = (Unit.FIELD, Unit.STEP)
_SHOWN = [figure for figure in OF_LAYER.values() if figure.unit in (*_NUMBERS, *_PER_AXIS)]


class Total(Record):
    """A figure of a network, by what it is made of.

    Attributes:
        plus: an expression.
        key: the figure of layers that it is a sum of; None of none.
        layers: the numbers of these layers.
        per: what it is divided by, rounded down.
        of_steps: whether it is the largest of the steps in memory, and nothing else.
        of_memory: whether it is unknown where memory is.
    """

    plus: Any = 0
    key: str | None = None
    layers: tuple[int, ...] = ()
    per: Any = 1
    of_steps: bool = False
    of_memory: bool = False


class EveryFigure(Record):
    """All figures of a network.

    Attributes:
        graph: the network.
        shapes: of each layer's output.
        layers: by the key of the figure, what it is of each layer; None where it has none.
        totals: by the key of the figure, of the network.
        steps: what is alive in memory while each layer runs at inference.
        step_layers: the names of these layers.
        open_dtypes: the data types in which memory is unknown, and why.
        memory_unknown: why memory is in no data type known; None if it is.
    """

    graph: Graph
    shapes: tuple[tuple[Any, ...], ...]
    layers: dict[str, list[Any]]
    totals: dict[str, Total]
    steps: tuple[Any, ...]
    step_layers: tuple[str, ...]
    open_dtypes: dict[str, str]
    memory_unknown: str | None

    def expressions(self) -> Iterator[Any]:
        """All expressions in it."""
        for shape in self.shapes:
            yield from shape
        for values in self.layers.values():
            yield from values
        for total in self.totals.values():
            yield from (total.plus, total.per)
        yield from self.steps


class OpenAnalysis(Analysis):
    """An analysis of any data type: `BYTES` stands for the bytes of a value."""

    @property
    def bytes_each(self) -> Any:
        return BYTES


BATCH = sympy.Symbol("batch", integer=True, positive=True)
BYTES = sympy.Symbol("bytes of a value", integer=True, positive=True)


def of_any_batch(analysis: Analysis) -> Analysis:
    """The same network for a batch and a data type that are symbols."""
    layers = [
        replace(layer, batch=BATCH if layer.is_of_images else 1, bytes_each=BYTES)
        for layer in analysis.layers
    ]
    return OpenAnalysis(analysis.graph, BATCH, analysis.dtype, tuple(layers))


def axis_keys(figure: Figure, axes: int) -> list[str]:
    """The keys of a figure that is one number for each axis of the input."""
    return [f"{figure.key}_{axis}" for axis in AXES[axes]] if axes < len(AXES) else []


def every_figure(analysis: Analysis) -> EveryFigure:
    """All figures of a network."""
    axes, layers = len(analysis.input.grid), analysis.layers
    found: dict[str, list[Any]] = {}
    every = [_of_layer(layer) for layer in layers]
    for number, figure in enumerate(_SHOWN):
        values = [figures[number] for figures in every]
        if figure.unit in _NUMBERS:
            found[figure.key] = [None if is_open(value) else value for value in values]
        else:
            each = [_along(value, axes) for value in values]
            found |= {key: [of[n] for of in each] for n, key in enumerate(axis_keys(figure, axes))}
    maps = analysis.map_bytes
    found[MOVED] = [_moved(layer, analysis.batch, maps) for layer in layers]
    copying = unsettled(analysis)
    memory_unknown = None if copying is None else f"it depends on whether {copying} copies"
    reasons = {dtype: why_memory_is_unknown(analysis, dtype) for dtype in DTYPES}
    open_dtypes = {dtype: why for dtype, why in reasons.items() if why is not None}
    steps: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    if memory_unknown is None and len(open_dtypes) < len(DTYPES):
        kept = saved_bytes(analysis)
        found[KEPT] = [kept[layer.name] for layer in layers]
        names, steps = _steps(analysis)
    elif memory_unknown is None:
        memory_unknown = next(iter(open_dtypes.values()))
    totals = _totals(analysis, axes)
    if memory_unknown is not None:
        totals = {key: total for key, total in totals.items() if not total.of_memory}
    shapes = tuple([layer.output.shape for layer in layers])
    return EveryFigure(
        analysis.graph, shapes, found, totals, steps, names, open_dtypes, memory_unknown
    )


def _of_layer(layer: LayerAnalysis) -> list[Any]:
    """The figures of a layer, which neither its name nor those of its inputs change."""
    node = layer.node
    alone = (node.layer, node.trainable, layer.batch, layer.bytes_each, layer.shared)
    return remembered(
        lambda: [figure.of(layer) for figure in _SHOWN],
        (_of_layer, *alone),
        (layer.effect, layer.field, layer.local_field, layer.origins),
    )


def _moved(layer: LayerAnalysis, batch: Any, maps: Mapping[str, Any]) -> Any:
    """The bytes that a layer moves in a kernel of its own, for whichever layers before it."""
    taken = tuple([(name, maps[name]) for name in layer.inputs])
    return remembered(
        lambda: bytes_moved([layer], batch, maps),
        (_moved, layer.name, layer.node.layer, taken, batch, layer.batch),
        (layer.effect,),
    )


def _along(value: PerAxis, axes: int) -> Sequence[Any]:
    return value if isinstance(value, tuple) else [value] * axes


def _totals(analysis: Analysis, axes: int) -> dict[str, Total]:
    number = {layer.name: place for place, layer in enumerate(analysis.layers)}

    def of(layers: Sequence[Any]) -> tuple[int, ...]:
        return tuple([number[layer.name] for layer in layers])

    inference = of(analysis.inference_layers)
    listed = of([x for x in analysis.inference_layers if x.node.layer.in_lecture_total])
    training_only = of(analysis.training_only_layers)
    inputs = input_bytes(analysis)
    known = {key: Total(key=key, layers=inference) for key in SUMMED}
    known |= {
        "all_bytes": Total(key="activation_bytes", layers=inference),
        "lecture_bytes": Total(inputs, "activation_bytes", listed),
        "lecture_values": Total(inputs, "activation_bytes", listed, per=analysis.bytes_each),
        "peak_bytes": Total(of_steps=True, of_memory=True),
        "training_bytes": Total(key=KEPT, layers=inference, of_memory=True),
        "training_only_params": Total(key="params", layers=training_only),
        "training_only_macs": Total(key="macs", layers=training_only),
    }
    if not analysis.graph.takes_integers:
        known["non_embedding_params"] = known["params"]
    found: dict[str, Total] = {}
    for figure in OF_NETWORK.values():
        if figure.key in known:
            found[figure.key] = known[figure.key]
            continue
        if figure.key in _WITHOUT_FORM or figure.unit not in (*_NUMBERS, *_PER_AXIS):
            continue
        try:
            value = figure.of(analysis)
        except ArchcalcError:  # of language models only, say
            continue
        if figure.unit in _NUMBERS:
            found[figure.key] = Total(None if is_open(value) else value)
        else:
            keys = axis_keys(figure, axes)
            found |= {k: Total(v) for k, v in zip(keys, _along(value, axes), strict=True)}
    return found


def _steps(analysis: Analysis) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """What is alive at each step: of one step what it was before, and what came and went."""
    names: list[str] = []
    found: list[Any] = []
    alive: Mapping[str, Any] = {}
    so_far: Any = 0
    for step in step_by_step(storages(analysis)):
        now = dict(step.alive)
        came = [size for name, size in now.items() if name not in alive]
        went = [size for name, size in alive.items() if name not in now]
        so_far = named(_sum([so_far, *came, *[-size for size in went]]))
        alive = now
        names.append(step.layer)
        found.append(so_far)
    return tuple(names), tuple(found)


def _sum(values: Sequence[Any]) -> Any:
    return sympy.Add(*values) if any(map(is_symbol, values)) else sum(values)
