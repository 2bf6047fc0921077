"""The most memory that is alive at once at inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F  # torch's own name for it
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from archcalc.record import Record
from archcalc.torch_backend.allocator import Allocator, OperatorRun, watched
from archcalc.torch_backend.batches import tensors_of
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.layer_by_layer import LayerByLayer
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.storages import Storages
from archcalc.torch_backend.training_step import MakeImages, bytes_of


class MeasuredInference(Record):
    """What is alive at inference.

    Attributes:
        constant: the bytes of parameters and buffers.
        beyond: the most bytes that are alive at once beside that, the inputs included.
        runs: what an allocator gave out around each operator, where one was watched.
    """

    constant: int
    beyond: int
    runs: Sequence[OperatorRun]


def measured_inference(
    twin: Twin, make_images: MakeImages, allocator: Allocator | None = None
) -> MeasuredInference:
    """Runs a twin once, every tensor let go after its last use.

    The twin is left in evaluation mode.

    Args:
        make_images: makes a batch where the twin is.
        allocator: is watched as well.
    """
    twin.eval()
    with torch.no_grad(), one_thread():
        if allocator is not None:
            twin.run([*tensors_of(make_images())])  # the first run takes what stays
        images = [*tensors_of(make_images())]
        device = images[0].device
        storages = LayerByLayer(twin, (), device)
        with watched(storages, allocator) as runs, _kernel_of_max_pool1d(storages, device):
            for tensor in images:
                storages.note(tensor)
            del tensor
            twin.run(images)
    constant = bytes_of((*twin.parameters(), *twin.buffers()))
    return MeasuredInference(constant, storages.peak, runs)


def _kernel_of_max_pool1d(
    storages: Storages, device: torch.device
) -> AbstractContextManager[object]:
    """On the CPU the one that makes no indices; elsewhere there is none."""
    return _UnwatchedMaxPool1d(storages) if device.type == "cpu" else nullcontext()


class _UnwatchedMaxPool1d(TorchFunctionMode):
    """Lets torch's max pool along one axis run as where nobody watches.

    Under a dispatch mode torch takes the kernel that makes indices; without one, and without
    gradients, the CPU has a kernel that makes none (aten/src/ATen/native/Pooling.cpp, max_pool1d).
    """

    def __init__(self, storages: Storages) -> None:
        super().__init__()
        self._storages = storages

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is not F.max_pool1d:
            return func(*args, **(kwargs or {}))
        with _disable_current_modes():
            pooled = func(*args, **(kwargs or {}))
        self._storages.note(pooled)
        return pooled
