"""Operators that need not run for their shape to be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from archcalc.importing.capture.shapes import _RULES, known_output


def on_meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


X = on_meta(2, 3, 5, 5)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "batch_norm": (X, on_meta(3), on_meta(3)),
    "layer_norm": (X, (5, 5)),
    "linear": (X, on_meta(7, 5), on_meta(7)),
    "add": (X, X),
    "sub": (X, 2),
    "mul": (X, on_meta(2, 1, 1, 1)),
    "div": (X, on_meta(3, 1, 5)),
    "roll": (X, (1, -2), (2, -1)),
    "masked_fill": (X, on_meta(3, 1, 5, dtype=torch.bool), -1e9),
}
CALLS = [
    *[(rule, ARGUMENTS.get(rule.__name__, (X,))) for rule in _RULES],
    *[(Tensor.mul, (X, on_meta(*shape))) for shape in [(), (5,), (3, 1, 1), (2, 3, 1, 1)]],
    (Tensor.add, (on_meta(4, 1, 3), on_meta(1, 1, 3))),
    (Tensor.add, (on_meta(1, 3, 1), 0.5)),
]


@pytest.mark.parametrize(("function", "args"), CALLS)
def test_the_output_is_that_of_torch(
    function: Callable[..., Tensor], args: tuple[Any, ...]
) -> None:
    made, known = function(*args), known_output(function, args, {})
    assert known is not None
    assert (made.shape, made.dtype, made.stride()) == (known.shape, known.dtype, known.stride())


def test_what_changes_its_input_gives_that() -> None:
    x = on_meta(2, 3)
    assert known_output(F.relu, (x,), {"inplace": True}) is x is F.relu(x, inplace=True)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (F.relu, (on_meta(2, 3).T,)),
        (F.relu, (on_meta(2, 3, dtype=torch.int64),)),
        (F.relu, (torch.empty(2, 3),)),
        (Tensor.add, (X, on_meta(1, 2, 3, 5, 5))),
        (Tensor.add, (on_meta(3, 1), on_meta(3, 2))),
        (Tensor.add, (X, on_meta(2, 3, 5, 5).transpose(2, 3))),
        (Tensor.add, (X, 1j)),
        (torch.roll, (X, 1)),
        (Tensor.masked_fill, (X, X, 1)),
        (Tensor.masked_fill, (X, on_meta(4, 5, dtype=torch.bool), 1)),
        (torch.roll, (X, (1, 1), (2, 4))),
        (torch.roll, (X, (1,), (2, 3))),
        (Tensor.mul, (X, X.half())),
        (F.linear, (X, on_meta(7, 4))),
        (F.batch_norm, (X, on_meta(4), on_meta(4))),
        (F.layer_norm, (X, (3, 5))),
        (F.softmax, (X,)),
    ],
)
def test_what_has_to_run_is_run(function: Callable[..., Tensor], args: tuple[Any, ...]) -> None:
    assert known_output(function, args, {}) is None


NORM = {"weight": on_meta(3), "bias": None, "training": False, "momentum": 0.1, "eps": 1e-5}


@pytest.mark.parametrize(
    ("function", "args", "named"),
    [
        (F.batch_norm, (X, on_meta(3), on_meta(3)), NORM),
        (F.layer_norm, (X, (5, 5)), {"weight": on_meta(5, 5), "bias": None, "eps": 1e-5}),
        (F.gelu, (X,), {"approximate": "tanh"}),
        (F.silu, (X,), {"inplace": False}),
        (Tensor.mul, (X, on_meta(3, 1, 1)), {}),
        (torch.roll, (X,), {"shifts": (1, 1), "dims": (2, 3)}),
    ],
)
def test_what_torch_accepts_and_does_not_count_need_not_run_even_once(
    function: Callable[..., Tensor], args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    made, known = function(*args, **named), known_output(function, args, named, ran=False)
    assert known is not None
    assert (made.shape, made.dtype, made.stride()) == (known.shape, known.dtype, known.stride())


@pytest.mark.parametrize(
    ("function", "args", "named"),
    [
        (F.batch_norm, (X, on_meta(3), on_meta(3)), NORM | {"training": True}),
        (F.batch_norm, (X, None, None), NORM),
        (F.batch_norm, (X, on_meta(4), on_meta(4)), NORM),
        (F.batch_norm, (X, on_meta(3), on_meta(3)), NORM | {"weight": on_meta(4)}),
        (F.layer_norm, (X, (3, 5)), {"weight": None}),
        (F.layer_norm, (X, (5, 5)), {"weight": on_meta(5)}),
        (F.gelu, (X,), {"approximate": "other"}),
        (F.leaky_relu, (X, "0.1"), {}),
        (F.linear, (X, on_meta(7, 5)), {}),
    ],
)
def test_what_torch_may_refuse_or_count_runs_once(
    function: Callable[..., Tensor], args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    assert known_output(function, args, named, ran=False) is None
