"""Conventions of tables and files, beside what these print."""

from __future__ import annotations

import pytest

from archcalc import analyze, conventions
from archcalc.claims.printed import Verdict, parse_printed

PRINTED = (
    # Keras 3's applications, `count_params`: https://keras.io/api/applications
    ("keras", "vgg16", "138357544"),
    ("keras", "mobilenet_v1", "4253864"),
    ("keras", "densenet121", "8062504"),
    # The README of convnet-burden.
    ("convnet_burden", "caffenet", "728M"),  # at 227 pixels; its table has 727M of AlexNet there
    ("convnet_burden", "squeezenet1_0", "837M"),
    ("convnet_burden", "vgg16", "16G"),
    ("convnet_burden", "mobilenet_v1", "579M"),
    # The model zoo of pycls: flops (B) and acts (M).
    ("pycls", "regnet_x_1_6gf", "1.6G"),
    ("pycls_acts", "regnet_x_1_6gf", "7.9M"),
    # torchvision 0.28: `_ops` of the weights, in 10^9.
    ("torchvision", "resnet50", "4.089G"),
    ("torchvision", "vit_b_16", "17.564G"),
)


@pytest.mark.parametrize(("convention", "network", "printed"), PRINTED)
def test_totals_are_those_that_are_printed(convention: str, network: str, printed: str) -> None:
    total = conventions(network)[convention]
    assert parse_printed(printed).verdict(total) in (Verdict.AGREES, Verdict.TRUNCATED)


def test_a_caffemodel_has_little_beside_its_blobs() -> None:
    """VGG_ILSVRC_16_layers.caffemodel has 553,432,081 bytes."""
    assert 0 < 553_432_081 - conventions("vgg16")["caffe"] < 4096


def test_layers_add_up() -> None:
    found = conventions("mobilenet_v2")
    from archcalc.other_tools import CONVENTIONS

    for name, total in found.parts.items():
        layers = CONVENTIONS[name].by_layer(analyze("mobilenet_v2"))
        assert sum(layers.values()) == total
