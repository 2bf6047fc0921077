"""What each unit sees of the image, by torch's own operators: which answer to a single pixel.

As many images as there are pixels go through the network, each with one pixel set in all of its
channels. With weights of one and no biases an operator that sums up or takes a maximum answers
where it sees that pixel, and nowhere else. Its answers are set to one before the next layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

from tests.fuzz import operators
from tests.fuzz.functions import FUNCTIONS
from tests.fuzz.interpreter import Layer, Net
from tests.fuzz.learned import learned_shapes
from tests.fuzz.mixing import REDUCTIONS, axis_of, mixed
from tests.fuzz.network import Shape
from tests.fuzz.placed import SEEN_OF_PLACED
from tests.fuzz.token_sight import SEEN_OF_TOKENS
from tests.fuzz.windows import Fields, each, sides_of

LEAST = 1e-4  # an answer; less is a rounding error of an interpolation
POINTWISE = {"batch_norm", "scale", "channel_scale", "relu", "relu6", "leaky_relu", "prelu", "elu",
             "gelu", "silu", "sigmoid", "tanh", "hard_swish", "hard_sigmoid", "dropout",
             "drop_path", "identity", "rrelu", "frozen_batch_norm", "quantize", "dequantize",
             *FUNCTIONS}  # fmt: skip

SEEN_OF_SEVERAL = {**SEEN_OF_TOKENS, **SEEN_OF_PLACED}


def sights(net: Net, shapes: dict[str, Shape]) -> dict[str, Tensor]:
    """By layer, (pixels, C, n…): whether a unit sees a pixel. Pixels are numbered row-major."""
    pixels = math.prod(net.input[1:])
    one_each = torch.eye(pixels).view(pixels, 1, *net.input[1:])
    found = {name: torch.zeros(pixels, *shape) for name, shape in net.inputs.items()}
    found["input"] = one_each.expand(pixels, *net.input)
    found |= {name: torch.zeros(pixels, *shapes[name]) for name in net.constant()}
    by_name = {layer.name: layer for layer in net.layers}
    with torch.no_grad():
        for layer in net.layers:
            inputs = [found[name] for name in layer.inputs]
            if not inputs:
                continue
            if layer.indices is not None:
                pool = by_name[layer.indices]
                output = shapes[layer.name]
                answers = _put_back(inputs[0] + found[pool.name], pool, output)
            else:
                answers = _seen(layer, inputs, shapes)
            found[layer.name] = (answers > LEAST).to(torch.float32)
    return found


def _seen(layer: Layer, inputs: Sequence[Tensor], shapes: dict[str, Shape]) -> Tensor:
    kind, fields = layer.kind, layer.fields
    shape = shapes[layer.inputs[0]]
    if kind in SEEN_OF_SEVERAL:
        return SEEN_OF_SEVERAL[kind](inputs, fields, shapes[layer.name])
    if kind == "concat":
        return torch.cat(list(inputs), dim=operators.dimension(fields, inputs[0]))
    if kind in operators.JOINS:
        spread = torch.broadcast_tensors(*inputs)  # type: ignore[no-untyped-call]  # torch gives no types
        return torch.stack(list(spread)).sum(dim=0)
    (x,) = inputs
    if kind in POINTWISE:
        return x
    if kind in REDUCTIONS:
        over = [1 + axis for axis in mixed(kind, fields, len(shape))]
        return x.amax(over, keepdim=fields.get("keep", False))
    if mixing := mixed(kind, fields, len(shape)):
        return _mixed(x, [1 + axis for axis in mixing])
    if kind == "glu":
        return torch.stack(x.chunk(2, 1 + axis_of(fields, len(shape)))).sum(dim=0)
    if kind == "group_norm":
        groups = x.view(len(x), fields["groups"], -1, *x.shape[2:])
        return _mixed(groups, range(2, groups.dim())).flatten(1, 2)
    if kind == "local_response_norm" and fields.get("region") == "within_channel":
        pool = getattr(torch.nn.functional, f"max_pool{len(shape) - 1}d")
        size = fields.get("size", 5)
        return torch.as_tensor(pool(x, size, 1, size // 2))
    if kind == "instance_norm":  # with running statistics
        return x
    if kind == "local_response_norm":
        return _neighbours(x, fields.get("size", 5))
    if kind == "upsample" and fields.get("mode") == "bicubic":
        return _seen_by_cubics(x, fields)
    if kind == "index_select":  # any of them, wherever the index points
        axis = 1 + axis_of(fields, len(shape))
        return x.amax(axis, keepdim=True).expand(len(x), *shapes[layer.name])
    wanted = learned_shapes(kind, fields, [shape])
    ones = {name: torch.ones(size) for name, size in wanted.items() if name != "bias"}
    return operators.apply(kind, fields, ones, inputs, training=False)


def _mixed(x: Tensor, dimensions: Iterable[int]) -> Tensor:
    """Along these dimensions every unit sees what any of them sees."""
    return x.amax(list(dimensions), keepdim=True).expand(x.shape)


def _seen_by_cubics(x: Tensor, fields: Fields) -> Tensor:
    """By weights without their signs, of one axis after the other: those of both are small."""
    for axis in (0, 1):
        alone = torch.eye(x.shape[2 + axis], dtype=torch.float64)[None, :, None]  # a row each
        along = {name: each(fields[name], 2)[axis] for name in ("factor", "size") if name in fields}
        weights = F.interpolate(
            alone,
            (1, along["size"]) if "size" in along else None,
            (1.0, float(along["factor"])) if "factor" in along else None,
            "bicubic",
            fields.get("align_corners"),
        )
        seen = (weights[0, :, 0].abs() > 1e-9).to(x)
        x = torch.tensordot(x, seen, dims=([2 + axis], [0])).movedim(-1, 2 + axis)
    return x


def _neighbours(x: Tensor, size: int) -> Tensor:
    """Each channel with those about it, `size` in all; the odd one before."""
    seen = torch.zeros_like(x)
    for channel in range(x.shape[1]):
        first = channel - size // 2
        seen[:, channel] = x[:, max(first, 0) : first + size].sum(dim=1)
    return seen


def _put_back(x: Tensor, pool: Layer, output: Shape) -> Tensor:
    """Each unit of a max pool's output, everywhere that it may have been taken from."""
    sizes = output[1:]
    axes = len(sizes)
    kernel = each(pool.fields["kernel"], axes)
    stride = pool.fields.get("stride", pool.fields["kernel"])
    dilation = each(pool.fields.get("dilation", 1), axes)
    sides = sides_of(pool.fields, sizes, stride)
    for axis, (n, k, s, d, (before, _)) in enumerate(
        zip(sizes, kernel, each(stride, axes), dilation, sides, strict=True), start=2
    ):
        taken_from = torch.zeros(x.shape[axis], n)
        for unit in range(x.shape[axis]):
            for tap in range(k):
                place = unit * s - before + tap * d
                if 0 <= place < n:
                    taken_from[unit, place] = 1
        x = torch.tensordot(x.movedim(axis, -1), taken_from, dims=1).movedim(-1, axis)
    return x
