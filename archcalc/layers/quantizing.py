"""Values as integers of one byte, and back again."""

from __future__ import annotations

from typing import ClassVar, Literal

from archcalc.errors import LayerError
from archcalc.feature_map import INTEGERS, FeatureMap
from archcalc.layers.effect import Effect, Extra, pointwise
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.state import State, buffers, indices
from archcalc.record import replace


class _Quantizing(Layer):
    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True

    @property
    def _state(self) -> State:
        """What calibration finds, one value each: the float that 1 stands for, and 0's integer."""
        return (*buffers(scale=()), *indices(zero_point=()))


@register
class Quantize(_Quantizing):
    """round(x / scale) + zero_point, within what `dtype` can hold: integers from there on.

    Shapes unchanged; each value takes the one byte of `dtype`, and so does what layers make of it
    that move values, until `dequantize`. Layers that compute take no integers, as in ONNX: what an
    int8 convolution is there stands between a `dequantize` and a `quantize`, with its weights in
    the dtype of the network. No gradient goes back.
    Buffers: scale, and zero_point, int64, for all values of a map (per tensor). Operations: the
    quotient, its rounding, a sum and two comparisons for each value. The quotient lies beside the
    output, as where torch computes it step by step, and no fused kernel does.
    Source: Jacob et al. 2018 (arXiv:1712.05877), eq. 1; ONNX QuantizeLinear.
    """

    kind: ClassVar[str] = "quantize"
    integers: ClassVar[Integers] = Integers.MADE

    dtype: Literal["int8", "uint8"] = "int8"

    def effect_on(self, x: FeatureMap, /) -> Effect:
        quotient = Extra("intermediate", x.values)
        output = replace(x, dtype=self.dtype)
        return pointwise(
            x, ops_each=5, saved=(), state=self._state, workspace=(quotient,), output=output
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        values = effect.output.values
        made = INTEGERS[self.dtype]
        return (
            Operator("div", (Taken(0, Gradient.NONE),), values, makes="quotient"),
            Operator("to", (Taken("quotient"),), values, integer_bytes=made),
        )


@register
class Dequantize(_Quantizing):
    """(x - zero_point) scale: what integers stand for. Shapes unchanged.

    Buffers: scale, and zero_point, int64. Operations: a difference and a product for each value.
    Source: Jacob et al. 2018 (arXiv:1712.05877), eq. 1; ONNX DequantizeLinear.
    """

    kind: ClassVar[str] = "dequantize"
    integers: ClassVar[Integers] = Integers.TAKEN

    def effect_on(self, x: FeatureMap, /) -> Effect:
        if x.dtype not in ("int8", "uint8"):
            raise LayerError("takes what `quantize` makes, or an input of int8 or uint8")
        output = replace(x, dtype=None)
        return pointwise(x, ops_each=2, saved=(), state=self._state, output=output)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        return (Operator("to", (Taken(0), Taken("scale")), effect.output.values),)
