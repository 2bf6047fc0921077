"""Normalization by the root of the mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Saved, Storage, Towards
from archcalc.layers.layer import Category, Layer
from archcalc.layers.mixing import along_axes, windows_along
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
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
        held = ("squares",)  # to the end of the expression
        found = [
            Operator("pow", (Taken(0, scratch=(n, n)),), n, (Kept(0),), makes="squares"),
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
                (Taken(0, order=Order.KEPT), Taken("factors", Gradient.SUMMED, Order.KEPT)),
                n,
                (Kept(0, towards="factors"), Kept("factors", towards=0)),
                makes="normalized" if self.affine else "",
            ),
        ]
        if self.affine:
            weight = Taken("weight", Gradient.SUMMED, viewed=True)
            takes = (Taken("normalized", order=Order.KEPT), weight)
            kept = (Kept("normalized", towards="weight"), Kept("weight", towards="normalized"))
            found.append(Operator("mul", takes, n, kept, holds=("factors",)))
        return tuple(found)

    def workspace_on_gpu(self, effect: Effect, in_half: bool) -> tuple[Extra, ...]:
        x = effect.output
        return (Extra("statistics", x.values // x.shape[-1], least_bytes=4),)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # On a GPU it depends on the types of input and weight whether one kernel does it all.
        if at.on_gpu and dtype == "mixed":
            return False
        return not at.turned  # else torch puts the axes of what it has made in their own order

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if x.sizes else Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        last = len(x.sizes)
        return along_axes(x, last, last)
