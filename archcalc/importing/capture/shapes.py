"""Shapes that are known without running what gives them.

Torch works out the shapes of some operators in Python: a batch norm on the meta device takes longer
than a convolution. Once a module has run, the operators that give what they take need not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# Of a contiguous tensor of real numbers they give a contiguous one of the same shape and dtype.
LIKE_INPUT: frozenset[Any] = frozenset(
    [F.batch_norm, F.layer_norm, F.dropout, F.relu, F.relu6, F.gelu, F.silu, F.leaky_relu, F.elu]
).union([F.mish, F.hardswish, F.hardsigmoid, F.sigmoid, F.tanh, F.dropout2d])


def like_input(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """What such an operator gives; None where that is not known."""
    x = args[0] if args else None
    if not isinstance(x, Tensor) or not x.is_floating_point() or not x.is_contiguous():
        return None
    others = (*args[1:], *kwargs.values())
    if any(isinstance(each, Tensor) and each.dtype != x.dtype for each in others):
        return None
    return x if kwargs.get("inplace") else torch.empty_like(x)
