"""Activation totals: what lectures list, all, the peak at inference, and what training keeps."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc import ActivationBytes, Analysis, activation_bytes, analyze, symbol
from archcalc.memory_use.totals import DEFINITIONS, saved_bytes, training_only_bytes
from tests.spec_texts import analysis_of, graph_of

# Bytes of float32: the input 3x8x8 is 768, a map of 4x8x8 is 1024, of 4x4x4 256.
CHAIN = """\
  - conv: {name: conv, channels: 4, kernel: 3, padding: 1}
  - relu: {name: relu}
  - max_pool: {name: pool, kernel: 2}
  - flatten: {name: flat}
  - dropout: {name: drop}
  - linear: {name: fc, features: 10}
"""
CONV = "  - conv: {name: c, channels: 4, kernel: 1}\n"


def memory_of(text: str) -> ActivationBytes:
    return activation_bytes(analysis_of(text))


def kept_by(analysis: Analysis) -> dict[str, int]:
    return {name: kept for name, kept in saved_bytes(analysis).items() if kept}


def test_lectures_list_the_input_and_convolutions_pools_and_linear_layers() -> None:
    # 768 input + 1024 conv + 256 pool + 40 fc.
    assert memory_of(CHAIN).lecture == 2088


def test_all_is_every_layers_output() -> None:
    # 1024 conv + 1024 relu + 256 pool + 256 flat + 256 drop + 40 fc.
    assert memory_of(CHAIN).all == 2856


def test_at_the_peak_of_a_chain_a_layer_holds_its_input_and_its_output() -> None:
    # conv: 768 in + 1024 out = 1792; relu: 1024 + 1024 = 2048; pool: 1024 + 256;
    # flat and drop have no memory of their own at inference; fc: 256 + 40.
    assert memory_of(CHAIN).peak == 2048


def test_a_branch_waits_for_the_others() -> None:
    # Held at the last relu: the first branch's 768, the last branch's input and output, 2 x 768.
    # At the sum: 768 + 768 in, 768 out. The network's input is the second branch's, too.
    text = "  - add: [[relu], [relu, relu]]"
    assert memory_of(text).peak == 3 * 768


def test_a_shortcut_keeps_its_input_alive() -> None:
    # The input's 768 stay until the sum: beside relu1's and relu2's, and at the sum beside
    # relu2's and the sum's own.
    assert memory_of("  - add: [[relu, relu], []]").peak == 3 * 768
    assert memory_of("  - relu\n  - relu").peak == 2 * 768


def test_dense_concatenation_holds_what_it_joins() -> None:
    # At the second concat: its inputs 6x8x8 (1536) and 3x8x8 (768), its output 9x8x8 (2304).
    text = "  - concat: [[], [relu]]\n  - concat: [[], [conv: {channels: 3, kernel: 1}]]"
    assert memory_of(text).peak == 1536 + 768 + 2304


def test_the_indices_of_an_unpooling_wait_for_it() -> None:
    # pool: input 768, output 3x4x4 192, indices 8 x 48 = 384: 1344. relu: 192 + 192 + 384.
    # unpool: 192 + 384 + 768 out = 1344.
    text = "  - max_pool: {name: p, kernel: 2}\n  - relu\n  - max_unpool: {kernel: 2, indices: p}"
    assert memory_of(text).peak == 1344


def test_an_output_lives_to_the_end() -> None:
    # The head's output, 4x8x8 (1024), is still there when the two relu run: 1024 + 2 x 768.
    head = "  - head: {training_only: false, layers: [conv: {channels: 4, kernel: 1}]}\n"
    assert memory_of(head + "  - relu\n  - relu").peak == 1024 + 2 * 768


def test_training_keeps_what_the_backward_pass_needs() -> None:
    # conv keeps its input 768; relu its output 1024, which the pool keeps as its input, too;
    # the pool its indices, 64 x 8 = 512; dropout its mask, 64 x 4 = 256; fc its input, what
    # dropout returned, 256.
    analysis = analysis_of(CHAIN)
    assert kept_by(analysis) == {"conv": 768, "relu": 1024, "pool": 512, "drop": 256, "fc": 256}
    assert activation_bytes(analysis).training == 2816


def test_what_two_layers_keep_is_kept_once() -> None:
    text = CONV + "  - add: [[gelu: {name: g}], [silu: {name: s}]]"
    # conv 768; gelu and silu both keep the output of conv, 1024, on account of the first.
    assert kept_by(analysis_of(text)) == {"c": 768, "g": 1024}


def test_what_learns_nothing_keeps_nothing() -> None:
    text = "  - gelu: {name: g}\n" + CONV + "  - gelu: {name: h}"
    # Nothing before conv learns, so that gelu has no gradient to compute: conv keeps its input.
    assert kept_by(analysis_of(text)) == {"c": 768, "h": 1024}


def test_a_norm_keeps_its_statistics() -> None:
    text = CONV + "  - batch_norm: {name: n}\n  - relu: {name: r}"
    # The norm keeps its input, 1024, and for each of 4 channels mean and deviation: 32.
    assert kept_by(analysis_of(text)) == {"c": 768, "n": 1056, "r": 1024}


@pytest.mark.parametrize("join", ["add", "average", "multiply", "concat"])
def test_a_join_of_one_branch_keeps_nothing(join: str) -> None:
    analysis = analysis_of(f"{CONV}  - {join}: [[relu: {{name: r}}]]\n{CONV.replace('c,', 'd,')}")
    # relu keeps its output, 1024; the copy of it that the join makes is kept by the convolution.
    assert kept_by(analysis) == {"c": 768, "r": 1024, "d": 1024}


@pytest.mark.parametrize(
    ("branches", "kept"),
    [
        # Maps of 3x8x8, 768 bytes each. Towards the gradient of what l returns is needed …
        ("[], [layer_norm: {name: l}]", 0),  # the image, which the norm keeps already
        ("[sigmoid], [conv: {name: l, channels: 3, kernel: 1}]", 768),  # the sigmoid's output
        ("[], [relu], [conv: {name: l, channels: 3, kernel: 1}]", 768),  # the others' product
        ("[conv: {name: l, channels: 3, kernel: 1}], [relu], [sigmoid]", 2 * 768),  # each of them
        ("[relu], [conv: {name: l, channels: 3, kernel: 1}], [sigmoid]", 2 * 768),
        ("[relu], [sigmoid], [tanh]", 0),  # without l nothing
    ],
)
def test_a_factor_is_kept_where_the_other_learns(branches: str, kept: int) -> None:
    analysis = analysis_of(f"  - multiply: {{name: m, branches: [{branches}]}}")
    assert saved_bytes(analysis)["m"] == kept


def test_a_view_is_kept_as_what_it_is_a_view_of() -> None:
    text = CONV + "  - relu: {name: r}\n  - flatten\n"
    # relu keeps its output, 1024; fc keeps the same memory, seen as a vector.
    assert kept_by(analysis_of(text + "  - linear: {name: fc, features: 2}")) == {
        "c": 768,
        "r": 1024,
    }


def test_heads_for_training_only_count_apart() -> None:
    text = """\
  - conv: {name: c, channels: 4, kernel: 1}
  - head: {name: h, training_only: true, layers: [relu, linear: {features: 5}]}
  - gelu
