"""Modules that read maps at places that other inputs say; torch alone has no such layers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn


class GridSample(nn.Module):
    """A map read at the places of a grid; one that is there once is the same for all images."""

    def __init__(self, mode: str, padding_mode: str, align_corners: bool) -> None:
        super().__init__()
        self.mode, self.padding_mode, self.align_corners = mode, padding_mode, align_corners

    def forward(self, x: Tensor, grid: Tensor) -> Tensor:
        if len(x) != len(grid):
            images = max(len(x), len(grid))
            x, grid = [one.expand(images, *one.shape[1:]) for one in (x, grid)]
        return F.grid_sample(x, grid, self.mode, self.padding_mode, self.align_corners)


class DeformConv2d(nn.Module):
    """A convolution each of whose taps reads where its offset moves it.

    The same as torchvision.ops.DeformConv2d, with the same parameters, by torch alone.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.padding, self.dilation = [
            (n, n) if isinstance(n, int) else n for n in (stride, padding, dilation)
        ]
        self.groups = groups

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        images, channels, *sizes = x.shape
        rows, columns = offset.shape[2:]
        taps = math.prod(self.weight.shape[2:])
        # (N g, 2, taps, m, n): the distances down and to the right, of the offset groups g.
        moved = offset.reshape(images, -1, taps, 2, rows, columns).flatten(0, 1).transpose(1, 2)
        places = []
        for axis, kernel in enumerate(self.weight.shape[2:]):
            stride, padding = self.stride[axis], self.padding[axis]
            dilation = self.dilation[axis]
            outputs = (sizes[axis] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            if outputs != (rows, columns)[axis]:
                raise ValueError(f"offsets of {rows} x {columns}, where axis {axis} has {outputs}")
            start = torch.arange(outputs, device=x.device) * stride - padding
            tap = torch.arange(kernel, device=x.device) * dilation
            shape = [1, 1, 1, 1]  # of kernel rows, kernel columns, m, n
            shape[axis], shape[axis + 2] = kernel, outputs
            own = (tap[:, None] + start).reshape(shape)
            own = own.expand(*self.weight.shape[2:], rows, columns).reshape(taps, rows, columns)
            # Where grid_sample has position p of n: from -1 to 1 over their outer edges.
            places.append((2 * (own + moved[:, axis]) + 1) / sizes[axis] - 1)
        grid = torch.stack(places[::-1], -1).reshape(-1, taps, rows * columns, 2)
        groups = len(grid) // images
        parts = x.reshape(images * groups, channels // groups, *sizes)
        read = F.grid_sample(parts, grid, align_corners=False)
        if mask is not None:
            read = read * mask.reshape(images * groups, 1, taps, -1)
        read = read.reshape(images, self.groups, -1, rows * columns)
        weight = self.weight.reshape(self.groups, -1, read.shape[2])
        y: Tensor = torch.matmul(weight, read).reshape(images, -1, rows, columns)
        return y if self.bias is None else y + self.bias[:, None, None]


class RoIAlign(nn.Module):
    """Boxes (N, r, 4) of maps (N, C, h, w), each read in bins of one size: (N r, C, m, n).

    The same as torchvision.ops.RoIAlign with so many samples a bin, by torch alone.
    """

    def __init__(
        self,
        output_size: int | tuple[int, int],
        sampling_ratio: int,
        spatial_scale: float = 1.0,
        aligned: bool = False,
    ) -> None:
        super().__init__()
        sizes = (output_size, output_size) if isinstance(output_size, int) else output_size
        self.sizes, self.samples = sizes, sampling_ratio
        self.scale, self.aligned = spatial_scale, aligned

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        images, count = boxes.shape[:2]
        corners = boxes * self.scale - 0.5 * self.aligned
        places = []
        for axis in (0, 1):  # down, and to the right
            first, last = corners[..., 1 - axis], corners[..., 3 - axis]
            side = last - first if self.aligned else (last - first).clamp(min=1)
            steps = self.sizes[axis] * self.samples
            middles = torch.arange(steps, device=x.device).to(x) + 0.5
            places.append(first[..., None] + middles * (side / steps)[..., None])
        m, n = (steps.shape[-1] for steps in places)  # samples down, and to the right
        down = places[0][..., None].expand(-1, -1, m, n)
        right = places[1][..., None, :].expand(-1, -1, m, n)
        height, width = x.shape[2:]
        grid = torch.stack([(2 * right + 1) / width - 1, (2 * down + 1) / height - 1], -1)
        read = F.grid_sample(x, grid.flatten(1, 2), padding_mode="border", align_corners=False)
        # What is more than a position away from the map is 0.
        inside = (down >= -1) & (down <= height) & (right >= -1) & (right <= width)
        read = read * inside.flatten(1, 2)[:, None]
        (m, n), each = self.sizes, self.samples
        bins = read.reshape(images, -1, count, m, each, n, each).mean((4, 6))
        items: Tensor = bins.transpose(1, 2).flatten(0, 1)
        return items


class ReadAnywhere(nn.Module):
    """What a grid's units see: a channel of the map, wherever, and the place that is read."""

    def forward(self, x: Tensor, grid: Tensor) -> Tensor:
        anywhere = x.flatten(2).sum(2)
        return anywhere.reshape(*anywhere.shape, *[1] * (grid.dim() - 2)) + grid.sum(-1)[:, None]


class DeformedAnywhere(nn.Module):
    """What a deformable convolution sees: all of the map, and what moves the unit's own taps."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        seen = x.sum((1, 2, 3), keepdim=True)
        for other in others:
            seen = seen + other.sum(1, keepdim=True)
        return seen.expand(-1, *self.shape).contiguous()


class AlignedAnywhere(nn.Module):
    """What the bins of a box see: a channel of the map, wherever, and that box."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = sizes

    def forward(self, x: Tensor, boxes: Tensor) -> Tensor:
        seen = x.sum((2, 3))[:, None] + boxes.sum(2)[..., None]
        items = seen.flatten(0, 1)[..., None, None]
        return items.expand(-1, -1, *self.sizes).contiguous()
