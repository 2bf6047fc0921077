"""Softmax and what is like it: each value along an axis becomes a share of the whole."""

from __future__ import annotations

from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.effect import Effect, Extra, Saved, pointwise
from archcalc.layers.layer import Axis, Category, Layer
from archcalc.layers.mixing import along_axes, windows_along
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach


class SoftmaxAlong(Layer):
    """A softmax along an axis: 0 of the channels of each position, -1 of the last.

    Class attributes:
        ops_each: arithmetic operations for each value.
    """

    category: ClassVar[Category] = Category.ACTIVATION
    ops_each: ClassVar[int] = 5

    axis: Axis = 0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        axis = numbered(self.axis, x)
        effect = pointwise(x, ops_each=self.ops_each, saved=(Saved.OUTPUT,))
        return replace(effect, windows=windows_along(x, axis, axis))

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if numbered(self.axis, x) else Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        axis = numbered(self.axis, x)
        return along_axes(x, axis, axis)


@register
class Softmax(SoftmaxAlong):
    """exp(x - max) / sum of it, along an axis. Shapes unchanged.

    Source: Bridle 1990; the shift by the maximum as torch has it.
    """

    kind: ClassVar[str] = "softmax"


@register
class LogSoftmax(SoftmaxAlong):
    """x - max - log(sum of exp(x - max)), along an axis. Shapes unchanged.

    Operations for each value: maximum, difference, exp, sum, difference.
    Source: the logarithm of softmax, as torch has it.
    """

    kind: ClassVar[str] = "log_softmax"


@register
class Softmin(SoftmaxAlong):
    """The softmax of -x, along an axis. Shapes unchanged. Source: torch.nn.Softmin."""

    kind: ClassVar[str] = "softmin"
    ops_each = 6

    def effect_on(self, x: FeatureMap, /) -> Effect:
        effect = super().effect_on(x)
        return replace(effect, workspace=(Extra("intermediate", x.values),))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        n = effect.output.values
        negated = Operator("neg", (Taken(0, order=Order.KEPT),), n, makes="negated")
        return negated, Operator("softmax", (Taken("negated"),), n, (Kept(None),))
