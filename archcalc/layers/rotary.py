"""Positions as rotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Storage
from archcalc.layers.layer import Category, Layer, require_divisible, require_positive
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import buffers
from archcalc.quantity.arithmetic import Quantity
from archcalc.regions.bits import shifted
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows


@register
class RotaryEmbedding(Layer):
    """The features of each head turned in pairs by angles that grow with the position.

    x cos + rotated(x) sin, where feature i < d/2 is paired with i + d/2 and turned by
    position / base**(2i/d). Shapes (L, h d) unchanged. Buffers: cosines and sines, (L, d) each.
    Operations for each value: 2 products and 1 sum, and 1 change of sign for every second.
    Source: Su et al. 2021 (arXiv:2104.09864), eq. 34; paired as in Llama.
    """

    kind: ClassVar[str] = "rotary_embedding"
    category: ClassVar[Category] = Category.ATTENTION

    heads: Quantity = 1
    base: float = 10000.0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if x.rank != 2:
            raise LayerError(f"takes tokens (L, C), and {x} has {x.rank} axes")
        require_positive(self.heads, "heads")
        require_divisible(x.shape[1], 2 * self.heads, "features", "halves of heads")
        each = (x.channels, x.shape[1] // self.heads)
        half = x.values // 2
        return Effect(
            output=x,
            windows=(Reach.ALL,),
            state=buffers(cosines=each, sines=each),
            macs=0,
            other_ops=3 * x.values + half,
            saved=(),
            # The first product beside the rotated values, and those beside what they are made of.
            workspace=(Extra("intermediate", 2 * x.values),),
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        n = effect.output.values
        half = n // 2
        first = ("turned",)
        return (
            Operator("view", (Taken(0, Gradient.SAME, viewed=True),), n, view=True, makes="heads"),
            Operator("mul", (Taken("heads"),), n, makes="turned"),
            Operator("slice", (Taken("heads"),), half, view=True, makes="front", holds=first),
            Operator("slice", (Taken("heads"),), half, view=True, makes="back", holds=first),
            Operator("neg", (Taken("back"),), half, makes="negated", holds=first),
            Operator(
                "cat",
                (Taken("negated", Gradient.PART), Taken("front", Gradient.PART)),
                n,
                makes="rotated",
                holds=first,
            ),
            Operator("mul", (Taken("rotated"),), n, makes="across", holds=first),
            Operator("add", (Taken("turned", Gradient.SAME), Taken("across", Gradient.SAME)), n),
        )

    def orders_as_input(self, x: FeatureMap) -> bool:
        return True

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        (features,) = patch.positions
        half = x.shape[1] // self.heads // 2
        found = features
        for head in range(self.heads):
            own = features >> 2 * half * head & ((1 << 2 * half) - 1)
            other = own >> half | (own & ((1 << half) - 1)) << half
            found |= shifted(other, 2 * half * head)
        yield 0, Patch(patch.channels, (found,))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Turned(**vars(self)),)


class Turned(RotaryEmbedding):
    """What a rotation sees, without changes of sign."""
