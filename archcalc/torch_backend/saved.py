"""What autograd keeps for the backward pass, as its own hooks see it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.running import Running
from archcalc.torch_backend.storages import Storages


def saved_by_layer(module: nn.Module, x: Tensor, layers: Sequence[str]) -> dict[str, int]:
    """For each of `layers`, the bytes that a training step keeps on its account.

    Each storage counts once, with all that lies in it, on account of the first layer in the order
    of `layers` that saved it; parameters and buffers do not count. The account "" is of what no
    layer saved. The module is left in training mode, as a forward pass in that mode leaves it.
    """
    rank = {name: number for number, name in enumerate(layers)} | {"": len(layers)}
    values = (*module.parameters(), *module.buffers())
    constant = {_identity(tensor) for tensor in values}
    # The storages themselves stay here, so that none is freed and its place taken by another.
    kept: dict[int, tuple[torch.UntypedStorage, str]] = {}

    def keep(tensor: Tensor) -> None:
        identity = _identity(tensor)
        if identity in constant:
            return
        storage, first = kept.get(identity, (tensor.untyped_storage(), running.layer))
        kept[identity] = (storage, min(first, running.layer, key=rank.__getitem__))

    module.train()
    with (
        one_thread(),
        Storages((x, *values)) as storages,
        Running(module, layers) as running,
        saved_tensors_hooks(keep, _never_needed),
    ):
        module(x)
    account = dict.fromkeys([*layers, ""], 0)
    for storage, layer in kept.values():
        account[layer] += storages.bytes[storage]
    return account


def _identity(tensor: Tensor) -> int:
    """Equal for tensors that lie in the same storage; also on the meta device."""
    identity: int = tensor.untyped_storage()._cdata
    return identity


def _never_needed(packed: object) -> Tensor:
    raise RuntimeError("no backward pass follows a measurement of what it needs")
