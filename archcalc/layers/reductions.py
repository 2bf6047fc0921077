"""Reductions: all values along some axes as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import AxisNumbers, numbered
from archcalc.layers.effect import Effect, Extra, Saved, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Taken
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import AxisWindow, Reach, Windows


class Reduction(Layer):
    """All values along `axes` as one: 0 is the first axis, -1 the last.

    Shapes: the axes go, unless `keep: true` leaves one value along each (torch's `keepdim`).

    Class attributes:
        saved: what the backward pass needs.
    """

    category: ClassVar[Category] = Category.POOLING
    moves_axes: ClassVar[bool] = True
    saved: ClassVar[tuple[Saved, ...]] = ()

    axes: AxisNumbers
    keep: bool = False

    def ops_for(self, taken: Quantity, made: Quantity) -> Quantity:
        """Arithmetic operations by which so many values are made of those that are taken."""
        return taken - made

    def effect_on(self, x: FeatureMap, /) -> Effect:
        reduced = self.reduced(x)
        shape = [1 if axis in reduced else n for axis, n in enumerate(x.shape)]
        if not self.keep:
            shape = [n for axis, n in enumerate(x.shape) if axis not in reduced]
        if not shape:
            raise LayerError(f"leaves no axis of {x}; `keep: true` leaves one value along each")
        output = FeatureMap(shape[0], tuple(shape[1:]))
        windows: Windows = tuple([self._reach(axis, x) for axis in range(1, x.rank)])
        return without_parameters(
            output,
            windows or Reach.ALL,
            ops=self.ops_for(x.values, output.values),
            saved=self.saved,
        )

    def reduced(self, x: FeatureMap) -> frozenset[int]:
        """The axes that are reduced, counted from the first."""
        given = self.axes if isinstance(self.axes, tuple) else (self.axes,)
        found = frozenset([numbered(axis, x) for axis in given])
        if len(found) < len(given):
            raise LayerError(f"an axis of {x} is given twice")
        if not found:
            raise LayerError("no axis is given")
        return found

    def _reach(self, axis: int, x: FeatureMap) -> AxisWindow:
        return Reach.ALL if axis in self.reduced(x) else Reach.SAME

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return self._reach(0, x)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        x = inputs[number]
        reduced = self.reduced(x)
        if self.keep:
            return tuple([None if axis in reduced else axis for axis in range(x.rank)])
        return tuple([axis for axis in range(x.rank) if axis not in reduced])

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        if window is Reach.ALL:
            return full(output.channels) if channels else 0
        return channels

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        reduced, left = self.reduced(x), iter((patch.channels, *patch.positions))
        sets = []
        for axis, size in enumerate(x.shape):
            bits = next(left) if self.keep or axis not in reduced else 1
            sets.append(full(size) if axis in reduced and bits else bits)
        if all((patch.channels, *patch.positions)):
            yield 0, Patch(sets[0], tuple(sets[1:]))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Sum(axes=self.axes, keep=self.keep),)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        kept = tuple([Kept(None if one is Saved.OUTPUT else 0) for one in self.saved])
        (x,) = inputs
        reduced = self.reduced(x)
        moving = [axis for axis, n in enumerate(x.shape) if not certainly_one(n)]
        taken = self.taken(x.values, effect.output.values)
        taken = taken._replace(reduced=tuple([axis in reduced for axis in moving]))
        return (Operator(f"reduce_{self.kind}", (taken,), effect.output.values, kept),)

    def taken(self, values: Quantity, made: Quantity) -> Taken:
        """How the gradient of so many values comes about, from that of what is made of them."""
        return Taken(0)


@register
class Mean(Reduction):
    """The mean along `axes`, as `torch.mean`. One operation for each input value.

    Shapes: (L, C) over axis 0 -> (C,), tokens pooled; (C, H, W) over [1, 2] -> (C,). The axes go,
    unless `keep: true` leaves one value along each. Of branches, `mean` is their `average`.
    Source: `torch.mean`; Lin et al. 2014 (arXiv:1312.4400), section 3.2.
    """

    kind: ClassVar[str] = "mean"

    def ops_for(self, taken: Quantity, made: Quantity) -> Quantity:
        return taken


@register
class Sum(Reduction):
    """The sum along `axes`, as `torch.sum`. Operations: one for each input value but the first.

    Shapes: the axes go, unless `keep: true` leaves one value along each. Of branches, `sum` is
    `add`.
    Source: `torch.sum`.
    """

    kind: ClassVar[str] = "sum"

    def taken(self, values: Quantity, made: Quantity) -> Taken:
        return Taken(0, Gradient.REPEATED)


class _Extreme(Reduction):
    integers: ClassVar[Integers] = Integers.KEPT
    saved: ClassVar[tuple[Saved, ...]] = (Saved.INPUT, Saved.OUTPUT)

    def taken(self, values: Quantity, made: Quantity) -> Taken:
        # Where the extremes are, how many there are, and the share of the gradient for each.
        where = Extra("mask", values, bytes_each=1)
        many = Extra("counts", made, bytes_each=8)
        return Taken(0, scratch=(where, many, made))


@register
class Max(_Extreme):
    """The largest along `axes`, as `torch.amax`. Operations: a comparison for each value but one.

    Shapes: (C, H, W) over axis 0 with `keep: true` -> (1, H, W), as in CBAM. The axes go, unless
    `keep: true` leaves one value along each. Of branches, `max` is their `maximum`.
    Source: `torch.amax`; Woo et al. 2018 (arXiv:1807.06521), section 3.
    """

    kind: ClassVar[str] = "max"


@register
class Min(_Extreme):
    """The smallest along `axes`, as `torch.amin`. Operations: a comparison for each value but one.

    Shapes: the axes go, unless `keep: true` leaves one value along each. Of branches, `min` is
    their `minimum`.
    Source: `torch.amin`.
    """

    kind: ClassVar[str] = "min"


@register
class LogSumExp(Reduction):
    """log(sum of exp(x)) along `axes`, as `torch.logsumexp`, which takes the largest out first.

    Shapes: the axes go, unless `keep: true` leaves one value along each. Operations: comparison,
    difference, exp and sum for each input value.
    Source: `torch.logsumexp`.
    """

    kind: ClassVar[str] = "logsumexp"
    saved: ClassVar[tuple[Saved, ...]] = (Saved.INPUT, Saved.OUTPUT)

    def ops_for(self, taken: Quantity, made: Quantity) -> Quantity:
        return 4 * taken

    def taken(self, values: Quantity, made: Quantity) -> Taken:
        return Taken(0, scratch=(values, values))  # the difference, and its exponential
