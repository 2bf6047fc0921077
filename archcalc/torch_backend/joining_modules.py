"""Modules of joins, which torch writes as operators."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn


def _for_each(x: Tensor, images: int) -> Tensor:
    return x.expand(images, *x.shape[1:])


class Concat(nn.Module):
    """All branches, one after the other along a dimension."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *branches: Tensor) -> Tensor:
        images = max(map(len, branches))  # of what is there once there is one
        return torch.cat(
            [x if len(x) == images else _for_each(x, images) for x in branches], self.dim
        )


class Add(nn.Module):
    """The sum of the branches, each spread over the others as torch does it."""

    def forward(self, *branches: Tensor) -> Tensor:
        return _sum(branches)


class Average(nn.Module):
    """The mean of the branches, each spread over the others."""

    def forward(self, *branches: Tensor) -> Tensor:
        return _sum(branches).div_(len(branches))


class Multiply(nn.Module):
    """The product of the branches, each spread over the others."""

    def forward(self, *branches: Tensor) -> Tensor:
        first, *others = _widest_first(branches)
        return reduce(torch.mul, others, first) if others else first.clone()


def _sum(branches: Sequence[Tensor]) -> Tensor:
    """A new tensor, and no other where the first branch has its shape: what comes after the second
    is added in place."""
    first, *others = _widest_first(branches)
    if not others:
        return first.clone()
    total = first + others[0]
    for other in others[1:]:
        if _common_shape((total, other)) == total.shape:
            total += other
        else:
            total = total + other
    return total


def _widest_first(branches: Sequence[Tensor]) -> list[Tensor]:
    """Those last that are spread over the others, along any axis of an image."""
    shape = _common_shape(branches)[1:]
    return sorted(branches, key=lambda x: x.shape[1:] != shape)


def _common_shape(branches: Sequence[Tensor]) -> torch.Size:
    shape: torch.Size = torch.broadcast_shapes(*[x.shape for x in branches])  # type: ignore[no-untyped-call]  # torch gives no types
    return shape


class Bilinear(nn.Bilinear):
    """torch's, of inputs of which one may be there once, for all images."""

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        images = max(len(x), len(other))
        return super().forward(_for_each(x, images), _for_each(other, images))


class SeenByForm(nn.Module):
    """What a bilinear form sees: all features of a position, in both inputs."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        seen = x.sum(-1, keepdim=True) + other.sum(-1, keepdim=True)
        return seen.expand(*seen.shape[:-1], self.features).contiguous()
