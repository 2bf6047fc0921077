"""The product of two activations, as matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.broadcasting import broadcast
from archcalc.layers.effect import Effect, Operands, Storage
from archcalc.layers.join import Join
from archcalc.layers.layer import Category, Layer
from archcalc.layers.moves import Moved
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
from archcalc.layers.strides import Strides, strides_after
from archcalc.quantity.arithmetic import Quantity, certainly_one, product, require_equal
from archcalc.record import replace
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows


@register
class Matmul(Join):
    """The matrix product of two inputs along their last two axes, as `torch.matmul`.

    Shapes: (…, n, k) and (…, k, m) -> (…, n, m); with `transposed: true` the second is (…, m, k),
    as of scores Q K^T. The axes in front, such as heads, are alike in both, or 1 in one of them.
    MACs: n k m for each pair of matrices.
    Source: Vaswani et al. 2017 (arXiv:1706.03762), eq. 1; Wang et al. 2018 (arXiv:1711.07971).
    """

    kind: ClassVar[str] = "matmul"
    category: ClassVar[Category] = Category.ATTENTION
    reshapes_inputs: ClassVar[bool] = True
    sign: ClassVar[str] = "·"

    transposed: bool = False

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        leading, (rows, summed, columns) = self._sizes(x, others)
        shape = (*leading, rows, columns)
        return Effect(
            output=FeatureMap(shape[0], shape[1:]),
            windows=(*[Reach.SAME] * (len(leading) - 1), *[Reach.ALL] * min(x.rank - 1, 2)),
            state=(),
            macs=product((*shape, summed)),
            other_ops=0,
            saved=(Operands((0, 1), ()),),
            workspace=(),
            storage=Storage.OWN,
        )

    def _sizes(
        self, x: FeatureMap, others: Sequence[FeatureMap]
    ) -> tuple[tuple[Quantity, ...], tuple[Quantity, Quantity, Quantity]]:
        """The axes in front of the matrices; n, k and m."""
        if len(others) != 1:
            raise LayerError(f"takes two inputs, and {1 + len(others)} are given")
        (other,) = others
        if x.rank < 2 or other.rank != x.rank:
            raise LayerError(
                f"takes two inputs of as many axes, at least two; {x} has {x.rank} and "
                f"{other} has {other.rank}"
            )
        summed, columns = self._matrix(other)
        require_equal(x.shape[-1], summed, "rows of {} by columns of {}", x.shape[-1], summed)
        leading: tuple[Quantity, ...] = ()
        if x.rank > 2:
            leading = broadcast([FeatureMap(y.shape[0], y.shape[1:-2]) for y in (x, other)]).shape
        return leading, (x.shape[-2], summed, columns)

    def _matrix(self, other: FeatureMap) -> tuple[Quantity, Quantity]:
        """k and m of the second input."""
        *_, rows, columns = other.shape
        return (columns, rows) if self.transposed else (rows, columns)

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        x, other = maps
        yield x.shape[-1], self._matrix(other)[0]
        for m, n in zip(x.shape[:-2], other.shape[:-2], strict=True):
            if not (certainly_one(m) or certainly_one(n)):
                yield m, n

    def cached_values(self, effect: Effect, *inputs: FeatureMap) -> Quantity:
        return inputs[1].values  # keys, or the values that their weights are for

    # ----- what torch runs -----

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        return sum(learning) * effect.macs

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # Of plain matrices, torch makes a product with one that is learned by yet other ways.
        spread = at.several_images and any(number in at.once for number in at.learning)
        return inputs[0].rank > 2 or not spread or len(at.once) == 2

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        leading = effect.output.shape[:-2]
        found: list[Operator] = []
        factors: list[Tensor] = [0, 1]
        if self.transposed:
            turned = Taken(
                1, Gradient.SAME, Order.CHANGED, viewed=True, by_view=True,
                turn=_swapped(inputs[1]).turn,
            )  # fmt: skip
            found.append(Operator("transpose", (turned,), inputs[1].values, view=True, makes="t"))
            factors[1] = "t"
        within = len(found)
        for number, x in enumerate(inputs):
            copied = number in at.copied_inputs
            spread = at.several_images and len(at.once) == 1 and number in at.once
            if copied or spread or x.shape[:-2] != leading:
                # Of what is the same for several matrices a view, or a copy for each of them.
                values = product((*leading, *x.shape[-2:]))
                makes, one = f"factor{number}", Taken(factors[number], Gradient.SAME)
                found.append(Operator("", (one,), values, view=not copied, makes=makes))
                factors[number] = makes
        first, second = factors
        takes = tuple([Taken(tensor, viewed=True, by_view=True) for tensor in factors])
        kept = (Kept(first, towards=second), Kept(second, towards=first))
        merged = sum([not certainly_one(n) for n in leading])
        found.append(Operator("", takes, effect.output.values, kept, merges=merged))
        names = ["matmul", *["within_matmul"] * len(found)]
        for number, name in enumerate(names[: len(found) - within], within):
            found[number] = replace(found[number], name=name)
        return tuple(found)

    def copied_inputs(
        self, shapes: Sequence[tuple[int, ...]], strides: Sequence[Strides]
    ) -> Iterator[tuple[int, int]]:
        front = [max(sizes) for sizes in zip(*[shape[:-2] for shape in shapes], strict=True)]
        for number, (shape, apart) in enumerate(zip(shapes, strides, strict=True)):
            lying = [
                0 if n == 1 < m else step for n, m, step in zip(shape, front, apart, strict=False)
            ]
            own, steps = (*front, *shape[-2:]), (*lying, *apart[-2:])
            if number == 1 and self.transposed:
                own, steps = _last_swapped(own), _last_swapped(steps)
            if strides_after(own, steps, (product(front), *own[-2:])) is None:
                yield number, product(own)

    # ----- what its units see -----

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        found: list[ChannelWindow] = [Reach.SAME] * inputs[number].rank
        found[self._summed_axis(number)] = Reach.ALL
        return tuple(found)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        *leading, rows, columns = range(output.rank)
        if number == 0:
            return (*leading, rows, None)
        return (*leading, None, rows if self.transposed else columns)

    def _summed_axis(self, number: int) -> int:
        return -2 if number == 1 and not self.transposed else -1

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if x.rank > 2 else Reach.ALL

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        *leading, rows, columns = (patch.channels, *patch.positions)
        for number, x in enumerate(inputs):
            sets = [
                1 if n == 1 and bits else bits
                for n, bits in zip(x.shape[:-2], leading, strict=True)
            ]
            sets += [rows if number == 0 else columns] * 2
            sets[self._summed_axis(number)] = full(x.shape[self._summed_axis(number)])
            yield number, Patch(sets[0], tuple(sets[1:]))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Multiplied(transposed=self.transposed),)


class Multiplied(Matmul):
    """What a product of matrices sees, linearly: `archcalc.torch_backend.token_modules`."""


def _swapped(x: FeatureMap) -> Moved:
    """The last two axes in each other's places."""
    *leading, rows, columns = range(1, x.rank + 1)
    order = [(n,) for n in (0, *leading, columns, rows)]
    return Moved(((1,), *[(n,) for n in x.shape]), tuple(order))


def _last_swapped(axes: Sequence[int]) -> tuple[int, ...]:
    *leading, rows, columns = axes
    return (*leading, columns, rows)
