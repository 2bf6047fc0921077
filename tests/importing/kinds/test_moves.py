"""Chains of views become one rearrangement, or none; the batch may lie anywhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.importing.kinds.judge import imported, same
from tests.importing.kinds.test_layers_of_one_operator import Function

Steps = list[tuple[str, tuple[int, ...]]]  # methods of a tensor and what they are given


@st.composite
def views(draw: st.DrawFn) -> tuple[tuple[int, ...], Steps, int]:
    """The size of an image, views of a batch of them, and where the batch is behind these."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=2, max_size=4))
    shape = [-1, *sizes]
    steps: Steps = []
    for _ in range(draw(st.integers(1, 4))):
        ways = ["permute", "unsqueeze"]
        ways += ["merge"] if len(shape) > 2 else []
        ways += ["split"] if any(n in (4, 6) for n in shape) else []
        way = draw(st.sampled_from(ways))
        if way == "permute":
            order = draw(st.permutations(range(len(shape))))
            shape = [shape[n] for n in order]
            steps.append((way, tuple(order)))
        elif way == "unsqueeze" and len(shape) < 6:
            at = draw(st.integers(0, len(shape)))
            shape.insert(at, 1)
            steps.append((way, (at,)))
        elif way == "merge":
            at = draw(st.integers(0, len(shape) - 2))
            if -1 in shape[at : at + 2]:
                continue
            shape[at : at + 2] = [shape[at] * shape[at + 1]]
            steps.append(("flatten", (at, at + 1)))
        elif way == "split":
            at = draw(st.sampled_from([n for n, size in enumerate(shape) if size in (4, 6)]))
            shape[at : at + 1] = [2, shape[at] // 2]
            steps.append(("reshape", tuple(shape)))
    return tuple(sizes), steps, shape.index(-1)


@given(views())
def test_any_chain_of_views_is_one_layer_at_most(
    drawn: tuple[tuple[int, ...], Steps, int],
) -> None:
    size, steps, along = drawn

    def function(x: Tensor) -> Tensor:
        for name, arguments in steps:
            x = getattr(x, name)(*arguments)
        return torch.relu(x.movedim(along, 0))

    kinds = same(Function(function), size).kinds
    assert kinds in (["relu"], [*kinds[:1], "relu"])
    assert kinds[0] in ("relu", "rearrange", "flatten", "channel_shuffle")


@pytest.mark.parametrize(
    ("function", "size", "kinds"),
    [
        (lambda x: x[:, :, None, None].transpose(1, 2).squeeze().relu(), (6,), ["relu"]),
        (lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2).relu(), (2, 3, 4), ["relu"]),
        (lambda x: x.flatten(1).relu(), (2, 3, 4), ["flatten", "relu"]),
        (lambda x: x.flatten(2).transpose(1, 2).relu(), (2, 3, 4), ["rearrange", "relu"]),
        (lambda x: x.contiguous().clone().to(x.dtype).relu(), (2, 3), ["relu"]),
        (
            lambda x: x.view(-1, 2, 3, 4, 5).transpose(1, 2).reshape(-1, 6, 4, 5).relu(),
            (6, 4, 5),
            ["channel_shuffle", "relu"],
        ),
        (
            lambda x: x.view(-1, 2, 3, 3, 4, 5)
            .permute(0, 1, 4, 2, 5, 3).reshape(-1, 2, 12, 15).relu(),
            (18, 4, 5),
            ["pixel_shuffle", "relu"],
        ),
        (lambda x: x.view(-1, 6, 6).relu(), (4, 9), ["reshape", "relu"]),
        (lambda x: torch.relu(x.flatten(0, 1)).view(-1, 5, 4).sum(1), (5, 4), None),
        (lambda x: torch.pixel_shuffle(x, 2), (8, 3, 4), ["pixel_shuffle"]),
        (lambda x: torch.channel_shuffle(x, 2), (8, 3, 4), ["channel_shuffle"]),
        (lambda x: torch.roll(x, (1, -2), (2, 1)), (3, 4, 5), ["roll"]),
        (lambda x: x.unsqueeze(2).expand(-1, -1, 3, -1).flatten(1, 2).relu(), (3, 4), None),
        (lambda x: x.repeat(1, 2, 1), (3, 4), ["tile"]),
        (lambda x: x.repeat_interleave(2, dim=1), (3, 4), ["repeat_interleave"]),
        (lambda x: x.unfold(1, 2, 2).relu(), (6, 4), ["rearrange", "relu"]),
    ],
)  # fmt: skip
def test_moves_that_a_reader_would_write(
    function: Callable[[Tensor], Tensor], size: tuple[int, ...], kinds: list[str] | None
) -> None:
    found = same(Function(function), size)
    assert kinds is None or found.kinds == kinds


