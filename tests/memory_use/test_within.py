"""What is alive within a layer at inference, against what torch has alive."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from archcalc import FeatureMap, analyze
from archcalc.layers import Layer
from archcalc.layers.convolution import Conv, ConvTranspose
from archcalc.layers.linear import Linear
from archcalc.memory_use.totals import peak_bytes
from archcalc.torch_backend.build import build
from archcalc.torch_backend.peak_memory import measured_inference
from tests.graphs import chain

CUT = partial(ConvTranspose, padding="same", weight_norm=True)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Conv(channels=5, kernel=3, weight_norm=True), FeatureMap(4, (7,))),
        (Conv(channels=5, kernel=2, padding="same", weight_norm=True), FeatureMap(4, (7,))),
        (Linear(features=6, weight_norm=True), FeatureMap(3)),
        # Fewer outputs than norms, which are gone before there is an output.
        (ConvTranspose(channels=1, kernel=1, weight_norm=True), FeatureMap(8, (1,))),
        # The weight is gone before the copy of what is left is made, and may be the larger one.
        (
            ConvTranspose(channels=1, kernel=2, padding="same", weight_norm=True),
            FeatureMap(9, (2,)),
        ),
        (
            ConvTranspose(channels=2, kernel=2, padding="same", weight_norm=True),
            FeatureMap(3, (9,)),
        ),
    ],
    ids=["conv", "padded", "linear", "norms", "weight", "copy"],
)
def test_a_normed_weight_is_there_while_it_is_used(
    layer: Layer, x: FeatureMap, batch: int, dtype: str
) -> None:
    network = chain(x, layer)
    twin = build(network).to(getattr(torch, dtype))
    images = partial(torch.rand, batch, *x.shape, dtype=getattr(torch, dtype))
    measured = measured_inference(twin, images)
    assert peak_bytes(analyze(network, batch=batch, dtype=dtype)) == measured.beyond
