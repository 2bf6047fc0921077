"""What units see of tokens (pixels, L, C): by attention, recurrence, products of matrices.

As in `sight`: what is above 0 is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from tests.fuzz.windows import Fields

Shape: TypeAlias = tuple[int, ...]


def _embedded(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    return inputs[0].unsqueeze(-1).expand(len(inputs[0]), *out)


def _matmul(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    """A row of the first, and a column of the second."""
    x, other = inputs
    other = other.transpose(-2, -1) if fields.get("transposed", False) else other
    return x.amax(-1, keepdim=True) + other.amax(-2, keepdim=True)


def _attended(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    """Of a head all of the query and the keys, and the same features of the values."""
    heads = fields.get("heads", 1)
    groups = fields.get("key_heads", heads)
    q, k, v = [
        x.reshape(*x.shape[:2], n, -1)
        for x, n in zip(inputs[:3], (heads, groups, groups), strict=True)
    ]
    seen = _of_steps(k.amax(3, keepdim=True) + v, out[0], fields)
    found = q.amax(3, keepdim=True) + seen.repeat_interleave(heads // groups, 2)
    for bias in inputs[3:]:  # (h, L, S)
        found = found + bias.amax(3, keepdim=True).transpose(1, 2)
    return found.flatten(2)


def _projected(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    """All features of the own position, and of those that it attends to."""
    own, keys, values = inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]
    seen = keys.amax(2, keepdim=True) + values.amax(2, keepdim=True)
    found = own.amax(2, keepdim=True) + _of_steps(seen, out[0], fields)
    return found.expand(len(own), *out)


def _of_steps(seen: Tensor, queries: int, fields: Fields) -> Tensor:
    """All steps for each query, or those up to its own; where there are no more, all."""
    if not fields.get("causal", False):
        return seen.amax(1, keepdim=True)
    steps = torch.arange(queries).clamp(max=seen.shape[1] - 1)
    return seen.cummax(1).values[:, steps]


def _rotated(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    x, heads = inputs[0], fields.get("heads", 1)
    pairs = x.reshape(*x.shape[:2], heads, 2, -1)
    return (pairs + pairs.flip(3)).flatten(2)


def _recurred(inputs: Sequence[Tensor], fields: Fields, out: Shape) -> Tensor:
    """All features of the steps so far, from the front or from the back."""
    x, both = inputs[0], fields.get("bidirectional", False)
    width = fields.get("projection", 0) or fields["features"]
    for _ in range(fields.get("layers", 1)):
        steps = x.amax(2, keepdim=True)
        ways = [steps.cummax(1).values]
        if both:
            ways.append(steps.flip(1).cummax(1).values.flip(1))
        x = torch.cat([way.expand(-1, -1, width) for way in ways], 2)
    if fields.get("output", "sequence") == "sequence":
        return x
    return torch.cat([x[:, -1, :width], x[:, 0, width:]], 1)


SEEN_OF_TOKENS: dict[str, Callable[[Sequence[Tensor], Fields, Shape], Tensor]] = {
    "embedding": _embedded,
    "matmul": _matmul,
    "scaled_dot_product_attention": _attended,
    "multihead_attention": _projected,
    "rotary_embedding": _rotated,
    **dict.fromkeys(("rnn", "gru", "lstm"), _recurred),
}
