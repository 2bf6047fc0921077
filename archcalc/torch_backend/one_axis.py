"""What a layer does along one axis of the image, on a single channel.

What a unit sees along an axis depends on no other axis, and where all channels see alike on no
number of channels. So it can be measured on a thin network, a thousand layers on a thousand pixels
in seconds. What takes some channels of those that do not see alike has no thin counterpart, and
neither has what moves the features of a vector.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers import (
    Layer,
    convolution,
    gating,
    indexing,
    joining,
    l2_norm,
    linear,
    local_response_norm,
    normalization,
    pooling,
    reductions,
    repeating,
    resampling,
    reshaping,
    rms_norm,
    rolling,
    slicing,
    softmax,
    unfolding,
    upsampling,
)
from archcalc.layers.layer import ALONG_AXES

_OF_CHANNELS = ("channels", "groups")


@singledispatch
def thin_layer(layer: Layer, axis: int, axes: int, x: FeatureMap) -> Layer:
    """What does to a single channel along `axis` what `layer` does to a map of `axes` axes.

    Args:
        axis: counted from 0.
        x: the thin map that it will meet: (1, n), or a vector behind a flatten.

    Raises:
        LayerError: it depends on more than that.
    """
    changed: dict[str, Any] = {}
    for name, value in vars(layer).items():
        if name in _OF_CHANNELS:
            changed[name] = 1
        elif layer.types[name] in ALONG_AXES and isinstance(value, tuple):
            changed[name] = (value[axis],)
    return type(layer)(**vars(layer) | changed)


@thin_layer.register
def _(layer: linear.Linear, axis: int, axes: int, x: FeatureMap) -> Layer:
    if not x.sizes or _lies_first(x):  # one feature sees what all the others see
        return linear.Linear(features=1)
    return layer if axis == axes - 1 else reshaping.Identity()


@thin_layer.register
def _(layer: normalization.LayerNorm, axis: int, axes: int, x: FeatureMap) -> Layer:
    return layer if layer.over != "last" or axis == axes - 1 else reshaping.Identity()


@thin_layer.register
def _(layer: softmax.SoftmaxAlong, axis: int, axes: int, x: FeatureMap) -> Layer:
    along = layer.axis % (axes + 1)
    if not along or not x.sizes:
        return softmax.Softmax()
    return softmax.Softmax(axis=1) if along == axis + 1 else reshaping.Identity()


@thin_layer.register
def _(layer: l2_norm.Normalize, axis: int, axes: int, x: FeatureMap) -> Layer:
    return thin_layer(softmax.Softmax(axis=layer.axis), axis, axes, x)


@thin_layer.register
def _(layer: gating.GLU, axis: int, axes: int, x: FeatureMap) -> Layer:
    _require_features_in_place(x)
    if layer.axis % (axes + 1) == axis + 1:
        raise LayerError("how far apart the halves lie depends on the size")
    return reshaping.Identity()


@thin_layer.register
def _(layer: rolling.Roll, axis: int, axes: int, x: FeatureMap) -> Layer:
    _require_features_in_place(x)
    of_map = FeatureMap(1, (1,) * axes)
    along = layer.shifts_on(of_map if x.sizes else x)[1 + axis if x.sizes else 0]
    return rolling.Roll(shifts=along, axes=x.rank - 1)


@thin_layer.register(slicing.Slice)
@thin_layer.register(repeating.RepeatInterleave)
def _(
    layer: slicing.Slice | repeating.RepeatInterleave, axis: int, axes: int, x: FeatureMap
) -> Layer:
    _require_features_in_place(x)
    if not x.sizes or layer.axis % (1 + axes) != 1 + axis:
        return reshaping.Identity()
    return type(layer)(**vars(layer) | {"axis": 1})


@thin_layer.register(slicing.Select)
@thin_layer.register(indexing.IndexSelect)
def _(layer: Layer, axis: int, axes: int, x: FeatureMap) -> Layer:
    raise LayerError(f"of {layer.kind} it depends on the axis what is left")


@thin_layer.register
def _(layer: repeating.Expand, axis: int, axes: int, x: FeatureMap) -> Layer:
    if not x.sizes:
        return reshaping.Identity()
    return repeating.Expand(shape=(-1, layer.shape[1 + axis]))


@thin_layer.register
def _(layer: repeating.Tile, axis: int, axes: int, x: FeatureMap) -> Layer:
    _require_features_in_place(x)
    return repeating.Tile(repeats=(1, layer.repeats[1 + axis])) if x.sizes else reshaping.Identity()


@thin_layer.register
def _(layer: reductions.Reduction, axis: int, axes: int, x: FeatureMap) -> Layer:
    reduced = layer.reduced(FeatureMap(1, (1,) * axes) if x.sizes else x)
    if not x.sizes:
        return reductions.Sum(axes=0, keep=True)
    if not layer.keep and reduced != {*range(1, 1 + axes)}:
        raise LayerError("axes go, and not all that are the image's")
    if 1 + axis not in reduced:
        return reshaping.Identity()
    return reductions.Sum(axes=1, keep=layer.keep)


@thin_layer.register
def _(layer: rms_norm.RMSNorm, axis: int, axes: int, x: FeatureMap) -> Layer:
    return layer if not x.sizes or axis == axes - 1 else reshaping.Identity()


@thin_layer.register
def _(layer: upsampling.Upsample, axis: int, axes: int, x: FeatureMap) -> Layer:
    mode = "linear" if layer.mode in ("bilinear", "trilinear") else layer.mode
    along = {
        name: value[axis] if isinstance(value, tuple) else value
        for name, value in vars(layer).items()
    }
    # torch has no cubic interpolation along a single axis.
    kind = upsampling.PositiveUpsample if mode == "bicubic" else upsampling.Upsample
    return kind(**along | {"mode": mode})


@thin_layer.register
def _(layer: resampling.PixelShuffle, axis: int, axes: int, x: FeatureMap) -> Layer:
    return upsampling.Upsample(factor=layer.factor)


@thin_layer.register
def _(layer: resampling.PixelUnshuffle, axis: int, axes: int, x: FeatureMap) -> Layer:
    return pooling.AvgPool(kernel=layer.factor)


@thin_layer.register(resampling.PadChannels)
@thin_layer.register(reshaping.ChannelShuffle)
@thin_layer.register(reshaping.ChannelSlice)
@thin_layer.register(reshaping.ChannelSplit)
def _(layer: Layer, axis: int, axes: int, x: FeatureMap) -> Layer:
    _require_features_in_place(x)
    return reshaping.Identity()


@thin_layer.register
def _(layer: joining.Concat, axis: int, axes: int, x: FeatureMap) -> Layer:
    along = concatenated_axis(layer, axes, x)
    if along == 0:
        _require_features_in_place(x)
        return joining.Add()
    if along != 1 + axis:
        raise LayerError("what stands in a row along another axis sees in different ways")
    return joining.Concat(axis=1)


def concatenated_axis(layer: joining.Concat, axes: int, x: FeatureMap) -> int:
    """The axis that it concatenates along, of the map for which the thin `x` stands."""
    return layer.axis % (1 + axes if x.sizes else 1)


def _lies_first(x: FeatureMap) -> bool:
    """Whether a thin map was transposed: the axis of the image, then the single channel."""
    return x.channels > 1 and x.sizes == (1,)


def _require_features_in_place(x: FeatureMap) -> None:
    if not x.sizes and x.channels > 1:  # features that stand for the positions of a map
        raise LayerError("a layer before moves the features of a vector")


def picks_channels(layer: Layer) -> bool:
    """Whether channels of its output are computed from some of its input's, in another place."""
    if isinstance(layer, (convolution.Conv, convolution.ConvTranspose)):
        return layer.groups != 1
    if isinstance(layer, gating.GLU):
        return layer.axis == 0
    if isinstance(layer, (slicing.Slice, repeating.RepeatInterleave)):
        return layer.axis == 0
    if isinstance(layer, repeating.Tile):
        return layer.repeats[0] != 1
    if isinstance(layer, local_response_norm.LocalResponseNorm):
        return layer.region == "across_channels"
    return isinstance(
        layer,
        (
            resampling.PixelShuffle,
            resampling.PixelUnshuffle,
            reshaping.ChannelSlice,
            reshaping.ChannelSplit,
        ),
    )


@thin_layer.register(unfolding.Unfold)
@thin_layer.register(unfolding.Fold)
def _(layer: Layer, axis: int, axes: int, x: FeatureMap) -> Layer:
    raise LayerError(f"{layer.kind} makes one axis of two, or two of one")


@thin_layer.register
def _(layer: reshaping.Reshape, axis: int, axes: int, x: FeatureMap) -> Layer:
    raise LayerError("a reshape mixes the axes")
