"""Which networks the tests go through; what is marked `thorough` is left to the thorough run."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import settings

from archcalc import Analysis, analyze
from archcalc.spec.library import families, network_names

# Of more than 1,000 layers each, they test how large a network may be. One is enough.
LARGE = (
    "preact_resnet1001",
    "efficientnet_v2_l",
    "mvit_v2_s",
    "nasnet_a_large",
    "resnest200",
    "resnest269",
    "resnet1202",
    *[f"hrnet_w{width}" for width in (18, 30, 32, 40, 44, 48, 64)],
)
# Detectors of which others are like them: how their sizes follow from an image's takes long to
# derive.
DETECTORS = (
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fcos_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
    "retinanet_resnet50_fpn_v2",
    "ssdlite320_mobilenet_v3_large",
)
LEFT_OUT = {*LARGE[1:], *DETECTORS}
SAMPLE = {
    LARGE[0],
    *(next(iter(family.networks)) for family in families()),
    *network_names()[::16],
} - LEFT_OUT


def each_network() -> list[Any]:
    """The first of each family and every other network, for tests that take long for large ones."""
    return _arguments({*network_names()[::2], *SAMPLE} - LEFT_OUT)


def each_sampled_network() -> list[Any]:
    """Every network, for tests that take seconds for each: the first of each family, and more."""
    return _arguments(SAMPLE)


def names_taken(always: set[str]) -> list[str]:
    """Of networks that one test goes through: all of them in the thorough run."""
    is_thorough = settings.get_current_profile_name() == "thorough"
    return [name for name in network_names() if is_thorough or name in always]


@cache
def analyzed(name: str) -> Analysis:
    """The analysis of a network, made once for all tests."""
    return analyze(name)


def _arguments(always: set[str]) -> list[Any]:
    return [
        name if name in always else pytest.param(name, marks=pytest.mark.thorough)
        for name in network_names()
    ]
