"""Kinds on tokens (N, L, C) in torch's functions: attention, positions, recurrence; and sources."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor

from tests.fuzz.learned import Learned, recurrent_shapes
from tests.fuzz.windows import Fields, Refused

RECURRENT = ("rnn", "gru", "lstm")


def _tokens(*inputs: Tensor) -> None:
    if any(x.dim() != 3 for x in inputs):
        raise Refused("tokens are wanted")


def parameter(inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool) -> Tensor:
    return learned["weight"].unsqueeze(0)


def embedding(inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool) -> Tensor:
    (x,) = inputs
    return F.embedding(x, learned["weight"])


def matmul(inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool) -> Tensor:
    x, other = inputs
    if not x.dim() == other.dim() > 2:
        raise Refused("two stacks of matrices are wanted")
    return x @ (other.transpose(-2, -1) if fields.get("transposed", False) else other)


def scaled_dot_product_attention(
    inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool
) -> Tensor:
    _tokens(*inputs[:3])
    heads, causal = fields.get("heads", 1), fields.get("causal", False)
    groups = fields.get("key_heads", heads)
    bias = inputs[3] if len(inputs) == 4 else None
    if not 3 <= len(inputs) <= 4 or heads % groups or (bias is not None and causal):
        raise Refused("no heads for each group, or a bias of what is masked")
    q, k, v = [_of_heads(x, n) for x, n in zip(inputs[:3], (heads, groups, groups), strict=True)]
    if not q.shape[-1] == k.shape[-1] == v.shape[-1] or k.shape[1:] != v.shape[1:]:
        raise Refused("heads of other widths")
    if bias is not None and bias.dim() != 4:
        raise Refused("no scores")
    y = F.scaled_dot_product_attention(
        q, k, v, bias, is_causal=causal, scale=fields.get("scale"), enable_gqa=groups < heads
    )
    if y.shape[1:] != q.shape[1:]:
        raise Refused("spread over the bias")
    return y.transpose(1, 2).flatten(2)


def _of_heads(x: Tensor, heads: int) -> Tensor:
    """(N, L, h d) -> (N, h, L, d)."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def multihead_attention(
    inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool
) -> Tensor:
    _tokens(*inputs)
    if len(inputs) > 3 or inputs[0].shape[2] % fields["heads"]:
        raise Refused("more inputs, or heads that do not fit")
    sources = inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]
    if sources[1].shape[1] != sources[2].shape[1]:
        raise Refused("keys without values")
    together = learned.get("in_proj_weight")
    own: dict[str, Any] = {f"{of}_proj_weight": learned.get(f"{of}_proj_weight") for of in "qkv"}
    query, key, value = sources
    if key is value:  # what is the same tensor stays that
        key = value = key.transpose(0, 1)
        query = key if query is sources[1] else query.transpose(0, 1)
    else:
        query, key, value = [x.transpose(0, 1) for x in sources]
    causal = fields.get("causal", False)
    y, _ = F.multi_head_attention_forward(
        query, key, value, query.shape[2], fields["heads"], together,
        learned.get("in_proj_bias"), None, None, False, float(fields.get("dropout", 0.0)),
        learned["out_proj.weight"], learned.get("out_proj.bias"), training, need_weights=False,
        attn_mask=torch.empty(0, 0) if causal else None, is_causal=causal,
        use_separate_proj_weight=together is None, **own,
    )  # fmt: skip
    return y.transpose(0, 1)


def rotary_embedding(
    inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool
) -> Tensor:
    (x,) = inputs
    _tokens(x)
    if x.shape[2] % (2 * fields.get("heads", 1)):
        raise Refused("no halves of heads")
    heads = x.reshape(*x.shape[:2], -1, learned["cosines"].shape[1])
    return (
        heads * learned["cosines"][:, None] + _turned(heads) * learned["sines"][:, None]
    ).flatten(2)


def _turned(x: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    front, back = x[..., :half], x[..., half:]
    return torch.cat([-back, front], -1)


def recurrent(kind: str) -> Apply:
    def run(inputs: Sequence[Tensor], fields: Fields, learned: Learned, training: bool) -> Tensor:
        (x,) = inputs
        _tokens(x)
        recurrent_shapes(kind, fields, x.shape[1:])  # which refuses what torch's modules do
        both = fields.get("bidirectional", False)
        rows = fields.get("layers", 1) * (2 if both else 1)
        width = fields["features"]
        states = [x.new_zeros(rows, len(x), fields.get("projection", 0) or width)]
        if kind == "lstm":
            states.append(x.new_zeros(rows, len(x), width))
        name = f"rnn_{fields.get('nonlinearity', 'tanh')}" if kind == "rnn" else kind
        dropout = float(fields.get("dropout", 0.0)) if fields.get("layers", 1) > 1 else 0.0
        with warnings.catch_warnings():
            # That oneDNN has no LSTM with a projection, and torch's own runs.
            warnings.simplefilter("ignore", UserWarning)
            y, last, *cells = getattr(torch, name)(
                x, states if kind == "lstm" else states[0], [*learned.values()],
                fields.get("bias", True), fields.get("layers", 1), dropout, training, both, True,
            )  # fmt: skip
        del states, cells
        if fields.get("output", "sequence") == "sequence":
            return cast(Tensor, y)
        del y
        if both:
            return torch.cat([last[-2], last[-1]], 1)
        own: Tensor = last[-1]
        return own if len(last) == 1 else own.clone()

    return run


Apply: TypeAlias = Callable[[Sequence[Tensor], Fields, Learned, bool], Tensor]

TOKENS: dict[str, Apply] = {
    "parameter": parameter,
    "embedding": embedding,
    "matmul": matmul,
    "scaled_dot_product_attention": scaled_dot_product_attention,
    "multihead_attention": multihead_attention,
    "rotary_embedding": rotary_embedding,
    **{kind: recurrent(kind) for kind in RECURRENT},
}
