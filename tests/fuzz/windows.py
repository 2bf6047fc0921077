"""Fields that stand for all axes or for each, and padding, as the operators want them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

Fields: TypeAlias = dict[str, Any]
Sides: TypeAlias = list[tuple[int, int]]  # before and after, along each axis


class Refused(Exception):
    """A layer that makes no sense of its input, where torch would make another sense of it."""


def axes_of(x: Tensor) -> int:
    """Spatial axes: 1 to 3."""
    if not 3 <= x.dim() <= 5:
        raise Refused(f"{x.dim() - 2} spatial axes")
    return x.dim() - 2


def each(value: Any, axes: int) -> list[int]:
    """One value for each axis."""
    values = list(value) if isinstance(value, (list, tuple)) else [value] * axes
    if len(values) != axes:
        raise Refused(f"{len(values)} values for {axes} axes")
    return values


def sides_of(fields: Fields, sizes: Sequence[int], stride: Any) -> Sides:
    """The padding before and after, along each axis."""
    padding, axes = fields.get("padding", 0), len(sizes)
    if padding == "valid":
        padding = 0
    if padding != "same":
        return pairs(padding, axes)
    kernels, dilations = each(fields["kernel"], axes), each(fields.get("dilation", 1), axes)
    found = []
    for n, k, s, d in zip(sizes, kernels, each(stride, axes), dilations, strict=True):
        missing = max(0, (math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n)
        found.append((missing // 2, missing - missing // 2))
    return found


def transposed_sides(fields: Fields, axes: int) -> tuple[Sides, list[int]]:
    """What a transposed convolution cuts off along each axis, and what it adds behind.

    "same" leaves the stride times what it takes, and what is to be added.
    """
    padding, more = fields.get("padding", 0), each(fields.get("output_padding", 0), axes)
    if padding != "same":
        return pairs(0 if padding == "valid" else padding, axes), more
    kernels, strides, dilations = (
        each(fields.get(name, 1), axes) for name in ("kernel", "stride", "dilation")
    )
    beyond = [d * (k - 1) + 1 - s for k, s, d in zip(kernels, strides, dilations, strict=True)]
    sides = [(max(0, n) // 2, max(0, n) - max(0, n) // 2) for n in beyond]
    return sides, [extra + max(0, -n) for extra, n in zip(more, beyond, strict=True)]


def pairs(value: Any, axes: int) -> Sides:
    """A number, or one for each axis, or two for each axis, as two for each axis."""
    return [
        (side[0], side[1]) if isinstance(side, list) else (side, side) for side in each(value, axes)
    ]


def padded(x: Tensor, sides: Sides, value: float = 0.0) -> Tensor:
    if min(map(min, sides)) < 0:
        raise Refused("less than nothing on a side")
    return F.pad(x, [n for side in reversed(sides) for n in side], value=value)


def even(sides: Sides) -> bool:
    return all(before == after for before, after in sides)


def cropped(x: Tensor, sides: Sides) -> Tensor:
    """A view without the border."""
    if min(map(min, sides)) < 0:
        raise Refused("less than nothing on a side")
    for n, (before, after) in zip(x.shape[2:], sides, strict=True):
        if before + after >= n:
            raise Refused("nothing left")
    left = [slice(b, n - a) for n, (b, a) in zip(x.shape[2:], sides, strict=True)]
    return x[(slice(None), slice(None), *left)]
