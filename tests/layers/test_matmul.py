"""Networks with products of activations: of heads, of windows, with learned tensors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import FeatureMap, Graph, LayerError, UsageError, analyze, load, verify
from archcalc.layers.matmul import Matmul
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import backward_macs, step_of
from archcalc.testing.training import check_step
from archcalc.torch_backend.build import build
from archcalc.window import Reach
from tests.spec_texts import analysis_of
from tests.torch_backend.test_training_step import counted
from tests.unit_field.test_tracing import check_units

# Queries, keys and values: parts of one map, with gaps between images or heads, or maps apart.
PARTS = (
    """\
  - linear: {{name: e, features: {three}}}
  - rearrange: {{name: p, axes: "{i}l (s h d) -> {i}s h l d", s: 3, h: {heads}}}
  - select: {{name: q, from: p, index: 0}}
  - select: {{name: k, from: p, index: 1}}
  - select: {{name: v, from: p, index: -1}}
""",
    """\
  - linear: {{name: e, features: {three}}}
  - rearrange: {{name: p, axes: "{i}l (s h d) -> {i}h s l d", s: 3, h: {heads}}}
  - select: {{name: q, from: p, axis: 1, index: 0}}
  - select: {{name: k, from: p, axis: 1, index: 1}}
  - select: {{name: v, from: p, axis: 1, index: 2}}
""",
    """\
  - linear: {{name: e, features: {three}}}
  - rearrange: {{name: p, axes: "{i}l (h d) -> {i}h l d", h: {heads}}}
  - slice: {{name: q, from: p, axis: -1, stop: {width}}}
  - slice: {{name: k, from: p, axis: -1, start: {width}, stop: {two}}}
  - slice: {{name: v, from: p, axis: -1, start: {two}}}
""",
    """\
  - linear: {{name: e, features: {features}}}
  - rearrange: {{name: q, axes: "{i}l (h d) -> {i}h l d", h: {heads}}}
  - linear: {{name: f, from: e, features: {features}}}
  - rearrange: {{name: k, axes: "{i}l (h d) -> {i}h l d", h: {heads}}}
  - rearrange: {{name: v, from: f, axes: "{i}l (h d) -> {i}h l d", h: {heads}}}
""",
)


@st.composite
def attentions(draw: Any) -> Graph:
    """Attention written out, of all tokens or of windows of them, with a learned bias or none."""
    length, windows, heads, width = (draw(st.integers(1, 3)) for _ in range(4))
    features = heads * width
    of_windows = draw(st.booleans())
    i = "[w] " if of_windows else ""
    parts = draw(st.sampled_from(PARTS)).format(
        i=i, heads=heads, features=features, three=3 * features, width=width, two=2 * width
    )
    cut, back = "(w l) c -> [w] l c", "[w] l c -> (w l) c"
    items = f'  - rearrange: {{axes: "{cut}", w: {windows}}}\n' if of_windows else ""
    whole = f'  - rearrange: {{axes: "{back}", w: {windows}}}\n' if of_windows else ""
    tokens = length if of_windows else length * windows
    learned = draw(st.sampled_from(["true", "false"]))
    bias = f"""\
  - parameter: {{name: t, shape: [{heads}, {tokens}, {tokens}], learned: {learned}}}
  - add: {{from: [s, t]}}
"""
    return load(f"""\
name: attention
input: [{length * windows}, {features}]
layers:
{items}{parts}  - matmul: {{name: s, from: [q, k], transposed: true}}
{bias if draw(st.booleans()) else ""}  - softmax: {{name: w, axis: -1}}
  - matmul: {{from: [w, v]}}
  - rearrange: {{axes: "{i}h l d -> {i}l (h d)"}}
  - linear: {{features: {features}}}
{whole}  - layer_norm
""")


@given(attentions(), st.integers(1, 3))
def test_a_step_of_attention_written_out_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch)


@given(attentions(), st.integers(1, 2))
def test_figures_of_attention_written_out_are_torchs(net: Graph, batch: int) -> None:
    found = verify(net, batch=batch, subjects=["sizes", "params", "macs", "memory"])
    assert not found.found.differences


@st.composite
def seen_by_place(draw: Any) -> Graph:
    """A product of matrices whose rows, or columns, stand for places of the image."""
    rows, columns, height = (draw(st.integers(1, 3)) for _ in range(3))
    turned = draw(st.booleans())
    kernel = draw(st.sampled_from(["[3, 1], padding: [1, 0]", "1"]))
    order = "c h w" if turned else "c w h"
    return load(f"""\
name: places
input: [{height}, {rows}, {columns}]
layers:
  - conv: {{name: a, channels: {height}, kernel: {kernel}}}
  - rearrange: {{name: b, from: input, axes: "c h w -> {order}"}}
  - matmul: {{from: [a, b], transposed: {str(turned).lower()}}}
