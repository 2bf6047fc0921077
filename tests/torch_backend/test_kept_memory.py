"""Memory to the byte, as torch has it: what training keeps, and what lives at inference."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F  # torch's own name for it
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile

from archcalc import Analysis, FeatureMap, Graph, analyze
from archcalc.layers.convolution import Conv
from archcalc.layers.normalization import LayerNorm
from archcalc.layers.pooling import MaxPool
from archcalc.layers.reshaping import Flatten
from archcalc.layers.upsampling import Upsample
from archcalc.memory_use.liveness import Storages, storages
from archcalc.memory_use.totals import peak_bytes, saved_bytes
from archcalc.memory_use.training import backward_macs, reasons, refused_in_training
from archcalc.torch_backend.build import build
from archcalc.torch_backend.peak_memory import measured_inference
from archcalc.torch_backend.saved_tensors import saved_by_layer
from tests.graphs import chain, random_graphs, with_some_checkpointed, with_some_frozen
from tests.spec_texts import analysis_of


def kept(analysis: Analysis) -> int:
    """What training keeps by the rule, which torch agrees with layer by layer."""
    ordered = sorted(analysis.used_layers, key=lambda layer: layer.training_only)
    names = [layer.name for layer in ordered]
    x = torch.rand(analysis.batch, *analysis.input.shape)
    rule = {name: saved_bytes(analysis)[name] for name in names}
    assert saved_by_layer(build(analysis.graph), x, names) == rule | {"": 0}
    return sum(rule.values())


def peak(analysis: Analysis) -> int:
    """The peak at inference by the rule, which torch agrees with."""
    make_images = partial(torch.zeros, analysis.batch, *analysis.input.shape)
    assert measured_inference(build(analysis.graph), make_images).beyond == peak_bytes(analysis)
    found: int = peak_bytes(analysis)
    return found


@given(with_some_checkpointed(with_some_frozen(random_graphs(most=16))), st.integers(1, 3))
def test_what_training_keeps_of_any_graph_is_the_rules(network: Graph, batch: int) -> None:
    analysis = analyze(network, batch=batch)
    assume(not refused_in_training(analysis))
    kept(analysis)


# ----- indices of pools that are unpooled -----


def test_an_unpooling_keeps_the_indices_of_a_pool_before_which_nothing_learns() -> None:
    analysis = analysis_of("""\
name: unpool
input: [1, 4, 4]
layers:
  - max_pool: {name: p, kernel: 2}
  - conv: {name: c, channels: 1, kernel: 1, bias: false}
  - max_unpool: {name: u, indices: p, kernel: 2}
""")
    # The convolution keeps its input, 4 values of 4 bytes; the unpooling 4 indices of 8.
    assert kept(analysis) == 4 * 4 + 4 * 8
    assert saved_bytes(analysis) == {"p": 0, "c": 16, "u": 32}
    assert reasons(analysis)["u"] == ["indices of p"]


def test_indices_into_a_padded_copy_are_kept_beside_the_corrected_ones() -> None:
    analysis = analysis_of("""\
name: unpool2
input: [1, 5]
layers:
  - conv: {name: c, channels: 1, kernel: 1, bias: false}
  - max_pool: {name: p, kernel: 3, padding: [[1, 0]]}
  - max_unpool: {name: u, indices: p, kernel: 3, output: [5]}
""")
    # The image, 5 values; the padded copy, 6, and 2 indices into it; 2 corrected ones.
    assert kept(analysis) == 5 * 4 + 6 * 4 + 2 * 8 + 2 * 8
    # Beside what c and p put out the corrected indices, those before, and one more of their size.
    assert peak(analysis) == 5 * 4 + 2 * 4 + 3 * 2 * 8


def test_a_pool_of_which_the_indices_alone_are_needed_keeps_nothing() -> None:
    """No gradient comes back through them, nor to what stands before the pool."""
    analysis = analysis_of("""\
name: indices
input: [1, 4, 4]
layers:
  - conv: {name: c, channels: 1, kernel: 1, bias: false}
  - relu: {name: r}
  - max_pool: {name: p, kernel: 2}
  - conv: {name: d, from: input, channels: 1, kernel: 2, stride: 2, bias: false}
  - max_unpool: {name: u, indices: p, kernel: 2}
""")
    # d keeps the image, 16 values of 4 bytes; the unpooling 4 indices of 8.
    assert kept(analysis) == 16 * 4 + 4 * 8
    assert saved_bytes(analysis) == {"c": 0, "r": 0, "p": 0, "d": 64, "u": 32}
    assert backward_macs(analysis)["c"].total == 0
    assert backward_macs(analysis)["d"].total == 16


def test_the_same_indices_are_kept_once() -> None:
    analysis = analysis_of("""\
  - conv: {name: c, channels: 3, kernel: 1}
  - max_pool: {name: p, kernel: 2}
  - relu: {name: r}
  - max_unpool: {name: u, indices: p, kernel: 2}
  - max_unpool: {name: v, indices: p, kernel: 2, from: r}
  - add: {from: [u, v]}
