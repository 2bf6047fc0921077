"""Where tensors meet, parts of them, and products."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.importing.kinds.judge import imported, same
from tests.importing.kinds.test_layers_of_one_operator import Function

FUNCTIONS = [
    torch.add, torch.sub, torch.mul, lambda x, y: x / (y + 2), torch.maximum, torch.minimum,
    lambda x, y: x - y, lambda x, y: torch.cat([x, y], 1), lambda x, y: torch.stack([x, y], 1),
    lambda x, y: torch.stack([x, y], -1), lambda x, y: torch.cat([x, x * 2, y], 1),
    lambda x, y: torch.addcmul(x, x, y), lambda x, y: torch.addcmul(x, y, y, value=0.5),
]  # fmt: skip


@given(st.sampled_from(FUNCTIONS), st.sampled_from([(4, 3, 5), (4, 6), (7,)]))
def test_two_tensors(function: Callable[..., Tensor], size: tuple[int, ...]) -> None:
    same(Function(function), size, size)


@given(st.sampled_from(FUNCTIONS[:7]), st.sampled_from([(4, 1, 1), (1, 3, 5), (4, 3, 1)]))
def test_a_smaller_tensor_is_spread(function: Callable[..., Tensor], size: tuple[int, ...]) -> None:
    same(Function(function), (4, 3, 5), size)


class Learned(nn.Module):
    """A function of a tensor and a parameter."""

    def __init__(self, function: Callable[..., Tensor], *shape: int) -> None:
        super().__init__()
        self.function = function
        self.gamma = nn.Parameter(torch.rand(shape))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.gamma)


@pytest.mark.parametrize(
    ("function", "shape", "size", "kinds"),
    [
        (torch.add, (1, 5, 4), (5, 4), ["parameter", "add"]),
        (torch.mul, (4,), (5, 4), ["parameter", "multiply"]),
        (torch.mul, (3, 1, 1), (3, 4, 5), ["channel_scale"]),
        (lambda x, g: x * g.view(1, 3, 1, 1), (3,), (3, 4, 5), ["channel_scale"]),
        (lambda x, g: g + x, (), (3, 4), ["parameter", "add"]),
        (
            lambda x, g: torch.cat([g.expand(x.shape[0], -1, -1), x], 1),
            (1, 1, 4), (5, 4), ["parameter", "concat"],
        ),
        (lambda x, g: x + g[:, :5], (1, 9, 4), (5, 4), ["parameter", "slice", "add"]),
        (lambda x, g: x + g[None, :, None], (5,), (5, 4), ["parameter", "add"]),
        (lambda x, g: x @ g, (4, 6), (5, 4), ["linear"]),
        (lambda x, g: x @ g.t(), (6, 4), (5, 4), None),
        (lambda x, g: (x.transpose(0, 1) + g).transpose(0, 1), (5, 1, 4), (5, 4), None),
        (lambda x, g: x + g.permute(1, 0).unsqueeze(0), (4, 5), (5, 4), None),
        (lambda x, g: (x * g).sum(1), (5, 1), (5, 4), ["parameter", "multiply", "sum"]),
        (lambda x, g: x * g + g, (4,), (5, 4), ["parameter", "multiply", "add"]),
        (lambda x, g: x * g + g, (3, 1, 1), (3, 4, 5), ["parameter", "multiply", "add"]),
    ],
)  # fmt: skip
def test_parameters_are_sources(
    function: Callable[..., Tensor],
    shape: tuple[int, ...],
    size: tuple[int, ...],
    kinds: list[str] | None,
) -> None:
    found = same(Learned(function, *shape), size)
    assert kinds is None or found.kinds == kinds


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
        lambda x: torch.cat(x.split([1, 2, 3], 1), 1).relu(),
        lambda x: x.split(4, 2)[0] * x.split(4, 2)[1],
        lambda x: x[:, 1:5, ::2],
        lambda x: x[..., 0],
        lambda x: x[:, -1].relu(),
        lambda x: x[:, None, 2:, 1].relu(),
        lambda x: x.narrow(1, 2, 3),
        lambda x: x.select(2, 3),
        lambda x: sum(x.unbind(1)),
        lambda x: x.view(-1, 2, 3, 8).unbind(1)[1].relu(),
        lambda x: x.view(-1, 3, 2, 8)[:, :, 1].relu(),
        lambda x: x.view(-1, 6, 2, 4).permute(2, 0, 1, 3)[0].relu(),
        lambda x: x.transpose(1, 2)[:, 1:3].relu(),
        lambda x: torch.tensor_split(x, 2, 1)[1].relu(),
        lambda x: x[:, 0:1] + x,
        lambda x: x.mean((1, 2)),
        lambda x: x.max(1)[0] + x.amax(1),
    ],
)
def test_parts(function: Callable[[Tensor], Tensor]) -> None:
    same(Function(function), (6, 8))


@pytest.mark.parametrize(
    ("function", "first", "second"),
    [
        (torch.matmul, (3, 4), (4, 5)),
        (torch.matmul, (2, 3, 4), (2, 4, 5)),
        (torch.bmm, (3, 4), (4, 5)),
        (lambda x, y: x @ y.transpose(-2, -1), (2, 3, 4), (2, 5, 4)),
        (lambda x, y: x.transpose(1, 2) @ y, (3, 4), (3, 5)),
        (lambda x, y: torch.einsum("bik,bjk->bij", x, y), (3, 4), (5, 4)),
        (lambda x, y: torch.einsum("bhik,bhkj->bhij", x, y), (2, 3, 4), (2, 4, 5)),
        (lambda x, y: torch.einsum("bihk,bjhk->bhij", x, y), (3, 2, 4), (5, 2, 4)),
        (lambda x, y: torch.einsum("bchw,bcij->bhwij", x, y), (3, 2, 4), (3, 5, 2)),
        (lambda x, y: torch.einsum("bij,bij->bij", x, y), (3, 4), (3, 4)),
        (lambda x, y: torch.einsum("bi,bj->bij", x, y), (3,), (4,)),
        (lambda x, y: torch.einsum("...ik,...kj->...ij", x, y), (2, 3, 4), (2, 4, 5)),
        (lambda x, y: torch.matmul(x, y.flatten(1).unsqueeze(-1)).squeeze(-1), (3, 4), (4,)),
    ],
)
def test_products(
    function: Callable[..., Tensor], first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    same(Function(function), first, second)


def test_a_weight_that_two_layers_have_is_shared() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.Linear(4, 4)
            self.table = nn.Parameter(torch.rand(4, 4))

        def forward(self, x: Tensor) -> Tensor:
            return self.up(self.up(x)).relu()  # type: ignore[no-any-return]

    module = Tied()
    del module.table
    found = same(module, (3, 4))
    assert found.names == ["up", "up_2", "relu"]
    assert found.model.statements[1].weights == "up"


def test_an_embedding_and_the_layer_that_has_its_weight() -> None:
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wte = nn.Embedding(11, 4)
            self.wpe = nn.Embedding(7, 4)
            self.head = nn.Linear(4, 11, bias=False)
            self.head.weight = self.wte.weight

        def forward(self, tokens: Tensor) -> Tensor:
            places = torch.arange(tokens.shape[1], device=tokens.device)
            return self.head(self.wte(tokens) + self.wpe(places))  # type: ignore[no-any-return]

    module = Language().eval()
    tokens = torch.zeros((1, 7), dtype=torch.int64)
    from archcalc.importing.capture.capturing import capture
    from archcalc.importing.kinds import statements
    from archcalc.importing.model import flat_spec
    from archcalc.walk import analyze

    model = statements(capture(module, tokens), "a test")
    assert [s.kind for s in model.statements] == ["embedding", "parameter", "add", "linear"]
    assert analyze(flat_spec(model)).params == 11 * 4 + 7 * 4


def test_layers_are_called_as_their_modules() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.act = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.act(self.act(self.conv(x)) + x)  # type: ignore[no-any-return]

    found = imported(nn.Sequential(Block(), nn.Flatten(), nn.Linear(48, 2)), (3, 4, 4))
    assert found.names == ["0.conv", "0.act", "0.add", "0.act_2", "1", "2"]
