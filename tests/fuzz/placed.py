"""Kinds that read a map at places of another input, forms of two inputs, and integers of one byte.

What they do to tensors (N, C, n…) in torch's functions, what their units see, how they are drawn.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

from tests.fuzz.learned import Learned
from tests.fuzz.token_sight import Shape
from tests.fuzz.tokens import Apply
from tests.fuzz.windows import Fields, Refused, each

INTEGERS = {"int8": torch.int8, "uint8": torch.uint8}
# What takes integers of one byte, and makes the same of them.
KEEPING_INTEGERS = ("max", "min", "identity", "flatten", "reshape", "channel_shuffle",
                    "channel_slice", "channel_split", "rearrange", "slice", "select",
                    "index_select", "roll", "expand", "repeat_interleave", "tile", "concat",
                    )  # fmt: skip


def grid_sample(
    inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool
) -> Tensor:
    if len(inputs) != 2 or inputs[0].dim() not in (4, 5):
        raise Refused("a map and a grid are wanted")
    images = max(map(len, inputs))  # of what no image changes there is one
    x, grid = [y if len(y) == images else y.expand(images, *y.shape[1:]) for y in inputs]
    return F.grid_sample(
        x, grid, fields.get("mode", "bilinear"), fields.get("padding_mode", "zeros"),
        fields.get("align_corners", False),
    )  # fmt: skip


def bilinear(inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool) -> Tensor:
    if len(inputs) != 2:
        raise Refused("two inputs are wanted")
    x, other = inputs
    return F.bilinear(x, other, learned["weight"], learned.get("bias"))


def deform_conv(
    inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool
) -> Tensor:
    """Tap by tap: the map read at the places that its offsets move it to, times the tap's weight.

    Offsets are numbered by their group, their tap, and down before to the right.
    """
    x, offsets, *masks = inputs
    if any(y.dim() != 4 for y in inputs) or len(masks) > 1:
        raise Refused("a map, offsets and a mask are wanted")
    weight, groups = learned["weight"], fields.get("groups", 1)
    kernel = weight.shape[2:]
    taps = kernel.numel()
    apart = offsets.shape[1] // (2 * taps)
    stride, padding, dilation = (
        each(fields.get(name, default), 2)
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    sizes = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    ]
    if offsets.shape[1] != 2 * taps * apart or [*offsets.shape[2:]] != sizes or min(sizes) < 1:
        raise Refused("offsets of other places")
    if x.shape[1] % apart or any(y.shape[1:] != (taps * apart, *sizes) for y in masks):
        raise Refused("groups of other channels, or a mask of other places")
    read = []
    for number, x_of_group in enumerate(x.chunk(apart, 1)):
        for tap in range(taps):
            first = number * taps + tap
            start = [
                torch.arange(m).to(x) * s - p + at * d
                for m, s, p, at, d in zip(
                    sizes, stride, padding, divmod(tap, kernel[1]), dilation, strict=True
                )
            ]
            down = start[0][:, None] + offsets[:, 2 * first]
            right = start[1][None, :] + offsets[:, 2 * first + 1]
            # From positions to what grid_sample counts: -1 to 1 from edge to edge.
            rows, columns = x.shape[2:]
            grid = torch.stack([(2 * right + 1) / columns - 1, (2 * down + 1) / rows - 1], -1)
            values = F.grid_sample(x_of_group, grid, align_corners=False)
            read.append(values * masks[0][:, first, None] if masks else values)
    # (g taps, N, C / g, m, n) -> (N, C taps, m n)
    stacked = torch.stack(read)
    stacked = stacked.view(apart, taps, *stacked.shape[1:]).permute(2, 0, 3, 1, 4, 5)
    columns_of = stacked.reshape(len(x), groups, -1, math.prod(sizes))
    y = (weight.reshape(groups, -1, columns_of.shape[2]) @ columns_of).reshape(len(x), -1, *sizes)
    return torch.as_tensor(y + learned["bias"].view(-1, 1, 1) if "bias" in learned else y)


PLACED: dict[str, Apply] = {
    "grid_sample": grid_sample,
    "bilinear": bilinear,
    "deform_conv": deform_conv,
}


def quantize(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    dtype = INTEGERS[fields.get("dtype", "int8")]
    limits = torch.iinfo(dtype)
    y = x.detach() / learned["scale"]
    return y.round_().add_(learned["zero_point"]).clamp_(limits.min, limits.max).to(dtype)


def dequantize(x: Tensor, fields: Fields, learned: Learned, training: bool) -> Tensor:
    y = x.to(learned["scale"].dtype)
    return y.sub_(learned["zero_point"]).mul_(learned["scale"])


# ----- what units see -----


def _read_anywhere(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    """The channel of the map, wherever, and the place that is read."""
    x, grid = inputs
    everywhere = x.flatten(2).amax(2)
    return everywhere.view(*everywhere.shape, *[1] * (len(out) - 1)) + grid.amax(-1)[:, None]


def _formed(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    seen = sum(x.amax(-1, keepdim=True) for x in inputs)
    return torch.as_tensor(seen).expand(-1, *out)


def _deformed(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    """All of the map, and what moves the unit's own taps."""
    x, *others = inputs
    seen = x.amax((1, 2, 3), keepdim=True)
    for other in others:
        seen = seen + other.amax(1, keepdim=True)
    return seen.expand(len(x), *out)


