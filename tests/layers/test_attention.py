"""Networks with attention that has a bias, or is of windows: whole ones, against torch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import sdpa_backward_flop_count

from archcalc import FeatureMap, Graph, LayerError, UsageError, analyze, load, verify
from archcalc.layers.attention import ScaledDotProductAttention
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import step_of
from archcalc.testing.checks import BATCH, effect_of
from archcalc.testing.strategies import Example
from archcalc.testing.training import check_step
from tests.layers.examples import EXAMPLES


@st.composite
def networks(draw: Any, *, learned: bool) -> Graph:
    """Attention among all tokens, or those of a window, with a bias that is there once or none."""
    length, windows, heads, width = (draw(st.integers(1, 3)) for _ in range(4))
    features = heads * width
    of_windows = draw(st.booleans())
    tokens = length if of_windows else length * windows
    shape = [draw(st.sampled_from([n, 1])) for n in (heads, tokens, tokens)]
    biased = learned or draw(st.booleans())
    cut = f'rearrange: {{name: e, axes: "(w l) c -> [w] l c", w: {windows}}}'
    back = f'rearrange: {{axes: "[w] l c -> (w l) c", w: {windows}}}'
    return load(f"""\
name: attention
input: [{length * windows}, {features}]
layers:
  - {cut if of_windows else "identity: {name: e}"}
  - linear: {{name: q, features: {features}}}
  - linear: {{name: k, from: e, features: {features}}}
  - linear: {{name: v, from: e, features: {features}}}
  - parameter: {{name: p, shape: {shape}, learned: {str(learned).lower()}}}
  - scale: {{name: b, factor: 2}}
  - scaled_dot_product_attention:
      {{name: a, from: [q, k, v{", b" if biased else ""}], heads: {heads}}}
  - linear: {{features: {features}}}
  - {back if of_windows else "identity"}
  - layer_norm
""")


@given(networks(learned=False), st.integers(1, 3))
def test_a_step_with_a_bias_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch)


@given(networks(learned=False), st.integers(1, 2))
def test_figures_with_a_bias_are_torchs(net: Graph, batch: int) -> None:
    found = verify(net, batch=batch, subjects=["sizes", "params", "macs", "memory"])
    assert not found.found.differences


@given(networks(learned=True))
def test_what_is_made_for_a_bias_that_learns_is_not_known(net: Graph) -> None:
    with pytest.raises(
        UsageError, match=r"what a \(scaled_dot_product_attention\) makes and keeps"
    ):
        step_of(analyze(net))
    found = verify(net, subjects=["sizes", "params", "macs", "memory"])
    assert not found.found.differences


@given(EXAMPLES[ScaledDotProductAttention])
def test_backward_it_takes_the_macs_that_torch_counts_of_a_fused_kernel(example: Example) -> None:
    layer, effect = example.layer, effect_of(example)
    if effect is None:
        return
    assert isinstance(layer, ScaledDotProductAttention)
    q, k, v = (
        (BATCH, heads, x.channels, x.shape[1] // heads)
        for heads, x in zip(
            (layer.heads, *[layer.key_heads or layer.heads] * 2), example.inputs, strict=False
        )
    )
    flops = sdpa_backward_flop_count(q, q, k, v)  # type: ignore[no-untyped-call]  # torch's
    assert 2 * BATCH * layer.macs_backward(effect, example.inputs, (True, False, False)) == flops
    assert layer.macs_backward(effect, example.inputs, (False,) * 3) == 0


@given(networks(learned=False), st.integers(1, 2))
def test_a_step_under_autocast_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch, TrainingOptions(dtype="mixed"))


def test_a_bias_that_does_not_fit_is_refused() -> None:
    x, layer = FeatureMap(3, (4,)), ScaledDotProductAttention(heads=2)
    assert layer.effect_on(x, x, x, FeatureMap(1, (3, 1))).output == x
    with pytest.raises(LayerError, match="a bias of 2x3x4 for scores of 2x3x3"):
        layer.effect_on(x, x, x, FeatureMap(2, (3, 4)))
    with pytest.raises(LayerError, match=r"a bias \(heads, queries, keys\), and 3x3 has 2 axes"):
        layer.effect_on(x, x, x, FeatureMap(3, (3,)))


@pytest.mark.parametrize(("width", "known"), [(1, False), (2, True)])
def test_of_a_convolution_with_one_position_nobody_knows_how_attention_takes_it(
    width: int, known: bool
) -> None:
    """Torch may lay it channels last, and then makes the scores themselves."""
    network = f"""\
name: attention
input: [3, {width}]
layers:
  - conv: {{name: q, channels: 2, kernel: 1}}
  - sigmoid: {{name: k}}
  - scaled_dot_product_attention: {{from: [q, k, k]}}
"""
    why = why_memory_is_unknown(analyze(network), "float32")
    assert (why is None) == known
