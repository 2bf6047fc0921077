"""The modules that torch lacks: explicit padding, unshared weights, joins, views, noise.

Tensors are (N, C, n…): images, channels, and sizes along 0 to 3 spatial axes. Everything comes
out contiguous but the views (crops and slices of channels), so that memory is what the rules say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn

LEAST_WEIGHT = 1e-10  # of an interpolation in float64; less is a rounding error
Sides: TypeAlias = tuple[tuple[int, int], ...]  # (before, after) along each spatial axis


def pad(x: Tensor, sides: Sides, value: float = 0.0) -> Tensor:
    """`x`, a new tensor, with `value` around its spatial axes."""
    last_axis_first = [count for side in reversed(sides) for count in side]
    return F.pad(x, last_axis_first, value=value)


def crop(x: Tensor, sides: Sides) -> Tensor:
    """A view of `x` without what `sides` cuts off its spatial axes."""
    for axis, (before, after) in enumerate(sides, start=2):
        x = x.narrow(axis, before, x.shape[axis] - before - after)
    return x


# ----- padding that differs between the two sides of an axis -----


class _PaddedConv(nn.Module):
    """A convolution that pads each side by its own measure."""

    def __init__(self, *arguments: object, sides: Sides, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        convolved: Tensor = super().forward(pad(x, self.sides))
        return convolved

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, sides={self.sides}"


class PaddedConv1d(_PaddedConv, nn.Conv1d):
    """`nn.Conv1d` with (before, after) for padding."""


class PaddedConv2d(_PaddedConv, nn.Conv2d):
    """`nn.Conv2d` with (before, after) for padding along each axis."""


class PaddedConv3d(_PaddedConv, nn.Conv3d):
    """`nn.Conv3d` with (before, after) for padding along each axis."""


class _CroppedConvTranspose(nn.Module):
    """A transposed convolution that cuts off each side by its own measure."""

    def __init__(self, *arguments: object, sides: Sides, **options: object) -> None:
        """`sides`: of what is cut off, as `pad` takes it: negative."""
        super().__init__(*arguments, **options)
        self.sides = sides

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return pad(super().forward(input, output_size), self.sides)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, sides={self.sides}"


class CroppedConvTranspose1d(_CroppedConvTranspose, nn.ConvTranspose1d):
    """`nn.ConvTranspose1d` with (before, after) for padding."""


class CroppedConvTranspose2d(_CroppedConvTranspose, nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` with (before, after) for padding along each axis."""


class CroppedConvTranspose3d(_CroppedConvTranspose, nn.ConvTranspose3d):
    """`nn.ConvTranspose3d` with (before, after) for padding along each axis."""


class PaddedMaxPool(nn.Module):
    """A max pool over a map that is surrounded by minus infinity, or by the lowest number."""

    def __init__(self, pool: nn.Module, sides: Sides, finite: bool = False) -> None:
        super().__init__()
        self.finite = finite
        self.pool = pool
        self.sides = sides

    @property
    def return_indices(self) -> bool:
        """As torch's: whether to return the places of the maxima too, without the padding."""
        return bool(self.pool.return_indices)

    @return_indices.setter
    def return_indices(self, wanted: bool) -> None:
        cast(Any, self.pool).return_indices = wanted

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        lowest = torch.finfo(x.dtype).min if self.finite else -math.inf
        returned: Any = self.pool(pad(x, self.sides, value=lowest))
        if not self.return_indices:
            return cast(Tensor, returned)
        pooled, indices = returned
        return pooled, _without_padding(indices, x.shape[2:], self.sides)


def _without_padding(indices: Tensor, sizes: Sequence[int], sides: Sides) -> Tensor:
    """Offsets into a padded map of `sizes` as offsets into the map alone."""
    inside = torch.zeros_like(indices)
    step = padded_step = 1
    for size, (before, after) in zip(reversed(sizes), reversed(sides), strict=True):
        padded = before + size + after
        place = (indices // padded_step).remainder_(padded)
        inside += place.sub_(before).mul_(step)
        del place  # before the next one is made
        padded_step *= padded
        step *= size
    return inside


class PaddedAvgPool(nn.Module):
    """An average pool over a map that is surrounded by zeros; they count or do not count."""

    def __init__(self, pool: nn.Module, sides: Sides, counts: bool) -> None:
        super().__init__()
        self.pool = pool
        self.sides = sides
        self.counts = counts

    def forward(self, x: Tensor) -> Tensor:
        if self.counts:
            return cast(Tensor, self.pool(pad(x, self.sides)))
        inside = self.pool(self._padded_ones(x))
        pooled: Tensor = self.pool(pad(x, self.sides))
        return pooled.div_(inside)

    def _padded_ones(self, x: Tensor) -> Tensor:
        """1 where the map lies and 0 around it, for one image of one channel."""
        sizes = [b + n + a for n, (b, a) in zip(x.shape[2:], self.sides, strict=True)]
        padded = x.new_zeros(1, 1, *sizes)
        crop(padded, self.sides).fill_(1)
        return padded


# ----- layers with learned values -----


class TransposedLinear(nn.Module):
    """A linear layer whose weight is kept as (in_features, out_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        bound = max(in_features, 1) ** -0.5  # as nn.Linear begins
        weight = torch.empty(in_features, out_features).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)
        self.bias = None
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.t(), self.bias)


class LocallyConnected(nn.Module):
    """A convolution with weights of its own at every output position of maps of given sizes.

    Weight (m…, channels, C, k…), bias (m…, channels). One matrix product for each position.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        sizes: Sequence[int],
        kernel_size: Sequence[int],
        stride: Sequence[int],
        sides: Sides,
        bias: bool,
    ) -> None:
        """`sizes` are those of the output."""
        super().__init__()
        self.sizes = tuple(sizes)
        self.kernel = tuple(kernel_size)
        self.stride = tuple(stride)
        self.sides = sides
        self.weight = nn.Parameter(torch.empty(*sizes, out_channels, in_channels, *kernel_size))
        self.bias = nn.Parameter(torch.empty(*sizes, out_channels)) if bias else None
        bound = 1 / math.sqrt(in_channels * math.prod(kernel_size))  # as nn.Conv
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        axes = len(self.kernel)
        windows = pad(x, self.sides) if any(map(any, self.sides)) else x
        for axis, (k, s) in enumerate(zip(self.kernel, self.stride, strict=True), start=2):
            windows = windows.unfold(axis, k, s)
        # (N, C, m…, k…) -> (positions, N, C k…), copied once whatever the strides are
        windows = windows.movedim(tuple(range(2, 2 + axes)), tuple(range(axes)))
        columns = windows.clone(memory_format=torch.contiguous_format)
        columns = columns.view(math.prod(self.sizes), len(x), -1)
        weight = self.weight.view(len(columns), -1, columns.shape[2])
        y = torch.bmm(columns, weight.transpose(1, 2))
        if self.bias is not None:
            y = y + self.bias.view(len(columns), 1, -1)
        channels_first = y.permute(1, 2, 0).reshape(len(x), -1, *self.sizes)
        return channels_first.clone(memory_format=torch.contiguous_format)  # always a copy


