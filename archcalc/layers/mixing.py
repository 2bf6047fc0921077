"""Linear layers by which values see one another, for the probes of norms and of softmax."""

from __future__ import annotations

from archcalc.feature_map import FeatureMap
from archcalc.layers.convolution import Conv
from archcalc.layers.layer import Layer
from archcalc.layers.pooling import AvgPool, GlobalAvgPool
from archcalc.layers.reshaping import Reshape
from archcalc.layers.upsampling import Upsample
from archcalc.quantity.arithmetic import Quantity


def all_in_groups(x: FeatureMap, groups: Quantity) -> tuple[Layer, ...]:
    """Every value sees all values of its group of channels."""
    each = x.values // groups
    grouped = Reshape(shape=(groups, each))
    return grouped, GlobalAvgPool(), Upsample(factor=each), Reshape(shape=x.shape)


def all_channels(x: FeatureMap) -> tuple[Layer, ...]:
    """Every value sees all channels of its position; of a vector, all features."""
    if not x.sizes:
        return all_in_groups(x, 1)
    return (Conv(channels=x.channels, kernel=1),)


def last_axis(x: FeatureMap) -> tuple[Layer, ...]:
    """Every value sees all values along the last axis."""
    along = (*[1] * (len(x.sizes) - 1), x.sizes[-1])
    return AvgPool(kernel=along), Upsample(factor=along)


def neighbours(x: FeatureMap, size: Quantity) -> tuple[Layer, ...]:
    """Every value sees `size` channels of its position, one more before it than after if even."""
    before = size // 2
    padding = ((before, size - 1 - before), 0)
    flat = Reshape(shape=(1, x.channels, x.positions))
    return flat, Conv(channels=1, kernel=(size, 1), padding=padding), Reshape(shape=x.shape)
