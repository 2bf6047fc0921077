"""The columns of a layer table: the figures of a layer, and its window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    """

    figure: Figure
    value: Callable[[Row], object]
    beside: Callable[[Row], str]

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
        value = self.value(row)
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
    if factor is not None:
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
    if isinstance(window, TransposedWindow) or window.before == window.after:
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


def columns_named(names: Sequence[str]) -> list[Column]:
    """The columns with these names.

    Raises:
        UsageError: there is no such column; with a guess.
    """
    for name in names:
        require_known("unknown column", name, _BY_NAME)
    return [_BY_NAME[name] for name in names]
