"""Norms that torch has as functions alone, or not at all."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn


class Normalize(nn.Module):
    """Lengths of one along a dimension, times a learned factor for each value along it."""

    def __init__(self, features: int, dim: int, eps: float = 1e-12) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight = nn.Parameter(torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        behind = x.dim() - 1 - self.dim if self.dim >= 0 else -1 - self.dim
        normalized = F.normalize(x, dim=self.dim, eps=self.eps)
        return normalized * self.weight.view(-1, *[1] * behind)


class LocalResponseNormWithinChannel(nn.Module):
    """Local response normalization by the squares about each position of a channel."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.dim() - 3]
        squares = pool(x * x, self.size, 1, self.size // 2)
        squares = squares.mul(self.alpha).add(self.k).pow(self.beta)
        return x / squares


class FrozenBatchNorm(nn.Module):
    """Batch normalization of which nothing is learned, as `torchvision.ops.FrozenBatchNorm2d`."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(num_features))
        self.register_buffer("bias", torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.dim() - 2)
        factor = self.weight.view(shape) * (self.running_var.view(shape) + self.eps).rsqrt()
        shift = self.bias.view(shape) - self.running_mean.view(shape) * factor
        return x * factor + shift


class GroupNormWithoutBias(nn.GroupNorm):
    """Group normalization that learns a scale but no shift."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5) -> None:
        # The argument `bias` is not there in all versions of torch.
        super().__init__(num_groups, num_channels, eps=eps)
        self.register_parameter("bias", None)
