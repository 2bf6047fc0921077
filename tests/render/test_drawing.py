"""Networks as boxes and arrows."""

from __future__ import annotations

import pytest

from archcalc import Analysis, FeatureMap, analyze
from archcalc.layers.activation import ReLU
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Add, Concat, Multiply
from archcalc.layers.pooling import MaxPool
from archcalc.render.drawing import MOST_BOXES, Arrow, Box, Drawing, Group, draw
from archcalc.spec.library import network_names
from tests.graphs import graph, node
from tests.networks import analyzed
from tests.render.drawings import drawing_of


def lines(drawing: Drawing) -> list[str]:
    return [" | ".join(box.lines) for box in drawing.boxes]


def groups(drawing: Drawing) -> list[str]:
    return [item.title for item in drawing.items if isinstance(item, Group)]


def labels(drawing: Drawing) -> dict[tuple[str, str], str]:
    """What stands on the arrows, by what stands first in their boxes."""
    named = {box.id: box.lines[0] for box in drawing.boxes}
    return {(named[a.tail], named[a.head]): a.label for a in drawing.arrows}


def residual() -> Analysis:
    """A convolution and its activation, in a block with a shortcut around it."""
    return analyze(
        graph(
            FeatureMap(4, (8, 8)),
            [
                node("conv", Conv(channels=4, kernel=3, padding=1)),
                node("relu", ReLU(), "conv"),
                node("sum", Add(), "relu", "input"),
                node("after", ReLU(), "sum"),
            ],
        )
    )


def test_repeated_units_are_one_box() -> None:
    drawing = draw(analyze("resnet152"))
    assert groups(drawing) == ["layer1: stage", "layer2: stage", "layer3: stage", "layer4: stage"]
    assert "1 … 35: unit × 35 | 350 layers, 39.10M params" in lines(drawing)
    assert len(drawing.boxes) == 15


def test_an_absorbed_layer_stands_in_the_box_of_the_layer_before_it() -> None:
    assert lines(draw(analyze("vgg16")))[1] == "conv1_1 | conv 3x3 p1 | relu"
    assert lines(draw(analyze("vgg16")))[-3:] == [
        "fc7 | linear | relu, dropout",
        "fc8 | linear",
        "output",
    ]


def test_a_join_has_a_sign_and_takes_no_layer_in() -> None:
    drawing = draw(residual())
    assert lines(drawing) == ["input", "conv | conv 3x3 p1 | relu", "+", "after | relu", "output"]
    assert [box.role for box in drawing.boxes] == ["terminal", "conv", "sign", "other", "terminal"]
    product = graph(FeatureMap(4, (8, 8)), [node("m", Multiply(), "input", "input")])
    assert lines(draw(analyze(product)))[1] == "×"
    stack = graph(FeatureMap(4, (8, 8)), [node("c", Concat(), "input", "input")])
    assert draw(analyze(stack)).boxes[1].role == "join"


def test_arrows_carry_the_shape_of_what_flows() -> None:
    assert labels(draw(analyze("inception_bottleneck"))) == {
        ("input", "1x1"): "256x28x28",
        ("input", "3x3_reduce"): "256x28x28",
        ("3x3_reduce", "3x3"): "64x28x28",
        ("input", "5x5_reduce"): "256x28x28",
        ("5x5_reduce", "5x5"): "64x28x28",
        ("input", "pool"): "256x28x28",
        ("pool", "pool_proj"): "256x28x28",
        ("1x1", "concat"): "128x28x28",
        ("3x3", "concat"): "192x28x28",
        ("5x5", "concat"): "96x28x28",
        ("pool_proj", "concat"): "64x28x28",
        ("concat", "output"): "480x28x28",
    }


def test_a_layer_whose_output_others_use_takes_no_other_in() -> None:
    """The activation stands apart where the convolution's own output goes elsewhere, too."""
    built = graph(
        FeatureMap(4, (8, 8)),
        [
            node("conv", Conv(channels=4, kernel=3, padding=1)),
            node("relu", ReLU(), "conv"),
            node("sum", Add(), "relu", "conv"),
        ],
    )
    assert "conv | conv 3x3 p1" in lines(draw(analyze(built)))


def test_heads_are_marked() -> None:
    drawing = draw(analyze("googlenet"))
    head = next(box for box in drawing.boxes if box.lines[0].startswith("aux1"))
    assert head.lines[0] == "aux1: head, training only"
    assert head.training_only
    assert "output of aux1" in lines(drawing)
    dashed = {arrow.head for arrow in drawing.arrows if arrow.training_only}
    assert head.id in dashed
    opened = draw(analyze("googlenet"), 2)
    assert "aux1: head, training only" in groups(opened)


def test_blocks_that_differ_are_not_repeated() -> None:
    # Inception modules of GoogLeNet: the same block, other widths.
    drawn = lines(draw(analyze("googlenet")))
    assert "inception_3a | 14 layers, 163.70K params" in drawn
    assert "inception_3b | 14 layers, 388.74K params" in drawn


def test_in_full_every_layer_has_its_box() -> None:
    analysis = analyze("resnet18")
    drawing = draw(analysis, full=True)
    assert len(drawing.boxes) == len(analysis.layers) + 2  # input and output
    inputs = sum(len(layer.inputs) for layer in analysis.layers)
    assert len(drawing.arrows) == inputs + 1


def test_unpooling_takes_the_indices_of_its_pool() -> None:
    drawing = draw(analyze("deconv_unpool"))
    assert [arrow.label for arrow in drawing.arrows].count("indices") == 1


def test_shared_weights_and_groups_are_told() -> None:
    conv = Conv(channels=4, kernel=3, padding=1, groups=2)
    built = graph(FeatureMap(4, (8, 8)), [node("a", conv), node("b", conv, "a", weights="a")])
    assert lines(draw(analyze(built)))[1:3] == [
        "a | conv 3x3 p1, groups 2",
        "b | conv 3x3 p1, groups 2 | weights of a",
    ]


def test_the_same_two_maps_may_flow_twice() -> None:
    built = graph(
        FeatureMap(4, (8, 8)),
        [node("pool", MaxPool(kernel=2)), node("sum", Add(), "pool", "pool")],
    )
    arrows = draw(analyze(built)).arrows
    assert Arrow("n1", "n2", "4x4x4", False) in arrows
    assert len(arrows) == 3


@pytest.mark.parametrize("name", network_names())
def test_every_network_fits_and_is_connected(name: str) -> None:
    drawing = drawing_of(name)
    boxes = {box.id: box for box in drawing.boxes}
    assert len(boxes) == len(drawing.boxes)
    assert sum(box.role != "terminal" for box in drawing.boxes) <= MOST_BOXES
    analysis = analyzed(name)
    starts = {f"input{number or ''}" for number in range(len(analysis.graph.inputs))}
    learned = {layer.name for layer in analysis.layers if not layer.inputs}
    heads = {arrow.head for arrow in drawing.arrows}
    assert not heads & starts
    assert {boxes[id].lines[0] for id in boxes.keys() - heads - starts} <= learned
    assert {arrow.tail for arrow in drawing.arrows} <= set(boxes)


def test_a_box_is_what_it_is_folded_or_opened() -> None:
    folded, opened = draw(analyze("googlenet"), 1), draw(analyze("googlenet"), 2)
    assert folded.boxes[1] == Box("n1", "conv", ("conv1", "conv 7x7/2 p3", "relu"))
    assert opened.boxes[1].lines == ("conv1.conv", "conv 7x7/2 p3", "relu")
