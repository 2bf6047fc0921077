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
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Kept, Operator, Taken
from archcalc.layers.state import Role, count, parameters, values_of
from archcalc.quantity.arithmetic import Quantity, largest
from archcalc.regions.reading import ChannelWindow
from archcalc.torch_spelling import Setting, Spelling, given, spell
from archcalc.window import Reach


class Cell(Layer):
    """One step of a recurrent network from a state of zeros, as `torch.nn.RNNCell`.

    Shapes: (C) -> (features). Weights (features, C) and (features, features), biases (features)
    twice. Operations: 2 for each unit for the biases, 1 for the sum, 1 for tanh.
    Source: Elman 1990, "Finding structure in time".
    """

    kind: ClassVar[str] = "cell"
    category: ClassVar[Category] = Category.LINEAR
    is_weight_layer: ClassVar[bool] = True

    features: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        _require_vector(x)
        require_positive(self.features, "output features")
        each = (self.features,)
        state = parameters(
            weight_ih=(self.features, x.channels),
            weight_hh=(self.features, self.features),
            bias_ih=each,
            bias_hh=each,
        )
        return Effect(
            output=FeatureMap(self.features),
            windows=Reach.ALL,
            state=state,
            macs=self.features * (x.channels + self.features),
            other_ops=4 * self.features,
            saved=(Saved.INPUT, Saved.OUTPUT, Extra("intermediate", self.features)),
            workspace=(Extra("intermediate", 3 * self.features),),
            storage=Storage.OWN,
        )

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        each = self.features
        held = ("hidden", "of hidden")
        return (
            Operator("zeros", (), each, makes="hidden"),
            linear("hidden", "weight_hh", "bias_hh", each, "of hidden", held[:1]),
            linear(0, "weight_ih", "bias_ih", each, "of input", held),
            Operator(
                "add",
                (Taken("of input", Gradient.SAME), Taken("of hidden", Gradient.SAME)),
                each,
                view=True,
                makes="sum",
                holds=held,
            ),
            Operator("tanh", (Taken("sum"),), each, (Kept(None),), holds=held),
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

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        out = self.features
        return (
            linear(0, "down", None, self.rank, "lowered"),
            linear("lowered", "up", "up_bias", out, "raised"),
            Operator("sigmoid", (Taken("raised"),), out, (Kept(None),), makes="gate"),
            linear(0, "value.weight", "value.bias", out, "value", ("gate",)),
            Operator(
                "mul",
                (Taken("gate"), Taken("value")),
                out,
                (Kept("gate", towards="value"), Kept("value", towards="gate")),
            ),
        )

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("features",)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Reach.ALL

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Linear(features=self.features, bias=False),)


def linear(
    x: int | str,
    weight: str,
    bias: str | None,
    features: Quantity,
    makes: str,
    holds: tuple[str, ...] = (),
) -> Operator:
    """A fully connected part of a kind."""
    biases = () if bias is None else (Taken(bias, Gradient.REDUCED),)
    takes = (Taken(x), Taken(weight, viewed=True, by_view=True), *biases)
    kept = (Kept(x, towards=weight), Kept(weight, towards=x))
    return Operator("linear", takes, features, kept, makes=makes, holds=holds)


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
    return Spelling("nn.RNNCell", arguments)


@spell.register
def _(layer: Gate, at: Setting) -> Spelling:
    arguments = (
        given("channels", at.x.channels, "in_features"),
        given("features", layer.features),
        given("rank", layer.rank),
    )
    return Spelling(f"{__name__}.GateModule", arguments)
