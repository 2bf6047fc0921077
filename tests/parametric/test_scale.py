"""How figures grow with width, depth and resolution."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import UsageError, analyze, from_torch, load
from archcalc.expansion import build_graph
from archcalc.parametric.scale import QUANTITIES, Growth, figures, possible_ways, way_called
from archcalc.spec.library import network_names
from tests.spec_texts import analysis_of, family_of


def _growth(name: str, way: str, quantity: str) -> Growth:
    return way_called(analyze(name), way).growth([quantity])[quantity]


@pytest.mark.parametrize(
    ("name", "way", "quantity", "ratio", "degree"),
    [
        # A module: 9 C C weights, and so many MACs for each of 56 x 56 positions.
        ("single_3x3", "width", "params", 4, 2),
        ("single_3x3", "width", "macs", 4, 2),
        ("single_3x3", "width", "other_ops", 2, 1),
        ("single_3x3", "resolution", "macs", 4, 2),
        ("single_3x3", "resolution", "kinds[conv].weights", 1, 0),
        # The image keeps its 3 channels and the end its classes, so a little less than x4.
        ("vgg16", "width", "kinds[conv].weights", 4 - Fraction(2 * 1728, 14_710_464), 2),
        ("vgg16", "resolution", "kinds[conv].weights", 1, 0),
        ("vgg16", "classes", "kinds[linear].weights", 1 + Fraction(4_096_000, 123_633_664), 1),
        ("resnet20", "depth", "weight_layers", Fraction(38, 20), 1),
        ("densenet121", "growth", "kinds[linear].weights", 2, 1),
        ("mobilenet_v1", "width", "kinds[linear].weights", 2, 1),
        ("inception_v3", "resolution", "macs", None, 2),
        # The peak is one of the last layer's from ten million classes on.
        ("vgg16", "classes", "peak_bytes", 1, 1),
        # The peak of half the depth is another layer's.
        ("densenet121", "depth", "peak_bytes", None, 1),
        ("fractalnet20", "columns", "weight_layers", None, None),
        # A stage of three blocks of three convolutions, one axis, the channels of the image.
        ("resnet50", "depths[0]", "weight_layers", Fraction(59, 50), 1),
        ("resnet50", "depths[0]", "kinds[linear].weights", 1, 0),
        ("single_3x3", "H", "macs", 2, 1),
        ("vgg16", "C", "params", 1 + Fraction(1728, 138_357_544), 1),
    ],
)  # fmt: skip
def test_a_figure_grows_by_its_power(
    name: str, way: str, quantity: str, ratio: Fraction | int | None, degree: int | None
) -> None:
    found = _growth(name, way, quantity)
    assert found.degree == degree
    if ratio is not None:
        assert found.ratio == ratio


@pytest.mark.parametrize("name", network_names()[::6])
def test_twice_as_large_is_the_network_that_one_would_write(name: str) -> None:
    analysis = analyze(name)
    sizes = [2 * n for n in analysis.input.sizes]
    for way in possible_ways(analysis):
        if way.name == "resolution":
            first = next(iter(analysis.graph.inputs))
            larger = analyze(name, input={first: [analysis.input.channels, *sizes]})
            assert way.doubled.totals == larger.totals


def test_width_is_that_of_all_layers_but_the_one_of_the_classes() -> None:
    wide = way_called(analyze("mobilenet_v1"), "width").doubled
    own = analyze("mobilenet_v1", alpha=2)
    assert wide.totals == own.totals  # also the groups of depthwise convolutions
    assert wide.layer("fc").output.channels == 1000
    module = way_called(analyze("residual_bottleneck"), "width").doubled
    assert module.totals == analyze("residual_bottleneck", C=128).totals


def test_depth_is_what_counts_blocks() -> None:
    deep = way_called(analyze("resnet50"), "depth").doubled
    assert deep.graph.parameters["depths"] == [6, 8, 12, 6]
    assert way_called(analyze("wrn_16_8"), "depth").times(3).graph.parameters["units"] == 6


INVERTED = """\
name: inverted
input: [3, 32, 32]
parameters: {expansions: [1, 6, 6], channels: [16, 24, 32], depths: [1, 2, 2], classes: 10}
blocks:
  unit:
    parameters: [inputs, expansion, outputs]
    layers:
      - if: expansion != 1
        then: [conv: {channels: inputs*expansion, kernel: 1}]
      - conv: {channels: inputs*expansion, kernel: 3, padding: 1, groups: inputs*expansion}
      - conv: {channels: outputs, kernel: 1}
