"""How values see one another in norms and in softmax: windows, and linear layers for the probes."""

from __future__ import annotations

from archcalc.feature_map import FeatureMap
from archcalc.layers.convolution import Conv
from archcalc.layers.layer import Layer
from archcalc.layers.pooling import AvgPool, GlobalAvgPool
from archcalc.layers.reshaping import Reshape
from archcalc.layers.upsampling import Upsample
from archcalc.quantity.arithmetic import Quantity, product
from archcalc.window import Reach, Windows


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


def along_axes(x: FeatureMap, first: int, last: int) -> tuple[Layer, ...]:
    """Every value sees all values along the axes `first` to `last`, which are numbered from 0."""
    shape = x.shape
    along = product(shape[first : last + 1])
    flat = Reshape(shape=(product(shape[:first]), along, product(shape[last + 1 :])))
    mixed = AvgPool(kernel=(along, 1)), Upsample(factor=(along, 1))
    return flat, *mixed, Reshape(shape=shape)


def windows_along(x: FeatureMap, first: int, last: int) -> Windows:
    """What a layer reads whose values see all along the axes `first` to `last`.

    The features of a vector may come from all over a map.
    """
    if last - first == len(x.sizes):
        return Reach.STATISTICS
    if not last:
        return Reach.SAME
    axes = range(1, len(x.shape))
    return tuple([Reach.STATISTICS if first <= n <= last else Reach.SAME for n in axes])


def neighbours(x: FeatureMap, size: Quantity) -> tuple[Layer, ...]:
    """Every value sees `size` channels of its position, one more before it than after if even."""
    before = size // 2
    padding = ((before, size - 1 - before), 0)
    flat = Reshape(shape=(1, x.channels, x.positions))
    return flat, Conv(channels=1, kernel=(size, 1), padding=padding), Reshape(shape=x.shape)
