"""The storages that tensors lie in, seen where operators make them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Storages(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives no types
    """Notes, as a context, the storage of every tensor that an operator returns.

    What an operator's kernel takes for itself and gives back before it returns, it does not see.

    Attributes:
        bytes: of each storage the bytes of its first tensor. It may have more, in which nothing
            lies: without oneDNN torch makes the output of a transposed convolution along 3 axes
            in a storage of the input's size (slow_conv_transpose3d_cpu, `at::empty_like(input)`).
    """

    def __init__(self, before: Iterable[Tensor]) -> None:
        """`before` are the tensors that are there already; all of their storages counts."""
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.bytes: weakref.WeakKeyDictionary[torch.UntypedStorage, int] = (
            weakref.WeakKeyDictionary()
        )
        for tensor in before:
            storage = tensor.untyped_storage()
            self.bytes[storage] = storage.nbytes()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        returned = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(returned):
            if isinstance(leaf, Tensor):
                self.note(leaf)
        return returned

    def made(self, storage: torch.UntypedStorage) -> None:
        """Called at the first tensor of each storage that was not there before."""

    def note(self, tensor: Tensor) -> None:
        """Notes the storage of a tensor that an operator returned."""
        storage = tensor.untyped_storage()
        if storage not in self.bytes:
            self.bytes[storage] = min(storage.nbytes(), tensor.numel() * tensor.element_size())
            self.made(storage)


class LiveStorages(Storages):  # type: ignore[no-untyped-call]  # as above
    """Follows, as a context, how many bytes of tensors are alive on a device.

    It sees every tensor that an operator returns, until the last view of it is gone.

    Attributes:
        live: bytes alive now.
        peak: the most that were alive at once.
    """

    def __init__(
        self, module: nn.Module, others: Iterable[Tensor] = (), device: torch.device | None = None
    ) -> None:
        """The parameters and buffers of `module` do not count, nor do `others`.

        Nor does what lies on another device than `device`, where that is given.
        """
        super().__init__((*module.parameters(), *module.buffers(), *others))
        self.live = 0
        self.peak = 0
        self._device = device

    def note(self, tensor: Tensor) -> None:
        if self._device is None or tensor.device.type == self._device.type:
            super().note(tensor)

    def made(self, storage: torch.UntypedStorage) -> None:
        size = self.bytes[storage]
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.live -= size
