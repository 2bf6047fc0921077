"""What goes into a rule, under the names of a lecture: n, k, s, p, C_in, r_in …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.traced import named
from archcalc.receptive_field.field import AxisField, Field
from archcalc.record import replace

# The symbols of fields; others go by their own names. Conv and linear layers alike have outputs.
_SYMBOLS = {"kernel": "k", "stride": "s", "padding": "p", "dilation": "d", "groups": "g",
            "channels": "C_out", "features": "C_out", "factor": "f"}  # fmt: skip
_MEANINGS = {"channels": "output channels", "features": "output features"}
# Fields that belong to a lecture's formula even where they are at their default.
_ALWAYS_NAMED = ("stride", "padding")
_COUNTED = ("Quantity", "Axes", "Axes | None", "Ratios | None", "Sides", "Padding", "Shape")
_AXES = (("",), ("",), ("h", "w"), ("d", "h", "w"))


def axis_names(count: int) -> Sequence[str]:
    """The letters of so many spatial axes, none for a single one; numbers of more than three."""
    return _AXES[count] if count < len(_AXES) else [str(number) for number in range(1, count + 1)]


class Naming:
    """Names the numbers that go into the rule of one layer.

    What is the same along all axes has one name for all of them: the figures then come out the
    same along all axes, too.

    Attributes:
        legend: what each symbol stands for.
        position: what a position of the network's input is called.
    """

    def __init__(self, position: str = "position") -> None:
        self.legend: dict[str, str] = {}
        self.position = position

    def layer(self, layer: Layer, axes: int) -> Layer:
        """The layer with its counts named."""
        values = dict(vars(layer))
        for field, kind in layer.types.items():
            at_default = values[field] == layer.defaults[field] and field not in _ALWAYS_NAMED
            if kind in _COUNTED and not at_default:
                symbol = _SYMBOLS.get(field, field)
                meaning = _MEANINGS.get(field, field.replace("_", " "))
                own = len(values[field]) if isinstance(values[field], tuple) else axes
                letters = [str(n) for n in range(4)] if kind == "Shape" else axis_names(own)
                values[field] = self._field(symbol, values[field], meaning, letters)
        return type(layer)(**values)

    def inputs(self, maps: Sequence[FeatureMap], *, channels: str) -> list[FeatureMap]:
        """The maps with their channels and sizes named.

        Args:
            channels: the symbol for channels; of several maps, with a `*` for the map's number.
        """
        return [self._map(number, x, maps[0], channels) for number, x in enumerate(maps, 1)]

    def tokens(self, maps: Sequence[FeatureMap], *, features: str, apart: bool) -> list[FeatureMap]:
        """Maps of tokens (L, C) with their positions and features named.

        Args:
            features: the symbol for features, where there is one map, or all have as many.
            apart: whether those of each map go by its number, even where they are as many.
        """
        lengths, widths = {x.channels for x in maps}, {x.sizes for x in maps}
        found = []
        for number, x in enumerate(maps, 1):
            position = "L" if len(lengths) == 1 and not apart else f"L_{number}"
            feature = features if len(widths) == 1 and not apart else f"C_{number}"
            length = self.number(position, x.channels, "positions")
            width = self.number(feature, x.sizes[0], "input features")
            found.append(replace(x, channels=length, sizes=(width,)))
        return found

    def fields(
        self, inputs: Sequence[Sequence[AxisField]], what: str
    ) -> list[tuple[AxisField, ...]]:
        """What the inputs see: by offset o, size r and jump j if it is the same, else by its ends.

        Ends are o and l, the first and the last position that unit 0 sees. `what`: how the size is
        called.
        """
        first = tuple(inputs[0])
        if all(tuple(axes) == first for axes in inputs):
            r = self._parts("r_in", first, "size", f"{what} of the input")
            j = self._parts("j_in", first, "jump", "jump of the input")
            o = self._parts("o_in", first, "offset", "offset of the input")
            ends = [(o[axis], o[axis] + r[axis] - 1) for axis in r]
            return [_with(first, dict(zip(r, ends, strict=True)), j)] * len(inputs)
        found = []
        for number, axes in enumerate(inputs, 1):
            o = self._parts(
                f"o_{number}", axes, "first", f"first {self.position} that an input sees"
            )
            last = self._parts(
                f"l_{number}", axes, "last", f"last {self.position} that an input sees"
            )
            j = self._parts(f"j_{number}", axes, "jump", "jump of an input")
            found.append(_with(axes, {axis: (o[axis], last[axis]) for axis in o}, j))
        return found

    def number(self, symbol: str, value: int, meaning: str) -> int:
        """A number under a name."""
        self.legend[symbol] = meaning
        return named(symbol, value)

    def _map(self, number: int, x: FeatureMap, first: FeatureMap, symbol: str) -> FeatureMap:
        what = "input channels" if x.sizes else "input features"
        channels = self.number(symbol.replace("*", str(number)), x.channels, what)
        if x.sizes == first.sizes:
            sizes = self._along_axes("n", x.sizes, "input size")
        elif all(size == 1 for size in x.sizes):  # spread over the positions of the others
            sizes = x.sizes
        else:
            sizes = self._along_axes(f"n_{number}", x.sizes, "size of that input")
        return replace(x, channels=channels, sizes=sizes)

    def _field(self, symbol: str, value: Any, meaning: str, letters: Sequence[str]) -> Any:
        if isinstance(value, tuple):
            sides = ("before", "after")  # of an axis that has two values
            if len(set(value)) == 1:
                return (self._field(symbol, value[0], meaning, sides),) * len(value)
            return tuple(
                self._field(f"{symbol}_{letter}", item, meaning, sides)
                for letter, item in zip(letters, value, strict=False)
            )
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(symbol, value, meaning)
        return value

    def _along_axes(
        self, symbol: str, values: Sequence[Quantity], meaning: str
    ) -> tuple[Quantity, ...]:
        if len(set(values)) < 2:
            return tuple(self.number(symbol, value, meaning) for value in values)
        return tuple(
            self.number(f"{symbol}_{letter}", value, meaning)
            for letter, value in zip(axis_names(len(values)), values, strict=True)
        )

    def _parts(
        self, symbol: str, axes: Sequence[AxisField], part: str, meaning: str
    ) -> dict[int, int]:
        """One number of the fields of some axes, by the number of the axis."""
        values = {n: getattr(axis, part) for n, axis in enumerate(axes) if isinstance(axis, Field)}
        alike = len(values) == len(axes) and len(set(values.values())) == 1
        letters = axis_names(len(axes))
        return {
            n: self.number(symbol if alike else f"{symbol}_{letters[n]}", value, meaning)
            for n, value in values.items()
        }


def _with(
    axes: Sequence[AxisField], ends: dict[int, tuple[int, int]], jumps: dict[int, int]
) -> tuple[AxisField, ...]:
    return tuple(Field(*ends[n], jumps[n]) if n in ends else axis for n, axis in enumerate(axes))
