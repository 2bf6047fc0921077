"""Modules that torch lacks of layers on tokens: learned tensors, attention, positions."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor, nn


class Parameter(nn.Module):
    """A tensor that is learned, or constant: the output, (1, *shape), is one for all images.

    One that hides later positions is minus infinity behind the diagonal of its last two axes.
    """

    def __init__(
        self, shape: tuple[int, ...], learned: bool = True, hides_later: bool = False
    ) -> None:
        super().__init__()
        value = torch.full(shape, -torch.inf).triu(1) if hides_later else torch.zeros(shape)
        if learned:
            self.weight = nn.Parameter(value)
        else:
            self.register_buffer("weight", value)

    def forward(self) -> Tensor:
        return self.weight[None]


class IndexSelect(nn.Module):
    """The values along an axis at the places that `index` says: all at the first, to begin with."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.index: Tensor
        self.register_buffer("index", torch.zeros(count, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(self.dim, self.index)


class Attention(nn.Module):
    """Scaled dot-product attention of tokens, whose features are those of all heads."""

    def __init__(
        self,
        heads: int,
        key_heads: int | None = None,
        causal: bool = False,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.key_heads = heads, key_heads or heads
        self.causal, self.scale = causal, scale

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        q, k, v = [
            x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)
            for x, heads in (
                (queries, self.heads),
                (keys, self.key_heads),
                (values, self.key_heads),
            )
        ]
        causal = self.causal
        if causal and bias is not None:  # torch takes one of the two
            later = q.new_ones(q.shape[2], k.shape[2], dtype=torch.bool).triu(1)
            bias, causal = bias.masked_fill(later, float("-inf")), False
        found = F.scaled_dot_product_attention(
            q, k, v, bias, is_causal=causal, scale=self.scale, enable_gqa=len(q[0]) > len(k[0])
        )
        return found.transpose(1, 2).flatten(2)


class RotaryEmbedding(nn.Module):
    """The features of each head turned in pairs by angles that grow with the position."""

    def __init__(self, length: int, width: int, base: float = 10000.0) -> None:
        """`width`: the features of a head."""
        super().__init__()
        self.cosines: Tensor
        self.sines: Tensor
        speeds = base ** -(torch.arange(0, width, 2) / width)
        angles = torch.outer(torch.arange(length).to(speeds), speeds).repeat(1, 2)
        self.register_buffer("cosines", angles.cos())
        self.register_buffer("sines", angles.sin())

    def forward(self, x: Tensor) -> Tensor:
        heads = x.reshape(*x.shape[:2], -1, self.cosines.shape[1])
        cosines, sines = self.cosines[:, None], self.sines[:, None]
        return (heads * cosines + self.rotated(heads) * sines).flatten(2)

    def rotated(self, x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        front, back = x[..., :half], x[..., half:]
        return torch.cat([-back, front], -1)


class Turned(nn.Module):
    """What a rotary embedding sees: each feature, and the one that it is paired with."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        pairs = x.reshape(*x.shape[:2], -1, 2, self.width // 2)
        return (pairs + pairs.flip(3)).reshape(x.shape)


class Attended(nn.Module):
    """What attention sees: each feature by itself of the values, the whole head of all else."""

    def __init__(self, heads: int, groups: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.groups, self.causal = heads, groups, causal

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        own = queries.reshape(*queries.shape[:2], self.heads, -1).sum(-1, keepdim=True)
        apart = (*keys.shape[:2], self.groups, -1)
        seen = keys.reshape(apart).sum(-1, keepdim=True) + values.reshape(apart)
        seen = _of_steps(seen, queries, self.causal)
        seen = seen.repeat_interleave(self.heads // self.groups, 2)
        both: Tensor = own + seen
        if bias is not None:
            if self.causal:
                bias = bias.expand(*bias.shape[:2], queries.shape[1], keys.shape[1]).tril()
            both = both + bias.sum(3, keepdim=True).transpose(1, 2)
        return both.flatten(2)


def _of_steps(seen: Tensor, queries: Tensor, causal: bool) -> Tensor:
    """What each query sees of all steps, or of those up to its own."""
    if not causal:
        return seen.sum(1, keepdim=True)
    # Of more queries than steps the last see all.
    steps = torch.arange(queries.shape[1]).clamp(max=seen.shape[1] - 1)
    return seen.cumsum(1)[:, steps]


class Multiplied(nn.Module):
    """What a product of matrices sees: each row of the first, each column of the second."""

    def __init__(self, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        other = other.transpose(-2, -1) if self.transposed else other
        return x.sum(-1, keepdim=True) + other.sum(-2, keepdim=True)


class MultiheadAttention(nn.MultiheadAttention):
    """torch's, of one input, two, or three, with one output."""

    def __init__(self, *arguments: object, causal: bool = False, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.causal = causal

    def forward(self, queries: Tensor, *others: Tensor) -> Tensor:  # type: ignore[override]
        keys, values = (others[0], others[-1]) if others else (queries, queries)
        mask = None
        if self.causal:  # torch looks at its being there alone
            mask = queries.new_empty(0, 0)
        found: Tensor
        found, _ = super().forward(
            queries, keys, values, need_weights=False, attn_mask=mask, is_causal=self.causal
        )
        return found


class AttendedByAll(nn.Module):
    """What attention with projections sees: all features of the positions that it attends to."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal

    def forward(self, queries: Tensor, *others: Tensor) -> Tensor:
        keys, values = (others[0], others[-1]) if others else (queries, queries)
        seen = keys.sum(2, keepdim=True) + values.sum(2, keepdim=True)
        seen = _of_steps(seen, queries, self.causal)
        both = queries.sum(2, keepdim=True) + seen
        return both.expand(queries.shape).contiguous()
