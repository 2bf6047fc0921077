"""Which networks are worth a page of their own together: a list, for people."""

from __future__ import annotations

from typing import NamedTuple


class Selection(NamedTuple):
    """Networks that are compared on one page.

    Attributes:
        slug: the name of the page's file.
        about: what there is to see, in a sentence or two.
        names: the networks; with two, the first is what the second is compared with.
    """

    slug: str
    title: str
    about: str
    names: tuple[str, ...]


class Grid(NamedTuple):
    """A network at all combinations of two parameters' values.

    Attributes:
        rows, columns: the parameter, and its values.
    """

    slug: str
    title: str
    about: str
    name: str
    rows: tuple[str, tuple[int | float, ...]]
    columns: tuple[str, tuple[int | float, ...]]


class Growing(NamedTuple):
    """A network whose growth is looked at.

    Attributes:
        symbols: what its formulas are in.
        assume: what they take for granted.
    """

    name: str
    symbols: tuple[str, ...]
    assume: tuple[str, ...] = ()


SELECTIONS: tuple[Selection, ...] = (
    Selection(
        "inception_module",
        "The Inception module, naive and with bottlenecks",
        "A 1x1 convolution before each larger one, and behind the pool, takes the cost out of the "
        "module, and keeps its pool from adding all input channels to the output.",
        ("inception_naive", "inception_bottleneck"),
    ),
    Selection(
        "residual_block",
        "The residual block, basic and with a bottleneck",
        "The bottleneck does its 3x3 convolution at a quarter of the channels that enter.",
        ("residual_basic", "residual_bottleneck"),
    ),
    Selection(
        "stacked_3x3",
        "A 7x7 convolution, and three of 3x3 that see as much",
        "Both see 7x7 pixels. The stack needs fewer weights, and has two more activations between.",
        ("single_7x7", "stack_3x3x3"),
    ),
    Selection(
        "inception",
        "Inception, from GoogLeNet to Inception-ResNet",
        "Five papers in two years: factorized convolutions and batch normalization first, more "
        "depth and residual connections then.",
        (
            "googlenet", "bn_inception", "inception_v3", "inception_v4", "inception_resnet_v1",
            "inception_resnet_v2",
        ),
    ),
    Selection(
        "residual",
        "Residual networks and what came of them",
        "Shortcuts made depth affordable; width, groups and dense connections came next.",
        (
            "vgg16", "plain34", "resnet34", "resnet50", "resnet101", "wrn_50_2", "resnext50_32x4d",
            "densenet121",
        ),
    ),
    Selection(
        "small",
        "Networks for small devices",
        "Fire modules save parameters, depthwise separable convolutions save multiply-adds.",
        ("alexnet_two_tower", "googlenet", "squeezenet1_0", "squeezenet1_1", "mobilenet_v1",
         "mobilenet_v1_conv"),
    ),
)  # fmt: skip

# One of each family, for the page that shows how deep networks became.
DEEPEST: tuple[str, ...] = (
    "alexnet_two_tower", "zfnet", "overfeat_accurate", "nin", "vgg19", "googlenet", "bn_inception",
    "inception_v3", "resnet152_v1", "inception_v4", "inception_resnet_v2", "preact_resnet200",
    "resnext101_64x4d", "squeezenet1_0", "densenet264", "mobilenet_v1",
)  # fmt: skip

# Of the sorts of layers on which tools differ, for the page of what they print.
COUNTED_BY_OTHERS: tuple[str, ...] = (
    "alexnet", "vgg16", "resnet50", "mobilenet_v2", "efficientnet_b0", "densenet121", "unet",
    "vit_b_16", "swin_t", "bert_base",
)  # fmt: skip

GRIDS: tuple[Grid, ...] = (
    Grid(
        "mobilenet_settings",
        "The 16 settings of MobileNet",
        "The width multiplier thins every layer: parameters and multiply-adds fall with nearly its "
        "square. The resolution shrinks every map: only multiply-adds and activations fall.",
        "mobilenet_v1",
        ("alpha", (1, 0.75, 0.5, 0.25)),
        ("resolution", (224, 192, 160, 128)),
    ),
)

GROWING: tuple[Growing, ...] = (
    Growing("vgg16", ("H", "W")),
    Growing("inception_v3", ("H", "W")),
    Growing("resnet50", ("H", "W")),
    Growing("wrn_28_10", ("units", "widen")),
    Growing("densenet121", ("growth",)),
    Growing(
        "mobilenet_v1",
        ("alpha", "resolution"),
        ("32*alpha%1==0", "alpha>=0.25", "resolution%32==0"),
    ),
)
