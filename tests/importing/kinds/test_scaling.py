"""Products with one value for each channel or image, sums of several tensors, what is frozen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.importing.kinds.judge import imported, same
from tests.importing.kinds.test_layers_of_one_operator import Function


class DropsPaths(nn.Module):
    """Random values drawn by a dropout: one for each image, or for each channel of it."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        shape = (x.shape[0], 1, 1, 1) if self.whole else (x.shape[0], x.shape[1], 1, 1)
        return x * F.dropout(x.new_ones(shape), 0.25, self.training)


def test_one_value_for_each_image_drops_paths() -> None:
    found = same(DropsPaths(whole=True), (3, 4, 5))
    assert found.kinds == ["drop_path"]
    assert found.fields("drop_path") == {"p": 0.25}
    assert "drop_path" not in imported(DropsPaths(whole=False), (3, 4, 5)).kinds


class FrozenNorm(nn.Module):
    """As torchvision's, with its factor and shift computed from what it keeps."""

    def __init__(self, shifts: bool) -> None:
        super().__init__()
        self.shifts = shifts
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.rand(3) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, mean, var = [b.reshape(1, -1, 1, 1) for b in self.buffers()]
        factor = weight * (var + 1e-3).rsqrt()
        return x * factor + (bias - mean * factor if self.shifts else bias)


def test_a_norm_that_stays_as_it_is() -> None:
    found = same(nn.Sequential(nn.Conv2d(3, 3, 1), FrozenNorm(shifts=True)), (3, 4, 5))
    assert found.kinds == ["conv", "frozen_batch_norm"]
    assert found.fields("frozen_batch_norm") == {"eps": 1e-3}
    assert found.analysis.totals.buffers == 12


def test_what_a_long_chain_of_products_and_sums_is_made_of_is_looked_at_once() -> None:
    """Each tensor of it is taken twice, as where positions are turned: 2**40 ways back."""

    class Turns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("factor", torch.rand(3, 1, 1))
            self.register_buffer("shift", torch.rand(3, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            factor, shift = self.get_buffer("factor"), self.get_buffer("shift")
            for _ in range(40):
                factor, shift = factor * factor + factor, shift * factor + shift
                x = x * factor + x.tanh() * shift
            return x * factor + shift

    kinds = imported(Turns(), (3, 4, 5)).kinds
    assert kinds.count("multiply") == 81 and "frozen_batch_norm" not in kinds


class ScalesLengths(nn.Module):
    """As SSD: lengths of one along an axis, times a learned value for each place along one."""

    def __init__(self, axis: int, along: int, often: int = 1) -> None:
        super().__init__()
        self.axis, self.often = axis, often
        shape = [3 + n if n == along else 1 for n in range(4)][along:]
        self.weight = nn.Parameter(torch.rand(shape))

    def forward(self, x: Tensor) -> Tensor:
        lengths = nn.functional.normalize(x, dim=self.axis)
        scaled = lengths * self.weight
        return scaled if self.often == 1 else scaled + lengths


@pytest.mark.parametrize(
    ("axis", "along", "often", "kinds"),
    [
        (1, 1, 1, ["normalize"]),
        (3, 3, 1, ["normalize"]),
        (2, 1, 1, ["normalize", "channel_scale"]),
        (1, 3, 1, ["normalize", "parameter", "multiply"]),
        (1, 1, 2, ["normalize", "channel_scale", "add"]),
    ],
)
def test_lengths_with_a_learned_factor(axis: int, along: int, often: int, kinds: list[str]) -> None:
    assert same(ScalesLengths(axis, along, often), (4, 5, 6)).kinds == kinds


SUMS: list[tuple[Callable[[Tensor, Tensor], Tensor], list[str]]] = [
    (lambda x, y: x + y.tanh() + y.relu(), ["tanh", "add", "relu", "add"]),
    (lambda x, y: (x + y).add_(y.relu()), ["add", "relu", "add"]),
    (lambda x, y: (z := y.relu(), (x + y).add_(z))[1], ["relu", "add"]),
    (lambda x, y: (z := x.tanh(), (x + y).add_(z).div_(3))[1], ["tanh", "average"]),
    (lambda x, y: (x + y) / 2, ["add", "scale"]),
    (lambda x, y: (x + y).div_(2), ["average"]),
    (lambda x, y: (x + y) / 3, ["add", "scale"]),
    (lambda x, y: (x + y) * 0.5, ["add", "scale"]),
    (lambda x, y: (s := x + y) + s.tanh(), ["add", "tanh", "add"]),
    (lambda x, y: x + y + x[:, :1], ["add", "slice", "add"]),
    (lambda x, y: y + (x + y), ["add", "add"]),
]


@pytest.mark.parametrize(("function", "kinds"), SUMS)
def test_sums_of_several(function: Callable[..., Tensor], kinds: list[str]) -> None:
    assert same(Function(function), (3, 4, 5), (3, 4, 5)).kinds == kinds


def test_sums_of_several_calls_stay_apart() -> None:
    class Adds(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Adds(), Adds()

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            out: Tensor = self.second(self.first(x, y), y)
            return out

    assert same(Twice(), (3, 4, 5), (3, 4, 5)).kinds == ["add", "add"]


def test_what_does_not_learn_as_the_module_stands() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
    module[0].requires_grad_(False)
    totals = same(module, (3, 4, 5)).analysis.totals
    assert totals.trainable_params == totals.params - 16
    module[1].weight.requires_grad_(False)  # the bias of it learns
    assert same(module, (3, 4, 5)).analysis.totals.trainable_params == totals.params - 16
