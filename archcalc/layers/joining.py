"""Joins: where branches meet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.broadcasting import (
    MISMATCH,
    broadcast,
    is_spread,
    widest_first,
)
from archcalc.layers.effect import Effect, Extra, Operands, pointwise
from archcalc.layers.integers import Integers
from archcalc.layers.join import Join
from archcalc.layers.layer import Axis, Layer
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Order,
    Part,
    Taken,
    Tensor,
)
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import Quantity, certainly_one, product, require_equal
from archcalc.record import replace
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.window import Windows


@register
class Concat(Join):
    """Branches one after the other along an axis, as `torch.cat`; along the others they are alike.

    Shapes: (C_i, n…) -> (sum of C_i, n…) along axis 0, the channels; likewise along others.
    Source: Szegedy et al. 2015 (arXiv:1409.4842).
    """

    kind: ClassVar[str] = "concat"
    keeps_order: ClassVar[bool] = True
    integers: ClassVar[Integers] = Integers.KEPT
    gradient: ClassVar[Gradient] = Gradient.PART

    axis: Axis = 0

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        along = numbered(self.axis, x)
        shape = [*x.shape]
        for other in others:
            if len(other.shape) != len(shape):
                raise LayerError(MISMATCH.format(x, other))
            for axis, (m, n) in enumerate(zip(x.shape, other.shape, strict=True)):
                if axis != along:
                    require_equal(m, n, MISMATCH, x, other)
            shape[along] = shape[along] + other.shape[along]
        output = replace(x, channels=shape[0], sizes=tuple(shape[1:]))
        return pointwise(x, ops_each=0, saved=(), output=output)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs, at=at)
        along = numbered(self.axis, inputs[0])
        sizes = effect.output.sizes
        outer = product(sizes[: along - 1] if along else sizes)  # where the channels lie last
        gaps = not certainly_one(product(effect.output.shape[:along]))
        takes = [
            taken._replace(
                part=Part(
                    gaps,
                    not certainly_one(outer),
                    certainly_one(x.channels) or certainly_one(x.positions),
                    rows=0 < along == x.rank - 1,
                )
            )
            for taken, x in zip(found.takes, inputs, strict=True)
        ]
        return (replace(found, takes=tuple(takes)),)

    def concatenates_along(self, x: FeatureMap) -> int | None:
        return numbered(self.axis, x)

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        first, *others = [_without(x.shape, numbered(self.axis, x)) for x in maps]
        for other in others:
            yield from zip(first, other, strict=True)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        along, first = numbered(self.axis, inputs[0]), 0
        sets = (patch.channels, *patch.positions)
        for number, x in enumerate(inputs):
            size = x.shape[along]
            own = sets[along] >> first & full(size)
            channels, *positions = [own if n == along else bits for n, bits in enumerate(sets)]
            yield number, Patch(channels, tuple(positions))
            first += size


class Elementwise(Join):
    """Combines b branches value by value, two at a time.

    A branch of a single position along an axis is spread over those of the others, as torch does:
    (C, n…) and (1, n…) give (C, n…), and so do (C, n…) and (C, 1…).
    """

    pointwise: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = False  # those that are spread stay where they are

    @abstractmethod
    def ops_for(self, branches: int) -> int:
        """Arithmetic operations for each output value."""

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # What is there once is combined once before it is spread over the images.
        return not at.several_images or not 2 <= len(at.once) < len(inputs)

    def saved_for(
        self, order: tuple[int, ...], made: tuple[Extra, ...]
    ) -> tuple[Operands | Extra, ...]:
        """What torch keeps for the backward pass: nothing of a sum.

        Args:
            order: the numbers of the branches as they are combined, those that are spread last.
            made: what each two make, without the last.
        """
        return ()

    def workspace_for(self, made: Sequence[FeatureMap], output: FeatureMap) -> tuple[Extra, ...]:
        """What torch makes beside the output, of what each two make: what it cannot add to in
        place, as it is still to be spread."""
        small = [x.values for x in made if is_spread(x, output)]
        return (Extra("intermediate", small[-1]),) if small else ()

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        maps = (x, *others)
        output = broadcast(maps)
        order = self.order_of(maps, output)
        made = _made(maps, order[:-1])
        return pointwise(
            x,
            ops_each=self.ops_for(len(maps)),
            saved=self.saved_for(order, tuple([Extra("intermediate", y.values) for y in made])),
            workspace=self.workspace_for(made, output),
            output=output,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        first, *others = self.order_of(inputs, effect.output)
        if not others:
            return (Operator("clone", (Taken(first, Gradient.SAME),), effect.output.values),)
        found: list[Operator] = []
        so_far: Tensor = first
        before = inputs[first]
        for number, output in zip(others, _made(inputs, (first, *others)), strict=True):
            one = self._combine((so_far, number), (before, inputs[number]), output)
            found.append(replace(one, makes=f"{self.kind}{len(found)}"))
            so_far, before = found[-1].makes, output
        return (*found[:-1], replace(found[-1], makes=""))

    def order_of(self, maps: Sequence[FeatureMap], output: FeatureMap) -> tuple[int, ...]:
        """The numbers of the branches as they are combined."""
        return tuple(range(len(maps))) if self.keeps_order else widest_first(maps, output)

    def _combine(
        self, two: tuple[Tensor, Tensor], maps: tuple[FeatureMap, FeatureMap], output: FeatureMap
    ) -> Operator:
        """Adds the second of two tensors to the first; in place but for the first two branches."""
        in_place = isinstance(two[0], str) and not is_spread(maps[0], output)
        takes = tuple([Taken(tensor, Gradient.SAME) for tensor in two])
        return Operator("add", takes, output.values, view=in_place)

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        first, *others = maps
        for other in others:
            for m, n in zip(first.shape, other.shape, strict=True):
                if not (certainly_one(m) or certainly_one(n)):
                    yield m, n

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        sets = (patch.channels, *patch.positions)
        for number, x in enumerate(inputs):
            channels, *positions = [
                1 if n == 1 and bits else bits for n, bits in zip(x.shape, sets, strict=True)
            ]
            yield number, Patch(channels, tuple(positions))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Add(),)  # whatever changes one factor changes the product


@register
class Add(Elementwise):
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
class Average(Elementwise):
    """The mean of the branches, and called so too. Shapes: all (C, n…) -> (C, n…).

    b operations a value.

    Source: Larsson et al. 2017 (arXiv:1605.07648), section 2.
    """

    kind: ClassVar[str] = "average"

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
class Multiply(Elementwise):
    """The product of the branches. Shapes: all (C, n…) -> (C, n…). b - 1 operations a value.

    Source: Srivastava et al. 2015 (arXiv:1505.00387), eq. 3; Hu et al. 2018, eq. 4.
    """

    kind: ClassVar[str] = "multiply"
    sign: ClassVar[str] = "×"

    def ops_for(self, branches: int) -> int:
        return branches - 1

    def _combine(
        self, two: tuple[Tensor, Tensor], maps: tuple[FeatureMap, FeatureMap], output: FeatureMap
    ) -> Operator:
        """Multiplies two tensors."""
        first, second = two
        takes = tuple([Taken(tensor, Gradient.FITTED, Order.KEPT) for tensor in two])
        kept = (Kept(first, towards=second), Kept(second, towards=first))
        return Operator("mul", takes, output.values, kept)

    def saved_for(
        self, order: tuple[int, ...], made: tuple[Extra, ...]
    ) -> tuple[Operands | Extra, ...]:
        return (Operands(order, made),)

    def workspace_for(self, made: Sequence[FeatureMap], output: FeatureMap) -> tuple[Extra, ...]:
        return (Extra("intermediate", made[-1].values),) if made else ()


def _made(maps: Sequence[FeatureMap], order: Sequence[int]) -> list[FeatureMap]:
    """What the first two make, in this order, what that and the third make, and so on."""
    found: list[FeatureMap] = []
    for number in order[1:]:
        before = found[-1] if found else maps[order[0]]
        found.append(broadcast((before, maps[number])))
    return found


def _without(shape: tuple[Quantity, ...], axis: int) -> tuple[Quantity, ...]:
    return (*shape[:axis], *shape[axis + 1 :])
