"""A capture leaves the module, and the process, as they were."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules import module as of_modules
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from archcalc.importing.capture.capturing import capture

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.* is deprecated:DeprecationWarning",
    "ignore:.*weight_norm.* is deprecated:FutureWarning",
)


def small() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5)
    )


def frozen() -> nn.Module:
    module = small()
    module[0].requires_grad_(False)
    return module


def half_trained() -> nn.Module:
    module = small()
    module(torch.rand(2, 3, 8, 8)).sum().backward()
    module[1].eval()
    return module


HEARD: list[object] = []


def hooked() -> nn.Module:
    module = small()
    module.register_forward_pre_hook(lambda *given: HEARD.append(given))
    module[0].register_forward_hook(lambda *given: HEARD.append(given))
    module[0].register_full_backward_hook(lambda *given: HEARD.append(given))
    return module


def compiled_parts() -> nn.Module:
    module = small()
    module[0].compile()
    wrapped: Any = torch.compile(nn.Conv2d(4, 4, 1))
    return nn.Sequential(module, wrapped)


def parametrized() -> nn.Module:
    module = small()
    parametrizations.weight_norm(module[0])
    return nn.Sequential(module, parametrizations.orthogonal(nn.Conv2d(4, 4, 1)))


def normed_by_hooks() -> nn.Module:
    module = small()
    weight_norm(module[0])
    return nn.Sequential(module, spectral_norm(nn.Conv2d(4, 4, 1)))


def scripted_part() -> nn.Module:
    return nn.Sequential(small(), torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 1))))


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d())


def tied() -> nn.Module:
    first, second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    second.weight = first.weight
    return nn.Sequential(first, second, first)


def wrapped() -> nn.Module:
    return nn.DataParallel(small())


class Remembering(nn.Module):
    """Keeps what it sees, counts its calls, and draws random numbers wherever it finds some."""

    total: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.part = small()
        self.seen: list[Tensor] = []
        self.calls = 0
        self.made = nn.Linear(3, 3).weight * 2  # has a gradient to come
        self.register_buffer("total", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(x)
        self.last = x
        self.total += 1
        random.random()
        numpy.random.rand()
        y: Tensor = checkpoint(self.part, x, use_reentrant=False)
        return y + torch.rand_like(y) + self.made.sum()


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.lstm = nn.LSTM(8, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.lstm(self.layer(x.flatten(2)[..., :8]))[0]
        return y


class Asking(nn.Module):
    """Runs on real tensors only, and changes its buffer."""

    total: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.part = small()
        self.register_buffer("total", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.total += x.sum()
        y: Tensor = self.part(x)
        return y if y.sum() > 1e9 else y + 1


MODELS: list[Callable[[], nn.Module]] = [
    small,
    frozen,
    half_trained,
    hooked,
    compiled_parts,
    parametrized,
    normed_by_hooks,
    scripted_part,
    lazy,
    tied,
    wrapped,
    Remembering,
    Attending,
    Asking,
]


def states(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """All that could be changed, by what it is; tensors by which they are and by their values."""
    for path, part in module.named_modules(remove_duplicate=False):
        yield f"{path}: class", type(part)
        yield f"{path}: training", part.training
        scripted = isinstance(part, torch.jit.ScriptModule)
        for name, value in {} if scripted else dict(vars(part)).items():
            yield f"{path}.{name}", shown(value)
    for name, value in module.state_dict().items():
        yield f"state {name}", shown(value)
    for name, parameter in module.named_parameters():
        yield f"{name}: learns", parameter.requires_grad
        yield f"{name}: gradient", shown(parameter.grad)
    yield "random", random.getstate()
    yield "numpy", str(numpy.random.get_state())
    yield "torch", torch.get_rng_state().tolist()
    yield "gradients", torch.is_grad_enabled()
    yield "fast path", torch.backends.mha.get_fastpath_enabled()
    yield "default dtype", torch.get_default_dtype()
    yield "filters", list(warnings.filters)
    for place in (F, torch, Tensor, nn.Module, of_modules):
        yield str(place), {name: id(value) for name, value in vars(place).items()}
    yield (
        "global hooks",
        [dict(table) for name, table in vars(of_modules).items() if name.endswith("_hooks")],
    )


def shown(value: Any) -> Any:
    if isinstance(value, Tensor):
        if torch.nn.parameter.is_lazy(value):
            return id(value), type(value)
        return value.data_ptr(), value._version, value.detach().tolist()
    if isinstance(value, dict):
        return {key: (id(part), shown(part)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    return value if isinstance(value, int | float | str | bool) else id(value)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_capture_leaves_nothing_behind(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    module = make()
    list(states(module))  # torch makes some things when it is asked for them
    capture(small(), (3, 8, 8))  # and imports parts of itself when it first needs them
    before, heard = dict(states(module)), len(HEARD)
    trace = capture(module, (3, 8, 8))
    after = dict(states(module))
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    assert changed == []
    assert len(HEARD) == heard
    assert trace.operations


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda module: module.eval(), "training"),
        (lambda module: module(torch.rand(1, 3, 8, 8)), "running_mean"),
        (lambda module: setattr(module[0], "total_ops", 1), "total_ops"),
        (lambda module: module[0].register_forward_hook(print), "_forward_hooks"),
        (lambda module: module[0].weight.requires_grad_(False), "learns"),
        (lambda module: torch.rand(1), "torch"),
        (lambda module: random.random(), "random"),
    ],
)
def test_a_change_would_be_seen(change: Callable[[nn.Module], object], named: str) -> None:
    module = small()
    before = dict(states(module))
    change(module)
    after = dict(states(module))
    assert any(named in name for name in after if before.get(name) != after[name])
