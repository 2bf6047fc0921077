"""Local response normalization, across neighbouring channels or positions."""

from __future__ import annotations

from typing import ClassVar, Literal

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import require_spatial
from archcalc.layers.effect import Effect, Extra, Saved, without_parameters
from archcalc.layers.layer import Category, Layer, require_positive
from archcalc.layers.mixing import neighbours
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Order, Taken
from archcalc.layers.pooling import AvgPool
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import Quantity, largest, product, require_equal
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Window, Windows


@register
class LocalResponseNorm(Layer):
    """Local response normalization, across channels as `torch.nn.LocalResponseNorm`.

    y = x / (k + alpha / m * sum of the squares of m neighbours)**beta: of `size` channels at its
    position; with `region: within_channel` of a window of `size` positions along each axis, an
    odd number, in its channel. Shapes unchanged, no parameters.
    Operations for each value: square 1, sum m - 1, multiply, add, power, divide: m + 4.
    Source: Krizhevsky et al. 2012, section 3.3 (there without the division of alpha); Caffe's LRN
    layer, `norm_region`.
    """

    kind: ClassVar[str] = "local_response_norm"
    category: ClassVar[Category] = Category.NORMALIZATION

    size: Quantity = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
    region: Literal["across_channels", "within_channel"] = "across_channels"

    @property
    def _within(self) -> bool:
        return self.region == "within_channel"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_positive(self.size, f"neighbouring {'positions' if self._within else 'channels'}")
        require_spatial(x)
        windows: Windows = Reach.SAME
        neighbours_each = self.size
        if self._within:
            odd = 2 * (self.size // 2) + 1
            require_equal(self.size, odd, "a window of {} has no middle", self.size)
            windows = self._pool.effect_on(x).windows
            neighbours_each = product([self.size] * len(x.sizes))
        # torch spells it out: squares, padded, averaged, times alpha, plus k, to the power.
        averaged = self._averaged(x)
        # Kept are the squares that are averaged, the sum before the power, and the power.
        saved = (Saved.INPUT, Extra("intermediate", averaged + 2 * x.values))
        # The padded squares beside the squares, or the average beside the product and the sum.
        most = largest(0 if self._within else averaged, 2 * x.values)
        return without_parameters(
            x,
            windows,
            ops=(neighbours_each + 4) * x.values,
            saved=saved,
            workspace=(Extra("intermediate", most),),
        )

    @property
    def _pool(self) -> AvgPool:
        return AvgPool(kernel=self.size, stride=1, padding=self.size // 2)

    def _averaged(self, x: FeatureMap) -> Quantity:
        """The squares that are averaged; of channels, padded."""
        return x.values if self._within else (x.channels + self.size - 1) * x.positions

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        n, axes = x.values, len(x.sizes)
        held = ("averages",)
        found = [Operator("mul", (Taken(0), Taken(0)), n, (Kept(0),), makes="squares")]
        if self._within:
            average = f"avg_pool{axes}d"
        else:
            padded = self._averaged(x)
            found.append(Operator("pad", (Taken("squares"),), padded, makes="padded"))
            average = "avg_pool2d" if axes == 1 else "avg_pool3d"
        source = found[-1].makes
        return (
            *found,
            Operator(average, (Taken(source),), n, (Kept(source),), makes="averages"),
            Operator("mul", (Taken("averages"),), n, makes="scaled", holds=held),
            Operator("add", (Taken("scaled", Gradient.SAME),), n, makes="shifted", holds=held),
            Operator(
                "pow",
                (Taken("shifted", scratch=(n, n)),),
                n,
                (Kept("shifted"),),
                makes="power",
                holds=held,
            ),
            Operator(
                "div",
                (Taken(0, order=Order.KEPT), Taken("power", scratch=(n, n, n))),
                n,
                (Kept(0, towards="power"), Kept("power")),
            ),
        )

    def orders_as_input(self, x: FeatureMap) -> bool:
        return True

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        before = self.size // 2
        return Reach.SAME if self._within else Window(self.size, 1, before, self.size - 1 - before)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        if self._within:
            return (self._pool,)
        return neighbours(x, self.size)
