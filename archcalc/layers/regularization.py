"""Noise in training that does nothing at inference."""

from __future__ import annotations

from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Storage, pointwise
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.record import replace

_GPU_MASK_BYTES = 1  # `native_dropout`, which runs there, keeps it as booleans


class _Noise(Layer):
    category: ClassVar[Category] = Category.REGULARIZATION
    pointwise: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        if effect.storage is Storage.SHARED:
            return ()
        (found,) = super().operators(effect, *inputs)
        # The product with the mask keeps that before it runs: what it makes itself is not needed.
        (mask,) = found.beside_kept
        drawn = Operator("mask", (), mask.values, makes="mask", per_image=mask.per_image)
        takes = (*found.takes, Taken("mask"))
        return drawn, replace(found, takes=takes, kept=(Kept("mask"),), beside_kept=())


@register
class Dropout(_Noise):
    """Zeroes each value with probability p in training; nothing at inference.

    Shapes unchanged. Training keeps the mask: on the CPU in the dtype of the values, on a GPU as
    booleans. Source: Srivastava et al. 2014.
    """

    kind: ClassVar[str] = "dropout"

    p: float = 0.5

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if self.p == 1:  # torch multiplies by a single zero
            return _noise(x, self.p, Extra("mask", 1, per_image=False))
        return _noise(x, self.p, Extra("mask", x.values))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        if not (at.on_gpu and 0 < self.p < 1):
            return super().operators(effect, *inputs)
        mask = Extra("mask", effect.output.values, _GPU_MASK_BYTES)
        (found,) = Layer.operators(self, effect, *inputs)
        return (replace(found, beside_kept=(mask,)),)


@register
class DropPath(_Noise):
    """Zeroes a whole path with probability p in training; nothing at inference.

    Shapes unchanged. Training keeps one value for each image.
    Source: Huang et al. 2016 (arXiv:1603.09382), eq. 2; Larsson et al. 2017 (arXiv:1605.07648).
    """

    kind: ClassVar[str] = "drop_path"

    p: float = 0.1

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return _noise(x, self.p, Extra("mask", 1))


def _noise(x: FeatureMap, p: float, mask: Extra) -> Effect:
    if not 0 <= p <= 1:
        raise LayerError(f"p (={p}) is a probability, between 0 and 1")
    saved = (mask,) if p else ()
    storage = Storage.SHARED_AT_INFERENCE if p else Storage.SHARED
    return pointwise(x, ops_each=0, saved=saved, storage=storage)
