"""Modules that make integers of one byte of what is floating, and undo it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Quantize(nn.Module):
    """Integers of one byte, by a scale and a zero point for all values."""

    def __init__(self, dtype: str = "int8") -> None:
        super().__init__()
        self.scale: Tensor
        self.zero_point: Tensor
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("zero_point", torch.zeros((), dtype=torch.int64))
        self.dtype: torch.dtype = getattr(torch, dtype)

    def forward(self, x: Tensor) -> Tensor:
        limits = torch.iinfo(self.dtype)
        found = (x.detach() / self.scale).round_().add_(self.zero_point)
        return found.clamp_(limits.min, limits.max).to(self.dtype)


class Dequantize(nn.Module):
    """What integers of one byte stand for, by a scale and a zero point for all values."""

    def __init__(self) -> None:
        super().__init__()
        self.scale: Tensor
        self.zero_point: Tensor
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("zero_point", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return x.to(self.scale.dtype).sub_(self.zero_point).mul_(self.scale)
