"""A master copy in float32 beside parameters in half precision, beside what lives in torch."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from archcalc import UsageError, analyze, load
from archcalc.memory_use import training
from archcalc.memory_use.moments import OPTIMIZER, Direction, Purpose
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import step_of, training_tensors
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import MeasuredStep, measured_step

NAME, BATCH = "highway_mnist10", 2  # of few activations: the peak is where the optimizer steps
HALF = ["bfloat16", "float16"]


def measured(options: TrainingOptions) -> MeasuredStep:
    graph = load(NAME)
    return measured_step(build(graph), partial(torch.rand, BATCH, *graph.input.shape), options)


def check(options: TrainingOptions) -> None:
    """The rule's peak, and the most while the optimizer steps, are what lives in torch."""
    step, found = step_of(analyze(NAME, batch=BATCH), options), measured(options)
    constant = step.course.constant
    assert constant[Purpose.PARAMETERS] == found.parameters
    assert constant[Purpose.OPTIMIZER] == found.optimizer
    assert step.peak.bytes == found.peak_bytes
    assert (step.peak.layer, step.peak.direction) == found.at
    last = step.moments[-1]
    assert last.layer == OPTIMIZER
    assert last.bytes - sum(constant.values()) == found.most[OPTIMIZER, Direction.STEP]


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_it_is_what_lives_in_torch(optimizer: str, foreach: bool) -> None:
    check(TrainingOptions(optimizer, "bfloat16", foreach=foreach, master=True))


def test_with_gradients_of_several_batches_too() -> None:
    check(TrainingOptions("adam", "float16", accumulate=2, master=True))


@pytest.mark.parametrize("dtype", HALF)
def test_of_each_value_there_are_sixteen_bytes_with_adam(dtype: str) -> None:
    """Rajbhandari et al. 2020, section 3.1: 2 + 2, a master copy of 4, and two moments of 4."""
    options = TrainingOptions("adam", dtype, device="cuda", master=True)
    for each in training_tensors(analyze(NAME), options):
        n = each.tensor.values
        found = (each.parameter, each.gradient, each.master, each.optimizer)
        assert found == (2 * n, 2 * n, 4 * n, 8 * n)


def test_what_is_frozen_has_none() -> None:
    options = TrainingOptions(dtype="bfloat16", master=True, freeze=("*layer1*",))
    found = training_tensors(analyze(NAME), options)
    assert {bool(each.master) for each in found if each.layer.startswith("layer1.")} == {False}
    assert all(each.master == 2 * each.parameter for each in found if each.gradient)


@pytest.mark.parametrize("dtype", ["float32", "mixed"])
def test_parameters_in_float32_have_none(dtype: str) -> None:
    with pytest.raises(UsageError, match=f"^master: .* bfloat16 or float16; in {dtype} "):
        step_of(analyze(NAME), TrainingOptions(dtype=dtype, master=True))


def test_gradients_that_are_not_cast_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "cast_for_master", lambda updated: ())
    with pytest.raises(AssertionError):
        check(TrainingOptions(dtype="bfloat16", master=True))