SEEN_OF_PLACED = {"grid_sample": _read_anywhere, "bilinear": _formed, "deform_conv": _deformed}


# ----- as they are drawn -----


def drawn_grid_sample(rng: random.Random, shape: Shape) -> Any:
    """A map read at places that a layer finds in it, or at learned ones."""
    axes = len(shape) - 1
    places: Any = {"linear": {"features": axes}}
    if rng.random() < 0.3:
        places = {"parameter": {"shape": [*[rng.randint(1, 4) for _ in range(axes)], axes]}}
    fields: Fields = rng.choice(({}, {"mode": "nearest"}, {"mode": "bilinear"}))
    if axes == 2 and rng.random() < 0.2:
        fields = {"mode": "bicubic"}
    fields = fields | rng.choice(({}, {"padding_mode": rng.choice(("border", "reflection"))}))
    fields |= rng.choice(({}, {"align_corners": True}))
    return {"grid_sample": {**fields, "branches": [[], [places]]}}


def drawn_bilinear(rng: random.Random, shape: Shape) -> Any:
    fields: Fields = {"features": rng.randint(1, 4)} | rng.choice(({}, {}, {"bias": False}))
    other: list[Any] = rng.choice(([], [{"linear": {"features": rng.randint(1, 4)}}], ["tanh"]))
    return {"bilinear": {**fields, "branches": rng.choice(([[], other], [other, []]))}}


def drawn_deform_conv(rng: random.Random, shape: Shape) -> Any:
    """With its offsets, and at times a mask, from convolutions that slide as it does."""
    kernel = [rng.randint(1, min(3, n)) for n in shape[1:]]
    slides: Fields = {"kernel": kernel, "stride": rng.randint(1, 2), "padding": rng.randint(0, 1)}
    if rng.random() < 0.2:
        slides["dilation"] = 2
    apart = rng.choice([d for d in range(1, shape[0] + 1) if shape[0] % d == 0])
    groups = rng.choice([d for d in range(1, shape[0] + 1) if shape[0] % d == 0])
    places = math.prod(kernel) * apart
    branches: list[Any] = [[], [{"conv": {"channels": 2 * places, **slides}}]]
    if rng.random() < 0.4:
        branches.append([{"conv": {"channels": places, **slides}}, "sigmoid"])
    fields: Fields = {"channels": groups * rng.randint(1, 2), **slides}
    fields |= rng.choice(({}, {"bias": False})) | ({"groups": groups} if groups > 1 else {})
    return {"deform_conv": {**fields, "branches": branches}}


def drawn_integers(rng: random.Random, shape: Shape) -> Any:
    """Integers of one byte that move, or are given out, and what is made of them again."""
    first = rng.choice(("quantize", {"quantize": {"dtype": rng.choice([*INTEGERS])}}))
    moved: list[Any] = [
        "flatten", "identity", {"slice": {"axis": -1, "start": rng.randrange(shape[-1])}},
        {"roll": {"shifts": 1, "axes": -1}}, {"max": {"axes": -1, "keep": True}},
        {"tile": {"repeats": [1] * (len(shape) - 1) + [2]}}, {"concat": [[], ["identity"]]},
    ]  # fmt: skip
    inside = rng.sample(moved, rng.choice((0, 1, 1, 2)))
    return {"repeat": 1, "layers": [first, *inside, "dequantize"]}
