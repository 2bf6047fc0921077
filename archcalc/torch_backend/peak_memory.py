"""The most memory that is alive at once: of tensors, or of a GPU's allocator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from archcalc.memory_use.options import TrainingOptions
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.storages import LiveStorages, Storages
from archcalc.torch_backend.training_step import MakeImages, measured_step

_SGD = TrainingOptions()


def peak_at_inference(twin: Twin, make_images: MakeImages) -> int:
    """The most bytes of activations that are alive at once, the images included.

    Every tensor is let go after its last use.
    """
    twin.eval()
    storages = LiveStorages(twin)
    with torch.no_grad(), one_thread(), storages, _UnwatchedMaxPool1d(storages):
        twin.run([make_images()])
    return storages.peak


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


def peak_in_training(twin: Twin, make_images: MakeImages, options: TrainingOptions = _SGD) -> int:
    """The most bytes that are alive at once in a training step, beyond what stays between steps.

    What stays is parameters, buffers and the optimizer's state; gradients do not.
    """
    return measured_step(twin, make_images, options).beyond


def allocated_at_inference(twin: Twin, make_images: MakeImages) -> int:
    """The most bytes that CUDA's allocator had given out at once, parameters included.

    As they were asked for, before rounding. What kernels take for themselves is among them, but
    not what they keep for good, such as the workspace of cuBLAS.
    """
    peak_at_inference(twin, make_images)  # the first run takes what stays
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_stats()["requested_bytes.all.current"]
    peak_at_inference(twin, make_images)
    torch.cuda.synchronize()
    activations = torch.cuda.memory_stats()["requested_bytes.all.peak"] - before
    return int(activations) + constant_bytes(twin)


def constant_bytes(module: nn.Module) -> int:
    """Bytes of parameters and buffers."""
    return sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))
