"""Modules with which a unit answers to all that it sees, and to nothing else.

A real network hides much of it: a max pool answers to one position of many, a rectifier to none
where it is flat, and weights cancel. So here all weights are one, pools add up, activations and
norms let everything pass, and there are no biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn

from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer, activation, joining, normalization, pooling, regularization
from archcalc.layers.layer import per_axis
from archcalc.torch_backend import modules
from archcalc.torch_backend.layer_modules import module_for, sides_of
from archcalc.torch_backend.modules import Sides

_CONV: dict[int, Any] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSE: dict[int, Any] = {
    1: F.conv_transpose1d,
    2: F.conv_transpose2d,
    3: F.conv_transpose3d,
}
_POINTWISE: tuple[type[Layer], ...] = (
    activation.ReLU,
    activation.ReLU6,
    activation.LeakyReLU,
    activation.PReLU,
    activation.ELU,
    activation.GELU,
    activation.SiLU,
    activation.Sigmoid,
    activation.Tanh,
    activation.HardSwish,
    activation.HardSigmoid,
    normalization.BatchNorm,
    normalization.Scale,
    regularization.Dropout,
    regularization.DropPath,
)


@singledispatch
def positive_module(layer: Layer, *inputs: FeatureMap) -> nn.Module:
    """A linear module without negative weights that sees what `layer` sees."""
    module = module_for(layer, *inputs)
    for name, parameter in module.named_parameters():
        nn.init.constant_(parameter, 0 if name == "bias" else 1)
    return module


def _identity(layer: Layer, x: FeatureMap) -> nn.Module:
    return nn.Identity()


for _kind in _POINTWISE:
    positive_module.register(_kind, _identity)


@positive_module.register
def _(layer: activation.Softmax, x: FeatureMap) -> nn.Module:
    return Mix([1])


@positive_module.register
def _(layer: normalization.LayerNorm, x: FeatureMap) -> nn.Module:
    axes = range(1, 1 + len(x.shape))
    if layer.over == "channels" or not x.sizes:
        return Mix([1])
    return Mix(axes if layer.over == "all" else axes[-1:])


@positive_module.register
def _(layer: normalization.GroupNorm, x: FeatureMap) -> nn.Module:
    return MixInGroups(layer.groups)


@positive_module.register
def _(layer: normalization.LocalResponseNorm, x: FeatureMap) -> nn.Module:
    return NeighbourSum(layer.size)


@positive_module.register
def _(layer: joining.Multiply, *inputs: FeatureMap) -> nn.Module:
    return modules.Add()


@positive_module.register
def _(layer: pooling.MaxPool, x: FeatureMap) -> nn.Module:
    stride = layer.kernel if layer.stride is None else layer.stride
    return WindowSum(
        module_for(layer, x),
        per_axis(layer.kernel, x, "kernel"),
        per_axis(stride, x, "stride"),
        sides_of(layer.padding, x, layer.kernel, stride, layer.dilation),
        per_axis(layer.dilation, x, "dilation"),
    )


@positive_module.register
def _(layer: pooling.AdaptiveMaxPool, x: FeatureMap) -> nn.Module:
    return module_for(pooling.AdaptiveAvgPool(output=layer.output), x)


def unpool_module(pool: pooling.MaxPool, pooled: FeatureMap) -> nn.Module:
    """What puts values back to wherever the max pool may have taken them from.

    Args:
        pool: the max pool that is undone.
        pooled: the map that it took in.
    """
    stride = pool.kernel if pool.stride is None else pool.stride
    sides = sides_of(pool.padding, pooled, pool.kernel, stride, pool.dilation)
    return WindowSpread(
        per_axis(pool.kernel, pooled, "kernel"),
        per_axis(stride, pooled, "stride"),
        [before for before, _ in sides],
        per_axis(pool.dilation, pooled, "dilation"),
        pooled.sizes,
    )


class Mix(nn.Module):
    """Every position along some dimensions of (N, C, n…) sees all positions along them."""

    def __init__(self, dimensions: Sequence[int]) -> None:
        super().__init__()
        self.dimensions = list(dimensions)

    def forward(self, x: Tensor) -> Tensor:
        return x + x.sum(self.dimensions, keepdim=True)


class MixInGroups(nn.Module):
    """Every value sees all values of its group of channels."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        groups = x.reshape(len(x), self.groups, -1)
        return (groups + groups.sum(2, keepdim=True)).reshape(x.shape)


class NeighbourSum(nn.Module):
    """The sum over neighbouring channels: `size` of them, one more before than after if even."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        before = self.size // 2
        positions_first = x.flatten(2).transpose(1, 2)
        padded = F.pad(positions_first, [before, self.size - 1 - before])
        sums = padded.unfold(2, self.size, 1).sum(3)
        return sums.transpose(1, 2).reshape(x.shape)


class WindowSum(nn.Module):
    """The sum over each window of a max pool; as many windows as the pool itself has."""

    def __init__(
        self,
        pool: nn.Module,
        kernel: Sequence[int],
        stride: Sequence[int],
        sides: Sides,
        dilation: Sequence[int],
    ) -> None:
        super().__init__()
        self.pool = pool
        self.kernel = tuple(kernel)
        self.stride = tuple(stride)
        self.dilation = tuple(dilation)
        # The pool may round up: then its last window reaches beyond the padding.
        reach = [d * k + s for d, k, s in zip(dilation, kernel, stride, strict=True)]
        self.sides = tuple([(before, r) for (before, _), r in zip(sides, reach, strict=True)])

    def forward(self, x: Tensor) -> Tensor:
        windows = self.pool(x.detach()).shape
        each_alone = modules.pad(x, self.sides).flatten(0, 1).unsqueeze(1)
        ones = x.new_ones(1, 1, *self.kernel)
        convolve = _CONV[len(self.kernel)]
        sums: Tensor = convolve(each_alone, ones, None, self.stride, 0, self.dilation)
        for axis, count in enumerate(windows[2:], start=2):
            sums = sums.narrow(axis, 0, count)
        return sums.reshape(windows)


class WindowSpread(nn.Module):
    """Each value spread over the window of a max pool that it was the maximum of.

    It takes what is put back, and what the pool itself gave out: where a value is put depends on
    all that the pool has seen.
    """

    def __init__(
        self,
        kernel: Sequence[int],
        stride: Sequence[int],
        before: Sequence[int],
        dilation: Sequence[int],
        sizes: Sequence[int],
    ) -> None:
        super().__init__()
        self.kernel = tuple(kernel)
        self.stride = tuple(stride)
        self.before = tuple(before)
        self.dilation = tuple(dilation)
        self.sizes = tuple(sizes)

    def forward(self, x: Tensor, pool_output: Tensor) -> Tensor:
        each_alone = (x + pool_output).flatten(0, 1).unsqueeze(1)
        ones = x.new_ones(1, 1, *self.kernel)
        convolve = _CONV_TRANSPOSE[len(self.kernel)]
        spread: Tensor = convolve(each_alone, ones, None, self.stride, dilation=self.dilation)
        sides = tuple(
            [
                (-p, p + size - n)
                for p, size, n in zip(self.before, self.sizes, spread.shape[2:], strict=True)
            ]
        )
        return modules.pad(spread, sides).reshape(*x.shape[:2], *self.sizes)