layers:
  - conv: {channels: 8, kernel: 3, padding: 1}
  - repeat: len(depths)
    index: i
    layers:
      - repeat: "depths[i]"
        index: j
        layers:
          - unit:
              inputs: "channels[i] if j > 0 else (channels[i - 1] if i > 0 else 8)"
              expansion: "expansions[i]"
              outputs: "channels[i]"
  - global_avg_pool
  - flatten
  - linear: {features: classes}
"""
PARAMETERS = INVERTED.partition("parameters: {")[2].partition("}")[0]
UNET = """\
name: unet
input: [1, 64, 64]
parameters: {depth: 2, width: 8}
blocks:
  level:
    parameters: [n]
    layers:
      - conv: {channels: width*2**(depth - n), kernel: 3, padding: 1}
      - if: n > 0
        then:
          - concat:
              - []
              - - max_pool: {kernel: 2, stride: 2}
                - level: {n: n - 1}
                - upsample: {factor: 2}
          - conv: {channels: width*2**(depth - n), kernel: 3, padding: 1}
layers: [level: {n: depth}]
"""


def test_an_expansion_is_no_depth() -> None:
    way = next(way for way in possible_ways(analysis_of(INVERTED)) if way.name == "depth")
    assert (way.change, way.is_guess) == ("depths = [2, 4, 4]", True)


@given(
    st.permutations(["expansions", "channels", "depths", "classes"]),
    st.lists(st.tuples(st.integers(1, 4), st.integers(2, 4)), min_size=1, max_size=3),
)
def test_what_is_guessed_to_be_depth_repeats_layers(
    order: list[str], stages: list[tuple[int, int]]
) -> None:
    """Whatever the stages are, and in whatever order the parameters stand."""
    depths = [depth for _, depth in stages]
    values = {
        "expansions": [expansion for expansion, _ in stages],
        "depths": depths,
        "channels": [8 * n for n in range(1, len(stages) + 1)],
        "classes": 10,
    }
    text = INVERTED.replace(PARAMETERS, ", ".join(f"{name}: {values[name]}" for name in order))
    way = next(way for way in possible_ways(analysis_of(text)) if way.name == "depth")
    assert way.change == f"depths = {[2 * depth for depth in depths]}"


def test_a_level_of_a_unet_brings_other_layers_and_is_no_depth() -> None:
    assert [way.name for way in possible_ways(analysis_of(UNET))] == ["width", "resolution"]


def test_the_spec_says_what_its_ways_are() -> None:
    said = "scaling: {depth: depth, width: [width], resolution: H}\nblocks:"
    ways = possible_ways(analysis_of(UNET.replace("blocks:", said)))
    assert [(way.name, way.change, way.is_guess) for way in ways] == [
        ("width", "width = 16", False),
        ("depth", "depth = 4", False),
        ("resolution", "input 1x128x64", False),
    ]


def test_a_variant_may_scale_otherwise() -> None:
    said = "scaling: {width: width}\nvariants: {a: , b: {scaling: {width: depth}}}\nblocks:"
    for name, change in (("a", "width = 16"), ("b", "depth = 4")):
        network = family_of(UNET.replace("blocks:", said)).networks[name]
        assert possible_ways(analyze(build_graph(network)))[0].change == change


def test_a_parameter_hides_the_way_of_its_name() -> None:
    analysis = analysis_of(UNET)
    assert way_called(analysis, "depth").change == "depth = 4"
    assert way_called(analysis, "width").change == "width = 16"
    assert way_called(analysis, "resolution").change == "input 1x128x128"


def test_a_given_input_grows_and_not_the_parameter_that_it_replaces() -> None:
    (*_, way) = possible_ways(analyze("mobilenet_v1"))
    assert way.change == "resolution = 448"
    (*_, way) = possible_ways(analyze(load("mobilenet_v1", input=[3, 96, 64])))
    assert (way.name, way.change) == ("resolution", "input 3x192x128")


def test_of_three_axes_it_is_a_guess_that_all_grow() -> None:
    video = "name: video\ninput: [3, 4, 8, 8]\nlayers: [conv: {channels: 4, kernel: 1}]\n"
    assert way_called(analysis_of(video), "resolution").is_guess
    said = video.replace("layers", "scaling: {resolution: [H, W]}\nlayers")
    way = way_called(analysis_of(said), "resolution")
    assert (way.change, way.is_guess) == ("input 3x4x16x16", False)


def test_an_item_or_an_axis_grows_alone() -> None:
    deep = way_called(analyze("resnet50"), "depths[2]")
    assert deep.change == "depths = [3, 4, 12, 3]"
    assert deep.doubled.totals == analyze("resnet50", depths=[3, 4, 12, 3]).totals
    high = way_called(analyze("resnet50"), "H")
    assert high.change == "input 3x448x224"
    assert high.doubled.totals == analyze("resnet50", input=[3, 448, 224]).totals


def test_what_was_changed_is_told_in_order() -> None:
    wide = way_called(analyze("googlenet"), "width")
    kept = "fc, aux1.classifier.fc2, aux2.classifier.fc2"
    assert wide.change == f"channels and features of all layers but {kept}"


NESTED = """\
name: nested
input: [1, 16]
parameters: {units: 3, stacks: 2}
layers:
  - repeat: stacks
    layers:
      - repeat: units
        layers: [conv: {channels: 8, kernel: 3, padding: 1}]
