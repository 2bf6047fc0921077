"""Layers in their places: what their rules answer is asked once of those that are alike."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from archcalc.errors import LayerError, Place, Source
from archcalc.expanding.placed import Effects
from archcalc.feature_map import FeatureMap
from archcalc.graph import Node
from archcalc.layers import Layer
from archcalc.layers.convolution import Conv
from archcalc.layers.linear import Linear
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.integer_array import IntegerArray
from archcalc.walk import analyze

X = FeatureMap(3, (8, 8))


def node(name: str, layer: Layer) -> Node:
    return Node(name, layer, ("input",), None, None, False, Place(Source("spec", ""), 1, 1))


def test_layers_alike_have_one_effect() -> None:
    effects = Effects()
    first = effects.of(node("a", Conv(channels=4, kernel=3)), [X], None)
    assert effects.of(node("b", Conv(channels=4, kernel=3)), [FeatureMap(3, (8, 8))], None) is first
    assert effects.of(node("c", Conv(channels=4, kernel=1)), [X], None) is not first
    assert effects.of(node("d", Conv(channels=4, kernel=3)), [FeatureMap(3, (9, 8))], None) != first


def test_what_is_refused_is_refused_each_time() -> None:
    effects = Effects()
    for _ in range(2):
        with pytest.raises(LayerError):
            effects.of(node("a", Conv(channels=4, kernel=9)), [X], None)


def test_of_arrays_each_layer_is_asked() -> None:
    features = cast(Quantity, IntegerArray(np.array([3, 4])))
    effects, x = Effects(), FeatureMap(features)
    found = effects.of(node("a", Linear(features=2)), [x], None)
    again = effects.of(node("b", Linear(features=2)), [x], None)
    assert again == found
    assert again is not found


def test_the_walk_asks_once_of_the_blocks_of_a_stage() -> None:
    layers = analyze("resnet34")
    assert layers["layer1.1.conv1"].effect is layers["layer1.2.conv1"].effect
