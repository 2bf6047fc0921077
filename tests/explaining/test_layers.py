"""Every figure of a layer, derived by its own rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archcalc import UsageError, analyze, symbol
from archcalc.analysis import Analysis
from archcalc.explaining import layers as module
from archcalc.explaining.forms import Number
from archcalc.explaining.layers import QUANTITIES, Derivation, derive
from archcalc.feature_map import FeatureMap
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.layers.convolution import Conv
from archcalc.layers.effect import Effect
from archcalc.render import notation
from tests.explaining.steps import COUNTS, assert_steps_agree
from tests.graphs import graph, node
from tests.networks import analyzed, each_network
from tests.spec_texts import analysis_of

SEEN: set[object] = set()  # rules and the numbers that they met, of all networks


def _differing(analysis: Analysis) -> Iterator[LayerAnalysis]:
    """The layers of a network but those whose rule has met the same numbers before."""
    by_name = {layer.name: layer for layer in analysis.layers}
    for layer in analysis.layers:
        before = [by_name[name] for name in layer.inputs if name in by_name]
        key = (
            layer.node.layer,
            analysis.input if not before else None,
            layer.node.weights is None,
            *[(other.output, other.field) for other in before],
        )
        if key not in SEEN:
            SEEN.add(key)
            yield layer


@pytest.mark.parametrize("name", each_network())
def test_every_step_of_every_derivation_is_the_engines_value(name: str) -> None:
    analysis = analyzed(name)
    for layer in _differing(analysis):
        found = derive(analysis, layer)
        quantities = [derivation.quantity for derivation in found.derivations]
        assert set(COUNTS) <= set(quantities)
        assert quantities == sorted(quantities, key=[*QUANTITIES].index)
        for derivation in found.derivations:
            assert_steps_agree(layer, derivation)
            assert derivation.form is not None or derivation.note or derivation.value is not None
        assert all(meaning for _, meaning in found.givens())


def test_the_two_sides_of_an_axis_have_names() -> None:
    nodes = [
        node("alike", Conv(channels=2, kernel=3, padding=((1, 0), (1, 0)))),
        node("unlike", Conv(channels=2, kernel=3, padding=((1, 0), (2, 0))), "alike"),
    ]
    analysis = analyze(graph(FeatureMap(3, (8, 8)), nodes))
    symbols = [
        {x.symbol for x, meaning in derive(analysis, layer).givens() if meaning == "padding"}
        for layer in analysis.layers
    ]
    sides = {"p_h_before", "p_h_after", "p_w_before", "p_w_after"}
    assert symbols == [{"p_before", "p_after"}, sides]


def test_a_wrong_step_is_noticed() -> None:
    analysis = analyze("alexnet")
    layer = analysis.layer("conv1")
    wrong = [
        Derivation("weights", "weights", layer.weights, Number(1)),
        Derivation("weights", "weights", 1, Number(1)),
    ]
    for derivation in wrong:
        with pytest.raises(AssertionError):
            assert_steps_agree(layer, derivation)


def test_the_derivation_is_the_rules_own(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Conv.effect_on

    def thrice(self: Conv, x: FeatureMap, /) -> Effect:
        from archcalc.record import replace

        effect = right(self, x)
        return replace(effect, macs=3 * effect.macs)

    monkeypatch.setattr(Conv, "effect_on", thrice)
    assert _equation("alexnet", "conv1", "macs").startswith("3*k*k*C_in*C_out*m*m = 3*11*11*3*96")


def _equation(network: str, layer: str, quantity: str, batch: int = 1) -> str:
    analysis = analyze(network, batch=batch)
    return _derived(analysis, layer, quantity)


def _derived(analysis: Analysis, layer: str, quantity: str) -> str:
    (found,) = derive(analysis, analysis.layer(layer)).only([quantity]).derivations
    if found.form is None:
        return f"{found.value}: {found.note}"
    symbols, numbers = notation.text(found.form), notation.text(found.form, values=True)
    return f"{symbols} = {numbers} = {found.value}"


@pytest.mark.parametrize(
    ("network", "layer", "quantity", "equation"),
    [
        # Lecture: (227 - 11 + 2*0)/4 + 1 = 55.
        ("alexnet", "conv1", "size", "(n - k + 2*p)/s + 1 = (227 - 11 + 2*0)/4 + 1 = 55"),
        ("alexnet", "conv1", "weights", "k*k*C_in*C_out = 11*11*3*96 = 34848"),
        ("alexnet", "conv1", "params", "weights + biases = 34,848 + 96 = 34944"),
        ("alexnet", "conv1", "macs", "k*k*C_in*C_out*m*m = 11*11*3*96*55*55 = 105415200"),
        ("alexnet", "conv1", "flops", "2*MACs = 2*105,415,200 = 210830400"),
        ("stack_3x3x3", "conv3", "receptive_field", "r_in + (k - 1)*j_in = 5 + (3 - 1)*1 = 7"),
        ("vgg16", "conv2_1", "receptive_field", "r_in + (k - 1)*j_in = 6 + (3 - 1)*2 = 10"),
        ("resnet18", "maxpool", "size", "floor((n - k + 2*p)/s) + 1 = "
         "floor((112 - 3 + 2*1)/2) + 1 = 56"),
        ("vgg16", "flatten1", "channels", "C_in*n*n = 512*7*7 = 25088"),
        ("vgg16", "fc6", "macs", "C_in*C_out = 25,088*4,096 = 102760448"),
        ("vgg16", "fc6", "receptive_field", "all: the whole input"),
        ("resnet18", "bn1", "params", "2*C = 2*64 = 128"),
        ("resnet18", "bn1", "buffers", "2*C + 1 = 2*64 + 1 = 129"),
        ("googlenet", "inception_3a.output", "channels",
         "C_1 + C_2 + C_3 + C_4 = 64 + 128 + 32 + 32 = 256"),
        ("resnet18", "layer1.0.add", "receptive_field",
         "max(l_1, l_2) - min(o_1, o_2) + 1 = max(13, 5) - min(-13, -5) + 1 = 27"),
        ("mobilenet_v1", "Conv2d_2.depthwise.conv", "weights",
         "k*k*(C_in/g)*C_out = 3*3*(64/64)*64 = 576"),
        ("mobilenet_v1", "Conv2d_2.depthwise.conv", "padding",
         "floor(max(0, (n/s - 1)*s + k - n)/2) = floor(max(0, (112/2 - 1)*2 + 3 - 112)/2) = 0"),
        ("deconv_unpool", "deconv", "receptive_field", "last - first + 1 = 2 - (-3) + 1 = 6"),
        ("deconv_unpool", "unpool", "size", "(n - 1)*s + k - 2*p = (28 - 1)*2 + 2 - 2*0 = 56"),
        ("mlp_7_3", "fc", "weights", "C_in*C_out = 7*3 = 21"),
    ],
)  # fmt: skip
def test_a_figure_is_derived_as_a_lecture_would(
    network: str, layer: str, quantity: str, equation: str
) -> None:
    assert _equation(network, layer, quantity) == equation


def test_what_differs_from_axis_to_axis_is_derived_for_each() -> None:
    analysis = analyze("inception_v3", input=[3, 299, 331])
    found = derive(analysis, analysis.layer("Mixed_6b.branch7x7_2.conv")).only(["size", "weights"])
    shown = {d.symbol: notation.text(d.form) for d in found.derivations if d.form}
    assert shown == {
        "m_h": "(n_h - k_h + 2*p_h)/s + 1",
        "m_w": "(n_w - k_w + 2*p_w)/s + 1",
        "weights": "k_h*k_w*C_in*C_out",
    }


def test_images_of_a_batch_multiply_what_is_counted_for_each() -> None:
    assert _equation("mlp_7_3", "fc", "macs", batch=8) == "C_in*C_out*N = 7*3*8 = 168"
    assert _equation("mlp_7_3", "fc", "weights", batch=8) == "C_in*C_out = 7*3 = 21"


def test_only_what_says_something_is_shown_unless_asked_for() -> None:
    analysis = analyze("resnet18")
    found = derive(analysis, analysis.layer("relu"))
    shown = [derivation.quantity for derivation in found.only([]).derivations]
    assert shown == ["other_ops", "activation_values", "activation_bytes"]
    (asked,) = found.only(["weights"]).derivations
    assert (asked.value, asked.form) == (0, Number(0))


def test_the_symbols_that_are_used_are_explained() -> None:
    analysis = analyze("alexnet")
    found = derive(analysis, analysis.layer("conv1")).only(["macs"])
    assert {name.symbol: (name.value, meaning) for name, meaning in found.givens()} == {
        "k": (11, "kernel"),
        "C_in": (3, "input channels"),
        "C_out": (96, "output channels"),
        "m": (55, "output size"),
    }


def test_layers_that_share_weights_say_whose_they_are(tmp_path: object) -> None:
    from pathlib import Path

    spec = Path(str(tmp_path)) / "tied.yaml"
    spec.write_text(
        "name: tied\ninput: [4, 8, 8]\nlayers:\n"
        "  - conv: {name: first, channels: 4, kernel: 3, padding: 1}\n"
        "  - conv: {name: second, channels: 4, kernel: 3, padding: 1, weights: first}\n"
    )
    analysis = analyze(str(spec))
    (found,) = derive(analysis, analysis.layer("second")).only(["weights"]).derivations
    assert (found.value, found.note) == (0, "those of first, and counted there")


@pytest.mark.parametrize(
    ("spec", "layer", "position"),
    [
        ("inputs: {t: {shape: [5], dtype: int64}}\nlayers: [embedding: {rows: 3, features: 4}]",
         "embedding1", "token"),
        ("input: [1, 50]\nlayers: [conv: {channels: 2, kernel: 3}, expand: {shape: [2, 48]}]",
         "expand1", "position"),
        ("input: [1, 9, 9]\nlayers: [conv: {channels: 2, kernel: 3}, reshape: {shape: [-1]}]",
         "reshape1", "pixel"),
    ],
)  # fmt: skip
def test_what_is_seen_is_called_as_the_input_has_it(spec: str, layer: str, position: str) -> None:
    analysis = analysis_of(f"name: words\n{spec}\n")
    legend = derive(analysis, analysis.layer(layer)).legend
    seen = {meaning for meaning in legend.values() if " seen" in meaning}
    assert seen == {f"{end} {position} seen" for end in ("first", "last")}


def test_free_sizes_are_refused() -> None:
    analysis = analyze("vgg16", input=[3, 32 * symbol("h"), 224])
    with pytest.raises(UsageError, match="give plain numbers as input"):
        derive(analysis, analysis.layer("conv1_1"))


def test_an_unknown_quantity_is_refused_with_a_guess() -> None:
    analysis = analyze("alexnet")
    with pytest.raises(UsageError, match="did you mean 'weights'"):
        derive(analysis, analysis.layer("conv1")).only(["weight"])


def test_headings_of_a_table_name_quantities_too() -> None:
    found = derive(analysis := analyze("alexnet"), analysis.layer("conv1"))
    named = found.only(["output", "field", "MACs"]).derivations
    assert named == found.only(["channels", "size", "receptive_field", "macs"]).derivations
    assert len(named) == 4


def test_all_words_for_what_a_layer_sees_are_there() -> None:
    from archcalc.window import Reach

    assert set(module.WORDS) == set(Reach) - {Reach.SAME, Reach.STATISTICS}


def test_the_local_field_is_derived_where_a_gate_hides_the_field() -> None:
    text = """\
  - conv: {name: before, channels: 4, kernel: 3, padding: 1}
  - multiply: {name: gated, branches: [[], [global_avg_pool]]}
  - group_norm: {name: norm, groups: 1}
  - conv: {name: out, channels: 1, kernel: 3, padding: 1}
