"""Batch normalization of which nothing is learned."""

from __future__ import annotations

from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Towards, pointwise
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import buffers


@register
class FrozenBatchNorm(Layer):
    """Batch normalization that stays as it is, in training too, as detectors have it.

    Shapes unchanged. Buffers: weight, bias, running mean and running variance, C each, as
    `torchvision.ops.FrozenBatchNorm2d`. Operations for each value: 2, of y = x a + b with a and b
    fixed per channel; what a and b take, for each channel alone, is not counted.
    Source: Ren et al. 2015 (arXiv:1506.01497), as He et al. 2016 (arXiv:1512.03385), appendix A.
    """

    kind: ClassVar[str] = "frozen_batch_norm"
    category: ClassVar[Category] = Category.NORMALIZATION
    pointwise: ClassVar[bool] = True

    eps: float = 1e-5

    def effect_on(self, x: FeatureMap, /) -> Effect:
        c, each = x.channels, (x.channels,)
        return pointwise(
            x,
            ops_each=2,
            saved=(Extra("intermediate", c, per_image=False, towards=Towards.INPUTS),),
            state=buffers(weight=each, bias=each, running_mean=each, running_var=each),
            workspace=(  # x a beside a and b
                Extra("intermediate", x.values),
                Extra("intermediate", 2 * c, per_image=False),
            ),
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        def each(name: str, makes: str, *takes: str, holds: tuple[str, ...] = ()) -> Operator:
            given = tuple([Taken(tensor) for tensor in takes])
            c = inputs[0].channels
            return Operator(name, given, c, per_image=False, makes=makes, holds=holds)

        n = effect.output.values
        scaled = (Taken(0, order=Order.KEPT), Taken("factor"))
        shifted = (Taken("scaled", Gradient.SAME), Taken("shift"))
        kept = (Kept("factor", towards=0),)
        return (
            each("add", "variance", "running_var"),
            each("rsqrt", "root", "variance"),
            each("mul", "factor", "weight", "root"),
            each("mul", "moved", "running_mean", "factor"),
            each("sub", "shift", "bias", "moved", holds=("factor",)),
            Operator("mul", scaled, n, kept, makes="scaled", holds=("shift",)),
            Operator("add", shifted, n, holds=("factor",)),
        )
