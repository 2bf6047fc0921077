"""Operators that only move values: nothing is made of them until a layer takes the values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from archcalc.importing.kinds.axes import (
    Axes,
    Axis,
    Factor,
    axis_of,
    batch_axis,
    regrouped,
    replaced,
    size_of,
    without_batch,
)
from archcalc.importing.kinds.call import Call, handles
from archcalc.importing.kinds.copies import copied
from archcalc.importing.kinds.drafts import NotCoveredError, Value


@handles(
    "contiguous", "clone", "detach", "alias", "to", "float", "double", "half", "bfloat16", "type",
    "type_as", "cuda", "cpu", "positive", "pin_memory", "identity",
)  # fmt: skip
def same(call: Call) -> None:
    """The same values, as far as a network is concerned."""
    value = call.value("input")
    call.same(copied(call, value) if call.operation.copies else value)


@handles(
    "view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "ravel", "_unsafe_view"
)
def view(call: Call) -> None:
    """The same values in the same order, under another shape."""
    view_as(call, call.value("input"), call.lowering.sizes(call.output))


def view_as(call: Call, value: Value, sizes: Sequence[tuple[int, ...]], output: int = 0) -> None:
    """Says that an output has the values of a tensor in the same order, under another shape."""
    found = regrouped(value.axes, sizes)
    if found is None:
        found = _reshaped(call, value, sizes)
        if found is None:
            return
    axes, parts = found
    call.moved(value, replaced(axes, parts), replaced(value.base, parts), output)
    if call.operation.copies:
        number = call.operation.outputs[output]
        call.same(copied(call, call.lowering.values[number]), output)


def _reshaped(
    call: Call, value: Value, sizes: Sequence[tuple[int, ...]]
) -> tuple[Axes, dict[Factor, Axis]] | None:
    """Axes that have no common boundary are put together and cut anew, by numbers."""
    taken = call.take(value)
    shape = [
        n for axis, n in enumerate(call.shape(call.output))
        if axis != _varying(sizes)
    ]  # fmt: skip
    draft = call.add("reshape", [taken], {"shape": shape or [1]})
    call.give(draft, taken)
    return None


def _varying(sizes: Sequence[tuple[int, ...]]) -> int | None:
    return next((n for n, each in enumerate(sizes) if len({*each}) > 1), None)


@handles("unsqueeze", "squeeze")
def unit_axes(call: Call) -> None:
    """Axes of size 1 that come or go; the others stay as they are."""
    value = call.value("input")
    dims = call.get("dim")
    rank = len(value.axes)
    if call.operation.operator == "unsqueeze":
        at = dims % (rank + 1)
        call.moved(value, (*value.axes[:at], (), *value.axes[at:]))
        return
    gone = range(rank) if dims is None else [d % rank for d in _listed(dims)]
    axes = tuple([axis for n, axis in enumerate(value.axes) if axis or n not in gone])
    call.moved(value, axes)


@handles("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "T", "mT",
         "adjoint", "permute_copy", "numpy_T", "matrix_H", "H")  # fmt: skip
def permute(call: Call) -> None:
    """Axes in another order."""
    value = call.value("input")
    order = _order(call, len(value.axes))
    call.moved(value, tuple([value.axes[n] for n in order]))


def _order(call: Call, rank: int) -> list[int]:
    operator, order = call.operation.operator, [*range(rank)]
    if operator == "permute":
        return [n % rank for n in _listed(call.get("dims", "dim"))]
    if operator in ("movedim", "moveaxis"):
        source = [n % rank for n in _listed(call.get("source"))]
        destination = [n % rank for n in _listed(call.get("destination"))]
        left = [n for n in order if n not in source]
        for at, n in sorted(zip(destination, source, strict=True)):
            left.insert(at, n)
        return left
    if operator in ("T", "numpy_T") or (operator in ("t", "H", "matrix_H") and rank < 3):
        return order[::-1]
    first, second = -2, -1
    if operator in ("transpose", "swapaxes", "swapdims"):
        first, second = call.get("dim0", "axis0"), call.get("dim1", "axis1")
    order[first], order[second] = order[second], order[first]
    return order


def _listed(given: object) -> list[int]:
    """Numbers that are given one by one, or as one list."""
    if not isinstance(given, (list, tuple)):
        return [int(given)]  # type: ignore[call-overload]
    return [*chain.from_iterable(_listed(each) for each in given)]


@handles("expand", "expand_as", "broadcast_to")
def expand(call: Call) -> None:
    """One value for all places along an axis; for all images, of what is there once for them."""
    sizes = call.lowering.sizes(call.output)
    given = call.value("input")
    value = call.of_rank(given, len(sizes))
    axes = [*value.axes]
    for number, each in enumerate(sizes):
        if not axes[number] and len({*each}) > 1:
            if batch_axis(value.axes) is not None or value.of_images:
                raise NotCoveredError("repeats images")
            axes[number] = (call.lowering.batch,)
            if each != call.lowering.trace.batches:
                raise NotCoveredError("repeats along the batch and more")
    value = value._replace(axes=tuple(axes))
    shape = [size_of(axis) for axis in axes]
    if [n for n, axis in zip(_plain(sizes), axes, strict=True) if axis == ()] == [
        1 for axis in axes if axis == ()
    ]:
        call.moved(value, value.axes)
        return
    taken = call.take(value)
    wanted = [-1 if n == m or axis else n for n, m, axis in zip(
        _plain(sizes), shape, axes, strict=True)]  # fmt: skip
    if taken.batch is not None:
        del wanted[taken.batch]
    call.of("expand", [taken], {"shape": wanted})


def _plain(sizes: Sequence[tuple[int, ...]]) -> list[int]:
    return [each[0] for each in sizes]


@handles("repeat", "tile")
def repeat(call: Call) -> None:
    """The whole tensor several times along axes."""
    given = call.value("input")
    sizes = call.lowering.sizes(call.output)
    value = call.of_rank(given, len(sizes))
    before = [1] * (len(sizes) - len(given.axes)) + [*call.shape(call.number_of("input"))]
    repeats = [n // m for m, n in zip(before, call.shape(call.output), strict=True)]
    along = batch_axis(value.axes)
    varying = _varying(sizes)
    axes = [*value.axes]
    if varying is not None and along is None and not axes[varying] and not value.of_images:
        if sizes[varying] != call.lowering.trace.batches:
            raise NotCoveredError("repeats along the batch and more")
        axes[varying] = (call.lowering.batch,)
        repeats[varying] = 1
    value = value._replace(axes=tuple(axes))
    if {*repeats} == {1}:
        call.moved(value, value.axes)
        return
    if along is not None and repeats[along] != 1:
        raise NotCoveredError("repeats images")
    taken = call.take(value)
    if taken.batch is not None:
        del repeats[taken.batch]
    call.of("tile", [taken], {"repeats": repeats})


@handles("repeat_interleave")
def repeat_interleave(call: Call) -> None:
    """Each value several times along an axis."""
    value, times, dim = call.value("input"), call.get("repeats"), call.get("dim")
    if not isinstance(times, int) or dim is None:
        raise NotCoveredError("repeats values each in its own way")
    if not value.axes[dim] and not value.of_images:
        sizes = call.lowering.sizes(call.output)
        if sizes[dim] == call.lowering.trace.batches:
            axes = [*value.axes]
            axes[dim] = (call.lowering.batch,)
            call.moved(value, tuple(axes))
            return
    if value.of_images and dim % len(value.axes) == batch_axis(value.axes):
        _for_each_item(call, value, times, dim % len(value.axes))
        return
    taken = call.take(value)
    call.of("repeat_interleave", [taken], {"repeats": times, "axis": taken.last_or(dim)})


def _for_each_item(call: Call, value: Value, times: int, dim: int) -> None:
    """What is there once for each image, once more for each of some items of it."""
    wide = value._replace(axes=(*value.axes[: dim + 1], (), *value.axes[dim + 1 :]))
    taken = call.take(wide)
    at = taken.axis(dim + 1)
    shape = [times if n == at else -1 for n in range(taken.rank)]
    draft = call.add("expand", [taken], {"shape": shape})
    items = axis_of((times,) * len(call.lowering.trace.batches))
    rest = [axis for n, axis in enumerate(value.axes) if n != dim]
    base = (without_batch(value.axes[dim]), *rest[:at], items, *rest[at:])
    axes = (*value.axes[:dim], (*value.axes[dim], *items), *value.axes[dim + 1 :])
    call.lowering.values[call.output] = Value(draft, base, axes, of_images=True, by=call.operation)


@handles("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def shuffle(call: Call) -> None:
    """The moves that have a name."""
    kind = call.operation.operator
    number = call.get("upscale_factor", "downscale_factor", "groups")
    call.layer(
        kind, call.value("input"), {"groups" if kind == "channel_shuffle" else "factor": number}
    )


@handles("roll")
def roll(call: Call) -> None:
    """Values moved around the ends of axes."""
    taken = call.take(call.value("input"))
    shifts, dims = _listed(call.get("shifts")), call.get("dims", "dim")
    if dims is None:
        raise NotCoveredError("rolls all axes as one")
    axes = [taken.axis(n) for n in _listed(dims)]
    call.of("roll", [taken], {"shifts": shifts, "axes": axes})