""")


@given(seen_by_place(), st.data())
def test_each_unit_sees_its_row_and_its_column(net: Graph, data: st.DataObject) -> None:
    assert all(check_units(net, data))
    assert not verify(net, subjects=["field"]).found.differences


def test_along_the_axes_in_front_a_unit_sees_its_own_place() -> None:
    analysis = analysis_of("""\
name: rows
input: [2, 9, 9]
layers:
  - conv: {channels: 2, kernel: 3}
  - rearrange: {name: a, axes: "c h w -> h w c"}
  - matmul: {name: by_row, from: [a, a], transposed: true}
  - rearrange: {name: b, from: conv1, axes: "c h w -> c w h"}
  - matmul: {name: all, from: [conv1, b]}
""")
    assert analysis.layer("by_row").receptive_field == (3, None)
    # Its column, and the other one; of both rows all columns.
    assert analysis.layer("by_row").field[1] is Reach.UNKNOWN
    assert analysis.layer("all").field == (Reach.UNKNOWN, Reach.ALL)


@st.composite
def learned_factors(draw: Any) -> Graph:
    """A product with a learned tensor, or a constant one: first or second, of heads or of none."""
    rows, summed, columns, heads = (draw(st.integers(1, 3)) for _ in range(4))
    of_all = draw(st.sampled_from([1, heads]))
    first = draw(st.booleans())
    shape = [of_all, rows, summed] if first else [of_all, summed, columns]
    other = [heads, summed, columns] if first else [heads, rows, summed]
    if draw(st.booleans()):
        shape, other = shape[1:], other[1:]
    learned = draw(st.sampled_from(["true", "false"]))
    names = "[t, x]" if first else "[x, t]"
    return load(f"""\
name: learned
input: {other}
layers:
  - linear: {{name: x, features: {other[-1]}}}
  - parameter: {{name: t, shape: {shape}, learned: {learned}}}
  - matmul: {{name: m, from: {names}}}
  - linear: {{features: 2}}
""")


@given(learned_factors(), st.integers(1, 3))
def test_a_step_with_a_learned_factor_takes_what_torch_takes(net: Graph, batch: int) -> None:
    try:
        step_of(analyze(net, batch=batch))
    except UsageError as unknown:
        assert "what m (matmul) makes and keeps is not known" in str(unknown)
        assert len(net.nodes[1].layer.shape) == 2  # type: ignore[attr-defined]
        return
    check_step(net, batch)
    found = verify(net, batch=batch, subjects=["sizes", "params", "macs", "memory"])
    assert not found.found.differences


@given(attentions())
def test_a_step_takes_the_macs_that_torch_counts(net: Graph) -> None:
    analysis = analyze(net, batch=2)
    forward = sum(layer.macs for layer in analysis.layers)
    backward = sum(macs.total for macs in backward_macs(analysis).values())
    assert counted(analysis) == 2 * (forward + backward)


@given(attentions(), st.integers(1, 2))
def test_a_step_under_autocast_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch, TrainingOptions(dtype="mixed"))


WINDOWS = """\
name: windows
input: [8, 3]
layers:
  - rearrange: {name: items, axes: "(w l) c -> [w] l c", w: 4}
  - matmul: {name: s, from: [items, OTHER], transposed: true}
"""


def test_one_matrix_for_all_windows_is_one_that_is_there_once() -> None:
    learned = WINDOWS.replace("  - matmul", "  - parameter: {name: t, shape: [5, 3]}\n  - matmul")
    analysis = analysis_of(learned.replace("OTHER", "t"))
    s = analysis.layer("s")
    assert (s.output, s.macs) == (FeatureMap(2, (5,), items=4), 4 * 2 * 3 * 5)
    build(analysis.graph)
    with pytest.raises(LayerError, match="inputs of 4 and of 1 items"):
        analysis_of(WINDOWS.replace("OTHER", "input"))
    apart = '  - rearrange: {name: u, axes: "w l c -> [w] l c"}\n  - matmul'
    learned = learned.replace("[5, 3]", "[4, 5, 3]").replace("  - matmul", apart)
    with pytest.raises(LayerError, match=r"\[4\]x5x3 is there once for all images"):
        analysis_of(learned.replace("OTHER", "u"))


def test_what_torch_does_not_multiply_is_refused() -> None:
    with pytest.raises(LayerError, match="takes two inputs, and 1 are given"):
        Matmul().effect_on(FeatureMap(2, (3,)))
    with pytest.raises(LayerError, match="as many axes, at least two; 2x3 has 2 and 2x3x4 has 3"):
        Matmul().effect_on(FeatureMap(2, (3,)), FeatureMap(2, (3, 4)))
    with pytest.raises(LayerError, match="rows of 3 by columns of 2"):
        Matmul().effect_on(FeatureMap(2, (3,)), FeatureMap(2, (3,)))
