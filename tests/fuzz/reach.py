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

from tests.fuzz.channels import NONE, Channels, along, channels_read, every
from tests.fuzz.interpreter import Layer, Net
from tests.fuzz.mixing import axis_of, is_norm, mixed, shifts_of
from tests.fuzz.moving import cut_of
from tests.fuzz.network import Shape
from tests.fuzz.operators import ELEMENTWISE
from tests.fuzz.sight import POINTWISE
from tests.fuzz.windows import Fields, each, pairs, sides_of, transposed_sides

IN_PLACE = {*POINTWISE, "concat", "instance_norm", "local_response_norm", "pad_channels",
            "channel_shuffle", "channel_slice", "channel_split", "tile"}  # fmt: skip

# Their axes are no longer those of the image, or it is not said from where their values come.
NOT_FOLLOWED = {"reshape", "rearrange", "select", "index_select", "embedding", "matmul",
                "grid_sample", "deform_conv"}  # fmt: skip


class Extent(Enum):
    """What is not a set of places."""

    ALL = "all that there is along the axis"
    NO_INTERVAL = "no one interval: branches of different jumps meet, and drift apart"
    UNKNOWN = "unknown: the axes are no longer those of the image"


Places: TypeAlias = Callable[[int], Iterable[int]]  # of a source, for a unit
# Of a layer, the number of a source, and channels that are read of it: those that are followed.
Follow: TypeAlias = Callable[[Layer, int, Channels], Channels]

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


class Read(NamedTuple):
    """What a unit is computed from: places along the axis, and channels, of a source."""

    source: str
    places: Places | Extent
    channels: Channels


