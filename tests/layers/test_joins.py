"""Joins of branches of other shapes, in networks that have them; counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, LayerError, load
from archcalc.testing.training import check_step
from tests.spec_texts import analysis_of

Draw = st.DrawFn

CBAM = """name: cbam
input: [64, 28, 28]
layers:
  - conv: {name: x, channels: 64, kernel: 3, padding: 1}
  - conv: {name: att, channels: 1, kernel: 7, padding: 3, bias: false}
  - sigmoid: {name: s}
  - multiply: {name: gated, from: [x, s]}
"""
MFM = """name: mfm
input: [1, 128, 128]
layers:
  - conv: {channels: 96, kernel: 5, padding: 2}
  - maximum: {name: larger, branches: [[channel_split: {parts: 2, part: 0}],
                                       [channel_split: {parts: 2, part: 1}]]}
"""
LINEAR_GATE = """name: gate
input: [32, 12, 12]
layers:
  - identity: {name: x}
  - global_avg_pool
  - flatten
  - linear: {name: g, features: 32}
  - multiply: {name: gated, from: [x, g]}
"""


def test_a_gate_of_one_channel_is_spread_over_all() -> None:
    analysis = analysis_of(CBAM)
    gated = analysis.layer("gated")
    assert gated.output.shape == (64, 28, 28)
    assert gated.other_ops == 64 * 28 * 28
    assert analysis.totals.params == 64 * 64 * 9 + 64 + 64 * 49
    assert analysis.totals.macs == 28 * 28 * (64 * 64 * 9 + 64 * 49)
    assert gated.receptive_field == (9, 9)


def test_the_larger_of_two_halves() -> None:
    analysis = analysis_of(MFM)
    assert analysis.layer("larger").output.shape == (48, 128, 128)
    assert (analysis.totals.params, analysis.totals.macs) == (2496, 39_321_600)


def test_a_gate_of_linear_layers_is_one_value_for_each_channel_where_it_is_reshaped() -> None:
    with pytest.raises(LayerError, match=r"reshape: \{shape: \[32, 1, 1\]\} makes it one value"):
        analysis_of(LINEAR_GATE)
    reshaped = LINEAR_GATE.replace(
        "  - multiply: {name: gated, from: [x, g]}",
        "  - reshape: {name: per, shape: [32, 1, 1]}\n  - multiply: {name: gated, from: [x, per]}",
    )
    assert analysis_of(reshaped).layer("gated").output.shape == (32, 12, 12)


def test_what_stands_in_a_row_sees_in_different_ways_unless_all_see_alike() -> None:
    text = """name: rows
input: [2, 9, 9]
layers:
  - conv: {name: a, channels: 2, kernel: 3, padding: 1}
  - concat: {name: same, axis: 1, from: [a, a]}
  - concat: {name: other, axis: -1, from: [a, input]}
"""
    analysis = analysis_of(text)
    assert analysis.layer("same").output.shape == (2, 18, 9)
    assert analysis.layer("same").receptive_field == (None, 3)
    assert analysis.layer("other").output.shape == (2, 9, 18)
    assert analysis.layer("other").receptive_field is None


@st.composite
def rows_side_by_side(draw: Draw) -> Graph:
    """Tokens whose features are put side by side, from branches, and once more, and go on."""
    length, after = (
        draw(st.integers(1, 3)),
        ["relu", "layer_norm: {over: last}", "linear: {features: 2}"],
    )
    widths = [draw(st.integers(1, 4)) for _ in range(3)]
    between = draw(st.sampled_from(["identity", "relu", "layer_norm: {over: last}"]))
    inner = draw(st.sampled_from(["b", "a"]))
    return load(f"""\
name: rows
input: [{length}, 4]
layers:
  - linear: {{name: a, features: {widths[0]}}}
  - linear: {{name: b, from: {draw(st.sampled_from(["input", "a"]))}, features: {widths[1]}}}
  - concat: {{name: c, from: [a, b], axis: -1}}
  - {between}
  - linear: {{name: d, features: {widths[2]}}}
  - concat: {{name: e, from: [{inner}, d, c], axis: -1}}
  - {draw(st.sampled_from(after))}
""")


@given(rows_side_by_side(), st.integers(1, 2))
def test_a_step_through_rows_side_by_side_takes_what_torch_takes(
    network: Graph, batch: int
) -> None:
    check_step(network, batch)
