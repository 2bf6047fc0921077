"""Receptive fields beside their measurement: of layers, and the pixels of single units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.receptive_field.field import AxisField, PhasedField
from archcalc.record import replace
from archcalc.torch_backend.field import measure_fields
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.pixels import MeasuredPixels, Unit, measured_pixels
from archcalc.unit_field import UnitField, unit_field
from archcalc.verification import Figure
from archcalc.window import Reach

_NOT_PREDICTED = (Reach.UNKNOWN, Reach.MISALIGNED)
MOST_LAYERS = 16  # of a network, whose units are looked at


def field_figures(analysis: Analysis) -> Iterator[Figure]:
    """What the units of each layer see along each axis, and some units pixel by pixel."""
    if not analysis.input.sizes:
        why = "the input has no spatial axes"
        yield Figure("field", "receptive_field", "", None, None, note=why)
        return
    yield from _of_layers(analysis)
    yield from _of_units(analysis)


def _of_layers(analysis: Analysis) -> Iterator[Figure]:
    layers = analysis.used_layers
    with one_thread():
        measured = measure_fields(analysis, [layer.name for layer in layers])
    for layer in layers:
        name = layer.name
        if any(axis in _NOT_PREDICTED for axis in layer.field):
            yield Figure("field", "receptive_field", name, None, None, note="no one interval")
            continue
        # Gates and norms are part of the twin: the local field has no measurement.
        by_rule = replace(layer, local_field=layer.field)
        if not all(name in along.found for along in measured):
            why = next(along.left_out[name] for along in measured if name not in along.found)
            rule = by_rule.receptive_field
            yield Figure("field", "receptive_field", name, rule, None, not_measured=why)
            continue
        axes = tuple([along.found[name] for along in measured])
        seen = replace(layer, field=axes, local_field=axes)
        for quantity in ("receptive_field", "jump", "offset"):
            rule = getattr(by_rule, quantity)
            yield Figure("field", quantity, name, rule, getattr(seen, quantity))
        if any(isinstance(axis, PhasedField) for axis in layer.field):
            yield Figure("field", "phases", name, _phases(layer.field), _phases(seen.field))


def _phases(field: tuple[AxisField, ...]) -> tuple[object, ...]:
    """Along each axis the interval of each phase; None where all see alike."""
    return tuple([axis.phases if isinstance(axis, PhasedField) else None for axis in field])


def _of_units(analysis: Analysis) -> Iterator[Figure]:
    """The pixels that the first, the middle and the last unit of some layers see."""
    units = {layer.name: _corners_and_middle(layer) for layer in _sample(analysis)}
    every = [(name, unit) for name, chosen in units.items() for unit in chosen.values()]
    measured = measured_pixels(analysis, every)
    for name, chosen in units.items():
        for which, unit in chosen.items():
            field = unit_field(analysis, name, unit)
            yield _of_unit(f"pixels ({which})", field, measured)


def _of_unit(quantity: str, field: UnitField, measured: MeasuredPixels) -> Figure:
    """The number of pixels; where only their places along each axis were measured, of these."""
    key = (field.layer.name, field.unit)
    if not field.exact:
        return Figure("field", quantity, key[0], None, None, note="an upper bound")
    if measured.pixels is not None and key in measured.pixels:
        found = measured.pixels[key]
        counted = _counted(found, frozenset(field.positions()))
        return Figure("field", quantity, key[0], field.pixels, counted)
    rule = [
        frozenset(n for first, last in field.runs(axis) for n in range(first, last + 1))
        for axis in range(len(field.image))
    ]
    if key not in measured.along or not field.pixels:
        why = measured.left_out.get(key[0], "along other axes the unit sees nothing")
        return Figure("field", quantity, key[0], field.pixels, None, not_measured=why)
    found_along = measured.along[key]
    return Figure(
        "field",
        quantity,
        key[0],
        tuple(map(len, rule)),
        tuple(map(_counted, found_along, rule)),
        note="along each axis",
    )


def _counted(measured: frozenset[Any], rule: frozenset[Any]) -> int | str:
    """How many were measured, with a word where as many others are the rule's."""
    as_many = len(measured) == len(rule) and measured != rule
    return f"{len(measured)} others" if as_many else len(measured)


def _corners_and_middle(layer: LayerAnalysis) -> dict[str, Unit]:
    sizes = [layer.output.shape[axis] for axis in layer.unit_axes]
    return {
        "first": (0,) * len(sizes),
        "middle": tuple(size // 2 for size in sizes),
        "last": tuple(size - 1 for size in sizes),
    }


def _sample(analysis: Analysis) -> Sequence[LayerAnalysis]:
    """All layers, or of many some at equal distances, with the last."""
    layers = analysis.used_layers
    step = max(1, len(layers) / MOST_LAYERS)
    numbers = {min(len(layers) - 1, round(n * step)) for n in range(MOST_LAYERS)}
    return [layers[n] for n in sorted(numbers | {len(layers) - 1})] if layers else []
