"""The figures of a network by which networks are compared."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc import analyze, symbol
from archcalc.comparing.key_figures import gap, key_figures, ratio
from tests.spec_texts import analysis_of


def test_the_figures_are_those_of_the_totals() -> None:
    analysis = analyze("resnet50", batch=2)
    figures = key_figures(analysis)
    assert figures.params == analysis.totals.params == 25_557_032
    assert figures.macs == analysis.totals.macs
    assert figures.flops == 2 * figures.macs
    assert figures.weight_layers == 50
    assert figures.receptive_field == (427, 427)


def test_the_receptive_field_is_that_of_the_last_bounded_layer() -> None:
    # Global pooling and the linear layer behind it see everything.
    assert key_figures(analyze("vgg16")).receptive_field == (212, 212)
    assert key_figures(analyze("mlp_7_3")).receptive_field is None
    # The auxiliary heads, which end in larger fields, are no part of the network at inference.
    googlenet = analyze("googlenet")
    assert (
        key_figures(googlenet).receptive_field
        == googlenet.layer("inception_5b.output").receptive_field
    )


GATED = """\
name: gated
input: [3, 32, 32]
layers:
  - conv: {channels: 4, kernel: 3, stride: 2, padding: 1}
  - multiply: [[], [global_avg_pool, {conv: {channels: 4, kernel: 1}}, sigmoid]]
  - conv: {channels: 4, kernel: 3, padding: 1}
  - global_avg_pool
"""


def test_a_gate_does_not_hide_what_the_convolutions_reach() -> None:
    figures = key_figures(analysis_of(GATED))
    # 3 + (3 - 1) 2 = 7 of the last convolution; the first, before the gate, sees 3.
    assert (figures.receptive_field, figures.local_receptive_field) == ("all", (7, 7))
    plain = key_figures(analyze("vgg16"))
    assert plain.local_receptive_field == plain.receptive_field


# Tan & Le 2019 (arXiv:1905.11946), table 1: kernel, stride and repeats of each stage.
EFFICIENTNET_B0 = """\
name: efficientnet_b0
input: [3, 224, 224]
blocks:
  mbconv:
    parameters: [k, s]
    layers:
      - conv: {channels: 8, kernel: k, stride: s, padding: (k - 1)//2, groups: 8}
      - batch_norm
      - silu
      - multiply: [[], [global_avg_pool, {conv: {channels: 8, kernel: 1}}, sigmoid]]
      - conv: {channels: 8, kernel: 1}
  stage:
    parameters: [k, s, n]
    layers:
      - mbconv: {k: k, s: s}
      - repeat: n - 1
        layers:
          - add: [[], [mbconv: {k: k, s: 1}]]
layers:
  - conv: {channels: 8, kernel: 3, stride: 2, padding: 1}
  - stage: {k: 3, s: 1, n: 1}
  - stage: {k: 3, s: 2, n: 2}
  - stage: {k: 5, s: 2, n: 2}
  - stage: {k: 3, s: 2, n: 3}
  - stage: {k: 5, s: 1, n: 3}
  - stage: {k: 5, s: 2, n: 4}
  - stage: {k: 3, s: 1, n: 1}
  - conv: {name: last, channels: 8, kernel: 1}
  - global_avg_pool
"""


def test_the_convolutions_of_efficientnet_b0_reach_851_pixels() -> None:
    # 1 + the sum of (k - 1) j: 2 + 4 + 4 + 8 + 16 + 32 + 16 + 2*32 + 3*64 + 64 + 3*128 + 64 = 850.
    analysis = analysis_of(EFFICIENTNET_B0)
    figures = key_figures(analysis)
    assert (figures.receptive_field, figures.local_receptive_field) == ("all", (851, 851))
    assert analysis.layer("last").jump == (32, 32)


@pytest.mark.parametrize(
    ("value", "reference", "quotient", "difference"),
    [
        (3, 2, Fraction(3, 2), 1),
        (0, 2, Fraction(0), -2),
        (3, 0, None, 3),
        ((6, 6), (4, 4), Fraction(3, 2), 2),
        ((6, 4), (4, 4), None, None),
        (None, 4, None, None),
        (symbol("n"), 4, None, None),
    ],
)
def test_ratios_and_gaps_are_of_plain_numbers(
    value: object, reference: object, quotient: Fraction | None, difference: int | None
) -> None:
    assert ratio(value, reference) == quotient
    assert gap(value, reference) == difference
