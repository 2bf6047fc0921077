"""Networks side by side."""

from __future__ import annotations

import pytest

from archcalc import UsageError, analyze
from archcalc.comparing.compare import contrast
from archcalc.comparing.stages import stride_text


def test_networks_stand_side_by_side_by_resolution() -> None:
    found = contrast([analyze("vgg16"), analyze("resnet50")])
    assert found.labels == ("vgg16", "resnet50")
    assert [figures.weight_layers for figures in found.totals] == [16, 50]
    texts = [stride_text(stride) for stride in found.strides]
    assert texts == ["/1", "/2", "/4", "/8", "/16", "/32", "vectors"]
    vgg, resnet = found.stages
    assert [stride in vgg for stride in found.strides] == [True] * 7
    assert [stride in resnet for stride in found.strides] == [False, *[True] * 6]
    # conv1 of ResNet stands beside the second stage of VGG: both are 112x112.
    first = resnet[found.strides[1]].layers[0]
    assert first.name == "conv1"
    assert vgg[found.strides[1]].output.sizes == first.output.sizes == (112, 112)


def test_labels_tell_networks_of_one_name_apart() -> None:
    own, half = analyze("mobilenet_v1"), analyze("mobilenet_v1", alpha=0.5)
    assert contrast([own, half]).labels == ("mobilenet_v1", "mobilenet_v1 (alpha=0.5)")
    assert contrast([own, half], ["a", "b"]).labels == ("mobilenet_v1", "mobilenet_v1 (alpha=0.5)")
    assert contrast([half, half], ["a", "b"]).labels == ("a (alpha=0.5)", "b (alpha=0.5)")
    assert contrast([own, analyze("vgg16")], ["a", "b"]).labels == ("mobilenet_v1", "vgg16")


def test_one_network_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="two networks or more"):
        contrast([analyze("vgg16")])
