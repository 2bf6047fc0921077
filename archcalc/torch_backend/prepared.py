"""A twin and a batch of images to measure: they have no values, where values do not matter."""

from __future__ import annotations

import torch
from torch import Tensor

from archcalc.analysis import Analysis
from archcalc.memory_use.options import MIXED
from archcalc.memory_use.totals import peak_bytes
from archcalc.torch_backend.batches import zeros
from archcalc.torch_backend.build import Twin, build
from archcalc.verification import VERIFIED_DTYPES

TORCH_DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name) for name in VERIFIED_DTYPES if name != MIXED
}


def twin_without_values(analysis: Analysis, device: str) -> Twin:
    """The twin in the analysis' dtype on `device`, with whatever the memory there held.

    But for integers, which may be places: they are 0.
    """
    twin = build(analysis.graph, device="meta").to(TORCH_DTYPES[analysis.dtype])
    twin = twin.to_empty(device=device)
    for buffer in twin.buffers():
        if not buffer.is_floating_point():
            buffer.zero_()
    return twin


def batch_of(analysis: Analysis, device: str) -> tuple[Tensor, ...]:
    """The analysis' batch of inputs in its dtype, all zeros."""
    return zeros(analysis.graph.inputs, analysis.batch, TORCH_DTYPES[analysis.dtype], device)


def inference_bytes(analysis: Analysis) -> int:
    """What an inference takes: parameters, buffers, and the most activations at once."""
    return constant_bytes(analysis) + peak_bytes(analysis)


def constant_bytes(analysis: Analysis) -> int:
    """What parameters and buffers take."""
    parameters = sum(layer.params for layer in analysis.used_layers) * analysis.bytes_each
    return parameters + sum(layer.buffer_bytes for layer in analysis.used_layers)
