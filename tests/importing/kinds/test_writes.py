"""What code writes into a part of a tensor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.importing.kinds.judge import imported, same
from tests.importing.kinds.test_layers_of_one_operator import Function


def _by_brackets(x: Tensor, y: Tensor) -> Tensor:
    x = x * 2
    x[:, 1:, 2:4] = y
    return x.relu()


def _added_to(x: Tensor, y: Tensor) -> Tensor:
    x = x * 2
    x[:, 1:, 2:4] += y
    return x.relu()


def _changed_as_a_view(x: Tensor, y: Tensor) -> Tensor:
    x = x * 2
    x[:, 1:, 2:4].add_(y).mul_(3)
    return x.relu()


def _by_its_names(x: Tensor, y: Tensor) -> Tensor:
    x = x * 2
    x.narrow(1, 1, 4).narrow(2, 2, 2)  # which nobody changes
    x.narrow(1, 0, 4).sub_(y.repeat(1, 1, 3))
    x.select(2, 5).copy_(x[..., 0])
    return x.relu()


def _everywhere(x: Tensor, y: Tensor) -> Tensor:
    x = x * 2
    x[..., 2:4] = y.mean(1, keepdim=True)
    x[:] = x.sin()
    return x.relu()


def _by_scatters(x: Tensor, y: Tensor) -> Tensor:
    x = torch.slice_scatter(x, y.repeat(1, 1, 3), 1, 1)
    return torch.select_scatter(x, x[..., 0], 2, -1).relu()


WRITES = [
    _by_brackets, _added_to, _changed_as_a_view, _by_its_names, _everywhere, _by_scatters
]  # fmt: skip


@pytest.mark.parametrize("function", WRITES, ids=[each.__name__.strip("_") for each in WRITES])
def test_a_part_that_is_written_to_is_put_together_with_the_rest(
    function: Callable[[Tensor, Tensor], Tensor],
) -> None:
    found = same(Function(function), (5, 6), (4, 2))
    assert "opaque" not in found.kinds and "concat" in found.kinds
    assert any("writes into a part" in note for note in found.model.notes)


def test_what_is_written_twice_is_put_together_once() -> None:
    assert same(Function(_added_to), (5, 6), (4, 2)).kinds.count("concat") == 2


class Biased(nn.Module):
    """A learned bias of which a part stays at a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 6)
        self.register_buffer("zeros", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        bias = self.qkv.bias.clone()
        bias[2:4].copy_(self.zeros)  # type: ignore[arg-type]  # a tensor
        return F.linear(x, self.qkv.weight, bias)


def test_a_constant_in_a_part_of_what_learns() -> None:
    found = same(Biased(), (3, 4))
    assert found.kinds[:6] == ["linear", "parameter", "slice", "slice", "parameter", "concat"]
    assert found.analysis.layers[4].buffers == 2 and found.kinds[-1] == "add"


def test_a_number_is_no_value_of_the_image() -> None:
    def function(x: Tensor) -> Tensor:
        x = x + 1
        x[:, 1] = 0.5
        x[:, :, 0].zero_()
        return x

    found = imported(Function(function), (5, 6))
    assert "opaque" not in found.kinds
    assert found.kinds.count("parameter") == 2 and found.kinds.count("concat") == 2


@pytest.mark.parametrize(
    "function",
    [
        lambda x: _written(x, (slice(None), slice(None, None, 2))),
        lambda x: _written(x, (slice(None), [0, 2])),
        lambda x: _written(x, x > 0),
    ],
)
def test_places_that_lie_apart_are_opaque(function: Callable[[Tensor], Tensor]) -> None:
    assert "opaque" in imported(Function(function), (5, 6)).kinds


def _written(x: Tensor, index: object) -> Tensor:
    x = x + 1
    x[index] = 0  # type: ignore[index]  # each is one
    return x.relu()
