"""Operators that take some of the values of a tensor."""

from __future__ import annotations

from typing import Any

from archcalc.importing.kinds.axes import Axis, axis_of, before_batch, factors_of, size_of
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.drafts import Draft, NotCoveredError, Value
from archcalc.importing.kinds.moving import view_as


def sliced(call: Call, value: Value, dim: int, start: int, stop: int, step: int = 1) -> Value:
    """Some of the values of a tensor along an axis."""
    value = call.unbatched(value, dim)
    axis = value.axes[dim]
    size = size_of(axis)
    if (start, stop, step) == (0, size, 1):
        return value
    if any(each.is_batch for each in axis):
        raise NotCoveredError("takes some images of a batch")
    _cut_of_turned(call, value)
    value, place = _reachable(call, value, dim)
    axis, whole = value.axes[dim], value.base[place]
    inner = size_of(whole) // size
    if len(whole) > len(axis) and step != 1:
        value, place = _own_axis(call, value, dim)
        axis, whole, inner = value.axes[dim], value.base[place], 1
    count = len(range(start, stop, step))
    taken = axis_of((count,) * len(call.lowering.trace.batches))
    fields = _fields(place - 1, len(value.base) - 1, start * inner, stop * inner, step, whole)
    draft = _cut(call, value.draft, fields)
    rest = whole[len(axis) :]
    base = tuple([(*taken, *rest) if n == place else each for n, each in enumerate(value.base)])
    axes = tuple([taken if n == dim else each for n, each in enumerate(value.axes)])
    return value._replace(draft=draft, base=base, axes=axes)


def selected(call: Call, value: Value, dim: int, index: int) -> Value:
    """The values of a tensor at one place along an axis, which goes."""
    value = call.unbatched(value, dim)
    axis = value.axes[dim]
    axes = value.axes[:dim] + value.axes[dim + 1 :]
    if not axis:
        return value._replace(axes=axes)
    if any(each.is_batch for each in axis):
        raise NotCoveredError("takes one image of a batch")
    size = size_of(axis)
    index %= size
    _cut_of_turned(call, value)
    value, place = _reachable(call, value, dim)
    axes = value.axes[:dim] + value.axes[dim + 1 :]
    whole, rank = value.base[place], len(value.base) - 1
    axis = value.axes[dim]
    if len(whole) == len(axis) and rank > 1:
        at = place - 1
        fields: dict[str, Any] = {"axis": -1 if 0 < at == rank - 1 else at, "index": index}
        draft = _cut(call, value.draft, fields, "select")
        base = value.base[:place] + value.base[place + 1 :]
    else:
        inner = size_of(whole) // size
        fields = _fields(place - 1, rank, index * inner, (index + 1) * inner, 1, whole)
        draft = _cut(call, value.draft, fields)
        rest = whole[len(axis) :]
        base = tuple([rest if n == place else each for n, each in enumerate(value.base)])
    return value._replace(draft=draft, base=base, axes=axes)


def _fields(at: int, rank: int, start: int, stop: int, step: int, whole: Axis) -> dict[str, Any]:
    fields: dict[str, Any] = {"axis": -1 if 0 < at == rank - 1 else at, "start": start}
    if stop < size_of(whole):
        fields["stop"] = stop
    return fields | {"step": step}


def _cut(call: Call, source: Draft, fields: dict[str, Any], kind: str = "slice") -> Draft:
    """The layer that does so; one, however often it is done."""
    text = f"{kind} {fields}"
    if text not in source.views:
        source.views[text] = call.add(kind, [source], fields)
        if kind == "select":
            axis = fields["axis"] % max(len(source.axes), 1)
            source.views[text].axes = source.axes[:axis] + source.axes[axis + 1 :]
    return source.views[text]


