"""Operations that no kind covers: their layers have the sizes that were captured."""

from __future__ import annotations

from typing import Any

from archcalc.errors import UsageError
from archcalc.feature_map import FeatureMap
from archcalc.importing.kinds.axes import axis_of, batch_axis, without_batch
from archcalc.importing.kinds.call import HANDLERS, Call
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.lowering import Lowering, tensors_in
from archcalc.importing.kinds.rearranging import sizes_of
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
        "max",
        "min",
        "pad",
        "atan2",
        "diagonal",
        "unique",
        "nan_to_num",
        "grid_sample",
        "torchvision.nms",
        "torchvision.roi_align",
    ]
)
_FAMILIES_WITHOUT_PRODUCTS = frozenset(
    (
        "indexing",
        "joining",
        "moving",
        "norming",
        "pointwise",
        "pooling",
        "resizing",
        "slicing",
        "writing",
    )
)


def opaque(call: Call, reason: NotCoveredError) -> None:
    """Layers of an operation that no kind covers, one for each output.

    Raises:
        UsageError: nothing can be said of what it gives.
    """
    lowering, operation = call.lowering, call.operation
    first: Draft | None = None
    try:
        drafts = _inputs(call)
        parameters = _parameters(lowering, operation.arguments)
        for output, number in enumerate(operation.outputs):
            if first is not None and number not in lowering.users:
                continue
            if lowering.is_empty(number):
                continue
            macs = reason.macs if first is None else 0
            _one(call, output, number, drafts, parameters if first is None else {}, macs)
            first = first or lowering.values[number].draft
    except NotCoveredError as other:
        where = f" in {operation.path}" if operation.path else ""
        raise UsageError(
            f"{operation.operator}{where} {reason}, and {other}: nothing can be said of its output"
        ) from None


def _inputs(call: Call) -> list[Draft]:
    """What it takes: of images, or where nothing is, what learns."""
    lowering = call.lowering
    given = dict.fromkeys(tensors_in(call.operation.arguments))
    numbers = [number for number in given if not lowering.is_empty(number)]
    found = [n for n in numbers if n in lowering.of_images]
    found = found or [n for n in numbers if n in lowering.learned]
    return [_whole(call, lowering.value(n)) for n in found]


def _whole(call: Call, value: Value) -> Draft:
    """The layer that has the values, what is folded into the batch as an axis of its own."""
    along = batch_axis(value.axes)
    if along is None:
        return call.take(value).draft
    items = without_batch(value.axes[along])
    if not items:
        return call.take(value).draft
    apart = ((), *value.axes[:along], items, *value.axes[along + 1 :])
    return call.lowering.node(value, apart, call.operation)


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
    macs: int | None,
) -> None:
    lowering, operation = call.lowering, call.operation
    of_images = number in lowering.of_images
    sizes = lowering.sizes(number)
    if of_images:
        alone = lowering.one_image and sizes[0] != (1,)
        axes = lowering.axes_of_output(number, None if alone else 0, None)
    else:
        axes = ((lowering.batch,), *[axis_of(each) for each in sizes])
    along = batch_axis(axes) or 0
    items, rest = without_batch(axes[along]), (axes[:along] + axes[along + 1 :]) or ((),)
    base = ((), items, *rest) if items else ((), *rest)
    shape = sizes_of(base[1:])
    fields: dict[str, Any] = {
        "operator": operation.operator,
        "of": [_shape(each) for each in drafts],
        "shape": shape,
    }
    if parameters:
        fields["parameters"] = parameters
    if macs is None and _is_without_products(operation.operator):
        macs = 0
    if macs is not None:
        fields["macs"] = macs
    if output:
        fields["output"] = output
    dtype = lowering.tensor(number).dtype
    if lowering.dtype(number) is not None:
        fields["dtype"] = dtype
    draft = Draft("opaque", tuple(drafts), fields, operation=operation)
    draft.map = FeatureMap(shape[0], tuple(shape[1:]), dtype=lowering.dtype(number))
    lowering.drafts.append(draft)
    for source in _sources(lowering, operation.arguments) if parameters else ():
        lowering.owners.setdefault(source, draft)
    axes = axes if of_images else axes[1:]
    lowering.values[number] = Value(draft, base, axes, of_images=of_images)


def _is_without_products(operator: str) -> bool:
    handler = HANDLERS.get(operator)
    family = "" if handler is None else handler.__module__.rpartition(".")[2]
    return operator in _WITHOUT_PRODUCTS or family in _FAMILIES_WITHOUT_PRODUCTS


def _sources(lowering: Lowering, arguments: Any) -> list[int]:
    return [
        source for n in tensors_in(arguments) if n in lowering.learned and n not in
        lowering.of_images for source in learned_sources(lowering, n)
    ]  # fmt: skip


def _shape(draft: Draft) -> list[Any]:
    assert draft.map is not None
    return [*draft.map.shape]
