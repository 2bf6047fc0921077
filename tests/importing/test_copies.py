"""Views and copies of a module are its model's: kept bytes and the peak of a step are torch's.

Modules are drawn line by line; each line lets go of what the one before has made.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from archcalc import Analysis, analyze
from archcalc.imported import notes_on_import
from archcalc.importing.code import network_of_module
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import activation_bytes
from archcalc.memory_use.training import step_of
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.torch_backend.storages import LiveStorages
from archcalc.torch_backend.training_step import TrainingLoop

Size = tuple[int, ...]
Line = tuple[str, Size]  # of code, and the shape of an image behind it

_BY_VALUE = (
    "relu(x)", "sigmoid(x)", "nn.functional.gelu(x)", "softmax(x, -1)", "x * x.sigmoid()", "x * 2",
    "x / (1 + x.abs())", "1 - x", "x - x.amax(-1, keepdim=True)", "x.mean(-1, keepdim=True) * x",
)  # fmt: skip
# Each takes `x` last of all, so that the line holds nothing longer than its operators do.
_SUMS = (
    "x = {0}(x) + relu(x) + x", "x = ({0}(x) + x.tanh()).add_(x)", "x = ({0}(x) + x) / 2",
    "x = ({0}(x) + x).div_(2)", "x = (x.tanh() + x.relu()).add_(x).div_(3)",
)  # fmt: skip


class Lines(nn.Module):
    """Lines of code, each of which makes another `x` of it; they call layers that fit."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        widths = {shape[-1] for _, shape in lines}
        self.linear = nn.ModuleDict({str(n): nn.Linear(n, n) for n in widths})
        self.norm = nn.ModuleDict({str(n): nn.LayerNorm(n) for n in widths})
        self.code = "\n    ".join(["def run(self, x):", *[line for line, _ in lines], "return x"])
        found: dict[str, Any] = {**vars(torch), "nn": nn}
        exec(self.code, found)
        self.run = found["run"]

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.run(self, x)
        return found

    def __repr__(self) -> str:
        return self.code


@st.composite
def modules(draw: st.DrawFn) -> tuple[Lines, Size]:
    """A module, and the size of an image."""
    size = tuple(draw(st.lists(st.sampled_from([2, 4, 6]), min_size=2, max_size=3)))
    lines = [_learned("linear", size)]
    for _ in range(draw(st.integers(2, 7))):
        shape = lines[-1][1]
        at = draw(st.integers(0, len(shape) - 1))
        ways: list[Line] = [
            _permuted(shape, draw(st.permutations(range(len(shape))))),
            ("x = x.contiguous()", shape),
            *[_learned(what, shape) for what in ("linear", "norm")],
            (f"x = x + self.linear['{shape[-1]}'](x)", shape),
            (draw(st.sampled_from(_SUMS)).format(f"self.linear['{shape[-1]}']"), shape),
            (f"x = {draw(st.sampled_from(_BY_VALUE))}", shape),
        ]
        if len(shape) > 2:
            ways.append(("x = x.flatten(0, 1)", shape[1:]))  # items of an image, as windows are
        if at:
            merged = (*shape[: at - 1], shape[at - 1] * shape[at], *shape[at + 1 :])
            ways += [(f"x = x.flatten({at}, {at + 1})", merged), _reshaped(merged)]
            ways.append(("x = x @ x.transpose(-2, -1)", (*shape[:-1], shape[-2])))
        if shape[at] in (4, 6) and len(shape) < 4:
            ways.append(_reshaped((*shape[:at], 2, shape[at] // 2, *shape[at + 1 :])))
        if shape[at] in (4, 6) and len(shape) > 1:
            ways += _parts(shape, at)
        lines.append(draw(st.sampled_from(ways)))
    return Lines(lines), size


def _learned(what: str, shape: Size) -> Line:
    return f"x = self.{what}['{shape[-1]}'](x)", shape


def _permuted(shape: Size, order: list[int]) -> Line:
    dims = ", ".join([str(n + 1) for n in order])
    return f"x = x.permute(0, {dims})", tuple([shape[n] for n in order])


def _reshaped(shape: Size) -> Line:
    return f"x = x.reshape(-1, {', '.join(map(str, shape))})", shape


def _parts(shape: Size, at: int) -> list[Line]:
    half = (*shape[:at], shape[at] // 2, *shape[at + 1 :])
    one_less = (*shape[:at], shape[at] - 1, *shape[at + 1 :])
    return [
        (f"x = x.chunk(2, {at + 1})[1]", half),
        (f"x = mul(*x.chunk(2, {at + 1}))", half),
        (f"x = x.select({at + 1}, 1)", (*shape[:at], *shape[at + 1 :])),
        (f"x = x[{', '.join([':'] * (at + 1))}, 1:]", one_less),
    ]


def analysis_of(module: nn.Module, size: Size, batch: int) -> Analysis:
    """Of what is captured of a module."""
    return analyze(network_of_module(module, size), batch=batch)


def kept_by_torch(module: nn.Module, x: Tensor) -> int:
    """The bytes that autograd keeps."""
    names = [name for name, _ in module.named_modules() if name]
    return sum(saved_by_layer(copy.deepcopy(module), x, names).values())


def peak_in_torch(module: Any, analysis: Analysis, size: Size) -> int:
    """The most that is alive in a training step, beside what stays."""
    twin = copy.deepcopy(module)
    twin.graph = analysis.graph  # which says what goes in, and what comes out
    loop = TrainingLoop(twin, partial(torch.rand, analysis.batch, *size), TrainingOptions())
    with one_thread():
        loop.warm_up()
        given = loop.given()
        watching = LiveStorages(twin, loop.state())
        with watching:
            for tensor in given:
                watching.note(tensor)
            del tensor
            loop.step(given)
    return watching.peak


def peak_of_inference_in_torch(module: Lines, *size: int) -> int:
    """The most that is alive while a module runs, which lets go of its input as of all others."""
    watching, given = LiveStorages(module), [torch.rand(size)]
    with one_thread(), torch.no_grad(), watching:
        watching.note(given[0])
        module.run(module, given.pop())
    return watching.peak


def peak(analysis: Analysis) -> int:
    """The same by the rule."""
    step = step_of(analysis, TrainingOptions())
    return step.peak.bytes - sum(step.course.constant.values())


def _may_be_off(analysis: Analysis, peak: str) -> bool:
    """Whether a note says so of a peak."""
    return any("peak" in note and peak in note for note in notes_on_import(analysis.graph))


@given(modules(), st.integers(1, 3))
def test_what_training_keeps_of_any_module_is_torchs(drawn: tuple[Lines, Size], batch: int) -> None:
    module, size = drawn
    found = activation_bytes(analysis_of(module, size, batch))
    assert found.training == kept_by_torch(module, torch.rand(batch, *size))


@given(modules(), st.integers(1, 3))
def test_the_peak_of_a_training_step_is_torchs_or_a_note_says_that_it_may_not_be(
    drawn: tuple[Lines, Size], batch: int
) -> None:
    module, size = drawn
    analysis = analysis_of(module, size, batch)
    if not _may_be_off(analysis, "of a training step"):
        assert peak(analysis) == peak_in_torch(module, analysis, size)


@given(modules(), st.integers(1, 3))
def test_the_peak_of_inference_is_torchs_or_a_note_says_that_it_may_not_be(
    drawn: tuple[Lines, Size], batch: int
) -> None:
    module, size = drawn
    analysis = analysis_of(module, size, batch)
    if not _may_be_off(analysis, "of inference"):
        found = activation_bytes(analysis)
        assert found.peak == peak_of_inference_in_torch(module, batch, *size)
