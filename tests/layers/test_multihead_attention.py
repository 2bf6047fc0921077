"""Networks with torch's module of attention: by itself, and across two or three inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import Graph, LayerError, UsageError, analyze, load, verify
from archcalc.exporting.source import torch_source
from archcalc.feature_map import FeatureMap
from archcalc.layers.multihead_attention import MultiheadAttention
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.learning import learning
from archcalc.memory_use.training import backward_macs, step_of
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from tests.torch_backend.test_training_step import counted


@st.composite
def networks(draw: Any) -> Graph:
    """Tokens that attend to themselves, to others, or to others of other widths."""
    heads, each, length, steps = (draw(st.integers(1, 3)) for _ in range(4))
    width = heads * each
    bias, causal = (str(draw(st.booleans())).lower() for _ in range(2))
    inputs = draw(st.sampled_from(["[q]", "[q, k]", "[q, k, v]"]))
    learns = f"linear: {{name: q, features: {width}}}"
    learning = draw(st.sampled_from([learns, "identity: {name: q}"]))
    return load(f"""\
name: tokens
input: [{length}, {width}]
layers:
  - {learning}
  - conv: {{name: k, from: input, channels: {steps}, kernel: 1}}
  - linear: {{name: v, features: {draw(st.integers(1, 3))}}}
  - multihead_attention:
      {{name: a, from: {inputs}, heads: {heads}, bias: {bias}, causal: {causal}, dropout: 0.1}}
  - linear: {{features: 2}}
""")


@given(networks(), st.integers(1, 2))
def test_figures_are_torchs_and_memory_is_not_known(net: Graph, batch: int) -> None:
    found = verify(net, batch=batch, subjects=["sizes", "params", "macs", "memory"])
    assert not found.found.differences
    with pytest.raises(UsageError, match=r"what a \(multihead_attention\) makes and keeps"):
        step_of(analyze(net))


@given(networks(), st.booleans())
def test_a_step_takes_the_macs_that_torch_counts(net: Graph, frozen: bool) -> None:
    analysis = analyze(with_frozen(net, ["a"]) if frozen else net, batch=2)
    layer, macs = analysis.layer("a"), backward_macs(analysis)
    inputs = [analysis.maps[name] for name in layer.inputs]
    learns = learning(analysis)
    # Of a frozen one with some inputs that learn the fused kernel makes all gradients.
    assume(not frozen or len({learns[name] for name in layer.inputs}) == 1)
    # On the meta device torch keeps the scores, which the fused kernels make once more.
    again = (layer.effect.macs - layer.node.layer.macs_of_weights(layer.effect, inputs)) // 2
    runs = not frozen or macs["a"].inputs > 0
    forward = sum(layer.macs for layer in analysis.used_layers)
    backward = sum(one.total for one in macs.values()) - 2 * again * runs
    assert counted(analysis) == 2 * (forward + backward)


@given(networks())
def test_the_export_is_torchs_module(net: Graph) -> None:
    source, scope = torch_source(net, ""), dict[str, Any]()
    assert "nn.MultiheadAttention(" in source
    exec(compile(source, "<export>", "exec"), scope)
    module, twin = scope["Tokens"]().eval(), build(net).eval()
    with torch.no_grad():
        for own, other in zip(module.parameters(), twin.parameters(), strict=True):
            own.copy_(other)
        (x,) = drawn(net, 2, torch.float32, "cpu")
        torch.testing.assert_close(module(x), twin(x))
    named = {n: tuple(p.shape) for n, p in module.named_parameters()}
    assert named == {n: tuple(p.shape) for n, p in twin.named_parameters()}


def test_what_torch_refuses_is_refused() -> None:
    x, layer = FeatureMap(3, (4,)), MultiheadAttention(heads=2)
    assert layer.effect_on(x).weights == 4 * 4 * 4
    with pytest.raises(LayerError, match="4 inputs are given"):
        layer.effect_on(x, x, x, x)
    with pytest.raises(LayerError, match=r"takes tokens \(L, C\), and 3 has 1 axes"):
        layer.effect_on(x, FeatureMap(3))
    with pytest.raises(LayerError, match="2 keys for 3 values"):
        layer.effect_on(x, FeatureMap(2, (4,)), x)
    with pytest.raises(LayerError, match=r"a probability of 1.5"):
        MultiheadAttention(heads=2, dropout=1.5).effect_on(x)
