"""Pools, and reductions along axes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from archcalc.importing.kinds.axes import size_of
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.convolving import per_axis
from archcalc.importing.kinds.drafts import (
    Draft,
    NotCoveredError,
    Value,
    map_after,
    settled,
)
from archcalc.importing.kinds.lowering import Taken


def _settings(call: Call) -> dict[str, Any]:
    kernel = per_axis(call.get("kernel_size"), 1)
    stride = per_axis(call.get("stride"), kernel)
    fields = {"kernel": kernel, "padding": per_axis(call.get("padding"), 0)}
    if stride != kernel:
        fields["stride"] = stride
    return fields | {"ceil": bool(call.get("ceil_mode", default=False))}


@handles("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices",
         "max_pool1d_with_indices", "max_pool3d_with_indices")  # fmt: skip
def max_pool(call: Call) -> None:
    """Max pooling."""
    fields = _settings(call) | {"dilation": per_axis(call.get("dilation"), 1)}
    call.layer("max_pool", call.value("input"), fields)


@handles("max_unpool1d", "max_unpool2d", "max_unpool3d")
def max_unpool(call: Call) -> None:
    """What undoes a max pool, by the indices that it has given."""
    lowering, indices = call.lowering, call.number_of("indices")
    maker = lowering.makers.get(indices)
    made = None if maker is None else lowering.values.get(maker.outputs[0])
    if maker is None or made is None or made.draft.kind != "max_pool":
        raise NotCoveredError("takes indices that are not a max pool's")
    pool = made.draft
    taken = call.take(call.value("input"), first=True)
    before = pool.inputs[0].map
    assert before is not None
    if taken.map.items != 1 or maker.outputs[1:] != (indices,):
        raise NotCoveredError("unpools items")
    fields = _settings(call)
    del fields["ceil"]
    fields["output"] = per_axis([*call.shape(call.output)[2:]], 1)
    usual = {name: each for name, each in fields.items() if name != "output"}
    with suppress(NotCoveredError):  # of a size that is the usual one, nothing has to be said
        map_after("max_unpool", usual, [taken.map, before])
        fields = usual
    draft = Draft("max_unpool", (taken.draft,), settled("max_unpool", fields))
    draft.operation, draft.indices = call.operation, pool
    draft.map = map_after("max_unpool", fields, [taken.map, before])
    draft.axes = taken.draft.axes
    lowering.drafts.append(draft)
    call.give(draft, taken)


@handles("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(call: Call) -> None:
    """Average pooling."""
    if call.has("divisor_override"):
        raise NotCoveredError("divides by a number of its own")
    counted = bool(call.get("count_include_pad", default=True))
    fields = _settings(call) | {"count_include_pad": counted}
    call.layer("avg_pool", call.value("input"), fields)


@handles("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avg_pool(call: Call) -> None:
    """Average pooling to a size."""
    sizes = _sizes_of_output(call)
    if {*sizes} == {1}:
        call.layer("global_avg_pool", call.value("input"))
    else:
        call.layer("adaptive_avg_pool", call.value("input"), {"output": per_axis(sizes, 1)})


@handles("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
         "adaptive_max_pool2d_with_indices")  # fmt: skip
def adaptive_max_pool(call: Call) -> None:
    """Max pooling to a size."""
    fields = {"output": per_axis(_sizes_of_output(call), 1)}
    call.layer("adaptive_max_pool", call.value("input"), fields)


def _sizes_of_output(call: Call) -> list[int]:
    axes = int(call.operation.operator.split("pool")[1][0])
    return [*call.shape(call.output)[-axes:]]


# ----- reductions -----


def dims_of(call: Call, rank: int) -> list[int]:
    """The axes that an operator works along: all where it names none."""
    given = call.get("dim", "axis", "dims")
    if given is None or given == []:
        return [*range(rank)]
    return [n % rank for n in (given if isinstance(given, (list, tuple)) else [given])]


def kept(call: Call) -> bool:
    """Whether the axes stay, with a size of 1."""
    return bool(call.get("keepdim", "keepdims", default=False))


@handles("mean", "sum", "amax", "amin", "max", "min", "logsumexp")
def reduce(call: Call) -> None:
    """All values along axes as one."""
    kind = {"amax": "max", "amin": "min"}.get(call.operation.operator, call.operation.operator)
    if call.has("other"):
        from archcalc.importing.kinds.joining import joined

        joined(call, {"max": "maximum", "min": "minimum"}[kind])
        return
    value = call.value("input")
    taken, axes = _along(call, value)
    keeps = kept(call)
    if not axes:
        _unreduced(call, value, keeps)
        return
    rank = taken.rank
    if kind == "mean" and keeps and rank > 1 and axes == [*range(1, rank)]:
        call.of("global_avg_pool", [taken])
        return
    fields: dict[str, Any] = {"axes": axes if len(axes) > 1 else axes[0]}
    if keeps or len(axes) == rank:
        fields["keep"] = True
    draft = call.add(kind, [taken], fields)
    if not keeps and len(axes) == rank and rank > 1:
        draft = call.add("flatten", [draft])
    call.give(draft, taken)


def _along(call: Call, value: Value) -> tuple[Taken, list[int]]:
    taken = call.take(value)
    dims = dims_of(call, len(value.axes))
    axes = sorted(taken.axis(n) for n in dims if value.axes[n])
    return taken, [-1 if 0 < n == taken.rank - 1 and len(axes) == 1 else n for n in axes]


def _unreduced(call: Call, value: Value, keeps: bool) -> None:
    """Along axes of one value there is nothing to do."""
    dims = dims_of(call, len(value.axes))
    axes = tuple([axis for n, axis in enumerate(value.axes) if keeps or n not in dims])
    call.moved(value, axes)


@handles("norm", "vector_norm", "linalg_vector_norm", "linalg_norm")
def norm(call: Call) -> None:
    """The length along axes: a square, a sum and a root."""
    if call.get("p", "ord", default=2) not in (2, 2.0, "fro"):
        raise NotCoveredError("measures lengths by another norm")
    value = call.value("input")
    taken, axes = _along(call, value)
    squares = call.add("square", [taken])
    fields = {"axes": axes if len(axes) > 1 else axes[0], "keep": kept(call)}
    call.give(call.add("sqrt", [call.add("sum", [squares], fields)]), taken)


@handles("var", "std")
def var(call: Call) -> None:
    """The mean square of what differs from the mean, and its root."""
    value = call.value("input")
    taken, axes = _along(call, value)
    fields = {"axes": axes if len(axes) > 1 else axes[0]}
    apart = call.add("subtract", [taken, call.add("mean", [taken], fields | {"keep": True})])
    found = call.add("mean", [call.add("square", [apart])], fields | {"keep": kept(call)})
    correction = call.get("correction", default=1)
    if call.get("unbiased", default=True) and correction:
        count = 1
        for n in dims_of(call, len(value.axes)):
            count *= size_of(value.axes[n])
        found = call.add("scale", [found], {"factor": count / (count - correction)})
    if call.operation.operator == "std":
        found = call.add("sqrt", [found])
    call.give(found, taken)
