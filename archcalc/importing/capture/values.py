"""The values of small tensors, where they are at hand."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

MOST_VALUES = 4096  # of a tensor whose values are kept


def values_of(tensor: Tensor) -> Any:
    """The values of a small tensor, as nested lists; None of a larger one, or where it has none."""
    if tensor.numel() > MOST_VALUES or tensor.is_meta or isinstance(tensor, FakeTensor):
        return None
    return tensor.tolist()
