"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Saved, Storage, Towards
from archcalc.layers.layer import Category, Layer, require_positive
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Order,
    Taken,
    on_a_copy,
)
from archcalc.layers.registry import register
from archcalc.layers.state import parameters
from archcalc.layers.weight_norm import normed, on_normed_weight
from archcalc.quantity.arithmetic import Quantity, certainly_one
from archcalc.record import replace
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows

_OfTensor = TypeVar("_OfTensor", Taken, Kept)


@register
class Linear(Layer):
    """Fully connected layer, y = W x + b, as `torch.nn.Linear`.

    Shapes: (C) -> (features); on a map it acts on the last axis: (…, n) -> (…, features).
    Weight (features, C or n), bias (features).
    MACs: features x values of the input.
    `transposed: true` keeps the weight as (C or n, features), y = W^T x + b: as GPT-2's published
    weights have it, or where it is the `weights` of a linear layer the other way, in a decoder.
    `weight_norm: true` makes the weight of lengths and directions (`archcalc.layers.weight_norm`).
    Source: Rumelhart et al. 1986; LeCun et al. 1998, layer F6.
    """

    kind: ClassVar[str] = "linear"
    category: ClassVar[Category] = Category.LINEAR
    is_weight_layer: ClassVar[bool] = True
    in_lecture_total: ClassVar[bool] = True
    keeps_for_weights: ClassVar[bool] = True
    weight_is: ClassVar[str] = "matrix"

    features: Quantity
    bias: bool = True
    weight_norm: bool = False
    transposed: bool = False

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_positive(self.features, "output features")
        if self.transposed and self.weight_norm:
            raise LayerError("weight_norm of a weight that is transposed")
        channels, *sizes = (*x.shape[:-1], self.features)
        output = FeatureMap(channels, tuple(sizes))
        bias = (self.features,) if self.bias else None
        weight = (self.features, x.shape[-1])
        windows: Windows = (Reach.SAME,) * (len(x.sizes) - 1) + (Reach.ALL,)
        effect = Effect(
            output=output,
            windows=windows if x.sizes else Reach.ALL,
            state=parameters(weight=weight[::-1] if self.transposed else weight, bias=bias),
            macs=self.features * x.values,
            other_ops=output.values if self.bias else 0,
            saved=(Saved.INPUT,),
            workspace=(),
            storage=Storage.OWN,
        )
        return normed(effect, Towards.INPUTS) if self.weight_norm else effect

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        if self.weight_norm:
            return on_normed_weight(self, inputs, at, first=True)
        (found,) = super().operators(effect, *inputs)
        kept = (Kept(0, towards="weight"), Kept("weight", towards=0))
        on_map = bool(inputs[0].sizes)
        *leading, _ = effect.output.shape
        bias = [Taken("bias", Gradient.REDUCED, viewed=True)] if self.bias else []
        weight = Taken("weight", viewed=True, by_view=True)
        takes = (Taken(0, viewed=on_map, by_view=on_map), weight, *bias)
        several = sum([not certainly_one(n) for n in leading])
        merges = several if on_map else 0
        found = replace(found, takes=takes, kept=kept, merges=merges)
        products: tuple[Operator, ...] = (found,)
        if at.behind_gaps and on_map:
            # A product of matrices, to which the bias is added. Of a matrix that lies with its
            # columns one behind the other torch makes a gradient that lies so too
            # (`mm_mat1_backward`, torch/csrc/autograd/FunctionsManual.cpp).
            matrix = takes[0]._replace(order=Order.OWN if at.copied else Order.GIVEN)
            makes = "product" if self.bias else ""
            takes = (matrix, weight._replace(by_view=False))
            multiplied = replace(found, takes=takes, makes=makes)
            takes = (Taken("product", Gradient.SAME), Taken("bias", viewed=True))
            products = on_a_copy(multiplied, at.copied) if at.copied else (multiplied,)
            # Which it turns before that.
            products = _on_turned_weight(effect.weights, products, "matrix")
            products += (Operator("add_bias", takes, found.values),) * self.bias
        return _on_turned_weight(effect.weights, products) if self.transposed else products

    @property
    def weight_form(self) -> object:
        return (Linear, self.transposed)

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return () if x.sizes else ("features",)  # of a map they are a size

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.SAME if x.sizes else Reach.ALL


def _on_turned_weight(
    values: Quantity, operators: Sequence[Operator], name: str = "turned"
) -> tuple[Operator, ...]:
    """The same on a view of the weight, called so: autocast keeps its casts of the weight alone."""
    turned = Operator(
        "t",
        (Taken("weight", Gradient.SAME, viewed=True, by_view=True),),
        values,
        view=True,
        per_image=False,
        makes=name,
    )

    return (
        turned,
        *[
            replace(
                one,
                takes=tuple([_instead(name, taken) for taken in one.takes]),
                kept=tuple([_instead(name, kept) for kept in one.kept]),
            )
            for one in operators
        ],
    )


def _instead(name: str, tensor: _OfTensor) -> _OfTensor:
    return tensor._replace(tensor=name) if tensor.tensor == "weight" else tensor
