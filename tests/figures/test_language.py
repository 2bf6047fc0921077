"""The quantity language, on a network whose figures are easily worked out by hand."""

from __future__ import annotations

import pathlib

import pytest

from archcalc.analysis import Analysis
from archcalc.figures.language import evaluate
from archcalc.figures.of_network import OF_NETWORK, longest_path
from archcalc.spec.values import ExpressionError
from archcalc.walk import analyze

SPEC = """
name: small
input: [3, 8, 8]
parameters: {width: 4}
blocks:
  unit:
    parameters: [channels]
    layers:
      - conv: {name: conv_a, channels: channels, kernel: 3, padding: 1}
      - add:
          - - conv: {name: conv_b, channels: channels, kernel: 1, bias: false}
          - []
layers:
  - unit: {name: first, channels: width}
  - unit: {name: second, channels: 2*width}
  - max_pool: {name: pool, kernel: 2, stride: 2}
  - head: {name: aux, training_only: true, layers: [flatten, linear: {features: 10}]}
  - flatten
  - linear: {name: fc, features: 10}
"""

# weights of conv_a, conv_b of the two units, then of fc:
# 3*4*9 = 108, 4*4 = 16; 4*8*9 = 288, 8*8 = 64; 8*4*4*10 = 1280
WEIGHTS = 108 + 16 + 288 + 64 + 1280
BIASES = 4 + 8 + 10


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    path = pathlib.Path(tmp_path_factory.mktemp("specs")) / "small.yaml"
    path.write_text(SPEC)
    return analyze(str(path))


def no_other(name: str) -> Analysis:
    raise AssertionError(f"asked for {name}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("params", WEIGHTS + BIASES),
        ("weights", WEIGHTS),
        ("flops - 2*macs", 0),
        ("layers[fc].weights", 1280),
        ("layers[first.conv_a].params", 108 + 4),
        ("layers[*.conv_b].weights", 16 + 64),
        ("layers[*.conv_b].count", 2),
        ("blocks[first].weights", 108 + 16),
        ("blocks[second].output", [8, 8, 8]),
        ("blocks[second].input", [4, 8, 8]),
        ("kinds[conv].weights", WEIGHTS - 1280),
        ("kinds[linear].count", 1),
        ("kinds[batch_norm].count + kinds[batch_norm].params", 0),
        ("layers[pool].output", [8, 4, 4]),
        ("layers[pool].size", 4),
        ("layers[pool].channels", 8),
        ("layers[pool].receptive_field", 6),
        ("layers[pool].local_receptive_field", 6),
        ("layers[pool].jump", 2),
        ("layers[pool].kernel", 2),
        ("layers[pool].output[0]", 8),
        ("input", [3, 8, 8]),
        ("width", 4),
        # Longest path: conv_a, conv_b, conv_a, conv_b, fc.
        ("weight_layers", 5),
        ("path[conv, max_pool]", 5),
        ("training_only_params", 1280 + 10),
        # Through or around conv_b, twice.
        ("paths", 4),
        ("blocks[first].sizes", [8, 8]),
        ("layers[*.conv_b].kernel", [1, 1]),
        ("kinds[conv].macs / macs < 1", True),
        ("max(layers[fc].macs, 7)", 1280),
        ("'B' == 'B'", True),
        # The lectures list the image and the outputs of conv, pool and linear layers:
        # 192 + (256 + 256) + (512 + 512) + 128 + 10
        ("lecture_values", 192 + 512 + 1024 + 128 + 10),
    ],
)
def test_a_quantity_has_its_value(small: Analysis, text: str, value: object) -> None:
    assert evaluate(text, small, no_other) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parms", "did you mean 'params'"),
        ("layers[fc1].macs", "did you mean 'fc'"),
        ("layers[conv_a].macs", "2 layers of small are called 'conv_a'"),
        ("layers[fc].wieghts", "did you mean 'weights'"),
        ("layers[fc]", "which figure of layers[fc]?"),
        ("blocks[frist].macs", "did you mean 'first'"),
        ("kinds[cov].macs", "did you mean 'conv'"),
        ("kinds[batch_norm].output", "small has no layer of kind 'batch_norm'"),
        ("layers[*.nothing].macs", "no layers[*.nothing]"),
        ("params +", "'params +' is not an expression"),
        ("params.real", "does not have"),
        ("__import__('os')", "has no figure '__import__'"),
        ("params / 0", "divides by zero"),
    ],
)
def test_a_wrong_quantity_is_explained(small: Analysis, text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(text, small, no_other)
    assert message in str(raised.value)


def test_another_network_is_found_by_name_and_settings(small: Analysis) -> None:
    asked = []

    def find(text: str) -> Analysis:
        asked.append(text)
        return small

    ratio = evaluate("networks[big width=8].layers[fc].macs / layers[fc].macs", small, find)
    assert (ratio, asked) == (1, ["big width=8"])


def test_the_longest_path_leaves_out_what_runs_beside_it(small: Analysis) -> None:
    assert longest_path(small, lambda layer: layer.kind == "conv") == 4
    assert longest_path(small, lambda layer: layer.kind == "add") == 2
    assert longest_path(small, lambda layer: False) == 0


@pytest.mark.parametrize(
    ("name", "field"), [("resnet50", 427), ("vit_b_16", "all"), ("deeplabv3_resnet50", "all")]
)
def test_the_field_of_a_network_is_that_of_its_last_map(name: str, field: object) -> None:
    # The pool of a whole map is behind it; a class token, and the map that is added, before it.
    assert evaluate("receptive_field", analyze(name)) == field


def test_what_mixes_windows_is_not_left_out_of_the_field_of_a_network() -> None:
    assert OF_NETWORK["receptive_field"].of(analyze("swin_t")) is None
