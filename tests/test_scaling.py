"""How figures grow with width, depth and resolution."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc import UsageError, analyze, load
from archcalc.scaling import QUANTITIES, Growth, figures, possible_ways, scaled, scaling
from archcalc.spec.library import network_names
from tests.spec_texts import analysis_of


def _growth(name: str, way: str, quantity: str) -> Growth:
    (found,) = scaling(analyze(name), [way], [quantity])
    return found.growth[quantity]


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
    if "resolution" in possible_ways(analysis):
        larger = analyze(name, input=[analysis.input.channels, *sizes])
        assert scaled(analysis, "resolution", 2).totals == larger.totals


def test_width_is_that_of_all_layers_but_the_one_of_the_classes() -> None:
    wide = scaled(analyze("mobilenet_v1"), "width", 2)
    own = analyze("mobilenet_v1", alpha=2)
    assert wide.totals == own.totals  # also the groups of depthwise convolutions
    assert wide.layer("fc").output.channels == 1000
    module = scaled(analyze("residual_bottleneck"), "width", 2)
    assert module.totals == analyze("residual_bottleneck", C=128).totals


def test_depth_is_what_counts_blocks() -> None:
    deep = scaled(analyze("resnet50"), "depth", 2)
    assert deep.graph.parameters["depths"] == [6, 8, 12, 6]
    assert scaled(analyze("wrn_16_8"), "depth", 3).graph.parameters["units"] == 6


def test_what_was_changed_is_told_in_order() -> None:
    (wide,) = scaling(analyze("googlenet"), ["width"], ["params"])
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
    analysis = analysis_of(NESTED)
    (way,) = scaling(analysis, ["depth"], ["weight_layers"])
    assert (way.change, way.growth["weight_layers"]) == ("units = 6", Growth(Fraction(2), 1))


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
    wide = scaled(analysis_of(GENERATOR), "width", 2)
    assert [str(layer.output) for layer in wide.layers] == ["128", "8x4x4", "16x8x8", "3x16x16"]


def test_what_refuses_is_the_larger_network() -> None:
    analysis = analysis_of(
        "name: fixed\ninput: [1, 8, 8]\nlayers:\n  - flatten\n  - reshape: {shape: [64]}\n"
    )
    with pytest.raises(
        UsageError, match=r"fixed at 2 times the resolution: reshape1 .* 256 values"
    ):
        scaled(analysis, "resolution", 2)


def test_an_input_that_was_given_stays() -> None:
    analysis = analyze(load("resnet18", input=[3, 96, 64]))
    assert scaled(analysis, "depth", 2).input.sizes == (96, 64)
    assert scaled(analysis, "classes", 2).input.sizes == (96, 64)


def test_only_what_is_possible_is_offered() -> None:
    assert possible_ways(analyze("vgg16")) == ["width", "depth", "resolution"]
    assert possible_ways(analyze("googlenet")) == ["width", "resolution"]
    assert possible_ways(analyze("mlp_7_3")) == []


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
        ("googlenet", "depth", "no parameter that says how often blocks repeat"),
        ("fractalnet20", "depth", "more than twice as deep with twice the columns; try --by col"),
        ("resnet18", "groups", "has no 'groups'; known: width, depth, resolution, classes, "),
        ("mlp_7_3", "resolution", "takes a vector"),
        ("mlp_7_3", "width", "no layer before the classes"),
        ("vgg16", "widht", "did you mean 'width'"),
        ("vgg16", "batch_norm", "batch_norm is False, and no number"),
    ],
)
def test_what_cannot_grow_is_refused(name: str, way: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        scaling(analyze(name), [way], ["params"])


def test_a_quantity_has_to_be_a_number() -> None:
    with pytest.raises(UsageError, match="and no plain number"):
        figures(analyze("vgg16"), ["layers[conv1_1].output"])
    with pytest.raises(UsageError, match="did you mean 'params'"):
        figures(analyze("vgg16"), ["parms"])
    assert figures(analyze("vgg16"), [*QUANTITIES])["weight_layers"] == 16