"""
    analysis = analysis_of(text)
    local = "local_receptive_field"
    assert _derived(analysis, "out", "receptive_field") == "all: the whole input"
    assert _derived(analysis, "out", local) == "r_in + (k - 1)*j_in = 3 + (3 - 1)*1 = 5"
    assert _derived(analysis, "gated", local) == "r_in = 3 = 3"
    assert _derived(analysis, "before", local) == f"3: {module.AS_THE_FIELD}"
    for layer in ("before", "gated", "norm"):  # what is passed on says nothing new
        shown = derive(analysis, analysis.layer(layer)).only([]).derivations
        assert local not in [derivation.quantity for derivation in shown]
    assert derive(analysis, analysis.layer("out")).legend["r_in"] == (
        "local receptive field of the input"
    )


TOKENS = """
name: tokens
inputs: {tokens: {shape: [5], dtype: int64}}
layers:
  - embedding: {name: e, rows: 7, features: 8}
  - slice: {name: s, stop: 3}
  - linear: {name: k, features: 6}
  - linear: {name: q, from: e, features: 6}
  - scaled_dot_product_attention: {name: a, from: [q, k, k], heads: 2}
  - scaled_dot_product_attention: {name: own, from: [a, a, a], heads: 2}
  - concat: {name: c, from: [a, a]}
"""


@pytest.mark.parametrize(
    ("layer", "quantity", "formula"),
    [
        ("k", "macs", "C_in*C_out*L"),
        ("a", "macs", "2*C*L_1*L_2"),
        ("own", "macs", "2*C*L*L"),
        ("c", "channels", "L_1 + L_2"),
    ],
)
def test_tokens_have_positions_and_features(layer: str, quantity: str, formula: str) -> None:
    analysis = analyze(TOKENS)
    (found,) = derive(analysis, analysis[layer]).only([quantity]).derivations
    assert found.form is not None
    assert notation.text(found.form) == formula


def test_inputs_with_other_channels_have_letters_of_their_own() -> None:
    analysis = analysis_of("""\
name: deformed
input: [8, 9, 9]
layers:
  - conv: {name: offsets, channels: 18, kernel: 3, padding: 1}
  - deform_conv: {name: y, from: [input, offsets], channels: 4, kernel: 3, padding: 1, bias: false}
""")
    assert _derived(analysis, "y", "other_ops").startswith("k*k*(12*(C_2/(2*k*k)) + 7*C_1)*m*m = ")
    assert _derived(analysis, "y", "macs").startswith("k*k*C_1*C_out*m*m = 3*3*8*4*9*9 = ")
