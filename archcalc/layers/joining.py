"""Joins: where branches meet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Factors, pointwise
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Join, Layer
from archcalc.layers.operator import (
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
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_equal,
    certainly_one,
    largest,
    may_be_one,
    require_equal,
)
from archcalc.record import replace
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.window import Windows


@register
class Concat(Join):
    """Branches of equal sizes, one after the other along the channels, as `torch.cat(dim=1)`.

    Shapes: (C_i, n…) -> (sum of C_i, n…). Source: Szegedy et al. 2015 (arXiv:1409.4842).
    """

    kind: ClassVar[str] = "concat"
    integers: ClassVar[Integers] = Integers.KEPT
    gradient: ClassVar[Gradient] = Gradient.PART

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        channels = x.channels
        for other in others:
            _require_equal(x.sizes, other.sizes, x, other)
            channels = channels + other.channels
        return pointwise(x, ops_each=0, saved=(), output=FeatureMap(channels, x.sizes))

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        first = 0
        for number, x in enumerate(inputs):
            own = patch.channels >> first & full(x.channels)
            yield number, Patch(own, patch.positions)
            first += x.channels


class _Elementwise(Join):
    """Combines b branches of equal shape, value by value.

    A branch of a single position is spread over the positions of the others, as torch does.
    """

    pointwise: ClassVar[bool] = True

    @abstractmethod
    def ops_for(self, branches: int) -> int:
        """Arithmetic operations for each output value."""

    def saved_for(self, order: tuple[int, ...], values: Quantity) -> tuple[Factors, ...]:
        """What torch keeps for the backward pass: nothing of a sum.

        `order` has the numbers of the branches as they are combined, the widest first.
        """
        return ()

    def workspace_for(self, branches: int, values: Quantity) -> tuple[Extra, ...]:
        """What torch makes beside the output: nothing where it adds up in place."""
        return ()

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        maps = (x, *others)
        output = _widest(maps)
        for other in maps:
            _require_equal((output.channels,), (other.channels,), output, other)
            if len(other.sizes) != len(output.sizes) or not _is_single_position(other):
                _require_equal(output.sizes, other.sizes, output, other)
        order = _widest_first(maps)
        return pointwise(
            x,
            ops_each=self.ops_for(len(maps)),
            saved=self.saved_for(order, output.values),
            workspace=self.workspace_for(len(maps), output.values),
            output=output,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        first, *others = _widest_first(inputs)
        if not others:
            return (Operator("clone", (Taken(first, Gradient.SAME),), effect.output.values),)
        found = []
        so_far: Tensor = first
        for place, number in enumerate(others):
            found.append(self._combine(so_far, number, inputs[number], effect.output, place))
            so_far = found[-1].makes
        return (*found[:-1], replace(found[-1], makes=""))

    def _combine(
        self, so_far: Tensor, number: int, x: FeatureMap, output: FeatureMap, place: int
    ) -> Operator:
        """Adds the input `number`, which is `x`; in place but for the first two."""
        takes = (Taken(so_far, Gradient.SAME), Taken(number, Gradient.SAME))
        return Operator("add", takes, output.values, view=place > 0, makes=f"sum{place}")

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        for number, x in enumerate(inputs):
            alone = _is_single_position(x)
            yield number, Patch(patch.channels, (1,) * len(x.sizes)) if alone else patch

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Add(),)  # whatever changes one factor changes the product


@register
class Add(_Elementwise):
    """The sum of the branches. Shapes: all (C, n…) -> (C, n…). b - 1 operations a value.

    Source: He et al. 2016 (arXiv:1512.03385), eq. 1.
    """

    kind: ClassVar[str] = "add"
    gradient: ClassVar[Gradient] = Gradient.SAME
    in_place: ClassVar[bool] = True
    sign: ClassVar[str] = "+"

    def ops_for(self, branches: int) -> int:
        return branches - 1


@register
class Mean(_Elementwise):
    """The mean of the branches. Shapes: all (C, n…) -> (C, n…). b operations a value.

    Source: Larsson et al. 2017 (arXiv:1605.07648), section 2.
    """

    kind: ClassVar[str] = "mean"

    def ops_for(self, branches: int) -> int:
        return branches

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        *sums, last = super().operators(effect, *inputs)
        takes = (Taken("sum", order=Order.KEPT),)
        divided = Operator("div", takes, effect.output.values, view=True)
        return (*sums, replace(last, makes="sum"), divided)


@register
class Multiply(_Elementwise):
    """The product of the branches. Shapes: all (C, n…) -> (C, n…). b - 1 operations a value.

    Source: Srivastava et al. 2015 (arXiv:1505.00387), eq. 3; Hu et al. 2018, eq. 4.
    """

    kind: ClassVar[str] = "multiply"
    sign: ClassVar[str] = "×"

    def ops_for(self, branches: int) -> int:
        return branches - 1

    def _combine(
        self, so_far: Tensor, number: int, x: FeatureMap, output: FeatureMap, place: int
    ) -> Operator:
        """Multiplies by the input `number`, which is `x`."""
        gradient = Gradient.OWN if x.values == output.values else Gradient.SUMMED
        takes = (Taken(so_far, order=Order.KEPT), Taken(number, gradient, Order.KEPT))
        kept = (Kept(so_far, towards=number), Kept(number, towards=so_far))
        return Operator("mul", takes, output.values, kept, makes=f"product{place}")

    def saved_for(self, order: tuple[int, ...], values: Quantity) -> tuple[Factors, ...]:
        return (Factors(order, Extra("intermediate", values)),)

    def workspace_for(self, branches: int, values: Quantity) -> tuple[Extra, ...]:
        return (Extra("intermediate", values),) if branches > 2 else ()


def _widest_first(maps: Sequence[FeatureMap]) -> tuple[int, ...]:
    """The numbers of the branches, those of a single position last."""
    return tuple(sorted(range(len(maps)), key=lambda n: _is_single_position(maps[n])))


def _widest(maps: Sequence[FeatureMap]) -> FeatureMap:
    """The map that those of a single position are spread over.

    Where free sizes leave open which it is, one that certainly has more of them. If there is none,
    all are equal or all but one are single positions: then the largest sizes are right.
    """
    wide = [m for m in maps if not _is_single_position(m)]
    for x in wide:
        if not all(map(may_be_one, x.sizes)):
            return x
    if not wide or any(len(x.sizes) != len(wide[0].sizes) for x in wide):
        return maps[0]
    sizes = [reduce(_larger, axis) for axis in zip(*[x.sizes for x in wide], strict=True)]
    return FeatureMap(wide[0].channels, tuple(sizes))


def _larger(a: Quantity, b: Quantity) -> Quantity:
    return a if certainly_equal(a, b) else largest(a, b)


def _is_single_position(x: FeatureMap) -> bool:
    return bool(x.sizes) and all(map(certainly_one, x.sizes))


def _require_equal(
    a: tuple[Quantity, ...], b: tuple[Quantity, ...], x: FeatureMap, other: FeatureMap
) -> None:
    if len(a) != len(b):
        raise LayerError(f"branches of {x} and {other} do not match")
    for m, n in zip(a, b, strict=True):
        require_equal(m, n, "branches of {} and {} do not match", x, other)