def _reachable(call: Call, value: Value, dim: int) -> tuple[Value, int]:
    """The tensor with an axis that is one of the layer's own, or the slowest part of one."""
    axis = value.axes[dim]
    if value.draft.map is None:  # a source
        value = _placed(call, value)
    for place, whole in enumerate(value.base[1:], 1):
        if whole[: len(axis)] == axis:
            return value, place
    return _own_axis(call, value, dim)


def _own_axis(call: Call, value: Value, dim: int) -> tuple[Value, int]:
    """The tensor with an axis that is one of the layer's own."""
    taken = call.take(value)
    moved = as_taken(value, taken.draft, taken.batch)
    place = taken.axis(dim) + 1
    return moved, place


def _placed(call: Call, value: Value) -> Value:
    """A source, with the axes of several values that it has."""
    base = ((), *(tuple(filter(None, value.base[1:])) or ((),)))
    call.lowering.node(value, base, call.operation)
    return value._replace(base=base)


def as_taken(value: Value, draft: Draft, batch: int | None) -> Value:
    """The tensor as the output of what has moved its values."""
    items: Axis = ()
    rest = value.axes
    if batch is not None:
        items = tuple([each for each in value.axes[batch] if not each.is_batch])
        rest = value.axes[:batch] + value.axes[batch + 1 :]
    return value._replace(draft=draft, base=(items, *(rest or ((),))))


def _put(call: Call, value: Value, output: int) -> None:
    call.moved(value, value.axes, output=output)


_AT_ONCE = (
    "the peak of a training step may be off where the module cuts a tensor into parts at once, "
    "whose gradients torch puts together at once"
)


_TURNED = (
    "the peak of a training step may be off where the module takes a part of a tensor whose axes "
    "have changed places, as the gradient that torch makes of it lies in that order"
)


@handles("chunk", "split", "split_with_sizes", "tensor_split", "unsafe_split", "unsafe_chunk")
def split(call: Call) -> None:
    """Parts of a tensor, one after the other along an axis."""
    value, dim = call.value("input"), call.get("dim", default=0) % len(call.value("input").axes)
    value = call.unbatched(value, dim)
    if any(each.is_batch for each in value.axes[dim]):
        _batches(call, value, dim)
        return
    _cut_at_once(call)
    start = 0
    sizes = [call.shape(number)[dim] for number in call.operation.outputs]
    for output, size in enumerate(sizes):
        part = _channels(call, value, dim, output, sizes)
        if part is None:
            part = sliced(call, value, dim, start, start + size)
        _put(call, part, output)
        start += size


