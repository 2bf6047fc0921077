"""A module that a user hands in is left as it was: five things that most tools change."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archcalc import UsageError, analyze, load
from archcalc.torch_backend.build import Twin, build
from archcalc.torch_backend.compare import compare
from archcalc.torch_backend.effective import effective_field
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.torch_backend.verify import conditions, verify


def half_frozen() -> Twin:
    """ResNet-18 as in the middle of a training: some parts frozen, hooks and notes on it."""
    module = build("resnet18")
    for name, part in module.named_modules():
        part.train("layer1" not in name)
    module.get_submodule("conv1").weight.requires_grad_(False)
    module.register_forward_hook(lambda *_: None)
    module.get_submodule("layer2.0.conv1").register_forward_pre_hook(lambda *_: None)
    setattr(module, "note", ["mine"])  # noqa: B010  # a Tensor or a Module, to the type checker
    return module


def training_flags(module: nn.Module) -> dict[str, bool]:
    return {name: part.training for name, part in module.named_modules()}


def buffers(module: nn.Module) -> dict[str, list[float]]:
    return {name: buffer.flatten().tolist() for name, buffer in module.named_buffers()}


def state_keys(module: nn.Module) -> list[str]:
    return list(module.state_dict())


def hooks(module: nn.Module) -> dict[str, list[int]]:
    return {
        f"{name}.{kind}": list(getattr(part, kind))
        for name, part in module.named_modules()
        for kind in vars(part)
        if kind.endswith("_hooks")
    }


def attributes(module: nn.Module) -> dict[str, list[str]]:
    return {name: sorted(vars(part)) for name, part in module.named_modules()}


TRACES: list[Callable[[nn.Module], Any]] = [
    training_flags, buffers, state_keys, hooks, attributes,
]  # fmt: skip


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.__name__)
def test_a_comparison_leaves_no_trace(trace: Callable[[nn.Module], Any]) -> None:
    module = half_frozen()
    before = copy.deepcopy(trace(module))
    for _ in range(3):
        compare(module, load("resnet18"))
    assert trace(module) == before


@pytest.mark.parametrize(
    ("spoil", "trace"),
    [
        (lambda m: m.eval(), training_flags),
        (lambda m: m.train()(torch.rand(2, 3, 64, 64)), buffers),
        (lambda m: m.get_submodule("fc").register_buffer("total_ops", torch.zeros(1)), state_keys),
        (lambda m: m.get_submodule("relu").register_forward_hook(lambda *_: None), hooks),
        (lambda m: setattr(m.get_submodule("fc"), "macs", 1), attributes),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_each_trace_would_be_seen(
    spoil: Callable[[nn.Module], object], trace: Callable[[nn.Module], Any]
) -> None:
    module = half_frozen()
    before = copy.deepcopy(trace(module))
    spoil(module)
    assert trace(module) != before


def test_parameters_their_gradients_and_the_random_state_stay() -> None:
    module = half_frozen()
    module(torch.rand(2, 3, 64, 64)).sum().backward()
    weights = [(p, p.clone(), p.grad, p.requires_grad) for p in module.parameters()]
    random = torch.random.get_rng_state()
    compare(module, load("resnet18"))
    assert torch.equal(torch.random.get_rng_state(), random)
    for after, (parameter, values, gradient, learns) in zip(
        module.parameters(), weights, strict=True
    ):
        assert after is parameter
        assert torch.equal(after, values)
        assert after.grad is gradient
        assert after.requires_grad is learns


def test_a_module_that_fails_in_the_middle_is_left_as_it_was() -> None:
    module = half_frozen()
    before = [copy.deepcopy(trace(module)) for trace in TRACES]
    with pytest.raises(UsageError, match="the module refuses an input"):
        compare(module, load("lenet5"))
    assert [trace(module) for trace in TRACES] == before


def test_no_hook_stays_behind_where_a_forward_pass_fails() -> None:
    class Failing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        saved_by_layer(Failing(), torch.zeros(1), [])
    from torch.nn.modules import module as everywhere

    assert not everywhere._global_forward_hooks
    assert not everywhere._global_forward_pre_hooks


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_verify_measures_alike_in_every_mode_and_leaves_random_numbers(
    mode: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    random = torch.random.get_rng_state()
    with mode():
        found = verify("lenet5", what=("memory", "time"), under=conditions("cpu"))
        assert torch.is_grad_enabled() == (mode is torch.enable_grad)
    kept = [f for f in found.figures if f.quantity == "saved_bytes" and not f.layer]
    assert [figure.measured for figure in kept] == [figure.rule for figure in kept]
    assert kept[0].measured
    assert not found.differences
    assert torch.equal(torch.random.get_rng_state(), random)


def test_the_effective_field_is_measured_without_gradients_too() -> None:
    random = torch.random.get_rng_state()
    analysis = analyze("lenet5")
    with torch.inference_mode():
        switched_off = effective_field(analysis, "C3", runs=2)
    assert switched_off.sides == effective_field(analysis, "C3", runs=2).sides
    assert torch.equal(torch.random.get_rng_state(), random)
