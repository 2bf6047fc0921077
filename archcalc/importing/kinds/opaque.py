"""Operations that no kind covers: their layers have the sizes that were captured."""

from __future__ import annotations

from typing import Any

from archcalc.feature_map import FeatureMap
from archcalc.importing.kinds.axes import batch_axis, without_batch
from archcalc.importing.kinds.call import Call
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.lowering import Lowering, tensors_in
from archcalc.importing.kinds.patterns import sizes_of
from archcalc.importing.kinds.weights import learned_sources

# What makes no product has no multiply-accumulates.
_WITHOUT_PRODUCTS = frozenset(
    [
        "where",
        "masked_fill",
        "gather",
        "topk",
        "sort",
        "argmax",
        "argmin",
        "argsort",
        "cumsum",
        "cumprod",
        "flip",
        "scatter",
        "index_put",
        "__setitem__",
        "one_hot",
        "tril",
        "triu",
        "eq",
        "ne",
        "gt",
        "ge",
        "lt",
        "le",
        "logical_and",
        "logical_or",
        "logical_not",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "bitwise_not",
        "any",
        "all",
        "nonzero",
        "remainder",
        "floor_divide",
        "fmod",
        "interpolate",
        "__getitem__",
        "index_select",
        "scatter_add",
        "index_add",
        "masked_scatter",
        "unfold",
        "rot90",
        "diff",
        "copy",
        "max",
        "min",
        "pad",
        "atan2",
        "diagonal",
        "unique",
        "nan_to_num",
    ]
)


def opaque(call: Call, reason: str) -> None:
    """Layers of an operation that no kind covers, one for each output."""
    lowering, operation = call.lowering, call.operation
    inputs = _inputs(call)
    parameters = _parameters(lowering, operation.arguments)
    drafts = [each for each, _ in inputs]
    first: Draft | None = None
    for output, number in enumerate(operation.outputs):
        try:
            _one(call, output, number, drafts, parameters if first is None else {}, first)
        except NotCoveredError:
            continue
        first = first or lowering.values[number].draft
    if first is None and operation.outputs:
        raise NotCoveredError(f"{operation.operator}: {reason}")


def _inputs(call: Call) -> list[tuple[Draft, Value]]:
    found: dict[int, tuple[Draft, Value]] = {}
    for number in tensors_in(call.operation.arguments):
        if number in call.lowering.of_images and number not in found:
            value = call.lowering.value(number)
            found[number] = (call.take(value).draft, value)
    return [*found.values()]


def _parameters(lowering: Lowering, arguments: Any) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    sources = {
        source for n in tensors_in(arguments) if n in lowering.learned and n not in
        lowering.of_images for source in learned_sources(lowering, n)
    }  # fmt: skip
    for number in sorted(sources):
        if number not in lowering.owners:
            name = lowering.trace.held[number].name.rpartition(".")[2]
            name = name if name not in found else f"{name}_{len(found)}"
            found[name] = [*lowering.tensor(number).shapes[0]] or [1]
    return found


def _one(
    call: Call,
    output: int,
    number: int,
    drafts: list[Draft],
    parameters: dict[str, list[int]],
    first: Draft | None,
) -> None:
    lowering, operation = call.lowering, call.operation
    axes = lowering.axes_of_output(number, 0, None)
    along = batch_axis(axes)
    if along is None:
        raise NotCoveredError("has lost its batch")
    items, rest = without_batch(axes[along]), (axes[:along] + axes[along + 1 :]) or ((),)
    base = ((), items, *rest) if items else ((), *rest)
    shape = sizes_of(base[1:])
    fields: dict[str, Any] = {
        "operator": operation.operator,
        "of": [[*_map(each).shape] for each in drafts],
        "shape": shape,
    }
    if parameters:
        fields["parameters"] = parameters
    if first is not None:
        fields |= {"macs": 0, "other_ops": 0}
    elif operation.operator in _WITHOUT_PRODUCTS:
        fields["macs"] = 0
    if output:
        fields["output"] = output
    dtype = lowering.tensor(number).dtype
    if lowering.dtype(number) is not None:
        fields["dtype"] = dtype
    draft = Draft("opaque", tuple(drafts), fields, operation=operation)
    draft.map = FeatureMap(shape[0], tuple(shape[1:]), dtype=lowering.dtype(number))
    lowering.drafts.append(draft)
    if first is None:
        for source in _sources(lowering, operation.arguments):
            lowering.owners.setdefault(source, draft)
    lowering.values[number] = Value(draft, base, axes, of_images=True)


def _sources(lowering: Lowering, arguments: Any) -> list[int]:
    return [
        source for n in tensors_in(arguments) if n in lowering.learned and n not in
        lowering.of_images for source in learned_sources(lowering, n)
    ]  # fmt: skip


def _map(draft: Draft) -> FeatureMap:
    assert draft.map is not None
    if draft.map.items != 1:
        raise NotCoveredError("takes items")
    return draft.map
