"""Graph -> nn.Module: the network as a torch model that can be run, measured and trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from archcalc.analysis import require_numbers
from archcalc.errors import UsageError
from archcalc.graph import WEIGHT, Graph, indices_of, require_twin
from archcalc.loading import Spec
from archcalc.torch_backend.layer_modules import module_for
from archcalc.torch_backend.schedule import Again, Part, Step, schedule
from archcalc.torch_spelling.module_names import module_names
from archcalc.walk import analyze


def build(what: Spec, *, device: str = "cpu") -> Twin:
    """The network as a torch module, in training mode, with torch's own initial weights.

    Layers that no output depends on are left out. What is frozen has parameters without
    `requires_grad`.

    Args:
        what: as `archcalc.analyze` takes it.
        device: "cpu", "cuda", "cuda:1", or "meta" for shapes without values.

    Raises:
        UsageError: no such device here; a size that is not a plain number; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    place = torch_device(device)
    analysis = analyze(what)
    require_numbers(analysis)
    require_twin(analysis.graph)
    maps, graph = analysis.maps, analysis.graph.without_unused()
    with place:
        modules = {
            node.name: module_for(node.layer, *[maps[name] for name in node.inputs])
            for node in graph.nodes
        }
    return Twin(graph, modules)


def torch_device(name: str) -> torch.device:
    """The device called `name`.

    Raises:
        UsageError: torch knows no such device, or it is not here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}; known: cpu, cuda, cuda:0 …, meta") from None
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):  # by the kind of device
        here = torch.cuda.device_count()
        raise UsageError(f"device {name!r} is not here: torch sees {here} CUDA devices") from None
    return device


class Twin(nn.Module):
    """The torch twin of a network.

    Each layer is a submodule under its own dotted name (`get_submodule("layer1.0.conv1")`), joins
    and functions included, so that a hook can stand on any of them. Where torch cannot have the
    name it is another (`type_` for `type`), as in the exported source. A max pool that is unpooled
    later returns (output, indices).

    Attributes:
        graph: the network.
        module_names: for each layer the dotted name of its module.
    """

    def __init__(self, graph: Graph, modules: dict[str, nn.Module]) -> None:
        """`modules`: one for each node of `graph`, by name."""
        super().__init__()
        self.graph = graph
        self._states = {name: [*module.state_dict()] for name, module in modules.items()}
        self.module_names = module_names({name: bool(kept) for name, kept in self._states.items()})
        for name, module in modules.items():
            self._place(self.module_names[name], module)
        for node in graph.nodes:
            modules[node.name].requires_grad_(node.trainable)
            if node.indices is not None:
                cast(Any, modules[node.indices]).return_indices = True
        self._share_weights()
        self._schedules = {training: schedule(graph, training) for training in (True, False)}

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The output for images (N, C, n…); a tuple where the network has several outputs.

        Layers of training-only heads run in training mode alone.

        Args:
            inputs: one tensor for each input of the network, in their order.
        """
        return self.run([*inputs])

    def run(self, inputs: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """As `forward` of the tensors in `inputs`, which are taken out of the list.

        Every tensor is let go after its last use; so is an input, where the caller has kept no
        other reference to it. In training mode what is checkpointed is so by torch.
        """
        names = [*self.graph.inputs]
        if len(inputs) != len(names):
            raise TypeError(f"{len(inputs)} tensors for the inputs {', '.join(names)}")
        values = {name: inputs.pop(0) for name in names}
        parts, outputs = self._schedules[self.training]
        self._run_parts(parts, values)
        if len(outputs) == 1:
            return values[outputs[0]]
        return tuple([values[name] for name in outputs])

    def module_of(self, layer: str) -> nn.Module:
        """The module of a layer."""
        module: nn.Module = self
        for part in self.module_names[layer].split("."):
            module = _parts(module)[part]
        return module

    def _run_parts(self, parts: Iterable[Part], values: dict[str, Tensor]) -> None:
        for part in parts:
            if isinstance(part, Step):
                self._carry_out(part, values)
            else:
                self._checkpoint(part, values)

    def _checkpoint(self, again: Again, values: dict[str, Tensor]) -> None:
        entering = [values[name] for name in again.enters]
        returned = checkpoint(partial(self._inside, again), *entering, use_reentrant=False)
        del entering
        values |= dict(zip(again.leaves, returned, strict=True))
        for name in again.released:
            del values[name]

    def _inside(self, again: Again, *entering: Tensor) -> list[Tensor]:
        values = dict(zip(again.enters, entering, strict=True))
        self._run_parts(again.parts, values)
        return [values[name] for name in again.leaves]

    def _carry_out(self, step: Step, values: dict[str, Tensor]) -> None:
        node = step.node
        result = self.module_of(node.name)(*[values[name] for name in node.taken])
        if step.keeps_indices:
            values[node.name], values[indices_of(node.name)] = result
        else:
            values[node.name] = result
        for name in step.released:
            del values[name]

    def _place(self, name: str, module: nn.Module) -> None:
        """Puts `module` under its dotted name, in plain modules made as needed."""
        # Not by `add_module`, which refuses what is called as an attribute of the twin itself.
        parent: nn.Module = self
        *path, last = name.split(".")
        for part in path:
            parent = _parts(parent).setdefault(part, nn.Module())
        if last in _parts(parent):  # parts that belong to it have come before it
            _parts(module).update(_parts(_parts(parent)[last]))
        _parts(parent)[last] = module

    def _share_weights(self) -> None:
        """Gives layers with `weights: NAME` the very parameters and buffers of that layer."""
        for node in self.graph.nodes:
            if node.weights is None:
                continue
            owner = self.module_of(node.weights)
            module = self.module_of(node.name)
            for path in [WEIGHT] if node.weight_alone else self._states[node.name]:
                part, _, name = path.rpartition(".")
                shared = getattr(owner.get_submodule(part), name)
                setattr(module.get_submodule(part), name, shared)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Twin:
        """Moves and converts as every module; torch alone would split shared buffers by that."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._share_weights()
        return self


def _parts(module: nn.Module) -> dict[str, nn.Module]:
    return cast("dict[str, nn.Module]", module._modules)
