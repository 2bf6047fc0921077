"""What one unit of a layer sees, and by which paths: receptive fields held against an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod

from archcalc.analysis import Analysis, LayerAnalysis, require_numbers
from archcalc.errors import UsageError
from archcalc.graph import INPUT
from archcalc.quantity import Quantity
from archcalc.receptive_field import PIXEL, AxisField, Field, Interval, PhasedField, fields_after
from archcalc.window import Reach


@dataclass(frozen=True, slots=True)
class UnitField:
    """The pixels that a unit sees, along each spatial axis of the input.

    Attributes:
        layer: the layer.
        unit: the position of the unit in its map.
        unbounded: first and last pixel, with no regard to the borders of the image; None where
            the unit sees nothing.
        clipped: the same within the image; None where nothing of it lies there.
        image: the sizes of the image.
    """

    layer: LayerAnalysis
    unit: tuple[int, ...]
    unbounded: tuple[Interval, ...]
    clipped: tuple[Interval, ...]
    image: tuple[int, ...]

    @property
    def pixels(self) -> int:
        """How many positions the field has."""
        return prod(map(_length, self.unbounded))

    @property
    def pixels_in_image(self) -> int:
        """How many of them lie in the image."""
        return prod(map(_length, self.clipped))

    @property
    def padding_share(self) -> Fraction:
        """The share of the field that lies in the padding, outside of the image."""
        return 1 - Fraction(self.pixels_in_image, self.pixels) if self.pixels else Fraction(0)

    @property
    def image_share(self) -> Fraction:
        """The share of the image that the unit sees."""
        return Fraction(self.pixels_in_image, prod(self.image))


@dataclass(frozen=True, slots=True)
class PathSizes:
    """The receptive field along single paths, where branches make several, along each axis.

    Attributes:
        smallest, largest: of the path that sees least, and of the one that sees most; None where
            unknown, "all" where it is everything.
    """

    smallest: tuple[Quantity | str | None, ...]
    largest: tuple[Quantity | str | None, ...]


def unit_field(analysis: Analysis, name: str, at: tuple[int, ...] | None = None) -> UnitField:
    """What the unit at position `at` of a layer sees; by default the one in the middle.

    Raises:
        UsageError: no such layer or unit; a size that is no plain number; a field that is not
            known, or has no positions because the network's input has none.
    """
    layer = analysis.layer(name)
    image = analysis.input.sizes
    if not image:
        raise UsageError(f"the input of {analysis.name} has no spatial axes")
    require_numbers(analysis)
    sizes = _positions(analysis, layer)
    unit = tuple(size // 2 for size in sizes) if at is None else at
    if len(unit) != len(sizes) or not all(0 <= i < n for i, n in zip(unit, sizes, strict=True)):
        units = f"{'x'.join(map(str, sizes))} units, counted from 0" if sizes else "no positions"
        raise UsageError(f"{layer.name} has {units}; there is none at {','.join(map(str, unit))}")
    seen = tuple(
        _of_unit(field, unit[axis] if axis < len(unit) else 0, image[axis], layer)
        for axis, field in enumerate(layer.field)
    )
    clipped = tuple(map(_clipped, seen, image))
    return UnitField(layer, unit, seen, clipped, image)


def unit_over(analysis: Analysis, name: str, place: UnitField) -> UnitField:
    """What that unit of a layer sees whose field lies most nearly over what `place` sees.

    Raises:
        UsageError: as `unit_field`.
    """
    middle = unit_field(analysis, name)
    unit = []
    for at, field, seen, size in zip(
        middle.unit, middle.layer.field, place.unbounded, _positions(analysis, middle.layer),
        strict=False,
    ):  # fmt: skip
        own = _of_unit(field, at, 0, middle.layer)
        if seen is None or own is None or isinstance(field, Reach):
            unit.append(at)
            continue
        steps = round(Fraction(sum(seen) - sum(own), 2) / Fraction(field.jump))
        unit.append(min(max(at + steps, 0), size - 1))
    return unit_field(analysis, name, tuple(unit))


def path_sizes(analysis: Analysis) -> dict[str, PathSizes]:
    """For each layer the receptive field by the path that sees least and by that which sees most.

    Only paths from the input count on which windows lie; a layer without branches before it has
    the same figure twice.
    """
    least, most = _along_paths(analysis, min), _along_paths(analysis, max)
    return {
        name: PathSizes(tuple(map(_size, least[name])), tuple(map(_size, most[name])))
        for name in least
    }


def alignment(analysis: Analysis, layer: LayerAnalysis) -> bool | None:
    """Whether the branches that meet in a join look at the same place: None for other layers.

    Araujo et al. 2019, section 4: on all paths the jump is the same, and so is the centre of
    what unit 0 sees.
    """
    if len(layer.inputs) < 2:
        return None
    fields = {x.name: x.field for x in analysis.layers} | {
        INPUT: (PIXEL,) * len(analysis.input.sizes)
    }
    branches = [fields[name] for name in layer.inputs]
    return all(
        isinstance(a, Field) and isinstance(b, Field) and _centre(a) == _centre(b)
        for axes in zip(*branches, strict=True)
        for a, b in pairwise(axes)
    )


def _centre(field: Field) -> tuple[Quantity, Quantity]:
    """Twice the centre of what unit 0 sees, and the jump."""
    return field.first + field.last, field.jump


def _positions(analysis: Analysis, layer: LayerAnalysis) -> tuple[int, ...]:
    """The sizes of the map that a layer's units stand in: for a vector, of what was flattened."""
    by_name = {x.name: x for x in analysis.layers}
    while not layer.output.sizes:
        if layer.inputs[0] == INPUT or any(field is Reach.ALL for field in layer.field):
            return ()
        layer = by_name[layer.inputs[0]]
    return layer.output.sizes


def _of_unit(field: AxisField, unit: int, size: int, layer: LayerAnalysis) -> Interval:
    if field is Reach.ALL:
        return 0, size - 1
    if isinstance(field, (Field, PhasedField)):
        return field.of_unit(unit)
    why = "branches with different jumps meet before it" if field is Reach.MISALIGNED else "unknown"
    raise UsageError(f"the receptive field of {layer.name} has no single interval: {why}")


def _clipped(interval: Interval, size: int) -> Interval:
    if interval is None or interval[1] < 0 or interval[0] >= size:
        return None
    return max(interval[0], 0), min(interval[1], size - 1)


def _length(interval: Interval) -> int:
    return 0 if interval is None else interval[1] - interval[0] + 1


def _along_paths(
    analysis: Analysis, choose: Callable[..., AxisField]
) -> dict[str, tuple[AxisField, ...]]:
    """The walk again, where each join takes one branch's field along each axis."""
    fields: dict[str, tuple[AxisField, ...]] = {INPUT: (PIXEL,) * len(analysis.input.sizes)}
    for layer in analysis.layers:
        branches = [fields[name] for name in layer.inputs]
        chosen = tuple(choose(axes, key=_rank) for axes in zip(*branches, strict=True))
        fields[layer.name] = fields_after([chosen], layer.effect.windows)
    return fields


def _rank(field: AxisField) -> tuple[int, Quantity]:
    """Orders fields by size: plain ones, then what is unknown, then everything."""
    if isinstance(field, Reach):
        return (2, 0) if field is Reach.ALL else (1, 0)
    return 0, field.size


def _size(field: AxisField) -> Quantity | str | None:
    if isinstance(field, Reach):
        return "all" if field is Reach.ALL else None
    return field.size
