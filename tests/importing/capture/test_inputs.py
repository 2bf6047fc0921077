"""What a module is run on: sizes, tensors, several of them, and what is guessed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archcalc.errors import UsageError
from archcalc.importing.capture.capturing import capture
from archcalc.importing.model import Input
from archcalc.importing.trace import Trace


class Adds(nn.Module):
    def forward(self, image: Tensor, other: Tensor, scale: float = 1.0) -> Tensor:
        return image + other * scale


class Sums(nn.Module):
    def forward(self, image: Tensor, other: Tensor) -> Tensor:
        return image.sum(1) + other


class Asks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1) if x.sum() > 0 else x


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.embed(x.flatten(1))
        return y


def inputs(trace: Trace) -> dict[str, tuple[Any, ...]]:
    return {
        name: (*trace.tensors[number].shapes, trace.tensors[number].dtype)
        for name, number in trace.inputs.items()
    }


ONE = {"input": ((1, 3, 4), (2, 3, 4), "float32")}
TWO = {"image": ONE["input"], "other": ((1, 4), (2, 4), "float32")}


@pytest.mark.parametrize(
    "given", [(3, 4), [3, 4], torch.Size((3, 4)), Input((3, 4)), torch.zeros(5, 3, 4), [(3, 4)]]
)
def test_a_single_input_is_called_input(given: Any) -> None:
    assert inputs(capture(nn.ReLU(), given)) == ONE


@pytest.mark.parametrize(
    "given",
    [
        [(3, 4), (4,)],
        {"image": (3, 4), "other": (4,)},
        {"other": (4,), "image": (3, 4)},
        [torch.zeros(5, 3, 4), torch.zeros(5, 4)],
        lambda batch: (torch.zeros(batch, 3, 4), torch.zeros(batch, 4)),
        lambda batch: {"image": torch.zeros(batch, 3, 4), "other": torch.zeros(batch, 4)},
    ],
)
def test_several_have_the_names_of_forward(given: Any) -> None:
    assert inputs(capture(Sums(), given)) == TWO


def test_a_tensor_with_another_first_axis_has_no_batch() -> None:
    trace = capture(Adds(), [torch.zeros(5, 3), torch.zeros(3), 2.0])
    assert inputs(trace)["other"] == ((3,), (3,), "float32")


def test_inputs_have_the_dtype_of_the_module() -> None:
    assert inputs(capture(nn.Linear(4, 2).half(), (4,)))["input"][-1] == "float16"


@pytest.mark.parametrize("given", [(6,), (2, 3)])
def test_what_is_looked_up_is_an_integer(given: tuple[int, ...]) -> None:
    assert inputs(capture(Words(), given))["input"][-1] == "int64"


def test_an_input_can_say_its_dtype() -> None:
    assert inputs(capture(nn.ReLU(), Input((3,), "float64")))["input"][-1] == "float64"


def test_a_module_may_say_what_it_was_made_for() -> None:
    module = nn.Conv2d(3, 4, 3)
    module.pretrained_cfg = {"input_size": (3, 8, 8)}  # type: ignore[assignment]
    assert inputs(capture(module))["input"][0] == (1, 3, 8, 8)


def test_what_a_user_gives_is_left_alone() -> None:
    given = torch.ones(1, 3)
    capture(Asks(), given)
    assert given.tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("module", "given", "message"),
    [
        (nn.ReLU(), None, "input: which size has input of ReLU.forward? 3x224x224 (an image)?"),
        (nn.ReLU(), "3x4", "input: a size such as (3, 224, 224), not '3x4'"),
        (nn.ReLU(), (3, 0), "input: a size of 0 in (3, 0)"),
        (Adds(), (3, 4), "input: Adds.forward takes image, other: give a size for other too"),
    ],
)
def test_what_is_no_input_is_told(module: nn.Module, given: Any, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        capture(module, given)
    assert str(refused.value) == message
