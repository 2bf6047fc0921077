"""Arguments have their names whatever the way of calling."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from archcalc.importing.capture.capturing import capture
from archcalc.importing.trace import Ref

X = Ref(0)

# A function, the operator that it is, and arguments behind the input in order.
CALLS: list[tuple[Any, str, dict[str, Any]]] = [
    (torch.flatten, "flatten", {"start_dim": 1, "end_dim": 2}),
    (torch.sum, "sum", {"dim": 1, "keepdim": True}),
    (torch.mean, "mean", {"dim": [1, 2], "keepdim": True}),
    (torch.max, "max", {"dim": 1, "keepdim": True}),
    (torch.transpose, "transpose", {"dim0": 1, "dim1": 2}),
    (torch.roll, "roll", {"shifts": (1, 2), "dims": (1, 2)}),
    (torch.clamp, "clamp", {"min": 0, "max": 6}),
    (torch.narrow, "narrow", {"dim": 1, "start": 1, "length": 2}),
    (torch.topk, "topk", {"k": 2, "dim": 1, "largest": False}),
    (torch.split, "split", {"split_size": 2, "dim": 1}),
    (torch.chunk, "chunk", {"chunks": 2, "dim": 1}),
    (Tensor.unfold, "unfold", {"dimension": 1, "size": 2, "step": 1}),
    (Tensor.to, "to", {"dtype": torch.float16, "non_blocking": True}),
    (F.interpolate, "interpolate", {"size": 8, "scale_factor": None, "mode": "nearest"}),
    (F.avg_pool2d, "avg_pool2d", {"kernel_size": 2, "stride": 1, "padding": 1}),
    (F.max_pool2d, "max_pool2d", {"kernel_size": 2, "stride": 1, "padding": 1}),
    (F.pad, "pad", {"pad": (1, 1), "mode": "constant", "value": 2.0}),
    (F.normalize, "normalize", {"p": 2.0, "dim": 1, "eps": 1e-6}),
    (F.softmax, "softmax", {"dim": 1}),
    (F.dropout, "dropout", {"p": 0.5, "training": False}),
]
SPELLED = {"split_size": "split_size_or_sections"}  # by torch.split


class Calls(nn.Module):
    def __init__(self, does: Any) -> None:
        super().__init__()
        self.does = does

    def forward(self, x: Tensor) -> Any:
        return self.does(x)


@given(st.sampled_from(CALLS), st.integers(0, 3))
def test_by_position_or_by_name(call: tuple[Any, str, dict[str, Any]], placed: int) -> None:
    function, operator, arguments = call
    names = [*arguments]
    beside = {SPELLED.get(name, name): arguments[name] for name in names[placed:]}
    first = [arguments[name] for name in names[:placed]]
    trace = capture(Calls(lambda x: function(x, *first, **beside)), (4, 4, 4), batches=(1,))
    (found,) = trace.operations
    assert found.operator == operator
    assert found.arguments["input"] == X
    shown = {**arguments} | ({"dtype": "float16"} if "dtype" in arguments else {})
    assert {name: found.arguments[name] for name in shown} == shown


@pytest.mark.parametrize(
    ("call", "operator", "arguments"),
    [
        (lambda x: x + 2, "add", {"input": X, "other": 2}),
        (lambda x: 2 + x, "add", {"input": X, "other": 2}),
        (lambda x: x - 2, "sub", {"input": X, "other": 2}),
        (lambda x: 2 - x, "sub", {"input": 2, "other": X}),
        (lambda x: 2 / x, "div", {"input": 2, "other": X}),
        (lambda x: 2**x, "pow", {"input": 2, "exponent": X}),
        (lambda x: x**2, "pow", {"input": X, "exponent": 2}),
        (lambda x: x // 2, "floor_divide", {"input": X, "other": 2}),
        (lambda x: x @ x, "matmul", {"input": X, "other": X}),
        (lambda x: -x, "neg", {"input": X}),
        (lambda x: x > 1, "gt", {"input": X, "other": 1}),
        (lambda x: x.view(1, -1), "view", {"input": X, "size": [1, -1]}),
        (lambda x: x.view((1, -1)), "view", {"input": X, "size": (1, -1)}),
        (lambda x: x.permute(0, 2, 3, 1), "permute", {"input": X, "dims": [0, 2, 3, 1]}),
        (lambda x: x.permute([0, 2, 3, 1]), "permute", {"input": X, "dims": [0, 2, 3, 1]}),
        (lambda x: x.reshape(-1), "reshape", {"input": X, "shape": [-1]}),
        (lambda x: x.expand(2, -1, -1, -1), "expand", {"input": X, "size": [2, -1, -1, -1]}),
        (lambda x: x.repeat(2, 1, 1, 1), "repeat", {"input": X, "repeats": [2, 1, 1, 1]}),
        (lambda x: x.mT, "transpose", {"input": X, "dim0": -2, "dim1": -1}),
        (lambda x: x.sum(axis=1, keepdims=True), "sum", {"input": X, "dim": 1, "keepdim": True}),
        (lambda x: x[:, 0], "__getitem__", {"input": X, "index": (slice(None), 0)}),
        (lambda x: x[..., None], "__getitem__", {"input": X, "index": (..., None)}),
        (lambda x: torch.cat((x, x), 1), "cat", {"tensors": (X, X), "dim": 1}),
        (lambda x: torch.stack([x, x], dim=1), "stack", {"tensors": [X, X], "dim": 1}),
        (
            lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
            "einsum",
            {"equation": "bchw,bdhw->bcd", "operands": [X, X]},
        ),
        (
            lambda x: torch.where(x > 0, x, 0.0),
            "where",
            {"condition": Ref(1), "input": X, "other": 0.0},
        ),
    ],
)
def test_operators_and_methods(call: Any, operator: str, arguments: dict[str, Any]) -> None:
    *_, found = capture(Calls(call), (4, 4, 4), batches=(1,)).operations
    assert (found.operator, found.arguments) == (operator, arguments)


def test_functions_called_in_place_say_so_and_have_the_plain_name() -> None:
    for call in (
        lambda x: F.relu(x, inplace=True),
        F.relu_,
        Tensor.relu_,
        torch.relu_,
    ):
        (found,) = capture(Calls(call), (3,), batches=(1,)).operations
        assert (found.operator, found.arguments, found.in_place) == ("relu", {"input": X}, True)