"""


def test_of_repeats_within_one_another_one_is_doubled() -> None:
    way = way_called(analysis_of(NESTED), "depth")
    assert way.change == "units = 6"
    assert way.growth(["weight_layers"]) == {"weight_layers": Growth(Fraction(2), 1)}


GENERATOR = """\
name: generator
input: [10]
layers:
  - linear: {features: 64}
  - reshape: {shape: [4, 4, 4]}
  - conv_transpose: {channels: 8, kernel: 4, stride: 2, padding: 1}
  - conv_transpose: {name: image, channels: 3, kernel: 4, stride: 2, padding: 1}
"""


def test_a_vector_that_becomes_a_map_has_more_channels() -> None:
    wide = way_called(analysis_of(GENERATOR), "width").doubled
    assert [str(layer.output) for layer in wide.layers] == ["128", "8x4x4", "16x8x8", "3x16x16"]


def test_a_linear_on_a_map_gives_a_size_and_no_width() -> None:
    conv, mixing = "  - conv: {channels: 4, kernel: 1}\n", "  - linear: {features: 6}\n"
    wide = way_called(analysis_of(conv + mixing + conv + mixing), "width")
    assert wide.change == "channels and features of all layers but conv2"
    assert [str(x.output) for x in wide.doubled.layers] == ["8x8x8", "8x8x6", "4x8x6", "4x8x6"]


def test_what_refuses_is_the_larger_network() -> None:
    analysis = analysis_of(
        "name: fixed\ninput: [1, 8, 8]\nlayers:\n  - flatten\n  - reshape: {shape: [64]}\n"
    )
    with pytest.raises(UsageError, match=r"fixed at twice the resolution: reshape1 .* 256 values"):
        way_called(analysis, "resolution")


def test_an_input_that_was_given_stays() -> None:
    analysis = analyze(load("resnet18", input=[3, 96, 64]))
    assert way_called(analysis, "depth").doubled.input.sizes == (96, 64)
    assert way_called(analysis, "classes").doubled.input.sizes == (96, 64)


SIZED = """\
name: sized
input: [3, size, size]
parameters: {size: 32, mult: [0.25, 1.5], zero: 0, nested: [[1, 2], [3]]}
layers:
  - conv: {channels: 8, kernel: 1, padding: zero}
  - flatten
  - linear: {features: "floor(16*mult[0])"}
