"""The catalogue of layer kinds."""

from __future__ import annotations

from archcalc.layers.activation import (
    ELU,
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from archcalc.layers.convolution import Conv, ConvTranspose, LocallyConnected
from archcalc.layers.joining import Add, Concat, Mean, Multiply
from archcalc.layers.layer import Effect, Extra, Factors, Family, Join, Layer, Saved, Storage
from archcalc.layers.linear import Linear
from archcalc.layers.normalization import (
    BatchNorm,
    ChannelScale,
    GroupNorm,
    LayerNorm,
    LocalResponseNorm,
    Scale,
)
from archcalc.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    MaxPool,
    MaxUnpool,
)
from archcalc.layers.regularization import Dropout, DropPath
from archcalc.layers.resampling import Crop, Pad, PadChannels, PixelShuffle, Upsample
from archcalc.layers.reshaping import (
    ChannelShuffle,
    ChannelSlice,
    ChannelSplit,
    Flatten,
    Identity,
    Reshape,
)

LAYER_KINDS: tuple[type[Layer], ...] = (
    # convolutions
    Conv,
    ConvTranspose,
    LocallyConnected,
    # fully connected
    Linear,
    # pooling
    MaxPool,
    AvgPool,
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    GlobalAvgPool,
    MaxUnpool,
    # resampling
    Upsample,
    PixelShuffle,
    Pad,
    Crop,
    PadChannels,
    # normalization and scales
    BatchNorm,
    LayerNorm,
    GroupNorm,
    LocalResponseNorm,
    Scale,
    ChannelScale,
    # activations
    ReLU,
    ReLU6,
    LeakyReLU,
    PReLU,
    ELU,
    GELU,
    SiLU,
    Sigmoid,
    Tanh,
    Softmax,
    HardSwish,
    HardSigmoid,
    # regularization
    Dropout,
    DropPath,
    # reshaping
    Identity,
    Flatten,
    Reshape,
    ChannelShuffle,
    ChannelSlice,
    ChannelSplit,
    # joins
    Concat,
    Add,
    Mean,
    Multiply,
)

__all__ = [
    "LAYER_KINDS",
    "Effect",
    "Extra",
    "Factors",
    "Family",
    "Join",
    "Layer",
    "Saved",
    "Storage",
]
