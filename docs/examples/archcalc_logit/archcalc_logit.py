"""A layer kind for archcalc, from another package: its rule, its facts, and how torch writes it."""

from __future__ import annotations

from typing import ClassVar

from archcalc import FeatureMap, LayerError, register
from archcalc.layers import Category, Effect, Layer, Order, Saved, pointwise
from archcalc.torch_spelling import Setting, Spelling, in_call, spell


@register
class Logit(Layer):
    """log(z / (1 - z)) with z = min(max(x, eps), 1 - eps). Shapes unchanged.

    Source: Berkson 1944, Application of the logistic function to bio-assay.
    """

    kind: ClassVar[str] = "logit"
    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    eps: float = 1e-6

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if self.eps == 0:
            raise LayerError("eps (=0) lets infinite values pass")
        return pointwise(x, ops_each=5, saved=(Saved.INPUT,))


@spell.register
def _(layer: Logit, at: Setting) -> Spelling:
    return Spelling(None, (in_call("eps", layer.eps),), "torch.logit({0}, {eps})")
