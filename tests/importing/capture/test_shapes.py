"""Operators that need not run for their shape to be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from archcalc.importing.capture.shapes import LIKE_INPUT, like_input

BESIDE: dict[str, tuple[Any, ...]] = {
    "batch_norm": (torch.empty(3, device="meta"), torch.empty(3, device="meta")),
    "layer_norm": ((5,),),
}


@pytest.mark.parametrize("function", LIKE_INPUT, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_output_is_like_the_input(function: Callable[..., Tensor], dtype: torch.dtype) -> None:
    x = torch.empty(2, 3, 5, 5, dtype=dtype, device="meta")
    beside = BESIDE.get(function.__name__, ())
    made, known = function(x, *beside), like_input((x, *beside), {})
    if known is None:
        assert dtype is torch.float16
        known = x
    assert (made.shape, made.dtype, made.stride()) == (known.shape, known.dtype, known.stride())


def test_what_changes_its_input_gives_that() -> None:
    x = torch.empty(2, 3, device="meta")
    assert like_input((x,), {"inplace": True}) is x is F.relu(x, inplace=True)


@pytest.mark.parametrize(
    "x",
    [torch.empty(2, 3, device="meta").T, torch.empty(2, 3, dtype=torch.int64, device="meta")],
    ids=["not contiguous", "integers"],
)
def test_of_others_it_is_not_known(x: Tensor) -> None:
    assert like_input((x,), {}) is None