class _WithoutScale(nn.Module):
    """A batch normalization that learns a shift alone."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.register_parameter("weight", None)


class BatchNorm1dWithoutScale(_WithoutScale, nn.BatchNorm1d):
    """`nn.BatchNorm1d` without gamma."""


class BatchNorm2dWithoutScale(_WithoutScale, nn.BatchNorm2d):
    """`nn.BatchNorm2d` without gamma."""


class BatchNorm3dWithoutScale(_WithoutScale, nn.BatchNorm3d):
    """`nn.BatchNorm3d` without gamma."""


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of each position."""

    def forward(self, x: Tensor) -> Tensor:
        normalized = super().forward(x.movedim(1, -1))
        channels_first = normalized.movedim(-1, 1).contiguous()
        # The strides of axes of a single value say nothing, and yet torch takes a map for one with
        # the channels last by them, and all that follow it. So they are made again.
        return channels_first.flatten(1).view(x.shape)


class ChannelScale(nn.Module):
    """A learned factor, and a shift where wanted, for each channel."""

    def __init__(self, channels: int, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.dim() - 2)
        x = x * self.weight.view(shape)
        return x if self.bias is None else x + self.bias.view(shape)


# ----- layers without -----


class DropPath(nn.Module):
    """Zeroes whole images with probability p in training, and scales the others up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        keep = 1 - self.p
        mask = x.new_empty((len(x), *[1] * (x.dim() - 1))).bernoulli_(keep)
        return x * (mask.div_(keep) if keep else mask)


class MaxUnpool(nn.Module):
    """`nn.MaxUnpoolNd` to given sizes (None: torch's own choice)."""

    def __init__(self, unpool: nn.Module, sizes: Sequence[int] | None) -> None:
        super().__init__()
        self.unpool = unpool
        self.sizes = None if sizes is None else list(sizes)

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        unpooled: Tensor = self.unpool(x, indices, output_size=self.sizes)
        return unpooled


class Expression(nn.Module):
    """What takes no module to do: code with `{0}` … for its inputs, and `{name}` for figures."""

    def __init__(self, code: str, figures: Mapping[str, object]) -> None:
        super().__init__()
        inputs = [f"inputs[{number}]" for number in range(code.count("{"))]
        self.code = code.format(*inputs, **figures)

    def forward(self, *inputs: Tensor) -> Tensor:
        output: Tensor = eval(self.code, {"torch": torch, "F": F, "inputs": inputs})
        return output

    def extra_repr(self) -> str:
        return self.code


class ChannelSlice(nn.Module):
    """A view of the channels start … stop - 1."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start = start
        self.stop = stop

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(1, self.start, self.stop - self.start)


class ChannelSplit(nn.Module):
    """A view of part number `part` of `parts` equal parts of the channels."""

    def __init__(self, parts: int, part: int) -> None:
        super().__init__()
        self.parts = parts
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, 1, (self.parts, -1)).select(1, self.part)


class Reshape(nn.Module):
    """The same values of each image under another shape."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)


class PositiveUpsample(nn.Module):
    """`nn.Upsample` along one axis after the other, by 1 for each weight that is not 0."""

    def __init__(self, factor: Any, size: Any, mode: str, align_corners: bool) -> None:
        super().__init__()
        self.factor = factor
        self.size = size
        self.mode = "bicubic" if mode == "bicubic" else "bilinear"
        self.align_corners = align_corners

    def forward(self, x: Tensor) -> Tensor:
        for axis in range(2, x.dim()):
            weights = self._weights(x.shape[axis], axis - 2).to(x)
            x = (x.movedim(axis, -1) @ weights).movedim(-1, axis)
        return x

    def _weights(self, n: int, axis: int) -> Tensor:
        """(n, m): which inputs are read by which outputs."""
        factor, size = (
            value[axis] if isinstance(value, tuple) else value for value in (self.factor, self.size)
        )
        each_alone = torch.eye(n, dtype=torch.float64).view(1, n, 1, n)
        interpolated = F.interpolate(
            each_alone,
            size=None if size is None else (1, size),
            scale_factor=None if factor is None else (1.0, float(factor)),
            mode=self.mode,
            align_corners=self.align_corners,
        )
        return interpolated.view(n, -1).abs() > LEAST_WEIGHT


# ----- joins -----
