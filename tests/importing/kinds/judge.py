"""Holds what is made of a torch module to the module itself: its figures, and its very values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archcalc.analysis import Analysis
from archcalc.importing.capture.capturing import capture
from archcalc.importing.kinds import statements
from archcalc.importing.model import Model, flat_spec
from archcalc.torch_backend.build import Twin, build
from archcalc.walk import analyze

Sizes = tuple[int, ...]


class Imported(NamedTuple):
    """A module as a model."""

    model: Model
    analysis: Analysis

    @property
    def kinds(self) -> list[str]:
        """The kinds of its layers, in order."""
        return [statement.kind for statement in self.model.statements]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [statement.name for statement in self.model.statements]

    def fields(self, kind: str) -> dict[str, Any]:
        """What a spec says of the only layer of a kind."""
        (found,) = [each for each in self.model.statements if each.kind == kind]
        return dict(found.fields)


def imported(module: nn.Module, *sizes: Sizes) -> Imported:
    """What is made of a module: as many parameters, as many products, the sizes that it had.

    Args:
        sizes: of each input, for one image.
    """
    module.eval()
    trace = capture(module, sizes[0] if len(sizes) == 1 else [*sizes])
    model = statements(trace, "a test")
    analysis = analyze(flat_spec(model), batch=trace.batches[0])
    params = analysis.params + analysis.training_only_totals.params
    assert params == sum(p.numel() for p in module.parameters())
    assert trace.flops is not None
    assert 2 * analysis.macs == trace.flops
    for layer, statement in zip(analysis.layers, model.statements, strict=True):
        assert layer.name == statement.name
        assert layer.output.shape == statement.shape
    return Imported(model, analysis)


def same(module: nn.Module, *sizes: Sizes) -> Imported:
    """As `imported`; and the model, built of torch, gives the module's values, image by image."""
    found = imported(module, *sizes)
    double = module.double()
    twin = _twin(found, double)
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.rand((3, *size), generator=generator, dtype=torch.float64) - 0.5 for size in sizes
    ]
    with torch.no_grad():
        wanted, got = _tensors(double(*images)), _tensors(twin(*images))
    assert len(wanted) == len(got)
    for one, other in zip(wanted, got, strict=True):
        assert one.numel() == other.numel()
        torch.testing.assert_close(other.reshape(one.shape), one, rtol=1e-9, atol=1e-11)
    return found


def _tensors(output: Any) -> Sequence[Tensor]:
    if isinstance(output, dict):
        return [*output.values()]
    return output if isinstance(output, (list, tuple)) else [output]


def _twin(found: Imported, module: nn.Module) -> Twin:
    """The model, built of torch, with the values of the module."""
    twin = build(flat_spec(found.model)).double().eval()
    state, own = module.state_dict(), twin.state_dict()
    for name, tensor in own.items():
        source = _like(name, tensor, state)
        tensor.copy_(source.reshape(tensor.shape))
    return twin


def _like(name: str, tensor: Tensor, state: dict[str, Tensor]) -> Tensor:
    if name in state:
        return state[name]
    path, _, last = name.rpartition(".")
    if path in state:  # a source is called as what it holds
        return state[path]
    around = path.rpartition(".")[0]
    alike = [
        each for key, each in state.items()
        if each.numel() == tensor.numel() and key.startswith(around)
        and (key.rpartition(".")[2] == last or each.dtype == tensor.dtype)
    ]  # fmt: skip
    (one,) = {id(each): each for each in alike}.values()
    return one
