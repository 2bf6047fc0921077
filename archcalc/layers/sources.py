"""Layers without an input: what they put out is learned, or constant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import MOST_AXES, FeatureMap
from archcalc.layers.effect import Effect, Storage
from archcalc.layers.layer import ANY_WEIGHT, Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import Shape, buffers, parameters
from archcalc.quantity.arithmetic import require_at_least, require_equal
from archcalc.regions.patches import Patch
from archcalc.window import Reach, Windows


@register
class Parameter(Layer):
    """A tensor that is learned, or constant where `learned: false`: the same for all images.

    A class token, a table of positions, a scale, a bias. Its output has the shape that it is given,
    and takes no memory beside the parameter: torch has a view of it, (1, *shape). With the
    `weights` of another layer it is the weight of that one, for layers such as `slice` to take a
    part of, and `matmul` to multiply by that.
    With `hides_later: true`, beside `learned: false`, it is what is added to scores (…, n, n) of
    positions for each other, to hide later ones: minus infinity where the second is after the
    first, else 0.
    Source: `torch.nn.Parameter`; of the mask Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.3.
    """

    kind: ClassVar[str] = "parameter"
    category: ClassVar[Category] = Category.RESHAPING
    is_source: ClassVar[bool] = True
    weight_is: ClassVar[str] = ANY_WEIGHT

    shape: Shape
    learned: bool = True
    hides_later: bool = False

    def effect_on(self, /) -> Effect:  # type: ignore[override]  # a source has no input
        if not 1 <= len(self.shape) <= MOST_AXES:
            raise LayerError(f"a shape of {len(self.shape)} numbers; 1 to {MOST_AXES} work")
        for size in self.shape:
            require_at_least(size, 1, "a size of {}", size)
        if self.hides_later:
            if self.learned or len(self.shape) < 2:
                raise LayerError("hides_later: for `learned: false`, and two axes or more")
            rows, columns = self.shape[-2:]
            require_equal(rows, columns, "hides_later: {} positions for {} others", rows, columns)
        state = parameters(weight=self.shape) if self.learned else buffers(weight=self.shape)
        return Effect(
            output=FeatureMap(self.shape[0], self.shape[1:]),
            windows=Reach.SAME,
            state=state,
            macs=0,
            other_ops=0,
            saved=(),
            workspace=(),
            storage=Storage.SHARED,
        )

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        return iter(())

    def probe(self, /, *inputs: FeatureMap) -> tuple[Layer, ...]:
        return (self,)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        seen = Taken("weight", Gradient.SAME, viewed=True)
        return (Operator("view", (seen,), effect.output.values, view=True),)
