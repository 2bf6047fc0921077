"""What autograd keeps for the backward pass, as its own hooks see it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from archcalc.torch_backend.batches import Batch, tensors_of
from archcalc.torch_backend.hooks import Running
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.storages import Storages


class _Held:
    """What autograd holds in place of a tensor, until the graph that needs it is gone."""

    def __init__(self, storage: torch.UntypedStorage, layer: str) -> None:
        self.storage = storage
        self.layer = layer


def saved_by_layer(module: nn.Module, x: Batch, layers: Sequence[str]) -> dict[str, int]:
    """For each of `layers`, the bytes that a training step keeps on its account.

    Each storage counts once, with all that lies in it, on account of the first layer in the order
    of `layers` that saved it; parameters and buffers do not count, nor what autograd lets go of
    with an output that no gradient comes back to. What is saved between layers is on account of
    the next, as what enters a stretch that is checkpointed. The account "" is of what is saved
    when no layer runs any more. The
    module is left in training mode, as a forward pass in that mode leaves it.
    """
    rank = {name: number for number, name in enumerate(layers)} | {"": len(layers)}
    inputs, values = tensors_of(x), (*module.parameters(), *module.buffers())
    held: weakref.WeakSet[_Held] = weakref.WeakSet()

    between: list[_Held] = []

    def keep(tensor: Tensor) -> _Held:
        found = _Held(tensor.untyped_storage(), running.layer)
        held.add(found)
        if not running.layer:
            between.append(found)
        return found

    def runs(layer: str) -> None:
        for found in between if layer else ():
            found.layer = layer
        between.clear()

    module.train()
    with (
        one_thread(),
        Storages((*inputs, *values)) as storages,
        Running(module, layers, when_changed=runs) as running,
        saved_tensors_hooks(keep, _never_needed),
    ):
        outputs = module(*inputs)
    account = dict.fromkeys([*layers, ""], 0)
    counted = {tensor.untyped_storage() for tensor in values}
    for found in sorted(held, key=lambda found: rank[found.layer]):
        if found.storage not in counted:
            counted.add(found.storage)
            account[found.layer] += storages.bytes[found.storage]
    del outputs  # which hold the graph
    return account


def _never_needed(packed: object) -> Tensor:
    raise RuntimeError("no backward pass follows a measurement of what it needs")
