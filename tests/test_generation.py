"""What a generated token takes: torch computes the last position alone, from what is kept."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archcalc import Analysis, Graph, UsageError, analyze, formula, load
from archcalc.figures.of_network import OF_NETWORK
from archcalc.generation import generation, require_generation
from archcalc.layers import Category
from archcalc.render.contract import contract_schema, to_contract
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from archcalc.torch_backend.hooks import Running

ENCODER = "  - linear: {name: encoded, from: sound, features: 6}\n  - relu: {name: heard}\n"
CROSS = """\
  - linear: {name: ck, from: heard, features: W}
  - linear: {name: cv, from: heard, features: W}
  - linear: {name: cq, from: x, features: W}
ATTEND  - add: {name: y, from: [c, a]}
"""
MASK = """\
  - parameter: {name: mask, shape: [1, N, N], learned: false, hides_later: true}
  - parameter: {name: bias, shape: [HEADS, N, N]}
  - add: {name: hiding, from: [bias, mask]}
  - scale: {name: scaled, from: a_scores, factor: 0.5}
  - add: {name: masked, from: [scaled, hiding]}
"""


def explicit(q: str, k: str, v: str, out: str, heads: int, mask: str = "") -> str:
    """Attention of products, a softmax and moved axes."""
    split = f'axes: "l (h d) -> h l d", h: {heads}'
    return f"""\
  - rearrange: {{name: {out}_q, from: {q}, {split}}}
  - rearrange: {{name: {out}_k, from: {k}, {split}}}
  - rearrange: {{name: {out}_v, from: {v}, {split}}}
  - matmul: {{name: {out}_scores, from: [{out}_q, {out}_k], transposed: true}}
{mask}\
  - softmax: {{name: {out}_weights, axis: -1}}
  - dropout: {{name: {out}_dropped, p: 0.5}}
  - matmul: {{name: {out}_heads, from: [{out}_dropped, {out}_v]}}
  - rearrange: {{name: {out}, axes: "h l d -> l (h d)"}}
"""


SCORES = "matmul: {name: s, from: [e, e], transposed: true}\n"


def masked(positions: int, of: str = "s") -> str:
    """A mask of so many positions, added."""
    shape = f"shape: [{positions}, {positions}], learned: false, hides_later: true"
    return f"  - parameter: {{name: m, {shape}}}\n  - add: {{from: [{of}, m]}}\n"


AS_MODULES = """\
name: decoder
inputs: {tokens: {shape: [5], dtype: int64}, sound: {shape: [3, 6]}}
layers:
  - multihead_attention: {name: heard, from: sound, heads: 3}
  - embedding: {name: e, from: tokens, rows: 7, features: 6}
  - multihead_attention: {name: own, heads: 2, causal: true}
  - multihead_attention: {name: other, from: [own, heard], heads: 2}
  - linear: {name: o, features: 7, bias: false}
"""


@st.composite
def generating(draw: Any) -> Graph:
    """A decoder, of several forms: fused or written out, with grouped keys, turned positions, an
    encoder, a tied head."""
    length, heads = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    groups, each = draw(st.integers(1, 2)), draw(st.sampled_from([2, 4]))
    encoder, split = draw(st.booleans()), draw(st.booleans())
    width = heads * groups * each
    turn = f"rotary_embedding: {{name: r, heads: {heads * groups}}}"
    bias = draw(st.sampled_from(["", f"[1, {length}, {length}]", f"[{heads * groups}, 1, 1]"]))
    inputs = "r, k, v, b" if bias else "r, k, v"
    attend = f"{{name: a, from: [{inputs}], heads: {heads * groups}, key_heads: {groups}"
    turned = f'rearrange: {{axes: "l (h d) -> h l d", h: {heads}}}'
    other = f"  - scaled_dot_product_attention: {{name: c, from: [cq, ck, cv], heads: {heads}}}\n"
    own = f"  - scaled_dot_product_attention: {attend}, causal: true}}\n"
    if draw(st.booleans()):  # of both attentions
        groups, bias = heads * groups, ""
        mask = MASK.replace("N", str(length)).replace("HEADS", str(groups))
        own = explicit("r", "k", "v", "a", groups, mask)
        other = explicit("cq", "ck", "cv", "c", heads)
    cross = CROSS.replace("W", str(width)).replace("ATTEND", other)
    sound = f", sound: {{shape: [{draw(st.integers(1, 4))}, 3]}}" if encoder else ""
    return load(f"""\
name: decoder
inputs: {{tokens: {{shape: [{length}], dtype: int64}}{sound}}}
layers:
{ENCODER if encoder else ""}\
  - embedding: {{name: e, from: tokens, rows: 7, features: {width}}}
  - parameter: {{name: p, shape: [{length + 1}, {width}]}}
  - slice: {{name: s, stop: {length}}}
  - add: {{name: x, from: [e, s]}}
  - layer_norm: {{name: n, over: last}}
  - linear: {{name: q, features: {width}}}
  - {turn if draw(st.booleans()) else "identity: {name: r}"}
  - linear: {{name: k, from: n, features: {each * groups}}}
  - linear: {{name: v, from: n, features: {each * groups}}}
{f"  - parameter: {{name: b, shape: {bias}}}{chr(10)}" if bias else ""}\
{own}\
{cross if encoder else ""}\
  - gelu: {{name: g}}
  - {turned if split else "identity: {name: t}"}
  - linear: {{name: o, features: 7, bias: false}}
