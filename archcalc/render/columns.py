"""The columns of a layer table: the figures of a layer, and its window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archcalc.analysis import Analysis
from archcalc.errors import require_known
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import OF_LAYER, LayerAnalysis
from archcalc.record import Record
from archcalc.render import numbers
from archcalc.render.rows import Row
from archcalc.window import TransposedWindow, Window


class Column(Record):
    """A column.

    Attributes:
        figure: what it shows, of a layer.
        value: its value for a row; None where the row has none.
        beside: for people, what stands behind the value.
        whole: its value for the network, where that is no sum of what layers have; None elsewhere.
    """

    figure: Figure
    value: Callable[[Row], object]
    beside: Callable[[Row], str]
    whole: int | None = None

    @property
    def name(self) -> str:
        """What options and CSV call it."""
        return self.figure.key

    @property
    def heading(self) -> str:
        """What stands above it."""
        return self.figure.short

    @property
    def summed(self) -> bool:
        """Whether a total of it makes sense."""
        return self.figure.is_summed

    def text(self, row: Row, *, in_full: bool) -> str:
        """The cell of a row, for people; empty where the row has no layers."""
        return self._text(self.value(row), row, in_full)

    def total(self, everything: Row, *, in_full: bool) -> str:
        """The cell below all rows; empty where a total makes no sense."""
        if not self.summed or not everything.layers:
            return ""
        value = self.value(everything) if self.whole is None else self.whole
        return self._text(value, everything, in_full)

    def _text(self, value: object, row: Row, in_full: bool) -> str:
        if value is None and not row.layers:
            return ""
        return numbers.in_unit(value, self.figure.unit, in_full=in_full) + self.beside(row)


def _local_field(row: Row) -> str:
    if not row.layers:
        return ""
    last = row.counted[-1]
    return numbers.local_beside(last.receptive_field, last.local_receptive_field)


def _unused_beside(row: Row) -> str:
    """`, unused`: how many of the row's layers no output needs, where it is not all of them."""
    unused = sum(not layer.used for layer in row.layers)
    if not unused:
        return ""
    return ", unused" if unused == len(row.layers) else f", {unused} unused"


def _inputs(row: Row) -> object:
    inside = {layer.name for layer in row.layers}
    outside = [name for layer in row.layers for name in layer.inputs if name not in inside]
    return list(dict.fromkeys(outside)) if row.layers else None


def _window(row: Row) -> object:
    return window_text(row.layers[0]) if len(row.layers) == 1 else None


def window_text(layer: LayerAnalysis) -> str:
    """`7x7/2 p3`: kernel, stride, padding and dilation, as far as they are not 1, 0 and 1.

    Of a transposed window, the same of its output; of what enlarges by a factor, that: `x2`.
    """
    windows = layer.effect.windows
    if not isinstance(windows, tuple):
        return ""
    factor = vars(layer.node.layer).get("factor")
    if factor is not None and not all(isinstance(window, Window) for window in windows):
        return f"x{numbers.per_axis(factor)}"
    sliding = [window for window in windows if isinstance(window, (Window, TransposedWindow))]
    if len(sliding) != len(windows):
        return ""
    text = "x".join(str(window.kernel) for window in sliding)
    strides = [str(window.stride) for window in sliding]
    if set(strides) != {"1"}:
        text += "/" + _once(strides)
    sides = [_sides_text(window) for window in sliding]
    if set(sides) != {"0"}:
        text += " p" + _once(sides)
    dilations = [str(window.dilation) for window in sliding]
    return text + (" d" + _once(dilations) if set(dilations) != {"1"} else "")


def _sides_text(window: Window | TransposedWindow) -> str:
    if window.before == window.after:
        return str(window.before)
    return f"({window.before},{window.after})"


