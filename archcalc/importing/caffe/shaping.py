"""Layers that move values, and the products that take a map as a vector."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from string import ascii_lowercase
from typing import Any, NamedTuple

from archcalc.importing.builder import Value, size_of
from archcalc.importing.caffe.fields import Fields
from archcalc.importing.caffe.layer import Blob, Layer, shown


def _size(axis: int) -> str:
    """The size of an axis of the input, as an expression."""
    return "in_channels" if axis == 0 else f"in_shape[{axis}]"


def _flat(layer: Layer, x: Value, first: int, last: int, suffix: str = "") -> Value:
    """The axes first … last of an image as one."""
    if first == 0 and last == len(x.shape) - 1:
        return layer.add("flatten", (x,), (prod(x.shape),), suffix=suffix)
    shape = (*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
    wanted: list[Any] = [_size(axis) for axis in range(len(x.shape))]
    wanted[first : last + 1] = [-1]
    return layer.add("reshape", (x,), shape, {"shape": wanted}, suffix)


def flatten(layer: Layer) -> Value:
    x, param = layer.x, layer.param("flatten_param")
    first = layer.axis(param.whole("axis", 1, least=-8), x)
    last = layer.axis(param.whole("end_axis", -1, least=-8), x, "end_axis")
    if last < first:
        raise layer.error("end_axis stands before axis")
    return _flat(layer, x, first, last)


def inner_product(layer: Layer) -> Value:
    """A linear layer of what its axis and those behind it hold, as one vector."""
    x, param = layer.x, layer.param("inner_product_param")
    axis = layer.axis(param.whole("axis", 1, least=-8), x)
    if axis < len(x.shape) - 1:
        x = _flat(layer, x, axis, len(x.shape) - 1, "_flatten")
    features = param.whole("num_output", least=1)
    fields: dict[str, Any] = {"features": features}
    if not param.flag("bias_term", True):
        fields["bias"] = False
    if param.flag("transpose", False):
        fields["transposed"] = True
    return layer.add("linear", (x,), (*x.shape[:-1], features), fields)


def reshape(layer: Layer) -> Value:
    """Another shape, that of the images left as it is."""
    x, param = layer.x, layer.param("reshape_param")
    rank = len(x.shape) + 1
    dims = param.inner("shape").wholes("dim", least=-1)
    if dims.count(-1) > 1:
        raise layer.error("more than one dim of -1")
    start = param.whole("axis", 0, least=-8)
    start = start + rank + 1 if start < 0 else start
    count = param.whole("num_axes", -1, least=-1)
    end = rank if count == -1 else start + count
    if not 0 <= start <= end <= rank:
        raise layer.error(f"axis and num_axes reach beyond {shown(x)}")
    kept = [_Kept(axis) for axis in range(rank)]
    given: list[int | _Kept] = [*kept[:start], *dims, *kept[end:]]
    for i, dim in enumerate(given):
        if dim == 0:
            if i >= rank:
                raise layer.error("a dim of 0 where its input has no axis")
            given[i] = kept[i]
    return _with_shape(layer, x, given)


class _Kept(NamedTuple):
    """A size that is that of an axis of the input, counted with that of the images."""

    axis: int


_IMAGES = _Kept(0)


def _with_shape(layer: Layer, x: Value, given: list[int | _Kept]) -> Value:
    """What it becomes with these sizes, of which the first is for the images."""
    images, *others = given or [_Kept(1)]
    if isinstance(images, _Kept) and images != _IMAGES:
        raise layer.error("its first axis is no longer that of the images")
    if _IMAGES in others:
        raise layer.error("it repeats the axis of the images")
    known = [x.shape[dim.axis - 1] if isinstance(dim, _Kept) else dim for dim in others]
    whole = prod(x.shape)
    if -1 in known:
        rest = prod([n for n in known if n != -1])
        if whole % rest:
            raise layer.error(f"{shown(x)} cannot be cut into pieces of {rest}")
        known[known.index(-1)] = whole // rest
    if prod(known) != whole:
        if images == _IMAGES:
            raise layer.error(f"{shown(x)} has {whole} values, the new shape {prod(known)}")
        raise layer.error("it moves values between the images, which archcalc keeps apart")
    if len(known) == 1:
        kind = "identity" if len(x.shape) == 1 else "flatten"
        return layer.add(kind, (x,), known)
    wanted = [_size(dim.axis - 1) if isinstance(dim, _Kept) else dim for dim in others]
    return layer.add("reshape", (x,), known, {"shape": wanted})


def permute(layer: Layer) -> Value:
    """Axes in another order; those that it does not name stand behind, in theirs."""
    x = layer.x
    order = layer.param("permute_param").wholes("order")
    order += [axis for axis in range(len(x.shape) + 1) if axis not in order]
    if sorted(order) != list(range(len(x.shape) + 1)):
        raise layer.error(f"order: no order of the axes of {shown(x)}")
    if order[0] != 0:
        raise layer.error("it moves the axis of the images, which archcalc keeps apart")
    letters = ascii_lowercase[: len(x.shape)]
    after = " ".join([letters[axis - 1] for axis in order[1:]])
    shape = [x.shape[axis - 1] for axis in order[1:]]
    if shape and order == sorted(order):
        return layer.alike("identity")
    return layer.add("rearrange", (x,), shape, {"axes": f"{' '.join(letters)} -> {after}"})


def shuffle(layer: Layer) -> Value:
    groups = layer.param("shuffle_channel_param").whole("group", 1, least=1)
    if layer.x.shape[0] % groups:
        raise layer.error(f"{layer.x.shape[0]} channels in {groups} groups")
    return layer.alike("channel_shuffle", {"groups": groups})


def concat(layer: Layer) -> Value:
    layer.require_bottoms(1, 1_000)
    param = layer.param("concat_param")
    first, *others = layer.bottoms
    axis = layer.axis(_axis(param, "concat_dim"), first)
    for other in others:
        if _without(other, axis) != _without(first, axis):
            raise layer.error(f"{shown(first)} and {shown(other)} along axis {axis + 1}")
    if not others:
        return layer.alike("identity")
    total = sum(value.shape[axis] for value in layer.bottoms)
    shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
    return layer.add("concat", layer.bottoms, shape, {"axis": axis} if axis else None)


def _without(value: Value, axis: int) -> tuple[int, ...]:
    return (*value.shape[:axis], -1, *value.shape[axis + 1 :])


def _axis(param: Fields, old_name: str) -> int:
    if "axis" in param and old_name in param:
        raise param.error(f"axis and {old_name} are the same", old_name)
    return param.whole(old_name) if old_name in param else param.whole("axis", 1, least=-8)


def cut(layer: Layer) -> tuple[Blob, ...]:
    """Slice: equal parts, or those between the points."""
    x, param = layer.x, layer.param("slice_param")
    axis = layer.axis(_axis(param, "slice_dim"), x)
    size, parts = x.shape[axis], len(layer.tops)
    points = param.wholes("slice_point", least=1)
    if points and len(points) != parts - 1:
        raise layer.error(f"{len(points)} slice_point for {parts} tops")
    if not points:
        if not parts or size % parts:
            raise layer.error(f"{size} in {parts} equal parts")
        points = [size // parts * i for i in range(1, parts)]
    ends = [0, *points, size]
    if any(stop <= start for start, stop in pairwise(ends)):
        raise layer.error(f"slice_point: {points} of {size}")
    if parts == 1:
        return (layer.alike("identity"),)
    found = []
    for i, (start, stop) in enumerate(pairwise(ends)):
        shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
        fields = {"start": start, "stop": stop} if start else {"stop": stop}
        if axis:
            fields = {"axis": axis, **fields}
        kind = "slice" if axis else "channel_slice"
        found.append(layer.add(kind, (x,), shape, fields, f"_{i + 1}"))
    return tuple(found)


def crop(layer: Layer) -> Value:
    """The first blob, cut to the sizes of the second from an axis on."""
    layer.require_bottoms(2)
    x, like = layer.bottoms
    param = layer.param("crop_param")
    first = layer.axis(param.whole("axis", 2, least=-8), x)
    axes = range(first, len(x.shape))
    offsets = param.wholes("offset")
    if len(offsets) not in (0, 1, len(axes)):
        raise layer.error(f"{len(offsets)} of offset for {len(axes)} axes")
    offsets = offsets if len(offsets) == len(axes) else (offsets or [0]) * len(axes)
    if len(like.shape) != len(x.shape):
        raise layer.error(f"{shown(x)} to the sizes of {shown(like)}")
    for axis, offset in zip(axes, offsets, strict=True):
        if x.shape[axis] - offset < like.shape[axis]:
            raise layer.error(f"{shown(like)} from {offset} on reaches beyond {shown(x)}")
    if first == 0:
        stop = offsets[0] + like.shape[0]
        x = layer.add(
            "channel_slice",
            (x,),
            (like.shape[0], *x.shape[1:]),
            {"start": offsets[0], "stop": stop},
            "_channels",
        )
    sides: list[list[int | str]] = [[0, 0] for _ in x.shape[1:]]
    for axis, offset in zip(axes, offsets, strict=True):
        if axis:
            after = f"in_shape[{axis}] - {size_of(like, axis)}"
            sides[axis - 1] = [offset, f"{after} - {offset}" if offset else after]
    shape = (x.shape[0], *x.shape[1:first], *like.shape[max(first, 1) :])
    return layer.add("crop", (x,), shape, {"sides": sides})


def tile(layer: Layer) -> Value:
    """The blob several times along an axis."""
    x, param = layer.x, layer.param("tile_param")
    axis = layer.axis(param.whole("axis", 1, least=-8), x)
    times = param.whole("tiles", least=1)
    if times == 1:
        return layer.alike("identity")
    repeats = [times if i == axis else 1 for i in range(len(x.shape))]
    shape = [n * k for n, k in zip(x.shape, repeats, strict=True)]
    return layer.add("tile", (x,), shape, {"repeats": repeats})


def reduction(layer: Layer) -> Value:
    """The sum, the mean, or the sum of magnitudes or squares, of an axis and those behind it."""
    x, param = layer.x, layer.param("reduction_param")
    axis = layer.axis(param.whole("axis", 0, least=-8), x)
    if axis == 0:
        raise layer.error("what is left of each image is one number, which has no axis")
    operations = ("", "SUM", "ASUM", "SUMSQ", "MEAN")
    operation = param.word("operation", operations, "SUM")
    before = {"ASUM": "abs", "SUMSQ": "square"}.get(operation)
    if before is not None:
        x = layer.add(before, (x,), x.shape, suffix=f"_{before}")
    factor = param.real("coeff", 1.0)
    kind = "mean" if operation == "MEAN" else "sum"
    fields = {"axes": list(range(axis, len(x.shape)))}
    suffix = f"_{kind}" if factor != 1 else ""
    x = layer.add(kind, (x,), x.shape[:axis], fields, suffix)
    return x if factor == 1 else layer.add("scale", (x,), x.shape, {"factor": factor})


def embed(layer: Layer) -> Value:
    """A learned row for each number of its input, and a bias."""
    x, param = layer.x, layer.param("embed_param")
    features = param.whole("num_output", least=1)
    rows = param.whole("input_dim", least=1)
    bias = param.flag("bias_term", True)
    shape = (*x.shape, features)
    table = layer.add(
        "embedding", (x,), shape, {"rows": rows, "features": features}, "_rows" if bias else ""
    )
    if not bias:
        return table
    one = [1] * len(x.shape) + [features]
    term = layer.add("parameter", (), one, {"shape": one}, "_bias")
    return layer.add("add", (table, term), shape)


def parameter(layer: Layer) -> Value:
    shape = layer.param("parameter_param").inner("shape").wholes("dim", least=1)
    if not shape:
        raise layer.error("a shape is missing")
    return layer.add("parameter", (), shape, {"shape": shape})