""")


def behind(tokens: str, analysis: Analysis) -> set[str]:
    """The layers that depend on the tokens."""
    found = {tokens}
    for layer in analysis:
        if not found.isdisjoint(layer.inputs):
            found.add(layer.name)
    return found


def last_alone(graph: Graph, analysis: Analysis, tokens: str = "tokens") -> tuple[int, int]:
    """The MACs of the last token, whose values are those that the whole context gives; and the
    bytes of what these take that is no weight and not of that token."""
    module, batch = build(graph).eval(), drawn(graph, 2, torch.float32, "cpu")
    taken: dict[str, tuple[nn.Module, tuple[Tensor, ...], Tensor]] = {}

    def note(name: str, part: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        taken[name] = part, given, output

    with torch.no_grad(), Running(module, [layer.name for layer in analysis], note):
        module(*batch)
    flops = kept = 0
    dependent = behind(tokens, analysis)
    for layer in analysis:
        part, given, output = taken[layer.name]
        if not layer.macs or layer.name not in dependent:
            continue
        first, *others = [x.clone() for x in given]
        if layer.node.layer.category is Category.ATTENTION:
            part.causal = False  # type: ignore[assignment]  # the last one sees all
            others[2:] = [bias[..., -1:, :] for bias in others[2:]]
        plainly = sdpa_kernel(SDPBackend.MATH)  # the fused one on the CPU is not counted
        with torch.no_grad(), plainly, FlopCounterMode(display=False) as counted:
            alone = part(first[..., -1:, :], *others)
        assert torch.allclose(alone, output[..., -1:, :], atol=1e-5)
        flops += counted.get_total_flops()
        kept += sum(x.nbytes for x in given[1:3])  # keys, or values, or both
    return flops // 2, kept


@given(generating())
def test_earlier_positions_do_not_see_the_last(network: Graph) -> None:
    module, (tokens, *others) = build(network).eval(), drawn(network, 1, torch.float32, "cpu")
    module.apply(_at_random)
    changed = tokens.clone()
    changed[:, -1] = (tokens[:, -1] + 1) % 7
    with torch.no_grad():
        before, after = module(tokens, *others), module(changed, *others)
    assert torch.allclose(before[..., :-1, :], after[..., :-1, :])


def _at_random(part: nn.Module) -> None:
    """Learned tensors that begin at zero get other values."""
    for parameter in part.parameters(recurse=False):
        nn.init.normal_(parameter)


@given(generating())
def test_the_last_token_alone_takes_what_the_figure_says(network: Graph) -> None:
    analysis = analyze(network, batch=2)
    found = require_generation(analysis)
    assert (found.token_macs, found.kv_cache_bytes) == last_alone(network, analysis)
    maps = analysis.maps
    kept = ["k", "v", *[name for name in ("ck", "cv") if name in maps]]
    assert found.kv_cache_bytes == 2 * 4 * sum(maps[name].values for name in kept)
    assert found.kv_cache_bytes_per_token == 2 * 4 * (maps["k"].values // maps["k"].channels) * 2
    assert found.once_macs == sum(analysis[n].macs for n in ("encoded", "ck", "cv") if n in maps)


@pytest.mark.parametrize(
    ("name", "tokens", "settings"),
    [
        (
            "t5_small",
            "decoder_input_ids",
            {"hidden": 12, "head": 4, "length": 3, "decoder_length": 5},
        ),
        ("whisper_tiny", "tokens", {"mels": 3, "frames": 6, "length": 5, "positions": 7}),
    ],
)
def test_an_encoder_and_decoder_keep_what_the_twin_takes(
    name: str, tokens: str, settings: dict[str, Any]
) -> None:
    network = load(name, depth=2, width=8, heads=2, vocabulary=11, **settings)
    analysis = analyze(network, batch=2)
    found = require_generation(analysis)
    assert found.tokens == tokens
    assert (found.token_macs, found.kv_cache_bytes) == last_alone(network, analysis, tokens)
    outside = [layer for layer in analysis if layer.name not in behind(tokens, analysis)]
    assert found.once_macs == sum(layer.macs for layer in outside)
    length = 3  # of the encoder: of whisper's 6 frames it hears every second
    assert found.kv_cache_bytes_once == 2 * 2 * 2 * length * 8 * 4
    assert found.kv_cache_bytes_per_token == 2 * 2 * 2 * 8 * 4


def test_an_encoder_and_what_is_heard_of_it_are_computed_once() -> None:
    analysis = analyze(AS_MODULES)
    found = require_generation(analysis)
    assert [(one.layer, one.bytes) for one in found.cached] == [
        ("own", 4 * 2 * 5 * 6), ("other", 4 * 2 * 3 * 6)
    ]  # fmt: skip
    of_keys_and_values = 2 * 3 * 6 * 6
    assert found.once_macs == analysis["heard"].macs + of_keys_and_values
    own = 4 * 6 * 6 + 2 * 5 * 6  # projections, of the output too; scores and their use
    assert found.token_macs == own + 2 * 6 * 6 + 2 * 3 * 6 + 6 * 7


@pytest.mark.parametrize(
    ("name", "context", "per_token", "token_macs"),
    [
        # 12 layers of 12 width^2 and 2 * 1024 width, and 50,257 rows of 768
        ("gpt2", 1024, 2 * 12 * 768 * 4, 12 * (12 * 768**2 + 2 * 1024 * 768) + 50257 * 768),
        # 32 layers of 8 heads of keys and of values, of 128
        ("llama_3_8b", 8192, 32 * 2 * 8 * 128 * 4, None),
        ("whisper_tiny", 448, 4 * 2 * 384 * 4, None),
        # 6 layers, each of 4 and 2 projections of 512 by 512, keys and values of 512 positions,
        # and 2,048 hidden features; and 32,128 rows of 512
        (
            "t5_small",
            512,
            6 * 2 * 512 * 4,
            6 * (6 * 512**2 + 2 * 2 * 512**2 + 2 * 512 * 2048) + 32128 * 512,
        ),
    ],
)
def test_language_models_take_what_their_papers_say(
    name: str, context: int, per_token: int, token_macs: int | None
) -> None:
    found = require_generation(analyze(name))
    assert (found.context, found.kv_cache_bytes_per_token) == (context, per_token)
    heard = {"whisper_tiny": 4 * 2 * 1500 * 384 * 4, "t5_small": 6 * 2 * 512 * 512 * 4}
    assert found.kv_cache_bytes_once == heard.get(name, 0)
    assert found.kv_cache_bytes == context * per_token + found.kv_cache_bytes_once
    assert token_macs in (None, found.token_macs)


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ("conv: {channels: 3, kernel: 1}", "no input of it is a row of tokens"),
        ("scaled_dot_product_attention: {name: a, from: [e, e, e]}", "in a a position sees later"),
        ("select: {name: s, index: 0}", "in s a position sees later ones"),
        ("select: {name: s, axis: 1, index: 0}\n  - softmax: {name: z}", "in z a position sees"),
        ('rearrange: {name: r, axes: "l c -> (l c)"}', "behind r there are no positions"),
        ("parameter: {name: p, shape: [2]}", "p does not depend on tokens"),
        (f"{SCORES}  - softmax: {{name: w}}", "in w a position sees later ones"),
        (f"{SCORES}  - matmul: {{name: o, from: [s, e]}}", "in o a position sees later ones"),
        (SCORES, "it puts out scores of positions for each other"),
        (f"{SCORES}{masked(4)}  - softmax: {{name: w, axis: 0}}", "in w a position sees later"),
        (f"{SCORES}{masked(4)}  - log_softmax: {{name: w}}", "in w a position sees later ones"),
        (f"{SCORES}{masked(4)}  - sigmoid: {{name: w}}", "behind w it is not known what is hid"),
        (f"{SCORES}{masked(1)}  - softmax: {{name: w}}", "in w a position sees later ones"),
        (f"{SCORES}  - softmax: {{name: v}}\n{masked(4, 'v')}", "in v a position sees later ones"),
    ],
)
def test_what_does_not_generate_says_why(layers: str, why: str) -> None:
    ends = (
        "input: [3, 4, 4]" if "conv" in layers else "inputs: {tokens: {shape: [4], dtype: int64}}"
    )
    embedded = "" if "conv" in layers else "  - embedding: {name: e, rows: 5, features: 6}\n"
    analysis = analyze(f"name: net\n{ends}\nlayers:\n{embedded}  - {layers}\n")
    assert generation(analysis) is None
    with pytest.raises(UsageError, match=f"net does not generate token by token: {why}"):
        OF_NETWORK["token_macs"].of(analysis)
    assert "generation" not in to_contract(analysis)


def test_embeddings_are_tables_and_what_meets_their_rows() -> None:
    # Hugging Face's num_parameters(exclude_embeddings=True): tokens and positions.
    without = OF_NETWORK["non_embedding_params"].of
    assert without(analyze("gpt2")) == 124_439_808 - (50257 + 1024) * 768
    assert without(analyze("bert_base")) == 109_482_240 - (30522 + 512 + 2) * 768
    assert without(analyze("llama_3_8b")) == 8_030_261_248 - 128256 * 4096
    assert without(analyze("resnet18")) == 11_689_512


def test_the_contract_has_what_generates() -> None:
    contract = to_contract(analyze("gpt2"))
    assert contract["generation"].keys() == {
        *contract_schema()["properties"]["generation"]["properties"]
    }
    assert contract["totals"]["non_embedding_params"] == 85_056_000


def test_in_a_free_length_a_token_costs_a_straight_line() -> None:
    length = sympy.Symbol("length", integer=True, positive=True)
    for name, line in (
        ("token_macs", 18432 * length + 123532032),
        ("kv_cache_bytes", 73728 * length),
    ):
        assert formula("gpt2", name, symbols="length") == line
