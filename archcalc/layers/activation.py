"""Non-linearities that many networks use; more stand in `functions` and `composed_functions`.

All are pointwise. Operations count one for each addition, multiplication, comparison or elementary
function (exp, erf, tanh); the docstrings give the formula that is counted.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Saved, pointwise
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
from archcalc.record import replace


class Activation(Layer):
    """A function of each value alone.

    Class attributes:
        ops_each: arithmetic operations for each value.
        keeps: what torch keeps for the backward pass.
    """

    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT
    ops_each: ClassVar[int]
    keeps: ClassVar[Saved]

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=self.ops_each, saved=(self.keeps,))


@register
class ReLU(Activation):
    """max(x, 0). Shapes unchanged. Source: Nair & Hinton 2010."""

    kind: ClassVar[str] = "relu"
    in_place: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.GIVEN
    ops_each = 1
    keeps = Saved.OUTPUT


@register
class ReLU6(Activation):
    """min(max(x, 0), 6). Shapes unchanged. Source: Krizhevsky 2010, CIFAR-10 deep belief nets."""

    kind: ClassVar[str] = "relu6"
    in_place: ClassVar[bool] = True
    ops_each = 2
    keeps = Saved.INPUT


@register
class LeakyReLU(Activation):
    """x where positive, else slope x. Shapes unchanged. Source: Maas et al. 2013."""

    kind: ClassVar[str] = "leaky_relu"
    in_place: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.GIVEN
    ops_each = 2
    keeps = Saved.INPUT

    slope: float = 0.01


@register
class PReLU(Layer):
    """x where positive, else w x with a learned w: one in all, or one for each channel.

    Shapes unchanged. Weight (1) or (C). Source: He et al. 2015 (arXiv:1502.01852), eq. 1.
    """

    kind: ClassVar[str] = "prelu"
    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True

    per_channel: bool = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        learned = parameters(weight=(x.channels if self.per_channel else 1,))
        return pointwise(x, ops_each=2, saved=(Saved.INPUT,), state=learned)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs)
        weight = Taken("weight", Gradient.FITTED, always=True, viewed=True, by_view=True)
        return (replace(found, takes=(Taken(0, order=Order.GIVEN, always=True), weight)),)


@register
class ELU(Activation):
    """x where positive, else alpha (exp(x) - 1). Shapes unchanged.

    Source: Clevert et al. 2016 (arXiv:1511.07289), eq. 15.
    """

    kind: ClassVar[str] = "elu"
    in_place: ClassVar[bool] = True
    ops_each = 4
    keeps = Saved.INPUT

    alpha: float = 1.0


@register
class GELU(Activation):
    """0.5 x (1 + erf(x / sqrt 2)). Shapes unchanged.

    With `approximate: tanh` 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3))), x**3 as two
    products. Source: Hendrycks & Gimpel 2016 (arXiv:1606.08415), section 2.
    """

    kind: ClassVar[str] = "gelu"
    keeps = Saved.INPUT

    approximate: Literal["none", "tanh"] = "none"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        ops_each = 9 if self.approximate == "tanh" else 5
        return pointwise(x, ops_each=ops_each, saved=(self.keeps,))


@register
class SiLU(Activation):
    """x / (1 + exp(-x)), also called swish. Shapes unchanged.

    Source: Elfwing et al. 2018 (arXiv:1702.03118), eq. 6.
    """

    kind: ClassVar[str] = "silu"
    in_place: ClassVar[bool] = True
    ops_each = 4
    keeps = Saved.INPUT


@register
class Sigmoid(Activation):
    """1 / (1 + exp(-x)). Shapes unchanged. Source: the logistic function, Verhulst 1845."""

    kind: ClassVar[str] = "sigmoid"
    ops_each = 4
    keeps = Saved.OUTPUT


@register
class Tanh(Activation):
    """tanh(x). Shapes unchanged. Source: LeCun et al. 1998, appendix A."""

    kind: ClassVar[str] = "tanh"
    ops_each = 1
    keeps = Saved.OUTPUT


@register
class HardSwish(Activation):
    """x min(max(x + 3, 0), 6) / 6. Shapes unchanged.

    Source: Howard et al. 2019 (arXiv:1905.02244), section 5.2.
    """

    kind: ClassVar[str] = "hard_swish"
    in_place: ClassVar[bool] = True
    ops_each = 5
    keeps = Saved.INPUT


@register
class HardSigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6. Shapes unchanged.

    Source: Howard et al. 2019 (arXiv:1905.02244), section 5.2.
    """

    kind: ClassVar[str] = "hard_sigmoid"
    in_place: ClassVar[bool] = True
    ops_each = 4
    keeps = Saved.INPUT