class Reaching:
    """One axis of a network's image.

    Attributes:
        axis: which one, from 0.
        follow: what is followed of the sources of a layer; all by default.
        norms: whether a norm sees all that enters its statistics; else it is pointwise.
        undecided: joins of which it is unknown what they read.
    """

    def __init__(
        self,
        net: Net,
        shapes: dict[str, Shape],
        axis: int,
        follow: Follow = lambda layer, number, channels: channels,
        norms: bool = True,
    ) -> None:
        self.axis = axis
        self.axes = len(net.input) - 1
        self.shapes = shapes
        self.inputs = net.inputs
        self.layers = {layer.name: layer for layer in net.layers}
        self.follow = follow
        self.norms = norms
        self.undecided: set[str] = set()
        self.pixels_of = cache(self._pixels_of)
        self.is_expanded = cache(self._is_expanded)
        self.read_from = cache(self._read_from)

    def _pixels_of(self, name: str, unit: int, channels: Channels) -> frozenset[int] | Extent:
        """The pixels that unit number `unit` along the axis sees, in some channels."""
        if name in self.inputs:
            return frozenset((unit,) if name == "input" else ())
        found: set[int] = set()
        everything = False
        for source, places, read in self.read_from(name, channels):
            if places is Extent.UNKNOWN:
                return Extent.UNKNOWN
            if places is Extent.ALL and self.is_expanded(source):
                return Extent.UNKNOWN  # all along the axis may be one unit, again and again
            everything = everything or places is Extent.ALL
            for place in (0,) if isinstance(places, Extent) else places(unit):
                seen = self.pixels_of(source, place, read)
                if places is _first and self.holds_image(seen):
                    seen = Extent.ALL  # one unit, spread over all of the axis
                if seen is Extent.UNKNOWN:
                    return Extent.UNKNOWN
                everything = everything or seen is Extent.ALL
                found |= set() if isinstance(seen, Extent) else seen
        return Extent.ALL if everything else frozenset(found)

    def _is_expanded(self, name: str) -> bool:
        """Whether a map comes from one that was expanded along the axis, or spread alone."""
        if name in self.inputs:
            return False
        layer, out = self.layers[name], self.shapes[name]
        if layer.kind in ("expand", *ELEMENTWISE) and len(out) == self.axes + 1:
            maps = [self.shapes[x] for x in layer.inputs if self.leads_on(x, every(self.shapes[x]))]
            if all(x[1 + self.axis] < out[1 + self.axis] for x in maps):
                return True
        return any(map(self.is_expanded, layer.inputs))

    def holds_image(self, seen: frozenset[int] | Extent) -> bool:
        """Whether pixels reach from one end of the image to the other."""
        last = self.shapes["input"][1 + self.axis] - 1
        return not isinstance(seen, Extent) and bool(seen) and min(seen) <= 0 and max(seen) >= last

    def _read_from(self, name: str, channels: Channels) -> list[Read]:
        """What a unit of a layer is computed from in some channels."""
        layer, out = self.layers[name], self.shapes[name]
        if not layer.sources:
            return []
        shapes = [self.shapes[source] for source in layer.sources]
        known = all(len(shape) == self.axes + 1 for shape in (out, *shapes))
        known = known and layer.kind not in NOT_FOLLOWED
        if not known:
            read = [every(shape) for shape in shapes]
        elif not self.norms and is_norm(layer.kind, layer.fields, len(out)):
            read = [channels]
        else:
            read = channels_read(layer, shapes, out, channels)
        followed = [self.follow(layer, number, each) for number, each in enumerate(read)]
        return [
            Read(source, self.places(layer, source) if known else Extent.UNKNOWN, each)
            for source, each in zip(layer.sources, followed, strict=True)
            if each and self.leads_on(source, each)
        ]

    def leads_on(self, name: str, channels: Channels) -> bool:
        """Whether some channels are computed from the image."""
        return name == "input" if name in self.inputs else bool(self.read_from(name, channels))

    def seen_by(self, name: str, unit: int) -> frozenset[int] | Extent:
        """The pixels that unit number `unit` along the axis sees, in all channels together."""
        return self.pixels_of(name, unit, every(self.shapes[name]))

    def row(self, name: str, period: int) -> Row | Extent:
        """What the units of a layer see, if that repeats after `period` of them, moved along."""
        found: list[tuple[int, int] | None] = []
        moves: set[Fraction | None] = set()  # of a unit's ends, from one unit to the next
        for unit in range(period):
            seen = self.seen_by(name, unit)
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
        seen = self.seen_by(name, unit)
        assert not isinstance(seen, Extent)
        return ends(seen)

    def sees_all(self, name: str) -> bool:
        """Whether every unit of a map sees from one end of the image to the other, or nothing."""
        last = self.shapes["input"][1 + self.axis] - 1
        for unit in range(self.shapes[name][1 + self.axis]):
            seen = self.seen_by(name, unit)
            if isinstance(seen, Extent):
                return seen is Extent.ALL
            if seen and (min(seen) > 0 or max(seen) < last):
                return False
        return True

    def places(self, layer: Layer, source: str) -> Places | Extent:
        shape, out = self.shapes[source], self.shapes[layer.name]
        if layer.name in self.undecided:
            return Extent.UNKNOWN
        if layer.indices is not None:
            return self.taken_from(self.layers[layer.indices])
        match layer.kind:
            case "tile" if layer.fields["repeats"][1 + self.axis] > 1:
                return Extent.UNKNOWN  # on an image without ends no copy begins
            case kind if kind in ELEMENTWISE or kind == "expand":
                alone = shape[1 + self.axis] == 1 != out[1 + self.axis]
                return _first if alone else _same
            case "concat" if along(layer, out) == 1 + self.axis:
                return Extent.UNKNOWN  # on an image without ends no branch begins
            case kind if is_norm(kind, layer.fields, len(out)) and not self.norms:
                return _same
            case "global_avg_pool" | "group_norm":
                return Extent.ALL
            case "scaled_dot_product_attention" | "multihead_attention" | "rnn" | "gru" | "lstm":
                return Extent.ALL  # of tokens: along their features
            case kind if mixing := mixed(kind, layer.fields, len(out)):
                return Extent.ALL if 1 + self.axis in mixing else _same
            case "glu":
                is_halved = 1 + self.axis == axis_of(layer.fields, len(out))
                return Extent.UNKNOWN if is_halved else _same  # how far apart depends on the size
            case "local_response_norm" if layer.fields.get("region") == "within_channel":
                half = layer.fields.get("size", 5) // 2
                return lambda unit: range(unit - half, unit + half + 1)
            case "linear" | "rotary_embedding" | "bilinear":
                return Extent.ALL if self.axis == self.axes - 1 else _same
        return _same if layer.kind in IN_PLACE else self.window(layer, shape, out)

    def window(self, layer: Layer, shape: Shape, out: Shape) -> Places | Extent:
        fields, axis = layer.fields, self.axis
        match layer.kind:
            case "conv" | "locally_connected" | "fixed_conv":
                return self.sliding(fields, shape, fields.get("stride", 1))
            case "max_pool" | "avg_pool":
                return self.sliding(fields, shape, fields.get("stride", fields["kernel"]))
            case "conv_transpose":
                k, s, d = self.along(fields, fields.get("stride", 1))
                p = transposed_sides(fields, self.axes)[0][axis][0]
                return lambda unit: _back([unit + p - tap * d for tap in range(k)], s)
            case "upsample":
                return self.resized(fields, shape[1 + axis], out[1 + axis])
            case "pixel_shuffle":
                return lambda unit: (unit // fields["factor"],)
            case "pixel_unshuffle":
                f = fields["factor"]
                return lambda unit: range(unit * f, unit * f + f)
            case "pad":
                before = pairs(fields["sides"], self.axes)[axis][0]
                return lambda unit: (unit - before,)
            case "slice":
                if 1 + axis != axis_of(fields, len(shape)):
                    return _same
                start, step = cut_of(fields, shape).start, fields.get("step", 1)
                return lambda unit: (start + unit * step,)
            case "repeat_interleave":
                along = 1 + axis == axis_of(fields, len(shape))
                return lambda unit: (unit // fields["repeats"] if along else unit,)
            case "roll":
                shift = shifts_of(fields, len(shape))[1 + axis] or 0
                return lambda unit: (unit - shift,)
            case "crop":
                before = pairs(fields["sides"], self.axes)[axis][0]
                return lambda unit: (unit + before,)
            case "adaptive_avg_pool" | "adaptive_max_pool":
                return _divided(shape[1 + axis], out[1 + axis])
        return Extent.UNKNOWN

    def resized(self, fields: Fields, n: int, m: int) -> Places | Extent:
        """What lies around the place of a unit."""
        mode = fields.get("mode", "nearest")
        if mode == "area":
            return _divided(n, m)
        if n == 1 and fields.get("align_corners"):
            return Extent.ALL
        apart = units_apart(fields, self.axis, self.axes, n, m)
        if mode == "nearest":
            return lambda unit: (math.floor(unit * apart),)
        read = 4 if mode == "bicubic" else 2
        start = Fraction(0) if fields.get("align_corners") else apart / 2 - Fraction(1, 2)
        return lambda unit: _around(unit * apart + start, read)

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


def _around(place: Fraction, count: int) -> Iterable[int]:
    """The `count` positions about a place, or the one at it."""
    if place.denominator == 1:
        return (int(place),)
    first = math.floor(place) + 1 - count // 2
    return range(first, first + count)


def _divided(n: int, m: int) -> Places | Extent:
    """The equal parts of n positions, for m units."""
    if m == 1:
        return Extent.ALL
    if n % m:
        return Extent.UNKNOWN
    return lambda unit: range(unit * (n // m), (unit + 1) * (n // m))


def units_apart(fields: Fields, axis: int, axes: int, n: int, m: int) -> Fraction:
    """How many of n positions m units lie apart that they are resized to."""
    if fields.get("align_corners"):
        return Fraction(n - 1, m - 1) if m > 1 else Fraction(n)  # the next would lie there
    if "size" in fields or fields.get("mode") == "area":
        return Fraction(n, m)
    return 1 / Fraction(each(fields["factor"], axes)[axis])


def ends(seen: Collection[int]) -> tuple[int, int] | None:
    """The first and the last."""
    return (min(seen), max(seen)) if seen else None


def periods_of(net: Net, shapes: dict[str, Shape]) -> list[int]:
    """Along each axis, after how many units at the most what they see repeats, moved along.

    The product of what spreads units out.
    """
    axes = len(net.input) - 1
    found = [1] * axes
    by_name = {layer.name: layer for layer in net.layers}
    for layer in net.layers:
        fields, stride = layer.fields, [1] * axes
        if not layer.sources:
            continue
        before, after = shapes[layer.sources[0]][1:], shapes[layer.name][1:]
        if len(before) != axes:  # the axes are others by then
            continue
        if layer.indices is not None:
            fields = by_name[layer.indices].fields
            stride = each(fields.get("stride", fields["kernel"]), axes)
        elif layer.kind == "conv_transpose":
            stride = each(fields.get("stride", 1), axes)
        elif layer.kind == "pixel_shuffle":
            stride = each(fields["factor"], axes)
        elif layer.kind == "upsample":
            sizes = enumerate(zip(before, after, strict=True))
            apart = [units_apart(fields, axis, axes, n, m) for axis, (n, m) in sizes]
            stride = [each_apart.denominator for each_apart in apart]
        elif layer.kind == "repeat_interleave":
            along = axis_of(fields, 1 + axes) - 1
            stride = [fields["repeats"] if axis == along else 1 for axis in range(axes)]
        found = [n * s for n, s in zip(found, stride, strict=True)]
    return found


def paths_to(net: Net, name: str) -> list[dict[str, str]]:
    """Each way from the input to a layer: for every layer on it the source that it comes from."""
    by_name = {layer.name: layer for layer in net.layers}
    if name in net.inputs:
        return [{}] if name == "input" else []
    return [
        {**path, name: source}
        for source in dict.fromkeys(by_name[name].sources)
        for path in paths_to(net, source)
    ]


def local_reaching(whole: Sequence[Reaching], net: Net) -> Sequence[Reaching]:
    """As `whole`, of what is seen by convolutions and pools alone, without gates and norms.

    A gate is a branch of a product, sum or average that has a single position, where the others
    have more, or that sees all along an axis along which another does not.
    """
    if not whole:
        return whole
    shapes = whole[0].shapes
    kept: dict[tuple[str, int], Channels] = {}

    def follow(layer: Layer, number: int, channels: Channels) -> Channels:
        return channels & kept.get((layer.name, number), channels)

    found = [Reaching(net, shapes, axis, follow, norms=False) for axis in range(len(whole))]
    for layer in net.layers:
        if layer.kind not in ELEMENTWISE:
            continue
        for number in range(len(layer.inputs)):
            kept[layer.name, number] = NONE
        for channel in every(shapes[layer.name]):
            others = _without_gates(found, layer, frozenset((channel,)))
            for number in others or range(len(layer.inputs)):
                kept[layer.name, number] |= _own(shapes[layer.inputs[number]], {channel})
            if others is None:
                for reaching in found:
                    reaching.undecided.add(layer.name)
    as_they_are = all(kept[x, n] == every(shapes[x]) for x, n in kept)
    norms = any(is_norm(x.kind, x.fields, len(shapes[x.name])) for x in net.layers)
    undecided = any(reaching.undecided for reaching in found)
    return found if norms or undecided or not as_they_are else whole


def _own(shape: Shape, channels: Collection[int]) -> Channels:
    """Of a map that is joined the channels that these are made of: a single one is spread."""
    return frozenset((0,)) if shape[0] == 1 else frozenset(channels)


def _without_gates(found: Sequence[Reaching], layer: Layer, channels: Channels) -> list[int] | None:
    """The inputs of a join that are not gates, by their numbers; all where each is one.

    An input that does not come from the image makes no gate of another.

    None where that depends on what is unknown.
    """
    shapes = found[0].shapes
    names = layer.inputs
    every_number = numbers = [*range(len(names))]
    blank = {n for n in numbers if not found[0].leads_on(names[n], every(shapes[names[n]]))}
    if math.prod(shapes[layer.name][1:]) > 1:
        numbers = [n for n in numbers if math.prod(shapes[names[n]][1:]) > 1]
    alone = {*every_number} - {*numbers} - blank
    if blank.issuperset(numbers) and any(
        reaching.pixels_of(names[n], 0, _own(shapes[names[n]], channels)) is Extent.UNKNOWN
        for reaching in found
        for n in alone
    ):
        return None  # along which axes it is a single position, and those of the image are more
    inputs = [(n, names[n]) for n in numbers]
    seen = [
        {n: reaching.pixels_of(x, 0, _own(shapes[x], channels)) for n, x in inputs}
        for reaching in found
    ]
    answers = []
    for all_of in ({Extent.ALL}, {Extent.ALL, Extent.UNKNOWN}):
        gates: set[int] = set()
        for axis in seen:
            of_all = {n for n in numbers if axis[n] in all_of}
            gates |= of_all if {*numbers} - of_all - blank else set()
        others = [n for n in numbers if n not in gates]
        answers.append(others or [*range(len(layer.inputs))])
    return answers[0] if answers[0] == answers[1] else None