@pytest.mark.parametrize(("size", "step"), [(4, 2), (5, 3), (2, 3), (8, 1)])
def test_windows_that_overlap_are_slices_side_by_side(size: int, step: int) -> None:
    def function(x: Tensor) -> Tensor:
        return x.unfold(2, size, step).unfold(3, 3, 2).reshape(x.shape[0], 2, -1, size * 3).relu()

    found = same(Function(function), (2, 8, 9))
    assert found.kinds.count("concat") == (size < 8) + 1
    assert {*found.kinds} <= {"slice", "concat", "rearrange", "relu", "flatten", "reshape"}
    assert any("windows that overlap" in note for note in found.model.notes)


def test_many_windows_are_opaque() -> None:
    found = imported(Function(lambda x: x.unfold(1, 2, 1).relu()), (66, 2))
    assert found.kinds == ["opaque", "relu"]


def test_windows_are_items_and_no_size_of_the_map_is_written() -> None:
    def function(x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        x = x.view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)
        x = torch.softmax(x, dim=1)
        x = x.view(b, h // 2, w // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(b, h, w, c)

    found = same(Function(function), (3, 6, 4))
    (into, _, back) = found.model.statements
    assert into.fields == {"axes": "c (h p) (w q) -> [h w] (p q) c", "p": 2, "q": 2}
    assert back.kind == "rearrange"


def test_attention_gets_its_heads_side_by_side_without_a_layer_for_them() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(8, 24)
            self.proj = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            qkv = self.qkv(x).reshape(x.shape[0], -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
            x = nn.functional.scaled_dot_product_attention(*qkv.unbind(0))
            return self.proj(x.transpose(1, 2).reshape(x.shape[0], -1, 8))  # type: ignore[no-any-return]

    found = same(Attention(), (5, 8))
    assert found.kinds == ["linear", *["slice"] * 3, "scaled_dot_product_attention", "linear"]
    assert found.fields("scaled_dot_product_attention") == {"heads": 2}


@pytest.mark.parametrize(
    ("function", "kinds", "sides"),
    [
        (lambda x: x[:, :, 1:5, 1:5], ["crop"], 1),
        (lambda x: x[:, :, 1:-2, 2:], ["crop"], [[1, 2], [2, 0]]),
        (lambda x: x[:, :, 1:5], ["slice"], None),
        (lambda x: x[:, 1:, 1:5, 1:5], ["slice"] * 3, None),
        (lambda x: x[:, :, ::2, 1:5], ["slice"] * 2, None),
    ],
)
def test_what_cuts_off_a_border_along_two_axes_is_a_crop(
    function: Callable[[Tensor], Tensor], kinds: list[str], sides: object
) -> None:
    found = same(Function(lambda x: function(x).relu()), (3, 6, 6))
    assert found.kinds == [*kinds, "relu"]
    assert sides is None or found.fields("crop") == {"sides": sides}


def test_channels_that_a_view_puts_first_again_behind_a_norm_are_said_to_leave_peaks_open() -> None:
    class Norm(nn.LayerNorm):
        def forward(self, x: Tensor) -> Tensor:
            x = super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return x.contiguous() if self.bias is None else x

    found = imported(nn.Sequential(Norm(4), nn.Conv2d(4, 4, 3)), (4, 5, 5))
    assert "peaks of inference and of a training step" in " ".join(found.model.notes)
    assert found.fields("layer_norm") == {"over": "channels"}
    copied = imported(nn.Sequential(Norm(4, bias=False), nn.Conv2d(4, 4, 3)), (4, 5, 5))
    assert copied.kinds == ["layer_norm", "conv"] and copied.model.notes == ()


def test_parts_of_what_is_turned_are_said_to_leave_the_peak_of_training_open() -> None:
    linear = nn.Linear(4, 4)
    found = imported(Function(lambda x: linear(x).permute(0, 2, 1)[:, 1:]), (3, 4))
    assert "peak of a training step" in " ".join(found.model.notes)
    apart = imported(Function(lambda x: linear(x)[:, 1:].permute(0, 2, 1)), (3, 4))
    assert apart.model.notes == ()


def test_parts_that_are_cut_at_once_are_said_to_leave_the_peak_of_training_open() -> None:
    """torch has one operator for all of them, the layers here one for each."""
    halves = imported(Function(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1)), (4, 3, 3))
    assert "peak of a training step" in " ".join(halves.model.notes)
    first = imported(Function(lambda x: torch.relu(x[:, :2])), (4, 3, 3))
    assert first.model.notes == ()