""")
    account = saved_bytes(analysis)
    assert kept(analysis) == sum(account.values())
    assert (account["p"], account["u"], account["v"]) == (768 + 48 * 8, 0, 0)


# ----- maps of one channel, or of one position -----


@pytest.mark.parametrize("batch", [1, 2])
def test_a_norm_over_one_channel_leaves_the_channels_first(batch: int) -> None:
    analysis = analysis_of("""\
name: ln2
input: [1, 5, 3]
layers:
  - conv: {channels: 1, kernel: 1}
  - layer_norm: {over: channels}
  - conv: {channels: 3, kernel: 3, padding: 1}
  - flatten
  - linear: {features: 6}
""")
    # The second convolution's input and output: 15 values of 1 and of 3 channels.
    assert peak(analyze(analysis.graph, batch=batch)) == batch * 15 * (1 + 3) * 4
    kept(analyze(analysis.graph, batch=batch))


@given(
    channels=st.integers(1, 3),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    batch=st.integers(1, 3),
    grows=st.booleans(),
)
def test_whatever_a_norm_over_channels_is_of_no_later_layer_copies(
    channels: int, sizes: list[int], batch: int, grows: bool
) -> None:
    layers = (
        Conv(channels=channels, kernel=1),
        LayerNorm(over="channels"),
        Upsample(factor=2) if grows else Conv(channels=3, kernel=2, padding=1),
        Flatten(),
    )
    analysis = analyze(chain(FeatureMap(2, tuple(sizes)), *layers), batch=batch)
    peak(analysis)
    kept(analysis)


# ----- max pools along one axis -----


def test_a_max_pool_along_one_axis_makes_no_indices_at_inference() -> None:
    analysis = analyze(chain(FeatureMap(4, (64,)), MaxPool(kernel=2)), batch=2)
    assert peak(analysis) == 2 * 4 * (64 + 32) * 4
    # On a GPU it does: 2 x 4 x 32 of 8 bytes.
    assert peak_bytes(analysis, on_gpu=True) == 2 * 4 * (64 + 32) * 4 + 2 * 4 * 32 * 8


def test_nor_does_one_over_a_padded_copy() -> None:
    layer = MaxPool(kernel=2, padding=((1, 0),))
    analysis = analyze(chain(FeatureMap(4, (64,)), layer), batch=2)
    assert peak(analysis) == 2 * 4 * (64 + 65 + 32) * 4


@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 4),
    size=st.integers(4, 64),
    kernel=st.integers(1, 4),
    padded=st.booleans(),
)
def test_torchs_profiler_sees_none_either(
    batch: int, channels: int, size: int, kernel: int, padded: bool
) -> None:
    """Where nothing but torch's own allocator watches."""
    padding = kernel // 2 if padded else 0
    x = torch.rand(batch, channels, size)
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        F.max_pool1d(x, kernel, padding=padding)
    taken = sum(max(0, event.self_cpu_memory_usage) for event in found.key_averages())
    network = chain(FeatureMap(channels, (size,)), MaxPool(kernel=kernel, padding=padding))
    analysis = analyze(network, batch=batch)
    assert taken == peak_bytes(analysis) - x.numel() * 4


def test_one_that_is_undone_makes_them() -> None:
    analysis = analysis_of("""\
name: unpooled
input: [1, 8]
layers:
  - max_pool: {name: p, kernel: 2}
  - max_unpool: {indices: p, kernel: 2}
""")
    assert peak(analysis) == 8 * 4 + 4 * 4 + 4 * 8


def test_so_does_one_that_is_undone_in_training_only() -> None:
    analysis = analysis_of("""\
name: unpooled
input: [1, 8]
layers:
  - max_pool: {name: p, kernel: 2}
  - head: {training_only: true, layers: [max_unpool: {indices: p, kernel: 2}]}
  - relu
""")
    assert peak(analysis) == 8 * 4 + 4 * 4 + 4 * 8


def test_a_peak_with_indices_would_not_be_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analyze(chain(FeatureMap(4, (64,)), MaxPool(kernel=2)))
    monkeypatch.setattr("archcalc.memory_use.totals.storages", _on_a_gpu)
    with pytest.raises(AssertionError):
        peak(analysis)


def _on_a_gpu(analysis: Analysis, *, on_gpu: bool) -> Storages:
    return storages(analysis, on_gpu=not on_gpu)
