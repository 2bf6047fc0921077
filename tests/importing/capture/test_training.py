"""What a module does in training alone: paths that it drops, heads for losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archcalc import analyze
from archcalc.importing.capture.capturing import capture
from archcalc.importing.code import network_of_module
from archcalc.importing.trace import Ref


class ByBernoulli(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = 1 - self.p
        return x * x.new_empty(x.shape[0], *[1] * (x.dim() - 1)).bernoulli_(kept).div_(kept)


class ByFloor(ByBernoulli):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = 1 - self.p
        noise = kept + torch.rand((x.shape[0], 1, 1, 1), dtype=x.dtype, device=x.device)
        noise.floor_()
        return x.div(kept) * noise


class ForAll(ByBernoulli):
    """One value for all images, which is another thing."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x.new_empty(1).bernoulli_(1 - self.p) if self.training else x


class Block(nn.Module):
    def __init__(self, drop: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.drop(self.conv(x))
        return x + y


@pytest.mark.parametrize("kind", [ByBernoulli, ByFloor])
@pytest.mark.parametrize("p", [0.25, 0.1])
def test_a_path_that_is_dropped_in_training(kind: type[ByBernoulli], p: float) -> None:
    trace = capture(Block(kind(p)), (4, 4, 4))
    conv, drop, add = trace.operations
    assert (drop.operator, drop.path, drop.module) == ("drop_path", "drop", kind.__name__)
    assert drop.arguments == {"input": Ref(conv.outputs[0]), "p": p}
    assert add.arguments == {"input": Ref(0), "other": Ref(drop.outputs[0])}
    assert trace.batches == (1, 2)


@pytest.mark.parametrize("module", [ByBernoulli(0), ForAll(0.5)])
def test_what_drops_no_paths_of_single_images_hands_on_what_it_takes(module: nn.Module) -> None:
    trace = capture(Block(module), (4, 4, 4))
    assert [each.operator for each in trace.operations] == ["conv2d", "identity", "add"]


class WithHead(nn.Module):
    """As GoogLeNet: a second classifier that only training has."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Block(ByBernoulli(0.5))
        self.fc = nn.Linear(4, 3)
        self.aux = nn.Sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2), nn.Flatten())
        self.aux_fc = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.stem(x)
        out: Tensor = self.fc(x.mean((2, 3)))
        return {"out": out, "aux": self.aux_fc(self.aux(x))} if self.training else out


def test_heads_that_training_alone_has() -> None:
    trace = capture(WithHead(), (4, 4, 4))
    assert [each.operator for each in trace.operations] == [
        "conv2d", "drop_path", "add", "mean", "linear"
    ]  # fmt: skip
    added = trace.operations[2].outputs[0]
    conv, norm, flatten, linear = trace.training_operations
    assert conv.arguments["input"] == Ref(added)
    assert norm.arguments["input"] == Ref(conv.outputs[0])
    assert trace.held[linear.arguments["weight"].tensor].name == "aux_fc.weight"
    assert trace.training_outputs == {"aux": linear.outputs[0]}
    assert list(trace.outputs) == ["output"]
    assert trace.batches == (2, 3)
    assert trace.tensors[flatten.outputs[0]].shapes == ((2, 32), (3, 32))
    assert {held.name for held in trace.unused} == {"aux.1.num_batches_tracked"}


@pytest.mark.parametrize("early", [True, False])
def test_a_head_stands_where_it_runs(early: bool) -> None:
    class Between(WithHead):
        def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
            x = self.stem(x)
            aux = self.aux_fc(self.aux(x)) if self.training and early else None
            out: Tensor = self.fc(x.mean((2, 3)))
            if self.training and not early:
                aux = self.aux_fc(self.aux(x))
            return out if aux is None else {"out": out, "aux": aux}

    module = Between()
    analysis = analyze(network_of_module(module, (4, 4, 4)))
    names = [layer.name for layer in analysis.layers]
    aux = [name for name in names if "aux" in name]
    main = ["stem.conv", "stem.drop", "stem.add"]
    rest = [name for name in names if name not in {*main, *aux}]
    assert names == ([*main, *aux, *rest] if early else [*main, *rest, *aux])
    assert len(aux) == 4


def test_a_module_that_wants_more_in_training_says_so() -> None:
    class Supervised(WithHead):
        def forward(self, x: Tensor, target: Tensor | None = None) -> Tensor:
            if self.training and target is None:
                raise ValueError("targets should be given")
            out: Tensor = self.fc(self.stem(x).mean((2, 3)))
            return out

    trace = capture(Supervised(), (4, 4, 4))
    assert "does not train with these inputs: ValueError: targets should" in trace.notes[-1]
    assert [each.operator for each in trace.operations][:2] == ["conv2d", "identity"]