def _once(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "x".join(values)


# What a block has that is neither a sum nor what its last layer says.
_OF_BLOCK: dict[str, Callable[[Row], object]] = {
    "name": lambda row: row.name,
    "kind": lambda row: row.kind,
    "inputs": _inputs,
    "window": _window,
}
_BESIDE = {"kind": _unused_beside, "receptive_field": _local_field}
_WINDOW = Figure("window", Unit.TEXT, window_text, "", "window", "window")


def _column(figure: Figure) -> Column:
    """Of a block the sum over the layers that count, or what the last of them says."""

    def value(row: Row) -> object:
        if not row.layers:
            return None
        return figure.total(row.counted) if figure.is_summed else figure.of(row.counted[-1])

    beside = _BESIDE.get(figure.key, lambda row: "")
    return Column(figure, _OF_BLOCK.get(figure.key, value), beside)


def _training_peak(analysis: Analysis) -> Column:
    """Of a layer the most that is alive, of the whole network, while it runs in training."""
    from archcalc.figures.of_network import OF_NETWORK
    from archcalc.memory_use.options import TrainingOptions
    from archcalc.memory_use.training import step_of

    most: dict[str, int] = {}
    if analysis.error is None:
        step = step_of(analysis, TrainingOptions(dtype=analysis.dtype))
        for moment in step.moments:
            most[moment.layer] = max(moment.bytes, most.get(moment.layer, 0))

    def value(row: Row) -> object:
        return max([most[x.name] for x in row.layers if x.name in most], default=None)

    whole = max(most.values(), default=None)
    return Column(OF_NETWORK["training_peak"], value, beside=lambda row: "", whole=whole)


COLUMNS = tuple(
    _column(figure)
    for unit in Unit
    for figure in (*OF_LAYER.values(), _WINDOW)
    if figure.unit is unit and figure.in_tables
)
DEFAULT_COLUMNS = (
    "name", "kind", "output", "receptive_field", "jump", "params", "macs", "activation_bytes",
)  # fmt: skip
_BY_NAME = {column.name: column for column in COLUMNS}
# What else a column may be called: the words above it, and those that people know it by.
_BY_HEADING = {column.heading.lower(): column.name for column in COLUMNS} | {
    "size": "output",
    "shape": "output",
    "parameters": "params",
    "kernel": "window",
}


def _input_shapes(analysis: Analysis) -> Column:
    """The shapes that come in, of a block from outside."""
    shapes = {name: shape.shape for name, shape in analysis.graph.inputs.items()}
    shapes |= {layer.name: layer.output.shape for layer in analysis.layers}

    def value(row: Row) -> object:
        names = _inputs(row)
        return [numbers.shape(shapes[n]) for n in names] if isinstance(names, list) else None

    figure = Figure("input_shapes", Unit.NAMES, value, "", "input shapes", "input")
    return Column(figure, value, beside=lambda row: "")


# Columns that take a look at the whole network, and are there only where they are asked for.
ON_REQUEST: dict[str, Callable[[Any], Column]] = {
    "input_shapes": _input_shapes,
    "training_peak": _training_peak,
}


def convention_column(name: str, analysis: Analysis) -> Column:
    """What another tool counts for each layer, for one image.

    Raises:
        UsageError: there is no such convention; with a guess.
    """
    from archcalc.other_tools import convention_called

    convention = convention_called(name)
    counts = convention.by_layer(analysis)

    def value(row: Row) -> object:
        return sum([counts.get(x.name, 0) for x in row.counted]) if row.layers else None

    figure = Figure(name, Unit.COUNT, value, convention.rule, name, name)
    return Column(figure, value, beside=lambda row: "")


def columns_named(names: Sequence[str], analysis: Analysis | None = None) -> list[Column]:
    """The columns with these names or headings; those `ON_REQUEST` are of `analysis`.

    Raises:
        UsageError: there is no such column; with a guess.
    """
    more = {} if analysis is None else ON_REQUEST
    others = {"input": "input_shapes", "input_shape": "input_shapes"} if more else {}
    keys = []
    for name in names:
        said = name.lower().replace("-", "_")
        said = others.get(said, _BY_HEADING.get(said.replace("_", " "), said))
        if said not in _BY_NAME and said not in more:
            require_known("unknown column", name, [*_BY_NAME, *more])
        keys.append(said)
    return [more[key](analysis) if key in more else _BY_NAME[key] for key in keys]
