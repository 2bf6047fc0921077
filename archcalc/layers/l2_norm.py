"""Normalization to a length of one."""

from __future__ import annotations

from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.effect import Effect, Extra, Saved, Storage, Towards
from archcalc.layers.layer import Axis, Category, Layer
from archcalc.layers.mixing import along_axes, windows_along
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach


@register
class Normalize(Layer):
    """x / max(|x|, eps), with the Euclidean length |x| along an axis, times a learned w if wanted.

    Shapes unchanged. Weight (n) with `scale: true`, a factor for each value along the axis: of the
    channels as SSD's. Operations: for each value square 1, sum 1, quotient 1, and 1 for the
    weight; for each length root and maximum 2.
    Source: `torch.nn.functional.normalize`; Liu et al. 2016 (arXiv:1506.04579), section 3.3.
    """

    kind: ClassVar[str] = "normalize"
    category: ClassVar[Category] = Category.NORMALIZATION

    axis: Axis = 0
    scale: bool = False
    eps: float = 1e-12

    def effect_on(self, x: FeatureMap, /) -> Effect:
        axis = numbered(self.axis, x)
        size = x.shape[axis]
        lengths = x.values // size
        # The lengths, before and after they are bounded.
        of_lengths = Extra("intermediate", 2 * lengths, towards=Towards.INPUTS)
        normalized = Extra("intermediate", x.values, towards=Towards.WEIGHTS)
        return Effect(
            output=x,
            windows=windows_along(x, axis, axis),
            state=parameters(weight=(size,) if self.scale else None),
            macs=0,
            other_ops=(3 + self.scale) * x.values + 2 * lengths,
            saved=(Saved.INPUT_FOR_ITS_GRADIENT, of_lengths, *[normalized][: self.scale]),
            workspace=(Extra("intermediate", x.values if self.scale else lengths),),
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        n, lengths = x.values, x.values // x.shape[numbered(self.axis, x)]
        decided = Extra("mask", lengths, bytes_each=1)  # where a length is 0, or is bounded
        zero = Extra("intermediate", 1, per_image=False)
        divisor = Taken("bounded", Gradient.SUMMED, scratch=(n, n, n), by_view=True)
        quotient = Operator(
            "div",
            (Taken(0, order=Order.KEPT), divisor),
            n,
            (Kept(0, towards="bounded"), Kept("bounded")),
        )
        found = (
            Operator(
                "linalg_vector_norm",
                (Taken(0, scratch=(n, decided)),),
                lengths,
                (Kept(0), Kept(None)),
                makes="lengths",
            ),
            Operator(
                "clamp",
                (Taken("lengths", scratch=(decided, zero)),),
                lengths,
                (Kept("lengths"),),
                makes="bounded",
            ),
        )
        if not self.scale:
            return (*found, quotient)
        weight = Taken("weight", Gradient.SUMMED, viewed=True, by_view=True)
        takes = (Taken("normalized", order=Order.KEPT), weight)
        kept = (Kept("normalized", towards="weight"), Kept("weight", towards="normalized"))
        return *found, replace(quotient, makes="normalized"), Operator("mul", takes, n, kept)

    def orders_as_input(self, x: FeatureMap) -> bool:
        return True

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if numbered(self.axis, x) else Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        axis = numbered(self.axis, x)
        return along_axes(x, axis, axis)
