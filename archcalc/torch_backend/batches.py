"""Batches of what goes into a network: one tensor for each of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from archcalc.feature_map import FeatureMap
from archcalc.graph import Graph

# The images alone; or a tensor for each input, in order.
Batch: TypeAlias = "Tensor | tuple[Tensor, ...]"


def tensors_of(batch: Batch) -> tuple[Tensor, ...]:
    """The tensors of a batch, in the order of the inputs."""
    return (batch,) if isinstance(batch, Tensor) else batch


def converted(batch: Batch, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The tensors of a batch, those that are floating in another dtype."""
    return tuple([x.to(dtype) if x.is_floating_point() else x for x in tensors_of(batch)])


def zeros(
    inputs: Mapping[str, FeatureMap], batch: int, dtype: torch.dtype, device: str
) -> tuple[Tensor, ...]:
    """A batch of zeros; `dtype` is that of what is floating."""
    return tuple(
        [
            torch.zeros((batch, *x.shape), dtype=dtype_of(x, dtype), device=device)
            for x in inputs.values()
        ]
    )


def drawn(graph: Graph, batch: int, dtype: torch.dtype, device: str) -> tuple[Tensor, ...]:
    """A batch of random values: standard normal, of integers any that the layers take."""
    below = integers_below(graph)
    found = []
    for name, x in graph.inputs.items():
        shape = (batch, *x.shape)
        if x.dtype is None:
            found.append(torch.randn(shape, dtype=dtype, device=device))
        else:
            found.append(torch.randint(below[name], shape, device=device).to(dtype_of(x, dtype)))
    return tuple(found)


def dtype_of(x: FeatureMap, floating: torch.dtype) -> torch.dtype:
    """The dtype of a tensor of that shape where all that is floating has the dtype `floating`."""
    return floating if x.dtype is None else getattr(torch, x.dtype)


def integers_below(graph: Graph) -> dict[str, int]:
    """For each input of integers the least number that is too large for some layer; 2 for most."""
    found: dict[str, int] = {}
    takes: dict[str, set[str]] = {n: {n} for n, x in graph.inputs.items() if x.dtype is not None}
    for node in graph.nodes:
        inputs = set().union(*[takes.get(name, ()) for name in node.inputs])
        limit = node.layer.indices_below()
        if limit is None:
            takes[node.name] = inputs
        else:
            found |= {name: min(limit, found.get(name, limit)) for name in inputs}
    return {name: found.get(name, 2) for name in graph.inputs}