def _batches(call: Call, value: Value, dim: int) -> None:
    """Parts of several batches one behind the other, each of some whole batches."""
    batches = call.lowering.trace.batches
    axes = before_batch(value.axes, dim)
    sizes = [call.lowering.sizes(number)[dim] for number in call.operation.outputs]
    counts = [each[0] // batches[0] for each in sizes]
    for each, count in zip(sizes, counts, strict=True):
        if axes is None or each != tuple([count * batch for batch in batches]):
            raise NotCoveredError("takes some images of a batch")
    assert axes is not None
    start = 0
    for output, count in enumerate(counts):
        part = sliced(call, value._replace(axes=axes), dim, start, start + count)
        joined = (*part.axes[:dim], part.axes[dim] + part.axes[dim + 1], *part.axes[dim + 2 :])
        _put(call, part._replace(axes=joined), output)
        start += count


def _channels(call: Call, value: Value, dim: int, part: int, sizes: list[int]) -> Value | None:
    """One of some equal parts of the channels of a map, as what has a name for that."""
    whole = value.axes[dim]
    if len({*sizes}) > 1 or len(sizes) < 2 or len(value.base) < 4 or value.base[1] != whole:
        return None
    if len(whole) != 1 or value.draft.map is None:
        return None
    draft = _cut(call, value.draft, {"parts": len(sizes), "part": part}, "channel_split")
    taken = axis_of((sizes[0],) * len(call.lowering.trace.batches))
    base = (value.base[0], taken, *value.base[2:])
    axes = tuple([taken if n == dim else each for n, each in enumerate(value.axes)])
    return value._replace(draft=draft, base=base, axes=axes)


@handles("unbind")
def unbind(call: Call) -> None:
    """The values at each place along an axis."""
    value = call.value("input")
    dim = call.get("dim", default=0) % len(value.axes)
    _cut_at_once(call)
    for output in range(len(call.operation.outputs)):
        _put(call, selected(call, value, dim, output), output)


def _cut_at_once(call: Call) -> None:
    """Notes what the layers here, which cut each part by itself, cannot say of the backward pass.

    torch has one operator for all parts, which waits for the gradients of all.
    """
    if len(call.operation.outputs) > 1:
        call.lowering.note(_AT_ONCE, call.operation.path or call.operation.operator)


def _cut_of_turned(call: Call, value: Value) -> None:
    """Notes what a layer here, which cuts the axes as they were, cannot say of the backward pass.

    torch makes the gradient of what is cut in the order of the axes then.
    """
    before, now = (
        [each for each in factors_of(axes) if each.size != 1 and not each.is_batch]
        for axes in (value.base, value.axes)
    )
    if before != now and value.draft.kind and len(call.operation.outputs) == 1:
        call.lowering.note(_TURNED, call.operation.path or call.operation.operator)


@handles("select")
def select(call: Call) -> None:
    """The values at one place along an axis."""
    value = call.value("input")
    dim = call.get("dim") % len(value.axes)
    _put(call, selected(call, value, dim, call.get("index")), 0)


@handles("narrow")
def narrow(call: Call) -> None:
    """So many values along an axis, from one on."""
    value = call.value("input")
    dim, start = call.get("dim") % len(value.axes), call.get("start")
    start %= max(size_of(value.axes[dim]), 1)
    _put(call, sliced(call, value, dim, start, start + call.get("length")), 0)


@handles("index_select")
def index_select(call: Call) -> None:
    """Values at places that a table says."""
    value = call.value("input")
    dim = call.get("dim") % len(value.axes)
    table = call.operation.arguments["index"].tensor
    _put(call, by_table(call, value, dim, sizes_of_table(call, table)), 0)


def sizes_of_table(call: Call, table: int) -> list[tuple[int, ...]]:
    """The sizes of a constant table of numbers, in each run."""
    lowering = call.lowering
    if table in lowering.of_images or lowering.tensor(table).dtype == "bool":
        raise NotCoveredError("takes places that depend on the image")
    sizes = lowering.sizes(table)
    if any(len({*each}) > 1 for each in sizes):
        raise NotCoveredError("takes places that depend on the batch")
    return sizes


def by_table(call: Call, value: Value, dim: int, sizes: list[tuple[int, ...]]) -> Value:
    """Values at the places of a constant table of numbers, of some sizes in each run."""
    lowering = call.lowering
    value = call.unbatched(value, dim)
    taken = call.take(value)
    axis = taken.axis(dim)
    count = 1
    for each in sizes:
        count *= each[0]
    draft = call.add("index_select", [taken], {"count": count, "axis": axis})
    own = axis_of((count,) * len(lowering.trace.batches))
    moved = as_taken(value, draft, taken.batch)
    base = tuple([own if n == axis + 1 else each for n, each in enumerate(moved.base)])
    moved = moved._replace(
        base=base, axes=tuple([own if n == dim else each for n, each in enumerate(moved.axes)])
    )
    if len(sizes) == 1:
        return moved
    before, after = moved.axes[:dim], moved.axes[dim + 1 :]
    wanted = [_sizes(each) for each in before] + sizes + [_sizes(each) for each in after]
    view_as(call, moved, wanted)
    return lowering.values[call.output]


def _sizes(axis: Axis) -> tuple[int, ...]:
    found = [1] * len(axis[0].sizes) if axis else [1]
    for each in axis:
        found = [n * m for n, m in zip(found, each.sizes, strict=True)]
    return tuple(found)
