"""The layer kinds. `own_kinds()` has archcalc's own, by category."""

from __future__ import annotations

from archcalc.layers import (  # their kinds register themselves
    activation,
    convolution,
    joining,
    linear,
    normalization,
    pooling,
    regularization,
    resampling,
    reshaping,
    unpooling,
    upsampling,
)
from archcalc.layers.effect import Effect, Extra, Operands, Saved, Storage, pointwise
from archcalc.layers.join import Join
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import Circumstances, Gradient, Kept, Operator, Order, Taken
from archcalc.layers.registry import own_kinds, register

__all__ = [
    "Category",
    "Circumstances",
    "Effect",
    "Extra",
    "Gradient",
    "Join",
    "Kept",
    "Layer",
    "Operands",
    "Operator",
    "Order",
    "Saved",
    "Storage",
    "Taken",
    "activation",
    "convolution",
    "joining",
    "linear",
    "normalization",
    "own_kinds",
    "pointwise",
    "pooling",
    "register",
    "regularization",
    "resampling",
    "reshaping",
    "unpooling",
    "upsampling",
]
