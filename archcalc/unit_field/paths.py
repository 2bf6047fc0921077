"""Receptive fields by single paths, where branches make several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from math import lcm
from typing import TypeAlias

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.quantity.arithmetic import Quantity, certainly_at_least
from archcalc.receptive_field.by_channel import ByChannel, Values, after, of_all
from archcalc.receptive_field.field import NOTHING, PIXEL, AxisField, Field, PhasedField
from archcalc.receptive_field.placing import Placing
from archcalc.receptive_field.propagation import field_after
from archcalc.receptive_field.seen import of_single, units_of_inputs, whole_of
from archcalc.record import Record
from archcalc.window import Reach

MOST_FIELDS = 16  # of different paths that are followed side by side, along one axis
MOST_PHASES = 1024  # of fields that are compared phase by phase


class PathSizes(Record):
    """The receptive field along single paths, where branches make several, along each axis.

    Attributes:
        smallest, largest: of the path that sees least, and of the one that sees most; None where
            unknown, "all" where it is everything.
    """

    smallest: tuple[Quantity | str | None, ...]
    largest: tuple[Quantity | str | None, ...]


# What the paths up to a layer see along an axis: of those that see alike, one.
Paths: TypeAlias = "tuple[AxisField, ...]"


def path_sizes(analysis: Analysis) -> dict[str, PathSizes]:
    """For each layer the receptive field by the path that sees least and by that which sees most.

    Only paths from the input count on which windows lie; a layer without branches before it has
    the same figure twice. Exact: a path is left out only where another sees no less (for the
    largest; no more for the smallest) in every unit, since then it does so behind any layer. What
    another sees may lie elsewhere, but where a single unit is spread over an axis, which sees all
    of the image by where it lies.
    """
    least, most = _along_paths(analysis, _holds), _along_paths(analysis, _lies_in)
    return {
        layer.name: PathSizes(
            tuple([_size(paths, min) for paths in least[layer.name]]),
            tuple([_size(paths, max) for paths in most[layer.name]]),
        )
        for layer in analysis.layers
    }


def alignment(analysis: Analysis, layer: LayerAnalysis) -> bool | None:
    """Whether the branches that meet in a join look at the same place: None for other layers.

    Araujo et al. 2019, section 4: on all paths the jump is the same, and so is the centre of
    what unit 0 sees.
    """
    if len(layer.inputs) < 2:
        return None
    inputs = units_of_inputs(analysis.graph.inputs)
    fields = {name: whole_of(units).field for name, units in inputs.items()}
    fields |= {x.name: x.field for x in analysis.layers}
    branches = [axes for name in layer.inputs if (axes := fields[name]) and NOTHING not in axes]
    return all(
        isinstance(a, Field) and isinstance(b, Field) and _centre(a) == _centre(b)
        for axes in zip(*branches, strict=True)
        for a, b in pairwise(axes)
    )


def _centre(field: Field) -> tuple[Quantity, Quantity]:
    """Twice the centre of what unit 0 sees, and the jump."""
    return field.first + field.last, field.jump


def _along_paths(
    analysis: Analysis, is_needless: Callable[..., bool]
) -> dict[str, tuple[Paths, ...]]:
    """For each layer, along each axis, what is seen by all paths to it but the needless ones.

    Args:
        is_needless: whether the first field is, beside the second; `moved`, if that may lie
            elsewhere.
    """
    try:
        return _followed(analysis, partial(is_needless, moved=True), moved=True)
    except _PlaceMatters:
        return _followed(analysis, partial(is_needless, moved=False), moved=False)


class _PlaceMatters(Exception):
    """Where a field lies makes it all of the image, or less."""


def _followed(
    analysis: Analysis, is_needless: Callable[[AxisField, AxisField], bool], *, moved: bool
) -> dict[str, tuple[Paths, ...]]:
    maps, sizes = analysis.maps, analysis.input.grid
    inputs = units_of_inputs(analysis.graph.inputs)
    origins = {name: units.origins for name, units in inputs.items()}
    origins |= {x.name: x.origins for x in analysis.layers}
    nothing: tuple[Paths, ...] = ((),) * len(sizes)
    found = {name: of_all(nothing) for name in analysis.graph.inputs}
    found[analysis.graph.first_input] = of_all(((PIXEL,),) * len(sizes))

    def together(each: Sequence[tuple[Paths, ...]]) -> tuple[Paths, ...]:
        along = [[field for paths in axes for field in paths] for axes in zip(*each, strict=True)]
        return tuple([_needed(paths, is_needless) for paths in along])

    def unknown(paths: tuple[Paths, ...]) -> tuple[Paths, ...]:
        return tuple([(Reach.UNKNOWN,) for _ in paths])

    def followed(layer: LayerAnalysis) -> ByChannel[tuple[Paths, ...]]:
        inputs = [maps[name] for name in layer.node.sources]
        if not inputs:
            return of_all(nothing)
        run = [origins[name] for name in layer.node.sources]
        at = Placing(layer.node.layer, layer.effect, run, inputs, len(sizes))

        def behind(each: Sequence[tuple[Paths, ...]]) -> tuple[Paths, ...]:
            return together(
                [
                    tuple(
                        _behind(at, number, axis, paths, pixels, moved)
                        for axis, (paths, pixels) in enumerate(zip(along, sizes, strict=True))
                    )
                    for number, along in enumerate(each)
                ]
            )

        before = [found[name] for name in layer.node.sources]
        values = Values(behind, together, unknown, nothing, mixed_by_norms=True)
        return after(layer.node.layer, layer.effect, before, inputs, values)

    for layer in analysis.layers:
        found[layer.name] = followed(layer)
    return {
        layer.name: together([paths for _, paths in found[layer.name].parts])
        for layer in analysis.layers
    }


def _behind(at: Placing, number: int, axis: int, paths: Paths, pixels: int, moved: bool) -> Paths:
    """What the paths through one input see behind a layer, along one axis of the image.

    Raises:
        _PlaceMatters: it does, and others that lie elsewhere may have been left out (`moved`).
    """
    window = at.windows[number][axis]
    spread = axis in at.spread[number]
    found = []
    for field in paths:
        seen = field_after(field, window)
        if spread and not isinstance(seen, Reach):
            if moved and not certainly_at_least(pixels - 1, seen.size):
                raise _PlaceMatters
            seen = of_single(seen, pixels)
        found.append(Reach.UNKNOWN if axis in at.clashing and seen is not Reach.ALL else seen)
    return tuple(dict.fromkeys(found))


def _needed(paths: Sequence[AxisField], is_needless: Callable[..., bool]) -> Paths:
    kept: list[AxisField] = []
    for field in dict.fromkeys(paths):
        if not any(is_needless(field, other) for other in kept):
            kept = [other for other in kept if not is_needless(other, field)]
            kept.append(field)
    return tuple(kept) if len(kept) <= MOST_FIELDS else (Reach.UNKNOWN,)


def _holds(outer: AxisField, inner: AxisField, *, moved: bool) -> bool:
    return _lies_in(inner, outer, moved=moved)


def _lies_in(inner: AxisField, outer: AxisField, *, moved: bool) -> bool:
    """Whether each unit's interval lies in that of the same unit.

    Args:
        moved: or would, if all were moved by as much.
    """
    if isinstance(inner, Reach) or isinstance(outer, Reach):
        return inner is outer
    if inner.jump != outer.jump:
        return False
    if isinstance(inner, Field) and isinstance(outer, Field):
        sizes = (inner.size, outer.size)
        if not all(type(size) is int for size in sizes):
            return False
        if moved:
            return inner.size <= outer.size
        return outer.first <= inner.first and inner.last <= outer.last
    period = lcm(*[f.period for f in (inner, outer) if isinstance(f, PhasedField)])
    if period > MOST_PHASES:
        return False
    least: Quantity | None = None  # by how much the outer one is moved, at the least and the most
    most: Quantity | None = None
    for unit in range(period):
        small, large = inner.of_unit(unit), outer.of_unit(unit)
        if small is None:
            continue
        if large is None:
            return False
        from_, to = small[1] - large[1], small[0] - large[0]
        if not moved and not from_ <= 0 <= to:
            return False
        least = from_ if least is None else max(least, from_)
        most = to if most is None else min(most, to)
    return least is None or most is None or least <= most


def _size(paths: Paths, choose: Callable[[Iterable[Quantity]], Quantity]) -> Quantity | str | None:
    if Reach.ALL in paths and (choose is max or len(paths) == 1):
        return "all"
    if Reach.UNKNOWN in paths:
        return None
    sizes = [field.size for field in paths if not isinstance(field, Reach)]
    if not sizes:
        return 0  # no path leads to channels of zeros
    if len(sizes) == 1:
        return sizes[0]
    return choose(sizes) if all(type(size) is int for size in sizes) else None
