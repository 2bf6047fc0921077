"""Layer kinds with several parameters: a cell of a recurrent layer, and a gate made of parts."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archcalc import FeatureMap, LayerError
from archcalc.layers import Category, Effect, Extra, Layer, Saved, Storage
from archcalc.layers.layer import require_positive
from archcalc.layers.linear import Linear
from archcalc.layers.state import Role, count, parameters, values_of
from archcalc.quantity.arithmetic import Quantity, largest
from archcalc.regions.reading import ChannelWindow
from archcalc.torch_spelling import Setting, Spelling, given, spell
from archcalc.window import Reach


class Cell(Layer):
    """One step of a gated recurrent unit from a state of zeros, as `torch.nn.GRUCell`.

    Shapes: (C) -> (features). Weights (3 features, C) and (3 features, features), biases
    (3 features) twice.
    Operations: 6 for each unit for the biases, 5 for each of two gates, 6 for the rest.
    Source: Cho et al. 2014 (arXiv:1406.1078), section 2.3.
    """

    kind: ClassVar[str] = "cell"
    category: ClassVar[Category] = Category.LINEAR
    is_weight_layer: ClassVar[bool] = True

    features: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        _require_vector(x)
        require_positive(self.features, "output features")
        gates = 3 * self.features
        state = parameters(
            weight_ih=(gates, x.channels),
            weight_hh=(gates, self.features),
            bias_ih=(gates,),
            bias_hh=(gates,),
        )
        return Effect(
            output=FeatureMap(self.features),
            windows=Reach.ALL,
            state=state,
            macs=gates * (x.channels + self.features),
            other_ops=22 * self.features,
            saved=(Saved.INPUT, Extra("intermediate", 7 * self.features)),
            workspace=(Extra("intermediate", 8 * self.features),),
            storage=Storage.OWN,
        )

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("features",)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Linear(features=self.features, bias=False),)


class Gate(Layer):
    """sigmoid(U D x + b) (V x + c): a value and its gate, which goes through `rank` features.

    Shapes: (C) -> (features). Weights D (rank, C), U (features, rank), V (features, C), biases
    (features) twice. A count of batches is kept.
    """

    kind: ClassVar[str] = "gate"
    category: ClassVar[Category] = Category.LINEAR
    is_weight_layer: ClassVar[bool] = True

    features: Quantity
    rank: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        _require_vector(x)
        require_positive(self.features, "output features")
        require_positive(self.rank, "features on the way")
        out = self.features
        state = parameters(
            down=(self.rank, x.channels),
            up=(out, self.rank),
            up_bias=(out,),
            **{"value.weight": (out, x.channels), "value.bias": (out,)},
        )
        return Effect(
            output=FeatureMap(out),
            windows=Reach.ALL,
            state=(*state, *count("batches")),
            macs=values_of(state, Role.WEIGHT),
            other_ops=7 * out,
            saved=(Saved.INPUT, Extra("intermediate", self.rank + 2 * out)),
            workspace=(Extra("intermediate", largest(2 * out, self.rank)),),
            storage=Storage.OWN,
        )

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("features",)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Linear(features=self.features, bias=False),)


def _require_vector(x: FeatureMap) -> None:
    if x.sizes:
        raise LayerError("takes a vector")


class GateModule(nn.Module):
    """As `Gate`; its value is a module in the module."""

    batches: Tensor

    def __init__(self, channels: int, features: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, channels))
        self.up = nn.Parameter(torch.randn(features, rank))
        self.up_bias = nn.Parameter(torch.randn(features))
        self.value = nn.Linear(channels, features)
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        gate = F.linear(F.linear(x, self.down), self.up, self.up_bias).sigmoid()
        value: Tensor = self.value(x)
        return gate * value


@spell.register
def _(layer: Cell, at: Setting) -> Spelling:
    arguments = (
        given("input_size", at.x.channels, "in_features"),
        given("hidden_size", layer.features, "features"),
    )
    return Spelling("nn.GRUCell", arguments)


@spell.register
def _(layer: Gate, at: Setting) -> Spelling:
    arguments = (
        given("channels", at.x.channels, "in_features"),
        given("features", layer.features),
        given("rank", layer.rank),
    )
    return Spelling(f"{__name__}.GateModule", arguments)
