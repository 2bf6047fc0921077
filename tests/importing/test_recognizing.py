"""What was written out in operators is recognized, and does the same."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archcalc.importing.capture.capturing import capture
from archcalc.importing.kinds import statements
from archcalc.importing.model import flat_spec
from archcalc.importing.recognizing.rules import RULES, recognized
from archcalc.torch_backend.build import build
from archcalc.walk import analyze


class Written(nn.Module):
    """A function of a tensor, a weight and a bias, of which it may take fewer."""

    def __init__(self, function: Callable[..., Tensor], shape: tuple[int, ...], count: int) -> None:
        super().__init__()
        self.function = function
        names = ("weight", "bias")[:count]
        for name in names:
            setattr(self, name, nn.Parameter(torch.rand(shape)))
        self.names = names

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *[getattr(self, name) for name in self.names])


def _gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))


def _layer_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True)
    apart = x - mean
    x = apart / torch.sqrt(apart.pow(2).mean(1, keepdim=True) + 1e-6)
    return weight[:, None, None] * x + bias[:, None, None]


def _rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


def _same_mean(x: Tensor) -> Tensor:
    apart = x - x.mean(-1, keepdim=True)
    return apart * torch.rsqrt((apart * apart).mean(-1, keepdim=True) + 1e-5)


def _group_norm(x: Tensor, *learned: Tensor) -> Tensor:
    """As exporters write it, who have no group norm."""
    x = F.instance_norm(x.reshape(len(x), 2, -1), eps=1e-4).reshape(x.shape)
    for number, each in enumerate(learned):
        x = x + each[:, None, None] if number else x * each[:, None, None]
    return x


WRITTEN: list[tuple[str, Callable[..., Tensor], tuple[int, ...], tuple[int, ...], int]] = [
    ("silu", lambda x: x * torch.sigmoid(x), (3, 4), (), 0),
    ("silu", lambda x: x.sigmoid().mul(x), (3, 4), (), 0),
    ("mish", lambda x: x * torch.tanh(F.softplus(x)), (3, 4), (), 0),
    ("hard_swish", lambda x: x * F.relu6(x + 3) / 6, (3, 4), (), 0),
    ("hard_swish", lambda x: x * (F.relu6(x + 3) / 6), (3, 4), (), 0),
    ("hard_sigmoid", lambda x: F.relu6(3 + x) * (1 / 6), (3, 4), (), 0),
    ("gelu", lambda x: x * 0.5 * (1 + torch.erf(x / sqrt(2))), (3, 4), (), 0),
    ("gelu", lambda x: 0.5 * (x * (1 + torch.erf(x / 1.41421))), (3, 4), (), 0),
    ("gelu", _gelu, (3, 4), (), 0),
    ("rms_norm", _rms_norm, (3, 4), (4,), 1),
    ("rms_norm", lambda x: x / torch.sqrt(x.square().mean(-1, True) + 1e-6), (3, 4), (), 0),
    ("layer_norm", _layer_norm, (4, 3, 5), (4,), 2),
    ("layer_norm", _same_mean, (3, 4), (), 0),
    *[("group_norm", _group_norm, (4, 3, 5), (4,), count) for count in range(3)],
]


@pytest.mark.parametrize(("kind", "function", "size", "weights", "count"), WRITTEN)
def test_a_tree_becomes_the_layer_that_does_the_same(
    kind: str,
    function: Callable[..., Tensor],
    size: tuple[int, ...],
    weights: tuple[int, ...],
    count: int,
) -> None:
    module = nn.Sequential(Written(function, weights, count)).eval()
    plain = statements(capture(module, size), "a test")
    model = recognized(plain)
    assert [each.kind for each in model.statements] == [kind]
    assert model.statements[0].name == "0"
    assert "written out in operators" in model.notes[-1]
    assert analyze(flat_spec(model)).params == analyze(flat_spec(plain)).params

    twin = build(flat_spec(model)).eval()
    for name, tensor in twin.state_dict().items():
        own = module.state_dict()[name]
        tensor.copy_(own.reshape(tensor.shape))
    x = torch.randn((2, *size))
    torch.testing.assert_close(twin(x), module(x), rtol=1e-4, atol=1e-5)


def test_every_rule_has_a_tree_in_these_tests() -> None:
    assert {rule.kind for rule in RULES} == {kind for kind, *_ in WRITTEN}


def test_what_is_no_group_norm_stays() -> None:
    class Others(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            turned = F.instance_norm(x.transpose(1, 2).reshape(len(x), 2, -1))
            return F.instance_norm(turned.reshape(len(x), 4, -1)).reshape(x.shape)

    plain = statements(capture(Others(), (4, 4, 5)), "a test")
    assert recognized(plain) == plain


def test_what_something_else_takes_too_stays_as_it_is() -> None:
    class Both(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            gate = torch.sigmoid(x)
            return x * gate + gate

    plain = statements(capture(Both(), (3, 4)), "a test")
    assert recognized(plain) == plain


def test_another_constant_is_another_function() -> None:
    class Quick(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * torch.sigmoid(1.702 * x)

    plain = statements(capture(Quick(), (3, 4)), "a test")
    assert recognized(plain) == plain


class Attention(nn.Module):
    """Attention as it is written by hand, with heads, and a bias if wanted: one for each head, or
    for all of them; `scaled` says what is: queries, queries and keys, or scores."""

    def __init__(self, biased: tuple[int, ...], scaled: str) -> None:
        super().__init__()
        self.scaled = scaled
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)
        self.bias = nn.Parameter(torch.rand(biased)) if biased else None

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).reshape(-1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        if self.scaled == "queries":
            q = q * 0.5
        k = k.transpose(-2, -1)
        if self.scaled == "both":
            q, k = q * sqrt(0.5), k * sqrt(0.5)
        scores = q @ k
        if self.scaled == "scores":
            scores = scores / 2
        if self.bias is not None:
            scores = scores + self.bias
        x = F.dropout(scores.softmax(-1), 0.1, self.training) @ v
        return self.proj(x.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


@pytest.mark.parametrize("biased", [(), (1, 2, 5, 5), (5, 5)])
@pytest.mark.parametrize("scaled", ["queries", "both", "scores"])
def test_attention_takes_its_heads_side_by_side(biased: tuple[int, ...], scaled: str) -> None:
    module = Attention(biased, scaled).eval()
    plain = statements(capture(module, (5, 8)), "a test")
    model = recognized(plain)
    kinds = [each.kind for each in model.statements]
    wanted = ["linear", *["slice"] * 3, "scaled_dot_product_attention", "linear"]
    assert sorted(kinds) == sorted([*wanted, *(["parameter"] if biased else [])])
    (attention,) = [s for s in model.statements if s.kind == "scaled_dot_product_attention"]
    assert attention.fields == {"heads": 2}

    one, other = analyze(flat_spec(model)), analyze(flat_spec(plain))
    assert (one.params, one.macs) == (other.params, other.macs)
    twin, state = build(flat_spec(model)).eval(), module.state_dict()
    for name, tensor in twin.state_dict().items():
        own = state[name.removesuffix(".weight") if name not in state else name]
        tensor.copy_(own.reshape(tensor.shape))
    x = torch.randn((3, 5, 8))
    torch.testing.assert_close(twin(x), module(x), rtol=1e-4, atol=1e-5)


def test_a_masked_softmax_that_is_looked_at_stays() -> None:
    class Shown(nn.Module):
        def forward(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            weights = (q @ k.transpose(-2, -1)).softmax(-1)
            return weights @ v, weights

    plain = statements(capture(Shown(), [(2, 5, 4)] * 3), "a test")
    assert recognized(plain) == plain
