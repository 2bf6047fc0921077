"""The modes in which a module is run to be measured; each is put back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Without gradients, and every part in evaluation mode but the module itself.

    So training-only heads run, for which the module's own flag decides, and a batch norm takes a
    single value per channel. The training flags are put back.
    """
    flags = {part: part.training for part in module.modules()}
    try:
        for part in flags:
            part.training = part is module
        with torch.no_grad():
            yield
    finally:
        for part, flag in flags.items():
            part.training = flag


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """With gradients, whatever the caller has switched off, and leaving random numbers alone.

    Initial weights are random, and their numbers are nobody else's business.
    """
    devices = [device] if device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """On a single core: for a single image the threads of a busy machine wait for each other."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def exact_float32() -> Iterator[None]:
    """Without TF32, which has fewer digits and on tensor cores eight times the speed."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = False
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@contextmanager
def nothing_learns(module: nn.Module) -> Iterator[None]:
    """Runs what stands in it with all parameters of a module frozen."""
    learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in learned:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learned:
            parameter.requires_grad_(True)
