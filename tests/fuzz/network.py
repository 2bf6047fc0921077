"""The torch network of a `Net`: what it learns, and a run of it, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from tests.fuzz import operators
from tests.fuzz.interpreter import Layer, Net
from tests.fuzz.learned import Learned, Shapes, is_kept, learned_shapes
from tests.fuzz.mixing import axis_of
from tests.fuzz.placed import INTEGERS, KEEPING_INTEGERS
from tests.fuzz.windows import Refused

Shape: TypeAlias = tuple[int, ...]


def run(
    net: Net,
    learned: dict[str, Learned],
    images: list[Tensor],
    *,
    training: bool,
    layers: Collection[str] | None = None,
    enter: Callable[[Layer], None] = lambda layer: None,
    note: Callable[[Layer, Tensor], None] = lambda layer, output: None,
) -> list[Tensor]:
    """The outputs for a tensor for each input, which are taken from the list.

    Every tensor is let go after its last use.

    Args:
        layers: names of those that run; all if None.
        enter: told of each layer before it runs.
        note: told of its output.
    """
    running = [layer for layer in net.layers if layers is None or layer.name in layers]
    last_use = dict.fromkeys(net.inputs, 0)
    used = set().union(*net.parts())
    unpooled = {layer.indices for layer in net.layers if layer.name in used}
    last_undone = {x.indices: number for number, x in enumerate(running) if x.indices}
    for number, layer in enumerate(running):
        last_use |= dict.fromkeys((layer.name, *layer.inputs), number)
    values = dict(zip(net.inputs, images, strict=True))
    images.clear()
    indices: dict[str, Tensor] = {}
    for number, layer in enumerate(running):
        own = learned[layer.name]
        enter(layer)
        inputs = [values[name] for name in layer.inputs]
        if layer.indices is not None:
            y = operators.max_unpool(inputs[0], layer.fields, indices[layer.indices])
        elif layer.name in unpooled or layer.name in last_undone:
            y, places = operators.max_pool(inputs[0], layer.fields)
            if layer.name in last_undone:
                indices[layer.name] = places
            del places
        else:
            y = operators.apply(layer.kind, layer.fields, own, inputs, training)
        del inputs
        note(layer, y)
        values[layer.name] = y
        del y
        for name, last in last_undone.items():
            if last == number:
                del indices[name]
        for name, last in last_use.items():
            if last == number and name not in net.outputs:
                del values[name]
    return [values[name] for name in net.outputs if name in values]


def learn(
    net: Net, shapes: dict[str, Shape], dtype: torch.dtype = torch.float32
) -> dict[str, Learned]:
    """Parameters and buffers of each layer; the very same where layers share them."""
    found: dict[str, Learned] = {}
    for layer in net.layers:
        if layer.weights is not None:
            found[layer.name] = found[layer.weights]
            continue
        inputs = [shapes[name] for name in layer.inputs]
        wanted = learned_shapes(layer.kind, layer.fields, inputs)
        found[layer.name] = {name: _initial(layer, name, wanted, inputs, dtype) for name in wanted}
    return found


def _initial(
    layer: Layer, name: str, wanted: Shapes, inputs: Sequence[Shape], dtype: torch.dtype
) -> Tensor:
    shape, fields = wanted[name], layer.fields
    if name in ("num_batches_tracked", "zero_point"):
        return torch.zeros((), dtype=torch.int64)
    if name == "index":
        return torch.randint(inputs[0][axis_of(fields, len(inputs[0]))], shape)
    values = torch.rand(shape).to(dtype)
    return values if is_kept(layer.kind, fields, name) else values.requires_grad_()


# ----- shapes -----


def integers_of(net: Net) -> dict[str, torch.dtype]:
    """The dtype of each output that is of integers of one byte.

    Raises:
        Refused: a layer takes none, or not together with others.
    """
    found: dict[str, torch.dtype] = {}
    for layer in net.layers:
        types = {found.get(name) for name in layer.inputs}
        if layer.kind == "quantize":
            made = INTEGERS[layer.fields.get("dtype", "int8")]
        elif layer.kind == "dequantize" or types <= {None}:
            made = None
        else:
            made = next(iter(types))
        refuses = layer.kind not in (*KEEPING_INTEGERS, "dequantize")
        if len(types) > 1 or (refuses and types - {None}):
            raise Refused(layer.name)
        if layer.kind == "dequantize" and None in types:
            raise Refused(layer.name)
        if made is not None:
            found[layer.name] = made
    return found


_KNOWN: dict[tuple[object, ...], Shape | None] = {}  # None where torch refuses the layer


def shapes_of(net: Net) -> dict[str, Shape]:
    """The shape of each output, and input, per image, as torch has it.

    Raises:
        Refused: torch refuses a layer.
    """
    found: dict[str, Shape] = dict(net.inputs)
    by_name, constant = {layer.name: layer for layer in net.layers}, net.constant()
    integers_of(net)  # which refuses what takes none
    for layer in net.layers:
        inputs = [found[name] for name in layer.inputs]
        pool = by_name[layer.indices] if layer.indices else None
        if (layer.kind == "embedding") != any(name in net.integers for name in layer.inputs):
            raise Refused(layer.name)
        single = layer.kind == "group_norm" and layer.name in constant
        if single and math.prod(inputs[0]) == layer.fields["groups"]:
            raise Refused(layer.name)  # one value for each group, of no more images
        if pool is not None and (pool.name in constant) is not (layer.inputs[0] in constant):
            raise Refused(layer.name)  # indices of an image for those of all, or the reverse
        pooled = (repr(pool.fields), found[pool.inputs[0]]) if pool else ()
        key = (layer.kind, repr(layer.fields), *inputs, *pooled)
        if key not in _KNOWN:
            _KNOWN[key] = _shape(layer, inputs, pool, found)
        shape = _KNOWN[key]
        if shape is None:
            raise Refused(layer.name)
        found[layer.name] = shape
        if layer.weights is not None:
            owner = by_name[layer.weights]
            wanted, has = (
                learned_shapes(x.kind, x.fields, [found[name] for name in x.inputs])
                for x in (layer, owner)
            )
            if wanted != has:
                raise Refused(layer.name)
    return found


def _shape(
    layer: Layer, inputs: Sequence[Shape], pool: Layer | None, shapes: dict[str, Shape]
) -> Shape | None:
    """What torch makes of it; None where it refuses, or a max pool finds nothing in a window."""
    # Two images: of a single value for each group torch's norms of groups refuse a single one.
    dtype = torch.int64 if layer.kind == "embedding" else torch.float32
    maps = [torch.zeros(2, *shape, dtype=dtype) for shape in inputs]
    try:
        with torch.no_grad():
            if pool is not None:
                before = torch.zeros(2, *shapes[pool.inputs[0]])
                y = operators.max_unpool(
                    maps[0], layer.fields, operators.max_pool(before, pool.fields)[1]
                )
                return before.shape[1:] if y.shape == before.shape else None
            wanted = learned_shapes(layer.kind, layer.fields, inputs)
            own = {name: _initial(layer, name, wanted, inputs, torch.float32) for name in wanted}
            y = operators.apply(layer.kind, layer.fields, own, maps, training=False)
            nothing_seen = layer.kind == "max_pool" and bool(torch.isneginf(y).any())
            return None if nothing_seen or y.numel() == 0 else y.shape[1:]
    except (Refused, RuntimeError, ValueError, NotImplementedError, ZeroDivisionError):
        return None
