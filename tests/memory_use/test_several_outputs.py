"""Operators that put out several tensors, against torch."""

from __future__ import annotations

from typing import ClassVar

import pytest

from archcalc import FeatureMap
from archcalc.layers.convolution import Conv
from archcalc.layers.effect import Effect, Storage, without_parameters
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Kept, Made, Operator, Taken
from archcalc.testing.graphs import graph, node
from archcalc.testing.training import check_step
from archcalc.torch_spelling import Setting, Spelling, spell
from archcalc.window import Reach

USED = {"both": "torch.mul(*{0}.chunk(2, 1))", "second": "{0}.chunk(2, 1)[1].tanh()"}


class Halves(Layer):
    """The product of two halves of the channels, or a function of the second."""

    kind: ClassVar[str] = "halves"
    category: ClassVar[Category] = Category.RESHAPING

    used: str

    def effect_on(self, x: FeatureMap, /) -> Effect:
        output = FeatureMap(x.channels // 2, x.sizes)
        return without_parameters(output, Reach.SAME, storage=Storage.OWN)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        values = effect.output.values
        also = (Made("second", values),)
        halves = Operator("chunk", (Taken(0),), values, view=True, makes="first", also=also)
        if self.used == "second":
            tanh = Operator("tanh", (Taken("second"),), values, kept=(Kept(None),))
            return halves, tanh
        kept = (Kept("second", towards="first"), Kept("first", towards="second"))
        return halves, Operator("mul", (Taken("first"), Taken("second")), values, kept=kept)


@spell.register
def _(layer: Halves, at: Setting) -> Spelling:
    return Spelling(None, call=USED[layer.used])


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("used", USED)
def test_a_split_runs_backward_once_with_zeros_for_what_has_no_gradient(
    used: str, batch: int
) -> None:
    nodes = [
        node("before", Conv(channels=4, kernel=1)),
        node("halves", Halves(used=used), "before"),
        node("behind", Conv(channels=3, kernel=1), "halves"),
    ]
    check_step(graph(FeatureMap(3, (5,)), nodes), batch)
