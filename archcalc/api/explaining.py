"""Where figures come from, and what units see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import overload

from archcalc.analysis import Analysis
from archcalc.api.results import Result
from archcalc.errors import UsageError, suggestion
from archcalc.explaining.layers import Derivation, LayerDerivation, derive
from archcalc.explaining.totals import TOTALS, Breakdown, block_called, block_parts, breakdown
from archcalc.explaining.totals import Part as BlockPart
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.loading import Input, Spec, listed
from archcalc.receptive_field.field import Interval
from archcalc.render.explain import BlockDocument, LayerDocument, TotalsDocument
from archcalc.render.field import AXIS_NAMES, FieldDocument, UnitDocument
from archcalc.spec.values import Value
from archcalc.unit_field import UnitField, unit_field
from archcalc.walk import analyze


@overload
def explain(
    what: Spec,
    /,
    *,
    quantities: Sequence[str] | str = (),
    depth: int | None = None,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[tuple[Breakdown, ...], Breakdown]: ...


@overload
def explain(
    what: Spec,
    /,
    layer: str,
    *,
    quantities: Sequence[str] | str = (),
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[LayerDerivation, Derivation] | Result[tuple[BlockPart, ...], BlockPart]: ...


def explain(
    what: Spec,
    /,
    layer: str | None = None,
    *,
    quantities: Sequence[str] | str = (),
    depth: int | None = None,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> (
    Result[LayerDerivation, Derivation]
    | Result[tuple[BlockPart, ...], BlockPart]
    | Result[tuple[Breakdown, ...], Breakdown]
):
    """How each figure of a layer comes about; or what a block, or the totals, are made of.

    The parts are the derivations of the layer by quantity, the parts of the block by name, or the
    breakdowns of the totals by quantity.

    Args:
        what, input, batch, dtype, parameters, others: as for `analyze`.
        layer: the layer or block; the end of its dotted name will do. The totals if None.
        quantities: a list, or a text such as "params,macs". Of a layer, those to derive; all that
            say something by default. Of the totals, those to break down; all by default.
        depth: of the totals, the level of nesting whose blocks are ranked; the deepest that takes
            few to make up 90% by default.

    Raises:
        UsageError: there is no such layer or quantity; a free size; an argument that does not go
            with the layer; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, batch=batch, dtype=dtype, parameters=parameters, **others)
    quantities = listed(quantities)
    if layer is None:
        return _explained_totals(analysis, quantities or [*TOTALS], depth)
    if depth is not None:
        raise UsageError(f"the whole network is ranked; leave {layer} out", "depth")
    if (block := block_called(analysis, layer)) is None:
        found = derive(analysis, analysis.layer(layer)).only(quantities)
        derivations = {derivation.quantity: derivation for derivation in found.derivations}
        return Result(found, derivations, LayerDocument(analysis, found))
    if quantities:
        raise UsageError(f"all figures of the block {block} are one table; name no quantity")
    parts = tuple(block_parts(analysis, block))
    return Result(parts, {part.name: part for part in parts}, BlockDocument(analysis, block, parts))


def _explained_totals(
    analysis: Analysis, quantities: Sequence[str], depth: int | None
) -> Result[tuple[Breakdown, ...], Breakdown]:
    for quantity in quantities:
        if quantity not in TOTALS:
            raise UsageError(f"{quantity!r} is not a total{suggestion(quantity, TOTALS)}")
    found = tuple(breakdown(analysis, quantity, depth) for quantity in quantities)
    parts = dict(zip(quantities, found, strict=True))
    return Result(found, parts, TotalsDocument(analysis, found))


@overload
def field(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Analysis, LayerAnalysis]: ...


@overload
def field(
    what: Spec,
    /,
    layer: str,
    at: Sequence[int] | int | None = None,
    *,
    channel: int | None = None,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[UnitField, Interval]: ...


def field(
    what: Spec,
    /,
    layer: str | None = None,
    at: Sequence[int] | int | None = None,
    *,
    channel: int | None = None,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Analysis, LayerAnalysis] | Result[UnitField, Interval]:
    """The receptive fields of all layers, or the pixels that one unit of a layer sees.

    The parts are the layers by name; of a unit, the first and the last pixel that it sees along
    each axis of the image (`height`, `width`), None where it sees none.

    Args:
        what, input, parameters, others: as for `analyze`.
        layer: whose unit it is, or a block, of whose output; the end of a dotted name will do.
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
    place = at if at is None else tuple(at) if isinstance(at, Iterable) else (at,)
    unit = unit_field(analysis, analysis.end_of(layer), place, channel=channel)
    names = AXIS_NAMES.get(len(unit.in_image), ())
    axes = dict(zip(names, unit.in_image, strict=True))
    return Result(unit, axes, UnitDocument(analysis, unit))
