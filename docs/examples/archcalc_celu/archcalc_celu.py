"""A layer kind for archcalc, from another package: its rule, its facts, and how torch writes it."""

from __future__ import annotations

from typing import ClassVar

from archcalc import FeatureMap, LayerError, register
from archcalc.layers import Category, Effect, Layer, Order, Saved, pointwise
from archcalc.torch_spelling import Setting, Spelling, named, spell


@register
class CELU(Layer):
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0). Shapes unchanged.

    Source: Barron 2017 (arXiv:1704.07483), eq. 2.
    """

    kind: ClassVar[str] = "celu"
    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True
    in_place: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    alpha: float = 1.0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if self.alpha == 0:
            raise LayerError("alpha (=0) is a divisor")
        return pointwise(x, ops_each=7, saved=(Saved.INPUT,))


@spell.register
def _(layer: CELU, at: Setting) -> Spelling:
    return Spelling("nn.CELU", (named("alpha", layer.alpha, 1.0),))
