"""Stages of networks, by output stride."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc import FeatureMap, UsageError, analyze, symbol
from archcalc.comparing.stages import VECTORS, output_strides, stages, stride_text, union
from archcalc.layers.activation import Sigmoid
from archcalc.layers.convolution import Conv
from archcalc.layers.joining import Multiply
from archcalc.layers.linear import Linear
from archcalc.layers.pooling import GlobalAvgPool, MaxPool
from archcalc.layers.reshaping import Flatten
from archcalc.layers.upsampling import Upsample
from tests.graphs import chain, graph, node
from tests.spec_texts import analysis_of


def described(name: str) -> list[tuple[str, str]]:
    return [(stride_text(stage.stride), str(stage.output)) for stage in stages(analyze(name))]


def test_vgg_has_a_stage_for_each_size_of_map() -> None:
    assert described("vgg16") == [
        ("/1", "64x224x224"),
        ("/2", "128x112x112"),
        ("/4", "256x56x56"),
        ("/8", "512x28x28"),
        ("/16", "512x14x14"),
        ("/32", "512x7x7"),
        ("vectors", "1000"),
    ]


def test_stages_correspond_where_sizes_differ() -> None:
    # 299 pixels without padding leave 149 and 147 where 224 pixels leave 112.
    inception = dict(described("inception_v3"))
    assert inception["/2"] == "64x147x147"
    assert inception["/32"] == "2048x8x8"
    assert [text for text, _ in described("resnet50")] == list(inception)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "deconv_unpool", "mlp_7_3"])
def test_the_stages_add_up_to_the_totals(name: str) -> None:
    analysis = analyze(name)
    found = stages(analysis)
    for key in ("params", "macs", "activation_bytes"):
        assert sum(stage.total(key) for stage in found) == getattr(analysis.totals, key)
    layers = [layer for layer in analysis.layers if not layer.training_only]
    assert sum(len(stage.layers) for stage in found) == len(layers)


def test_an_encoder_and_its_decoder_share_their_stages() -> None:
    analysis = analyze(
        chain(
            FeatureMap(3, (32, 32)),
            Conv(channels=4, kernel=3, padding=1),
            MaxPool(kernel=2),
            Upsample(factor=2),
            Upsample(factor=2),
        )
    )
    found = [(stride_text(s.stride), [x.name for x in s.layers]) for s in stages(analysis)]
    assert found == [
        ("x2", ["upsample3"]),
        ("/1", ["conv0", "upsample2"]),
        ("/2", ["max_pool1"]),
    ]


def test_a_gate_belongs_to_the_map_that_it_acts_on() -> None:
    squeeze_and_excitation = graph(
        FeatureMap(8, (16, 16)),
        [
            node("conv", Conv(channels=8, kernel=3, stride=2, padding=1)),
            node("pool", GlobalAvgPool(), "conv"),
            node("gate", Conv(channels=8, kernel=1), "pool"),
            node("sigmoid", Sigmoid(), "gate"),
            node("scale", Multiply(), "sigmoid", "conv"),
            node("after", Conv(channels=8, kernel=3, stride=2, padding=1), "scale"),
            node("flatten", Flatten(), "after"),
            node("fc", Linear(features=10), "flatten"),
        ],
    )
    found = {s.stride: [x.name for x in s.layers] for s in stages(analyze(squeeze_and_excitation))}
    assert found == {
        (2, 2): ["conv", "pool", "gate", "sigmoid", "scale"],
        (4, 4): ["after"],
        VECTORS: ["flatten", "fc"],
    }


def test_maps_of_one_position_count_as_vectors() -> None:
    # LeNet-5's C5 is a convolution that leaves 120x1x1.
    last = stages(analyze("lenet5"))[-1]
    assert last.stride == VECTORS
    assert last.layers[0].name == "C5"


def test_strides_may_differ_by_axis() -> None:
    layer = Conv(channels=4, kernel=3, stride=(1, 2), padding=1)
    analysis = analyze(chain(FeatureMap(1, (32, 32)), layer))
    assert output_strides(analysis)["conv0"] == (Fraction(1), Fraction(2))
    assert stride_text((Fraction(1), Fraction(2))) == "/1x2"


def test_layers_for_training_only_belong_to_no_stage() -> None:
    names = {layer.name for stage in stages(analyze("googlenet")) for layer in stage.layers}
    assert not any(name.startswith("aux") for name in names)


def test_the_strides_of_several_networks_are_in_order() -> None:
    found = union([stages(analyze(name)) for name in ("resnet50", "lenet5", "vgg16")])
    assert list(map(stride_text, found)) == ["/1", "/2", "/4", "/8", "/16", "/32", "vectors"]


def test_a_symbolic_stride_is_refused() -> None:
    layer = Conv(channels=4, kernel=1, stride=symbol("s"))
    with pytest.raises(UsageError, match="conv0 has a stride of s: stages need plain numbers"):
        stages(analyze(chain(FeatureMap(1, (32, 32)), layer)))


TOKENS = """\
name: tokens
inputs:
  ids: {shape: [12], dtype: int64}
layers:
  - embedding: {name: embed, rows: 50, features: 8}
  - parameter: {name: learned, shape: [20, 8]}
  - slice: {name: positions, stop: 12}
  - add: {name: sum, from: [positions, embed]}
  - slice: {name: every_other, axis: 0, step: 2}
  - slice: {name: of_features, axis: -1, step: 2}
  - select: {name: first, axis: 0, index: 0}
  - linear: {name: fc, features: 3}
"""


def test_the_stride_of_tokens_is_along_the_sequence() -> None:
    analysis = analysis_of(TOKENS)
    found = [(stride_text(s.stride), [x.name for x in s.layers]) for s in stages(analysis)]
    assert found == [
        ("/1", ["embed", "learned", "positions", "sum"]),  # what is learned as what it leads to
        ("/2", ["every_other", "of_features"]),
        ("vectors", ["first", "fc"]),
    ]
    assert [stage.sizes for stage in stages(analysis)] == [(12,), (6,), ()]


def test_what_is_learned_alone_has_the_stride_of_what_reads_it() -> None:
    spec = """\
name: learned
input: [3, 16, 16]
layers:
  - conv: {name: conv, channels: 4, kernel: 3, stride: 2, padding: 1}
  - parameter: {name: bias, shape: [4, 8, 8]}
  - add: {name: sum, from: [bias, conv]}
"""
    assert stride_text(output_strides(analysis_of(spec))["bias"]) == "/2"
    (stage,) = stages(analysis_of(spec))
    assert [layer.name for layer in stage.layers] == ["conv", "bias", "sum"]
