"""Joins value by value that few networks have: extremes, differences and quotients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Operands
from archcalc.layers.joining import Elementwise
from archcalc.layers.operator import Gradient, Kept, Operator, Order, Taken, Tensor
from archcalc.layers.registry import register


class _InOrder(Elementwise):
    """Combines the branches in the order in which they are given."""

    keeps_order: ClassVar[bool] = True


class _Extreme(_InOrder):
    """The largest or the smallest of the branches; of two equal ones each has half the gradient."""

    def ops_for(self, branches: int) -> int:
        return branches - 1

    def _combine(
        self, two: tuple[Tensor, Tensor], maps: tuple[FeatureMap, FeatureMap], output: FeatureMap
    ) -> Operator:
        """Takes the larger, or the smaller, of two tensors."""
        # Where they are equal, there half of the gradient, and where there is none. By the first
        # of these the gradients lie as the operands do.
        mask = Extra("mask", output.values, bytes_each=1)
        scratch = (mask, output.values, mask)
        takes = tuple([Taken(tensor, Gradient.FITTED, scratch=scratch) for tensor in two])
        return Operator(self.kind, takes, output.values, tuple(map(Kept, two)))

    def saved_for(
        self, order: tuple[int, ...], made: tuple[Extra, ...]
    ) -> tuple[Operands | Extra, ...]:
        return (Operands(order, made, towards_own=(True, True)),)

    def workspace_for(self, made: Sequence[FeatureMap], output: FeatureMap) -> tuple[Extra, ...]:
        return (Extra("intermediate", made[-1].values),) if made else ()


@register
class Maximum(_Extreme):
    """The largest of the branches, as `torch.maximum`. Shapes: all (C, n…) -> (C, n…).

    b - 1 operations a value. Source: Goodfellow et al. 2013 (arXiv:1302.4389), section 3; Wu et al.
    2018 (arXiv:1511.02683), eq. 2.
    """

    kind: ClassVar[str] = "maximum"


@register
class Minimum(_Extreme):
    """The smallest of the branches, as `torch.minimum`. Shapes: all (C, n…) -> (C, n…).

    b - 1 operations a value.
    """

    kind: ClassVar[str] = "minimum"


class _OfTwo(_InOrder):
    """Combines two branches, of which it matters which is the first."""

    def ops_for(self, branches: int) -> int:
        return 1

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        if len(others) != 1:
            raise LayerError(f"takes two branches, and there are {1 + len(others)}")
        return super().effect_on(x, *others)


@register
class Subtract(_OfTwo):
    """The first branch minus the second. Shapes: both (C, n…) -> (C, n…). 1 operation a value."""

    kind: ClassVar[str] = "subtract"
    sign: ClassVar[str] = "−"

    def _combine(
        self, two: tuple[Tensor, Tensor], maps: tuple[FeatureMap, FeatureMap], output: FeatureMap
    ) -> Operator:
        negated = Taken(two[1], Gradient.FITTED, Order.KEPT)
        return Operator("sub", (Taken(two[0], Gradient.SAME), negated), output.values)


@register
class Divide(_OfTwo):
    """The first branch by the second. Shapes: both (C, n…) -> (C, n…). 1 operation a value."""

    kind: ClassVar[str] = "divide"
    sign: ClassVar[str] = "÷"

    def _combine(
        self, two: tuple[Tensor, Tensor], maps: tuple[FeatureMap, FeatureMap], output: FeatureMap
    ) -> Operator:
        first, second = two
        n = output.values
        takes = (
            Taken(first, Gradient.FITTED, Order.KEPT),
            # The gradient with the other sign, the quotient, and that by the divisor again.
            Taken(second, Gradient.FITTED, Order.KEPT, (n, n, n)),
        )
        return Operator("div", takes, n, (Kept(first, towards=second), Kept(second)))

    def saved_for(
        self, order: tuple[int, ...], made: tuple[Extra, ...]
    ) -> tuple[Operands | Extra, ...]:
        return (Operands(order, made, towards_own=(False, True)),)
