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
    "mul": (X, X),
}
CALLS = [(rule, ARGUMENTS.get(rule.__name__, (X,))) for rule in _RULES]


@pytest.mark.parametrize(
    ("function", "args"), CALLS, ids=[function.__name__ for function, _ in CALLS]
)
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
        (Tensor.add, (X, on_meta(2, 3, 5, 1))),
        (Tensor.add, (X, 1)),
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
    ],
)
def test_norms_need_not_run_even_once(
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
        (F.relu, (X,), {}),
        (F.linear, (X, on_meta(7, 5)), {}),
    ],
)
def test_what_torch_may_refuse_or_count_runs_once(
    function: Callable[..., Tensor], args: tuple[Any, ...], named: dict[str, Any]
) -> None:
    assert known_output(function, args, named, ran=False) is None
