"""Where figures come from, and what units see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from archcalc.analysis import Analysis
from archcalc.api.results import Result
from archcalc.errors import UsageError
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.loading import Spec
from archcalc.receptive_field.field import Interval
from archcalc.render.field import AXIS_NAMES, FieldDocument, UnitDocument
from archcalc.spec.values import Value
from archcalc.unit_field import UnitField, unit_field
from archcalc.walk import analyze


@overload
def field(
    what: Spec,
    /,
    *,
    input: Sequence[Value] | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Analysis, LayerAnalysis]: ...


@overload
def field(
    what: Spec,
    layer: str,
    at: Sequence[int] | None = None,
    /,
    *,
    channel: int | None = None,
    input: Sequence[Value] | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[UnitField, Interval]: ...


def field(
    what: Spec,
    layer: str | None = None,
    at: Sequence[int] | None = None,
    /,
    *,
    channel: int | None = None,
    input: Sequence[Value] | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Analysis, LayerAnalysis] | Result[UnitField, Interval]:
    """The receptive fields of all layers, or the pixels that one unit of a layer sees.

    The parts are the layers by name; of a unit, the first and the last pixel that it sees along
    each axis of the image (`height`, `width`), None where it sees none.

    Args:
        what, input, parameters, others: as for `analyze`.
        layer: whose unit it is; the end of its dotted name will do.
        at: the unit's position, from 0; of a vector, the number of a feature; by default in the
            middle.
        channel: of this channel alone, from 0; by default of all together.

    Raises:
        UsageError: there is no such layer, position or channel; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, parameters=parameters, **others)
    if layer is None:
        if channel is not None:
            raise UsageError("only a unit of a layer has one; name a layer", "channel")
        layers = {found.name: found for found in analysis.layers}
        return Result(analysis, layers, FieldDocument(analysis))
    unit = unit_field(analysis, layer, None if at is None else tuple(at), channel=channel)
    names = AXIS_NAMES.get(len(unit.in_image), ())
    axes = dict(zip(names, unit.in_image, strict=True))
    return Result(unit, axes, UnitDocument(analysis, unit))