"""
    analysis = analysis_of(text)
    main, apart = activation_bytes(analysis), training_only_bytes(analysis)
    # Main: conv 1024 and gelu 1024; the head: relu 1024, and 4x8x5 values of the linear layer.
    assert (main.all, apart.all) == (2048, 1024 + 640)
    assert (main.peak, apart.peak) == (2048, 0)
    assert (main.lecture, apart.lecture) == (768 + 1024, 640)
    # gelu keeps the output of conv; the head its own relu's, which its linear layer shares.
    assert (main.training, apart.training) == (768 + 1024, 1024)


@pytest.mark.parametrize(("batch", "dtype", "factor"), [(8, "float32", 8), (4, "float16", 2)])
def test_activations_grow_with_the_batch_and_the_dtype(batch: int, dtype: str, factor: int) -> None:
    text = "  - conv: {channels: 4, kernel: 1}\n  - gelu\n"
    one: Any = memory_of(text)
    many = activation_bytes(analyze(graph_of(text), batch=batch, dtype=dtype))
    assert (many.lecture, many.all, many.peak, many.training) == (
        factor * one.lecture,
        factor * one.all,
        factor * one.peak,
        factor * one.training,
    )


def test_totals_of_free_sizes_are_formulas() -> None:
    h = symbol("h")
    memory: Any = activation_bytes(analyze("vgg16", input=[3, 32 * h, 32 * h]))
    at_7 = activation_bytes(analyze("vgg16"))
    assert memory.lecture.subs(h, 7) == at_7.lecture
    assert memory.all.subs(h, 7) == at_7.all
    assert memory.peak.subs(h, 7) == at_7.peak
    assert memory.training.subs(h, 7) == at_7.training


def test_a_tensor_that_is_never_freed_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFINITIONS, "peak", lambda analysis: 768 + memory_all(analysis))
    with pytest.raises(AssertionError):
        test_at_the_peak_of_a_chain_a_layer_holds_its_input_and_its_output()


def memory_all(analysis: Analysis) -> int:
    return sum(layer.activation_bytes for layer in analysis.layers)
