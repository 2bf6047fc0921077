"""What one unit of a layer sees: the box of its receptive field, and the pixels of the image."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod
from typing import TypeAlias

from archcalc.analysis import Analysis, require_numbers
from archcalc.errors import UsageError
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.rolling import fills_borders
from archcalc.receptive_field.field import AxisField, Field, Interval, PhasedField
from archcalc.receptive_field.origins import position_along
from archcalc.record import Record
from archcalc.regions.bits import NotFollowedError, first_of, full, last_of, members, runs, single
from archcalc.regions.patches import Patch, around, together, values_in
from archcalc.unit_field.tracing import trace
from archcalc.window import Reach

Seen: TypeAlias = "Interval | Reach"  # a Reach where there is no one interval, or none is known


class UnitField(Record):
    """The pixels that a unit sees: those that it depends on, whatever the weights.

    A unit of a map is a position, with all channels or with one; of a vector, a feature.

    Attributes:
        layer: the layer.
        unit: the position of the unit in its map; of a vector, the number of the feature.
        channel: the one that is meant; None for all together.
        unbounded: first and last pixel along each spatial axis of the input, of all channels, with
            no regard to the borders of the image and of the maps on the way; None where the unit
            sees nothing, a Reach where there is no one interval or none is known.
        local: the same without gates and normalization (`archcalc.receptive_field.seen`).
        in_image: first and last pixel along each axis that the unit really sees; None for nothing.
        patches: the pixels that it sees, as products of sets along the axes; they may overlap.
            None where they were not followed: then all within `in_image`, at the most.
        exact: whether it sees just these pixels; else these at the most.
        image: the sizes of the image.
    """

    layer: LayerAnalysis
    unit: tuple[int, ...]
    channel: int | None
    unbounded: tuple[Seen, ...]
    local: tuple[Seen, ...]
    in_image: tuple[Interval, ...]
    patches: tuple[Patch, ...] | None
    exact: bool
    image: tuple[int, ...]

    @property
    def box(self) -> tuple[Interval, ...]:
        """First and last pixel along each axis: unbounded where known, else within the image."""
        return tuple(
            inside if isinstance(seen, Reach) else seen
            for seen, inside in zip(self.unbounded, self.in_image, strict=True)
        )

    @property
    def pixels(self) -> int:
        """How many pixels of the image it sees; at the most, unless `exact`."""
        return self.box_in_image if self.patches is None else values_in(self.patches)

    @property
    def box_in_image(self) -> int:
        """How many pixels lie between the first and the last that it sees along each axis."""
        return prod(map(_length, self.in_image))

    @property
    def padding_share(self) -> Fraction | None:
        """The share of the unbounded box that lies outside of the image; None where unknown."""
        inside = box = 1
        for seen, size in zip(self.unbounded, self.image, strict=True):
            if isinstance(seen, Reach):
                return None
            box *= _length(seen)
            inside *= _length(_clipped(seen, size))
        return 1 - Fraction(inside, box) if box else Fraction(0)

    @property
    def image_share(self) -> Fraction:
        """The share of the image that the unit sees; at the most, unless `exact`."""
        return Fraction(self.pixels, prod(self.image))

    def positions(self) -> Iterator[tuple[int, ...]]:
        """The pixels that it sees, one by one, some twice; none where they were not followed."""
        for patch in self.patches or ():
            yield from product(*map(members, patch.positions))

    def runs(self, axis: int) -> list[tuple[int, int]]:
        """First and last of each run of pixels along an axis in which it sees any."""
        if self.patches is not None:
            return runs(around(self.patches).positions[axis]) if self.patches else []
        seen = self.in_image[axis]
        return [] if seen is None else [seen]


def unit_field(
    analysis: Analysis,
    name: str,
    at: tuple[int, ...] | None = None,
    *,
    channel: int | None = None,
) -> UnitField:
    """What the unit at position `at` of a layer sees; by default the one in the middle.

    Args:
        at: along each axis of the layer's map, from 0; of a vector, the number of a feature.
        channel: which one, from 0; by default all together.

    Raises:
        UsageError: no such layer, unit or channel; a size that is not a plain number; an input
            without spatial axes.
    """
    layer = analysis.layer(name)
    image = analysis.input.grid
    if not image:
        raise UsageError(f"the input of {analysis.name} has no spatial axes")
    require_numbers(analysis)
    unit = _unit(layer, at)
    _require_channel(layer, channel)
    unbounded, local = _unbounded(analysis, layer, unit)
    try:
        traced = trace(analysis, layer, _patch(layer, unit, channel))
    except NotFollowedError:
        filled = any(fills_borders(one.node.layer) for one in analysis.layers)
        around_it = (Reach.UNKNOWN,) * len(image) if filled else unbounded
        bound = tuple(map(_bound, around_it, image))
        return UnitField(layer, unit, channel, unbounded, local, bound, None, False, image)
    # A pixel is seen where any channel of it is.
    integers = analysis.input.dtype is not None
    sets = [(p.channels, *p.positions) if integers else p.positions for p in traced.patches]
    pixels = tuple(together([Patch(1, places) for places in sets]))
    found = tuple(map(_ends, around(pixels).positions)) if pixels else (None,) * len(image)
    exact = traced.exact
    return UnitField(layer, unit, channel, unbounded, local, found, pixels, exact, image)


def unit_over(analysis: Analysis, name: str, place: UnitField) -> UnitField:
    """What that unit of a layer sees whose field lies most nearly over what `place` sees.

    Raises:
        UsageError: as `unit_field`.
    """
    middle = unit_field(analysis, name)
    layer, unit = middle.layer, list(middle.unit)
    for number, (axis, at) in enumerate(zip(layer.unit_axes, middle.unit, strict=True)):
        along = layer.origins.axes[axis]
        if not isinstance(along, int):
            continue
        field, own, seen = layer.field[along], middle.unbounded[along], place.unbounded[along]
        if isinstance(field, Reach) or not field.jump:
            continue
        if not isinstance(own, tuple) or not isinstance(seen, tuple):
            continue
        steps = round(Fraction(sum(seen) - sum(own), 2) / Fraction(field.jump))
        unit[number] = min(max(at + steps, 0), layer.output.shape[axis] - 1)
    return unit_field(analysis, name, tuple(unit))


def _unit(layer: LayerAnalysis, at: tuple[int, ...] | None) -> tuple[int, ...]:
    sizes = [layer.output.shape[axis] for axis in layer.unit_axes]
    unit = tuple([size // 2 for size in sizes]) if at is None else at
    if len(unit) != len(sizes) or not all(i in range(n) for i, n in zip(unit, sizes, strict=True)):
        units = "units" if layer.output.sizes else "features"
        raise UsageError(
            f"{layer.name} has {'x'.join(map(str, sizes))} {units}, counted from 0; there is none "
            f"at {','.join(map(str, unit))}"
        )
    return unit


def _require_channel(layer: LayerAnalysis, channel: int | None) -> None:
    if channel is None:
        return
    if not layer.output.sizes:
        raise UsageError(f"{layer.name} is a vector: its units are its features, without channels")
    if 0 in layer.unit_axes:
        raise UsageError(f"the units of {layer.name} stand along its first axis: no channels")
    if channel not in range(layer.output.channels):
        raise UsageError(
            f"{layer.name} has {layer.output.channels} channels, counted from 0; there is no "
            f"channel {channel}"
        )


def _patch(layer: LayerAnalysis, unit: tuple[int, ...], channel: int | None) -> Patch:
    """The values of a unit: all that stand at its place, or of one channel."""
    at = dict(zip(layer.unit_axes, unit, strict=True))
    if channel is not None:
        at[0] = channel
    sets = [
        single(at[axis]) if axis in at else full(size)
        for axis, size in enumerate(layer.output.shape)
    ]
    return Patch(sets[0], tuple(sets[1:]))


def _unbounded(
    analysis: Analysis, layer: LayerAnalysis, unit: tuple[int, ...]
) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """What the unit sees along each axis by the layer's fields: by the whole, by the local one."""
    places = dict(zip(layer.unit_axes, unit, strict=True))
    sizes = analysis.input.grid
    whole, local = (
        tuple(
            _of_unit(field, position_along(axis, layer.origins, places), size)
            for axis, (field, size) in enumerate(zip(fields, sizes, strict=True))
        )
        for fields in (layer.field, layer.local_field)
    )
    return whole, local


def _of_unit(field: AxisField, unit: int | None, size: int) -> Seen:
    if field is Reach.ALL:
        return 0, size - 1
    if isinstance(field, (Field, PhasedField)):
        return Reach.UNKNOWN if unit is None else field.of_unit(unit)
    return field


def _bound(seen: Seen, size: int) -> Interval:
    """All of the pixels that may be seen."""
    return (0, size - 1) if isinstance(seen, Reach) else _clipped(seen, size)


def _clipped(interval: Interval, size: int) -> Interval:
    if interval is None or interval[1] < 0 or interval[0] >= size:
        return None
    return max(interval[0], 0), min(interval[1], size - 1)


def _ends(bits: int) -> Interval:
    return first_of(bits), last_of(bits)


def _length(interval: Interval) -> int:
    return 0 if interval is None else interval[1] - interval[0] + 1
