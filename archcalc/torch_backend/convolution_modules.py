"""Convolutions that torch has as functions alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn


class FixedConv(nn.Module):
    """A convolution by a kernel that does not learn: at first the mean of what it covers."""

    weight: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        weight = torch.ones(out_channels, in_channels // groups, *kernel_size)
        self.register_buffer("weight", weight / weight[0].numel())

    def forward(self, x: Tensor) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
        return convolve(x, self.weight, None, self.stride, self.padding, self.dilation, self.groups)