"""


def test_an_input_that_was_given_stays_though_it_is_the_networks_own() -> None:
    (network,) = family_of(SIZED).networks.values()
    own = analyze(build_graph(network))
    assert way_called(own, "size").doubled.input.sizes == (64, 64)
    given = analyze(build_graph(network, input=own.input))
    assert way_called(given, "size").doubled.input.sizes == (32, 32)
    without_own = build_graph(network, input=own.input, parameters={"size": 0})
    names = [way.name for way in possible_ways(analyze(without_own))]
    assert names == ["width", "resolution"]


def test_fractions_grow_as_fractions() -> None:
    way = way_called(analysis_of(SIZED), "mult[0]")
    assert way.change == "mult = [1/2, 3/2]"
    weights = "kinds[linear].weights"
    assert way.growth([weights]) == {weights: Growth(Fraction(2), 1)}
    odd = way_called(analyze(load("mobilenet_v1", alpha=0.3)), "alpha")
    assert odd.growth(["macs"])["macs"].degree == 2


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("zero", "by: zero is '0', and so twice that"),
        ("nested", r"nested is '\[\[1, 2\], \[3\]\]', not a number"),
        ("nested[0]", r"nested\[0\] is '\[1, 2\]', not a number"),
        ("mult[00]", "is not a name"),
    ],
)
def test_what_is_no_number_to_grow_is_refused(way: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        way_called(analysis_of(SIZED), way)


def test_a_slice_of_the_image_stays() -> None:
    conv = "  - conv: {channels: 16, kernel: 1}\n"
    wide = way_called(analysis_of(f"  - channel_slice: {{stop: 2}}\n{conv}{conv}"), "width").doubled
    assert [layer.output.channels for layer in wide.layers] == [2, 32, 16]


def test_a_learned_tensor_stays_and_joins_only_what_does() -> None:
    token = "  - parameter: {name: token, shape: [3, 1, 1]}\n"
    joined = "  - add: {from: [conv1, token]}\n"
    conv = "  - conv: {channels: 16, kernel: 1}\n"
    apart = analysis_of(f"{conv}{token}  - add: {{from: [input, token]}}\n{conv}{conv}")
    wide = way_called(apart, "width").doubled
    assert [layer.output.channels for layer in wide.used_layers] == [3, 3, 32, 16]
    refused = analysis_of(f"  - conv: {{channels: 3, kernel: 1}}\n{token}{joined}{conv}{conv}")
    with pytest.raises(UsageError, match="at twice the width"):
        way_called(refused, "width")


def test_an_imported_network_grows_beyond_what_was_captured_of_it() -> None:
    from torch import nn

    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.Flatten(), nn.Linear(180, 2)]
    module = nn.Sequential(*layers).eval()
    wide = way_called(analyze(from_torch(module, (3, 8, 8))), "width").doubled
    assert [layer.output.channels for layer in wide.layers] == [8, 8, 10, 360, 2]


def test_only_what_is_possible_is_offered() -> None:
    assert _possible("vgg16") == ["width", "depth", "resolution"]
    assert _possible("googlenet") == ["width", "resolution"]
    assert _possible("mlp_7_3") == []


def _possible(name: str) -> list[str]:
    return [way.name for way in possible_ways(analyze(name))]


def test_a_figure_that_is_0_has_no_ratio() -> None:
    found = _growth("single_3x3", "width", "kinds[linear].weights")
    assert (found.ratio, found.exponent) == (None, None)


def test_exponents_are_those_of_the_ratio() -> None:
    assert Growth(Fraction(8), 3).exponent == 3
    assert Growth(Fraction(1), 0).exponent == 0
    assert Growth(Fraction(-1), 1).exponent is None  # of a difference that changes its sign


@pytest.mark.parametrize(
    ("name", "way", "message"),
    [
        ("googlenet", "depth", "and no parameter repeats the layers that it has$"),
        (
            "fractalnet20",
            "depth",
            "does not say what its depth is .* try columns instead, or say it",
        ),
        ("resnet18", "groups", "has no 'groups'; known: width, depth, resolution, classes, "),
        ("mlp_7_3", "resolution", "takes a vector"),
        ("mlp_7_3", "width", "no layer before the classes"),
        ("vgg16", "widht", "did you mean 'width'"),
        ("vgg16", "batch_norm", "by: batch_norm is false, not a number"),
        ("resnet50", "depths[4]", "by: depths is .*, and has no item 4"),
        ("resnet50", "classes[0]", "by: classes is '1000', and has no item 0"),
        (
            "resnet50",
            "depths[0",
            "by: 'depths\\[0' is not a name; expected one such as H, classes or",
        ),
        ("vgg16", "L", "has no 'L'; known: width, depth, resolution, .*, C, H, W"),
    ],
)
def test_what_cannot_grow_is_refused(name: str, way: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        way_called(analyze(name), way)


def test_a_quantity_has_to_be_a_number() -> None:
    with pytest.raises(UsageError, match="not a plain number"):
        figures(analyze("vgg16"), ["layers[conv1_1].output"])
    with pytest.raises(UsageError, match="did you mean 'params'"):
        figures(analyze("vgg16"), ["parms"])
    assert figures(analyze("vgg16"), [*QUANTITIES])["weight_layers"] == 16


STOPS = """\
name: stops
input: [3, 32, 32]
parameters: {n: 3}
layers:
  - repeat: n
    index: i
    layers:
      - conv: {channels: "min(512, 64*(i + 1))", kernel: 3, padding: 1}
"""


def test_a_width_that_stops_to_grow_far_out_is_seen() -> None:
    """From the eighth convolution on each has as many parameters as the one before."""
    growth = way_called(analysis_of(STOPS), "n").growth(["params", "peak_bytes", "weight_layers"])
    assert {quantity: found.degree for quantity, found in growth.items()} == {
        "params": 1,
        "peak_bytes": 0,
        "weight_layers": 1,
    }
