"""What units see, by the rule, is what answers to single pixels, and what the gradient reaches."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import assume, given

from archcalc import Analysis, FeatureMap, Graph, analyze, load
from archcalc.graph import INPUT
from archcalc.layers import Layer
from archcalc.layers.convolution import Conv, LocallyConnected
from archcalc.layers.joining import Concat
from archcalc.layers.linear import Linear
from archcalc.layers.pooling import AdaptiveAvgPool, GlobalAvgPool
from archcalc.layers.reshaping import ChannelSlice
from archcalc.layers.softmax import Softmax
from archcalc.receptive_field.field import Field, PhasedField
from archcalc.torch_backend.field import (
    large_enough_size,
    measure_fields,
    positive_twin,
)
from archcalc.window import Reach
from tests.graphs import graph, node, random_graphs, sliding_graphs

LARGEST_JUMP = 64
NOT_ON_A_THIN_NETWORK = ("channels that do not see alike", "what stands in a row along another")
MOST_PIXELS = 20_000  # of a whole image, for the gradient


def check_field(graph: Graph) -> None:
    """Every field of the rule is measured, and is the measured one."""
    analysis = analyze(graph)
    measured = measure_fields(analysis, [layer.name for layer in analysis.layers])
    for layer in analysis.layers:
        for rule, along in zip(layer.field, measured, strict=True):
            if along.left_out.get(layer.name, "").startswith(NOT_ON_A_THIN_NETWORK):
                continue
            assert along.found.get(layer.name) == rule or not isinstance(
                rule, (Field, PhasedField)
            ), layer.name


@given(sliding_graphs())
def test_what_sliding_windows_see_is_what_they_answer_to(graph: Graph) -> None:
    assume(_largest_jump(analyze(graph)) <= LARGEST_JUMP)
    check_field(graph)


@given(random_graphs(most=15))
def test_no_layer_answers_to_anything_but_its_field(graph: Graph) -> None:
    analysis = analyze(graph)
    assume(_largest_jump(analysis) <= LARGEST_JUMP)
    measured = measure_fields(analysis, [layer.name for layer in analysis.layers])
    for layer in analysis.layers:
        for rule, along in zip(layer.field, measured, strict=True):
            open_to_all = rule in (Reach.UNKNOWN, Reach.MISALIGNED)
            assert along.found.get(layer.name) in (rule, None) or open_to_all, layer.name


@given(sliding_graphs(most=5))
def test_the_gradient_of_a_unit_reaches_its_field(graph: Graph) -> None:
    assume(graph.outputs[0] != INPUT)
    analysis = analyze(graph)
    found = analysis.layer(graph.outputs[0]).field
    fields = [field for field in found if isinstance(field, Field)]
    assume(len(fields) == len(found))
    sizes = tuple([large_enough_size(analysis, axis)[0] for axis in range(len(fields))])
    assume(prod(sizes) <= MOST_PIXELS)
    unit, reached = _reached_by_gradient(graph, FeatureMap(graph.input.channels, sizes))
    assert reached == [field.of_unit(n) for field, n in zip(fields, unit, strict=True)]


def test_one_layer_is_measured_along_each_axis() -> None:
    analysis = analyze("vgg16")
    pool5 = analysis.layer("pool5").name
    along = measure_fields(analysis, [pool5])
    assert [axis.found for axis in along] == [{pool5: Field(-90, 121, 32)}] * 2


def test_behind_a_window_that_grows_with_the_image_all_of_it_says_nothing() -> None:
    nodes = [
        node("pool", AdaptiveAvgPool(output=2)),
        node("local", LocallyConnected(channels=1, kernel=2), "pool"),
        node("all", GlobalAvgPool(), "pool"),
    ]
    analysis = analyze(graph(FeatureMap(1, (4,)), nodes))
    assert analysis.layer("local").field == (Field(0, 3, 2),)
    (along,) = measure_fields(analysis, ["local", "all"])
    assert along.found == {"all": Reach.ALL}


@pytest.mark.parametrize(("layer", "mixes"), [(Softmax(), True), (Linear(features=8), False)])
def test_channels_see_alike_behind_what_mixes_them_all(layer: Layer, mixes: bool) -> None:
    nodes = [
        node("near", Conv(channels=1, kernel=1)),
        node("far", Conv(channels=1, kernel=3, padding=1), INPUT),
        node("both", Concat(), "near", "far"),
        node("layer", layer, "both"),
        node("one", ChannelSlice(start=0, stop=1), "layer"),
    ]
    (along,) = measure_fields(analyze(graph(FeatureMap(1, (8,)), nodes)), ["one"])
    assert (along.found == {"one": Field(-1, 1, 1)}) == mixes
    assert ("do not see alike" in along.left_out.get("one", "")) != mixes


def _reached_by_gradient(
    graph: Graph, image: FeatureMap
) -> tuple[list[int], list[tuple[int, int]]]:
    """A unit in the middle of the output, and along each axis the first and last pixel it sees.

    On all channels and axes at once, where `measure_fields` takes one of each.
    """
    x = torch.zeros(1, *image.shape, dtype=torch.float64, requires_grad=True)
    y = positive_twin(graph, image).twin.double()(x)
    assert isinstance(y, torch.Tensor)
    unit = [size // 2 for size in y.shape[2:]]
    of_unit = y[0].flatten(1)[:, int(np.ravel_multi_index(unit, y.shape[2:]))]
    (gradient,) = torch.autograd.grad(of_unit.sum(), x)
    pixels = gradient[0].sum(dim=0).nonzero()
    return unit, [(int(axis.min()), int(axis.max())) for axis in pixels.unbind(dim=1)]


def _largest_jump(analysis: Analysis) -> int:
    fields = [field for layer in analysis.layers for field in layer.field]
    return max(
        [f.jump for f in fields if isinstance(f, Field)]
        + [f.advance for f in fields if isinstance(f, PhasedField)],
        default=1,
    )


def test_a_norm_of_windows_is_measured_within_each() -> None:
    net = load("""\
name: windows
input: [4, 6, 4]
layers:
  - rearrange: {name: cut, axes: "c (h i) w -> [h] c i w", i: 2}
  - group_norm: {name: norm, groups: 2}
""")
    windows = torch.zeros(3, 4, 2, 4, requires_grad=True)
    positive_twin(net, net.input).twin.module_of("norm")(windows)[1].sum().backward()
    assert windows.grad is not None
    assert windows.grad.flatten(1).any(1).tolist() == [False, True, False]
