"""The bilinear form of two inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Extra, Operands, Saved, Storage
from archcalc.layers.join import Join
from archcalc.layers.layer import Layer, require_positive
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Taken,
    Tensor,
)
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
from archcalc.layers.strides import Strides, strides_after
from archcalc.quantity.arithmetic import Quantity, certainly_one, product, require_equal
from archcalc.regions.bits import full
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows

_MESSAGE = "inputs of {} and {} do not match before their last axes"


@register
class Bilinear(Join):
    """y_k = x1^T A_k x2 + b_k of two inputs along their last axes, as `torch.nn.Bilinear`.

    Shapes: (…, n) and (…, m) -> (…, features), alike along the axes in front.
    Weight (features, n, m), bias (features).
    MACs, for each position and feature: n m for x1^T A_k, and m for the product of that with x2,
    as torch's kernel multiplies them. (FlopCounterMode counts none of them.)
    Source: Tenenbaum & Freeman 2000, "Separating style and content with bilinear models", eq. 1.
    """

    kind: ClassVar[str] = "bilinear"
    spreads: ClassVar[bool] = False
    reshapes_inputs: ClassVar[bool] = True
    is_weight_layer: ClassVar[bool] = True
    in_lecture_total: ClassVar[bool] = True

    features: Quantity
    bias: bool = True

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        if len(others) != 1:
            raise LayerError(f"takes two inputs, and {1 + len(others)} are given")
        (other,) = others
        require_positive(self.features, "output features")
        if other.rank != x.rank:
            raise LayerError(_MESSAGE.format(x, other))
        for size, same in self.alike((x, other)):
            require_equal(size, same, _MESSAGE, x, other)
        *front, n = x.shape
        m = other.shape[-1]
        shape = (*front, self.features)
        output = FeatureMap(shape[0], shape[1:])
        windows: Windows = (Reach.SAME,) * (len(x.sizes) - 1) + (Reach.ALL,)
        return Effect(
            output=output,
            windows=windows if x.sizes else Reach.ALL,
            state=parameters(
                weight=(self.features, n, m), bias=(self.features,) if self.bias else None
            ),
            macs=output.values * (m * (n + 1)),
            other_ops=output.values if self.bias else 0,
            saved=(Operands((0, 1), ()), Saved.INPUT_FOR_WEIGHTS),
            workspace=(Extra("intermediate", output.values),) if self.bias else (),
            storage=Storage.OWN,
        )

    def alike(self, maps: Sequence[FeatureMap]) -> Iterator[tuple[Quantity, Quantity]]:
        x, other = maps
        yield from zip(x.shape[:-1], other.shape[:-1], strict=True)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return () if x.sizes else ("features",)  # of a map they are a size

    # ----- what torch runs -----

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        y = effect.output
        on_map = bool(y.sizes)
        found: list[Operator] = []
        factors: list[Tensor] = [0, 1]
        for number in at.copied_inputs:
            factors[number] = makes = f"factor{number}"
            taken = Taken(number, Gradient.SAME)
            found.append(Operator("", (taken,), inputs[number].values, makes=makes))
        first, second = factors
        takes = (
            Taken(first, viewed=True, by_view=True),
            Taken("weight"),
            Taken(second, viewed=True, by_view=True),
        )
        kept = [Kept(one, other.tensor) for one in (first, second, "weight") for other in takes
                if other.tensor != one]  # fmt: skip
        form = Operator(
            self.kind,
            takes,
            y.values,
            tuple(kept),
            reshapes=on_map,
            merges=sum([not certainly_one(size) for size in y.shape[:-1]]),
            makes="form" if self.bias else "",
        )
        found.append(form)
        if self.bias:
            biased = (Taken("form", Gradient.SAME), Taken("bias", Gradient.REDUCED, viewed=True))
            found.append(Operator("add", biased, y.values, holds=("form",)))
        return tuple(found)

    def copied_inputs(
        self, shapes: Sequence[tuple[int, ...]], strides: Sequence[Strides]
    ) -> Iterator[tuple[int, int]]:
        for number, (shape, apart) in enumerate(zip(shapes, strides, strict=True)):
            if strides_after(shape, apart, (product(shape[:-1]), shape[-1])) is None:
                yield number, product(shape)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        # torch refuses inputs of another type than the weight, as autocast has them; what is there
        # once is copied, or not, by its shape.
        return dtype != "mixed" and (not at.several_images or len(at.once) != 1)

    def macs_of_weights(self, effect: Effect, inputs: Sequence[FeatureMap]) -> Quantity:
        n, m = (x.shape[-1] for x in inputs)
        return effect.output.values * (n * (m + 1))

    def macs_backward(
        self, effect: Effect, inputs: Sequence[FeatureMap], learning: Sequence[bool]
    ) -> Quantity:
        n, m = (x.shape[-1] for x in inputs)
        of_first = 2 * n * m  # the gradient times A_k, and that with x2
        return effect.output.values * (learning[0] * of_first + learning[1] * (m * (n + 1)))

    # ----- what its units see -----

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if x.sizes else Reach.ALL

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        sets = [patch.channels, *patch.positions]
        for number, x in enumerate(inputs):
            own = [*sets[:-1], full(x.shape[-1]) if all(sets) else 0]
            yield number, Patch(own[0], tuple(own[1:]))

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (SeenByForm(features=self.features),)


class SeenByForm(Bilinear):
    """What a bilinear form sees, linearly: all features of its position in both inputs."""
