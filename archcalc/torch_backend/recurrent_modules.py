"""torch's recurrent layers as a network has them: one tensor in, one out.

Tensors are (N, L, C): images, steps, features.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn


class _Recurrent(nn.Module):
    """Of what torch returns, the outputs of all steps, or the last state of the last layer."""

    def __init__(self, *arguments: object, last: bool, **options: object) -> None:
        with warnings.catch_warnings():
            # That a dropout between layers does nothing where there is one.
            warnings.simplefilter("ignore", UserWarning)
            super().__init__(*arguments, **options)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 3:  # torch takes a matrix for a sequence without images
            raise RuntimeError(f"expected images of steps of features, found {x.dim()} axes")
        with warnings.catch_warnings():
            # That oneDNN has no LSTM with a projection, and torch's own runs.
            warnings.simplefilter("ignore", UserWarning)
            returned: Any = super().forward(x)
        outputs: Tensor
        outputs, states = returned
        del returned
        if not self.last:
            return outputs
        del outputs
        if isinstance(states, tuple):  # with those of the cells
            states = states[0]
        last: Tensor = states[-1]
        if self.bidirectional:
            return torch.cat([states[-2], last], 1)
        return last if len(states) == 1 else last.clone()  # a view would keep all layers' states


class RNN(_Recurrent, nn.RNN):  # type: ignore[misc]  # torch's takes states too
    """`nn.RNN`."""


class GRU(_Recurrent, nn.GRU):  # type: ignore[misc]  # torch's takes states too
    """`nn.GRU`."""


class LSTM(_Recurrent, nn.LSTM):  # type: ignore[misc]  # torch's takes states too
    """`nn.LSTM`."""
