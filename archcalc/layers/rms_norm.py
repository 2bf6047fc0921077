"""Normalization by the root of the mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Saved, Storage, Towards
from archcalc.layers.layer import Category, Layer
from archcalc.layers.mixing import along_axes, windows_along
from archcalc.layers.operator import (
    FROM_FLOAT32,
    TO_FLOAT32,
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Order,
    Taken,
    Tensor,
)
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach


@register
class RMSNorm(Layer):
    """x / sqrt(mean(x^2) + eps) along the last axis, times a learned w, as `torch.nn.RMSNorm`.

    Shapes unchanged. Weight (C), of the last axis. torch's own eps, that of the dtype, unless it
    is given. Operations: for each value square 1, mean 1, product 1, and 1 for the weight; for each
    mean eps and root 2.
    Source: Zhang & Sennrich 2019 (arXiv:1910.07467), eq. 4.
    """

    kind: ClassVar[str] = "rms_norm"
    category: ClassVar[Category] = Category.NORMALIZATION

    affine: bool = True
    eps: float | None = None

    def effect_on(self, x: FeatureMap, /) -> Effect:
        size = x.shape[-1]
        groups = x.values // size
        last = len(x.sizes)
        factors = Extra("intermediate", groups, towards=Towards.INPUTS)
        normalized = Extra("intermediate", x.values, towards=Towards.WEIGHTS)
        # Beside the output the normalized values and their factors, or the means and their roots.
        beside = x.values + groups if self.affine else 2 * groups
        return Effect(
            output=x,
            windows=windows_along(x, last, last),
            state=parameters(weight=(size,) if self.affine else None),
            macs=0,
            other_ops=(3 + self.affine) * x.values + 2 * groups,
            saved=(Saved.INPUT_FOR_ITS_GRADIENT, factors, *[normalized][: self.affine]),
            workspace=(Extra("intermediate", beside),),
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (x,) = inputs
        n, groups = x.values, x.values // x.shape[-1]
        if at.on_gpu:  # by one kernel
            taken = ("weight",) if self.affine else ()
            return (
                Operator(
                    self.kind,
                    (Taken(0), *map(Taken, taken)),
                    n,
                    (Kept(0), *map(Kept, taken)),
                    beside_kept=self.workspace_on_gpu(effect, at.in_half),
                ),
            )
        last = "scaled" if at.in_half else ""
        whole: Tensor = "whole" if at.in_half else 0
        copy = ("whole",) if at.in_half else ()
        held = ("squares", *copy)  # to the end of the expression
        found = [
            Operator("pow", (Taken(whole, scratch=(n, n)),), n, (Kept(whole),), makes="squares"),
            Operator("mean", (Taken("squares"),), groups, makes="means"),
            Operator(
                "add",
                (Taken("means", Gradient.SAME),),
                groups,
                view=True,
                makes="shifted",
                holds=held,
            ),
            Operator(
                "rsqrt",
                (Taken("shifted", scratch=(groups, groups)),),
                groups,
                (Kept(None),),
                makes="factors",
                holds=held,
            ),
            Operator(
                "mul",
                (Taken(whole, order=Order.KEPT), Taken("factors", Gradient.SUMMED, Order.KEPT)),
                n,
                (Kept(whole, towards="factors"), Kept("factors", towards=whole)),
                makes="normalized" if self.affine else last,
            ),
        ]
        if self.affine:
            weight = Taken("weight", Gradient.SUMMED, viewed=True)
            takes = (Taken("normalized", order=Order.KEPT), weight)
            kept = (Kept("normalized", towards="weight"), Kept("weight", towards="normalized"))
            holds = ("factors", *copy)
            found.append(Operator("mul", takes, n, kept, makes=last, holds=holds))
        if at.in_half:
            found.insert(0, Operator(TO_FLOAT32, (Taken(0, order=Order.KEPT),), n, makes="whole"))
            scaled = Taken(last, order=Order.KEPT)
            # The copy is let go of by then, what it was normalized to is not.
            holds = ("factors", "normalized") if self.affine else ("factors",)
            found.append(Operator(FROM_FLOAT32, (scaled,), n, holds=holds))
        return tuple(found)

    def in_half(self, effect: Effect) -> Effect:
        # torch makes a float32 copy of its input, and all else of that: so is what it keeps.
        n, kept = effect.output.values, [x for x in effect.saved if isinstance(x, Extra)]
        groups = kept[0].values
        copy = Extra("intermediate", n, towards=Towards.INPUTS)
        # Bytes, of which the output takes some at last: of the copy, the factors, and the values
        # before and after their weights; or of the copy, its squares, their means and the factors.
        beside = 10 * n + 4 * groups if self.affine else 6 * n + 8 * groups
        return replace(
            effect,
            saved=tuple([replace(extra, least_bytes=4) for extra in (copy, *kept)]),
            workspace=(Extra("intermediate", beside, bytes_each=1),),
        )

    def workspace_on_gpu(self, effect: Effect, in_half: bool) -> tuple[Extra, ...]:
        x = effect.output
        return (Extra("statistics", x.values // x.shape[-1], least_bytes=4),)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # On a GPU it depends on the types of input and weight whether one kernel does it all.
        if at.on_gpu and dtype == "mixed":
            return False
        # Turned axes torch puts in their own order; what autocast hands on it casts, or not.
        return not at.turned and dtype != "mixed"

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if x.sizes else Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        last = len(x.sizes)
        return along_axes(x, last, last)
