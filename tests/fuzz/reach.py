"""What units see along one axis on an unbounded image, by the indices that windows touch.

Without borders: a map goes on for ever to both sides, and zeros around it are places like any
other. A unit's set is traced back layer by layer; nothing is closed in an interval on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from tests.fuzz.interpreter import Layer, Net
from tests.fuzz.network import Shape
from tests.fuzz.operators import Fields, each, pairs, sides_of
from tests.fuzz.sight import POINTWISE

IN_PLACE = {*POINTWISE, "concat", "softmax", "local_response_norm", "pad_channels",
            "channel_shuffle", "channel_slice", "channel_split"}  # fmt: skip


class Extent(Enum):
    """What is no set of places."""

    ALL = "all that there is along the axis"
    NO_INTERVAL = "no one interval: branches of different jumps meet, and drift apart"
    UNKNOWN = "unknown: the axes are no longer those of the image"


Places: TypeAlias = Callable[[int], Iterable[int]]  # of a source, for a unit
Choose: TypeAlias = Callable[[Layer], Iterable[str]]


SAMPLE = (-1, 1, 6)  # units, whose intervals are looked at
FAR = 997  # periods: branches that drift apart have done so


class Row(NamedTuple):
    """What all units of a layer see along an axis.

    Attributes:
        size: of the longest interval; 0 where they see nothing.
        jump: pixels from what one unit sees to what the next sees, on average; None where they
            see nothing.
        offset: the first pixel of unit 0; None where it sees nothing.
        units: the intervals of the units in `SAMPLE`.
    """

    size: int
    jump: Fraction | None
    offset: int | None
    units: tuple[tuple[int, int] | None, ...]


class Reaching:
    """One axis of a network's image.

    Attributes:
        axis: which one, from 0.
        choose: the sources of a layer that are followed; all of them by default.
        norms: whether a norm sees all that enters its statistics; else it is pointwise.
    """

    def __init__(
        self,
        net: Net,
        shapes: dict[str, Shape],
        axis: int,
        choose: Choose = lambda layer: layer.sources,
        norms: bool = True,
    ) -> None:
        self.axis = axis
        self.axes = len(net.input) - 1
        self.shapes = shapes
        self.layers = {layer.name: layer for layer in net.layers}
        self.choose = choose
        self.norms = norms
        self.pixels_of = cache(self._pixels_of)
        self.read_from = cache(self._read_from)

    def _pixels_of(self, name: str, unit: int) -> frozenset[int] | Extent:
        """The pixels that unit number `unit` along the axis sees, in whatever channel."""
        if name == "input":
            return frozenset((unit,))
        found: set[int] = set()
        extents: set[Extent] = set()
        for source, places in self.read_from(name):
            if isinstance(places, Extent):
                extents.add(places)
            for place in (0,) if isinstance(places, Extent) else places(unit):
                seen = self.pixels_of(source, place)
                if isinstance(seen, Extent):
                    extents.add(seen)
                else:
                    found |= seen
        if extents:
            return Extent.UNKNOWN if Extent.UNKNOWN in extents else Extent.ALL
        return frozenset(found)

    def _read_from(self, name: str) -> list[tuple[str, Places | Extent]]:
        """The sources of a layer, each with the places that a unit is computed from."""
        layer = self.layers[name]
        return [(source, self.places(layer, source)) for source in self.choose(layer)]

    def row(self, name: str, period: int) -> Row | Extent:
        """What the units of a layer see, if that repeats after `period` of them, moved along."""
        found: list[tuple[int, int] | None] = []
        moves: set[Fraction | None] = set()  # of a unit's ends, from one unit to the next
        for unit in range(period):
            seen = self.pixels_of(name, unit)
            if isinstance(seen, Extent):
                return seen
            found.append(ends(seen))
            for steps in (period, FAR * period):
                other = self.interval(name, unit + steps)
                if seen and other is not None:
                    moves.add(Fraction(other[0] - min(seen), steps))
                    moves.add(Fraction(other[1] - max(seen), steps))
                elif seen or other is not None:
                    moves.add(None)
        if len(moves) > 1 or None in moves:
            return Extent.NO_INTERVAL
        size = max([last - first + 1 for first, last in filter(None, found)], default=0)
        sample = tuple([self.interval(name, unit) for unit in SAMPLE])
        return Row(size, next(iter(moves), None), found[0] and found[0][0], sample)

    def interval(self, name: str, unit: int) -> tuple[int, int] | None:
        """The first and the last pixel that a unit sees, of a layer whose units see sets."""
        seen = self.pixels_of(name, unit)
        assert not isinstance(seen, Extent)
        return ends(seen)

    def sees_all(self, name: str) -> bool:
        """Whether every unit of a map sees from one end of the image to the other, or nothing."""
        last = self.shapes["input"][1 + self.axis] - 1
        for unit in range(self.shapes[name][1 + self.axis]):
            seen = self.pixels_of(name, unit)
            if isinstance(seen, Extent):
                return seen is Extent.ALL
            if seen and (min(seen) > 0 or max(seen) < last):
                return False
        return True

    def places(self, layer: Layer, source: str) -> Places | Extent:
        shape, out = self.shapes[source], self.shapes[layer.name]
        if len(shape) != self.axes + 1 or len(out) != self.axes + 1:
            return Extent.UNKNOWN
        if layer.indices is not None:
            return self.taken_from(self.layers[layer.indices])
        match layer.kind:
            case "add" | "mean" | "multiply":
                alone = math.prod(shape[1:]) == 1 and out[1 + self.axis] != 1
                return _first if alone else _same
            case "layer_norm" | "group_norm" if not self.norms:
                return _same
            case "global_avg_pool" | "group_norm":
                return Extent.ALL
            case "layer_norm":
                over = layer.fields.get("over", "all")
                all_of_it = over == "all" or (over == "last" and self.axis == self.axes - 1)
                return Extent.ALL if all_of_it else _same
            case "linear":
                return Extent.ALL if self.axis == self.axes - 1 else _same
        return _same if layer.kind in IN_PLACE else self.window(layer, shape, out)

    def window(self, layer: Layer, shape: Shape, out: Shape) -> Places | Extent:
        fields, axis = layer.fields, self.axis
        match layer.kind:
            case "conv" | "locally_connected":
                return self.sliding(fields, shape, fields.get("stride", 1))
            case "max_pool" | "avg_pool":
                return self.sliding(fields, shape, fields.get("stride", fields["kernel"]))
            case "conv_transpose":
                k, s, d = self.along(fields, fields.get("stride", 1))
                p = each(fields.get("padding", 0), self.axes)[axis]
                return lambda unit: _back([unit + p - tap * d for tap in range(k)], s)
            case "upsample" | "pixel_shuffle":
                f = each(fields["factor"], self.axes)[axis]
                if fields.get("mode", "nearest") == "nearest":
                    return lambda unit: (unit // f,)
                return lambda unit: _mixed(unit, f)
            case "pad":
                before = pairs(fields["sides"], self.axes)[axis][0]
                return lambda unit: (unit - before,)
            case "crop":
                before = pairs(fields["sides"], self.axes)[axis][0]
                return lambda unit: (unit + before,)
            case "adaptive_avg_pool" | "adaptive_max_pool":
                n, m = shape[1 + axis], out[1 + axis]
                if m == 1:
                    return Extent.ALL
                if n % m == 0:
                    return lambda unit: range(unit * (n // m), (unit + 1) * (n // m))
        return Extent.UNKNOWN

    def along(self, fields: Fields, stride: Any) -> tuple[int, int, int]:
        """Kernel, stride and dilation along the axis."""
        k, s, d = (
            each(value, self.axes)[self.axis]
            for value in (fields["kernel"], stride, fields.get("dilation", 1))
        )
        return k, s, d

    def sliding(self, fields: Fields, shape: Shape, stride: Any) -> Places:
        k, s, d = self.along(fields, stride)
        before = sides_of(fields, shape[1:], stride)[self.axis][0]
        return lambda unit: [unit * s - before + tap * d for tap in range(k)]

    def taken_from(self, pool: Layer) -> Places:
        """The units of a max pool whose windows hold a place."""
        stride = pool.fields.get("stride", pool.fields["kernel"])
        k, s, d = self.along(pool.fields, stride)
        sizes = self.shapes[pool.inputs[0]][1:]
        before = sides_of(pool.fields, sizes, stride)[self.axis][0]
        return lambda unit: _back([unit + before - tap * d for tap in range(k)], s)


def _same(unit: int) -> Iterable[int]:
    return (unit,)


def _first(unit: int) -> Iterable[int]:
    return (0,)


def _back(places: Iterable[int], stride: int) -> Iterable[int]:
    """Where a window started that reached these places, of those where one can start."""
    return [place // stride for place in places if place % stride == 0]


def _mixed(unit: int, factor: int) -> Iterable[int]:
    """The two neighbours that a value of a linear interpolation lies between, or the one at it."""
    first, rest = divmod(2 * unit + 1 - factor, 2 * factor)
    return (first, first + 1) if rest else (first,)


def ends(seen: Collection[int]) -> tuple[int, int] | None:
    """The first and the last."""
    return (min(seen), max(seen)) if seen else None


def periods_of(net: Net) -> list[int]:
    """Along each axis, after how many units at the most what they see repeats, moved along.

    The product of what spreads units out.
    """
    axes = len(net.input) - 1
    found = [1] * axes
    by_name = {layer.name: layer for layer in net.layers}
    for layer in net.layers:
        fields = layer.fields
        stride = 1
        if layer.indices is not None:
            fields = by_name[layer.indices].fields
            stride = fields.get("stride", fields["kernel"])
        elif layer.kind == "conv_transpose":
            stride = fields.get("stride", 1)
        elif layer.kind in ("upsample", "pixel_shuffle"):
            stride = fields["factor"]
        if isinstance(stride, int) or len(stride) == axes:  # else the axes are others by then
            found = [n * s for n, s in zip(found, each(stride, axes), strict=True)]
    return found


def paths_to(net: Net, name: str) -> list[dict[str, str]]:
    """Each way from the input to a layer: for every layer on it the source that it comes from."""
    by_name = {layer.name: layer for layer in net.layers}
    if name == "input":
        return [{}]
    return [
        {**path, name: source}
        for source in dict.fromkeys(by_name[name].sources)
        for path in paths_to(net, source)
    ]


def local_reaching(whole: Sequence[Reaching], net: Net) -> Sequence[Reaching]:
    """As `whole`, of what is seen by convolutions and pools alone, without gates and norms.

    A gate is a branch of a product, sum or mean that has a single position, where the others have
    more, or that sees all along an axis along which another does not.
    """
    kept: dict[str, tuple[str, ...]] = {}
    if not whole:
        return whole
    shapes = whole[0].shapes
    found = [
        Reaching(net, shapes, axis, lambda x: kept.get(x.name, x.sources), norms=False)
        for axis in range(len(whole))
    ]
    norms = {"layer_norm", "group_norm"} & {layer.kind for layer in net.layers}
    for layer in net.layers:
        if layer.kind not in ("add", "mean", "multiply"):
            continue
        many = math.prod(shapes[layer.name][1:]) > 1
        maps = [x for x in layer.inputs if not many or math.prod(shapes[x][1:]) > 1]
        gates: set[str] = set()
        for reaching in found:
            seeing_all = {x for x in maps if reaching.pixels_of(x, 0) is Extent.ALL}
            gates |= seeing_all if seeing_all < {*maps} else set()
        left = tuple([x for x in maps if x not in gates])
        if left and left != layer.inputs:
            kept[layer.name] = left
    return found if kept or norms else whole
