"""What code writes into a part of a tensor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
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


@st.composite
def _places(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[object, ...]]:
    """The shape of an image, and an index for a batch of such."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    index: list[object] = [slice(None)]
    for size in shape[: draw(st.integers(0, len(shape)))]:
        start = draw(st.integers(0, size - 1))
        stop = draw(st.integers(start + 1, size))
        places = [slice(None), start, start - size, slice(start, stop), slice(start - size, stop)]
        index.append(draw(st.sampled_from(places)))
    if draw(st.booleans()):
        index.append(...)
    return shape, tuple(index)


@settings(max_examples=25)
@given(_places(), st.sampled_from(["set", "add", "copy", "twice"]), st.booleans())
def test_any_part_gets_what_is_written(
    places: tuple[tuple[int, ...], tuple[object, ...]], how: str, spread: bool
) -> None:
    shape, index = places

    def function(x: Tensor) -> Tensor:
        y = x.exp()
        part = y[index].sin()  # type: ignore[index]  # what is drawn is one
        if spread and part.dim() > 1:
            part = part.mean(-1, keepdim=True)
        x = x * 2
        if how == "set":
            x[index] = part  # type: ignore[index]
        elif how == "add":
            x[index] += part  # type: ignore[index]
        else:
            x[index].copy_(part)  # type: ignore[index]
        if how == "twice":
            x[index].mul_(x[index])  # type: ignore[index]
        return x.tanh()

    assert "opaque" not in same(Function(function), shape).kinds


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
