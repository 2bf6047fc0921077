"""Tables from which rows are read, each by its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Saved, Storage
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Category, Layer, require_positive
from archcalc.layers.operator import USUAL, Circumstances, Kept, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
from archcalc.quantity.arithmetic import Quantity, smallest
from archcalc.regions.patches import Patch
from archcalc.window import Reach, Windows


@register
class Embedding(Layer):
    """A learned row of a table for each integer, as `torch.nn.Embedding`.

    Shapes: integers (L) below `rows` -> (L, features), likewise of more axes.
    Weight (rows, features). No arithmetic: rows are copied.
    Source: Bengio et al. 2003, "A Neural Probabilistic Language Model", section 2.
    """

    kind: ClassVar[str] = "embedding"
    category: ClassVar[Category] = Category.LINEAR
    integers: ClassVar[Integers] = Integers.TAKEN
    moves_axes: ClassVar[bool] = True
    weight_is: ClassVar[str] = "matrix"

    rows: Quantity
    features: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if x.dtype is None:
            raise LayerError("takes integers, such as tokens: an input with `dtype: int64`")
        require_positive(self.rows, "rows")
        require_positive(self.features, "features")
        return Effect(
            output=FeatureMap(x.channels, (*x.sizes, self.features)),
            windows=Reach.SAME,
            state=parameters(weight=(self.rows, self.features)),
            macs=0,
            other_ops=0,
            saved=(Saved.INPUT,),
            workspace=(),
            storage=Storage.OWN,
        )

    def params_read(self, effect: Effect, batch: Quantity) -> Quantity:
        return smallest(effect.weights, batch * effect.output.values)

    def indices_below(self) -> int | None:
        return self.rows if isinstance(self.rows, int) else None

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        takes = (Taken("weight"), Taken(0))
        return (Operator("embedding", takes, effect.output.values, kept=(Kept(0),)),)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        return (*range(inputs[number].rank), None)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        if all(patch.positions):
            yield 0, Patch(patch.channels, patch.positions[:-1])

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ()
