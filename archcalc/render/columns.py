"""The columns of a layer table, once: their names are the keys of the JSON contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from archcalc.analysis import LayerAnalysis
from archcalc.errors import UsageError, did_you_mean
from archcalc.quantity.arithmetic import Quantity
from archcalc.render import numbers
from archcalc.render.rows import Row
from archcalc.window import TransposedWindow, Window

Shown = Callable[[object], str]


class Column(NamedTuple):
    """A column.

    Attributes:
        name: the key of the JSON contract.
        heading: what stands above it.
        value: its value for a row; None where the row has none.
        short, exact: the value as text, for people and in full.
        summed: whether a total of it makes sense.
        beside: for people, what stands behind the value.
    """

    name: str
    heading: str
    value: Callable[[Row], object]
    short: Shown
    exact: Shown
    summed: bool = False
    beside: Callable[[Row], str] = lambda row: ""

    def text(self, row: Row, *, in_full: bool) -> str:
        """The cell of a row, for people; empty where the row has no layers."""
        value = self.value(row)
        if value is None and not row.layers:
            return ""
        return (self.exact if in_full else self.short)(value) + self.beside(row)


def _of_last(attribute: str) -> Callable[[Row], object]:
    """What the last layer of the row says: what leaves a folded block."""
    return lambda row: getattr(row.counted[-1], attribute) if row.layers else None


def _sum(attribute: str) -> Callable[[Row], object]:
    """The sum over the row's layers that count."""

    def total(row: Row) -> object:
        result: Quantity = 0
        for layer in row.counted:
            result = result + getattr(layer, attribute)
        return result if row.layers else None

    return total


def _count(name: str, heading: str) -> Column:
    return Column(name, heading, _sum(name), numbers.short, numbers.exact, summed=True)


def _per_axis(name: str, heading: str, unknown: str) -> Column:
    def shown(value: object) -> str:
        return numbers.per_axis(value, unknown)

    return Column(name, heading, _of_last(name), shown, shown)


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


def _output(row: Row) -> object:
    return row.counted[-1].output.shape if row.layers else None


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


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


COLUMNS: tuple[Column, ...] = (
    Column("name", "layer", lambda row: row.name, str, str),
    Column("kind", "kind", lambda row: row.kind, str, str, beside=_unused_beside),
    Column("inputs", "inputs", _inputs, _listed, _listed),
    Column("window", "window", _window, _text, _text),
    Column("output", "output", _output, numbers.shape, numbers.shape),
    _per_axis("receptive_field", "field", unknown="?")._replace(beside=_local_field),
    _per_axis("local_receptive_field", "local field", unknown="?"),
    _per_axis("jump", "jump", unknown="-"),
    _per_axis("offset", "offset", unknown="-"),
    _count("weights", "weights"),
    _count("biases", "biases"),
    _count("params", "params"),
    _count("buffers", "buffers"),
    _count("macs", "MACs"),
    _count("flops", "FLOPs"),
    _count("other_ops", "other ops"),
    _count("activation_values", "values"),
    Column(
        "activation_bytes", "memory", _sum("activation_bytes"),
        numbers.short_bytes, numbers.exact_bytes, summed=True,
    ),
    Column("training_only", "training only", _of_last("training_only"), str, str),
    Column("used", "used", _of_last("used"), str, str),
)  # fmt: skip
DEFAULT_COLUMNS = (
    "name", "kind", "output", "receptive_field", "jump", "params", "macs", "activation_bytes",
)  # fmt: skip
_BY_NAME = {column.name: column for column in COLUMNS}


def columns_named(names: Sequence[str]) -> list[Column]:
    """The columns called so.

    Raises:
        UsageError: there is no such column; with a guess.
    """
    for name in names:
        if name not in _BY_NAME:
            guess = did_you_mean(name, _BY_NAME) or f"; known: {', '.join(_BY_NAME)}"
            raise UsageError(f"unknown column {name!r}{guess}")
    return [_BY_NAME[name] for name in names]
