"""Networks on tokens, tables and learned tensors: whole ones, against torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from archcalc import Graph, analyze, load, verify
from archcalc.errors import LayerError
from archcalc.exporting.source import torch_source
from archcalc.feature_map import FeatureMap
from archcalc.layers.embedding import Embedding
from archcalc.layers.sources import Parameter
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.testing.training import check_step
from archcalc.torch_backend.batches import drawn


@st.composite
def networks(draw: Any) -> Graph:
    """A table of tokens and one of positions, attention between them, and what follows."""
    length, heads = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    groups = draw(st.integers(1, 2))
    width = 2 * heads * groups * draw(st.integers(1, 2))
    heads *= groups
    causal, learned = draw(st.booleans()), draw(st.booleans())
    keys = width // heads * groups
    turned = draw(st.booleans())
    return load(f"""\
name: tokens
inputs: {{tokens: {{shape: [{length}], dtype: int64}}}}
layers:
  - embedding: {{name: e, rows: 7, features: {width}}}
  - parameter: {{name: p, shape: [{length + 1}, {width}], learned: {str(learned).lower()}}}
  - slice: {{name: s, stop: {length}}}
  - index_select: {{name: i, from: p, count: {length}}}
  - add: {{name: x, from: [e, s, i]}}
  - {draw(st.sampled_from(["rms_norm: {name: n}", "layer_norm: {name: n, over: last}"]))}
  - linear: {{name: q, features: {width}}}
  - {f"rotary_embedding: {{name: r, heads: {heads}}}" if turned else "identity: {name: r}"}
  - linear: {{name: k, from: n, features: {keys}}}
  - linear: {{name: v, from: n, features: {keys}}}
  - scaled_dot_product_attention:
      from: [r, k, v]
      name: a
      heads: {heads}
      key_heads: {groups}
      causal: {str(causal).lower()}
  - parameter: {{name: c, shape: [1, {width}]}}
  - concat: {{name: all, from: [c, a]}}
  - rearrange: {{axes: "l (h d) -> h l d", h: {heads}}}
  - linear: {{features: 3}}
  - select: {{axis: 1, index: -1}}
""")


@given(networks(), st.integers(1, 3))
def test_a_step_of_a_network_on_tokens_takes_what_torch_takes(network: Graph, batch: int) -> None:
    analysis = analyze(network, batch=batch)
    assume(why_memory_is_unknown(analysis, analysis.dtype) is None)
    check_step(network, batch)


@given(networks())
def test_figures_of_a_network_on_tokens_are_torchs(network: Graph) -> None:
    found = verify(network, subjects=["sizes", "params", "macs", "memory"])
    assert not found.found.differences


@given(networks())
def test_the_export_of_a_network_on_tokens_runs(network: Graph) -> None:
    scope: dict[str, Any] = {}
    exec(compile(torch_source(network, ""), "<export>", "exec"), scope)
    module = scope["Tokens"]()
    (tokens,) = drawn(network, 2, torch.float32, "cpu")
    last = analyze(network).layers[-1].output
    assert module(tokens).shape == (2, *last.shape)
    values = [*module.parameters(), *module.buffers()]
    totals = analyze(network).totals
    assert sum(value.numel() for value in values) == totals.params + totals.buffers


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(LayerError, match="takes integers"):
        Embedding(rows=3, features=2).effect_on(FeatureMap(4))
    with pytest.raises(LayerError, match="0 rows"):
        Embedding(rows=0, features=2).effect_on(FeatureMap(4, dtype="int64"))
    with pytest.raises(LayerError, match="a size of 0"):
        Parameter(shape=(2, 0)).effect_on()
    with pytest.raises(LayerError, match="a shape of 9 numbers"):
        Parameter(shape=(1,) * 9).effect_on()
