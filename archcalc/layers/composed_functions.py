"""Functions of each value alone for which torch runs several operators, or keeps more than a value.

Those of one operator are in the table of `functions`.
"""

from __future__ import annotations

from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.activation import Activation
from archcalc.layers.effect import Effect, Extra, Saved, pointwise
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Order,
    Taken,
)
from archcalc.layers.registry import register
from archcalc.record import replace


@register
class Softsign(Activation):
    """x / (1 + abs(x)). Shapes unchanged. Source: Bergstra et al. 2009, eq. 5."""

    kind: ClassVar[str] = "softsign"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        denominator = Extra("intermediate", x.values)
        saved = (Saved.INPUT, denominator)
        return pointwise(x, ops_each=3, saved=saved, workspace=(denominator,))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        n = effect.output.values
        magnitude = Taken(0, order=Order.KEPT, scratch=(n,))
        quotient = (
            Taken(0, order=Order.KEPT),
            Taken("denominator", order=Order.KEPT, scratch=(n, n, n)),
        )
        return (
            Operator("abs", (magnitude,), n, (Kept(0),), makes="magnitude"),
            Operator("add", (Taken("magnitude", Gradient.SAME),), n, makes="denominator"),
            Operator("div", quotient, n, (Kept(0, towards="denominator"), Kept("denominator"))),
        )


@register
class Tanhshrink(Activation):
    """x - tanh(x). Shapes unchanged. Source: torch.nn.Tanhshrink."""

    kind: ClassVar[str] = "tanhshrink"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        tanh = Extra("intermediate", x.values)
        return pointwise(x, ops_each=2, saved=(tanh,), workspace=(tanh,))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        n = effect.output.values
        difference = (Taken(0, Gradient.SAME), Taken("tanh", order=Order.KEPT))
        return (
            Operator("tanh", (Taken(0, order=Order.KEPT),), n, (Kept(None),), makes="tanh"),
            Operator("sub", difference, n),
        )


@register
class LogSigmoid(Activation):
    """-log(1 + exp(-x)). Shapes unchanged.

    Training keeps exp(-x) too on the CPU. Source: torch.nn.LogSigmoid.
    """

    kind: ClassVar[str] = "log_sigmoid"
    gradient_order: ClassVar[Order] = Order.ALONE

    def effect_on(self, x: FeatureMap, /) -> Effect:
        exponential = Extra("intermediate", x.values)
        saved = (Saved.INPUT, exponential)
        return pointwise(x, ops_each=5, saved=saved, workspace=(exponential,))

    def orders_as_input(self, x: FeatureMap) -> bool:
        return False

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        return (replace(found, beside_kept=()),) if at.on_gpu else (found,)


@register
class RReLU(Activation):
    """x where positive, else a x with a drawn for each value in training, from lower … upper.

    At inference a is the mean of these. Shapes unchanged. Training keeps the factors.
    Source: Xu et al. 2015 (arXiv:1505.00853), section 2.4.
    """

    kind: ClassVar[str] = "rrelu"
    in_place: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.OWN

    lower: float = 1 / 8
    upper: float = 1 / 3

    def effect_on(self, x: FeatureMap, /) -> Effect:
        factors = Extra("mask", x.values)  # at inference too torch makes room for them
        return pointwise(x, ops_each=2, saved=(Saved.INPUT, factors), workspace=(factors,))

    def orders_as_input(self, x: FeatureMap) -> bool:
        return False

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        takes, kept = (*found.takes, Taken("factors")), (Kept(0), Kept("factors"))
        drawn = Operator("empty", (), found.values, makes="factors")
        return drawn, replace(found, takes=takes, kept=kept, beside_kept=())


@register
class Clamp(Activation):
    """min(max(x, min), max); one of the two may be left out. Shapes unchanged.

    Source: torch.clamp, ONNX Clip.
    """

    kind: ClassVar[str] = "clamp"
    gradient_order: ClassVar[Order] = Order.GIVEN

    min: float | None = None
    max: float | None = None

    @property
    def _limits(self) -> int:
        return (self.min is not None) + (self.max is not None)

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if not self._limits:
            raise LayerError("needs min, max or both")
        return pointwise(x, ops_each=self._limits, saved=(Saved.INPUT,))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        (x,) = found.takes
        # Where each limit lets the gradient pass, and the zero that stands elsewhere.
        passing = (Extra("mask", found.values, bytes_each=1),) * self._limits
        zero = Extra("intermediate", 1, per_image=False)
        return (replace(found, takes=(x._replace(scratch=(*passing, zero)),)),)


@register
class Power(Activation):
    """x**exponent. Shapes unchanged. Source: torch.pow, Caffe's Power layer."""

    kind: ClassVar[str] = "power"

    exponent: float

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=1, saved=(Saved.INPUT,))

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        (x,) = found.takes
        n = found.values
        # Of a constant the gradient is zeros; else the power below it is made, and its multiple.
        taken = x._replace(scratch=(n, n)) if self.exponent else Taken(0)
        return (replace(found, name="pow", takes=(taken,)),)
