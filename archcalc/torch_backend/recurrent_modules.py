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


class PositiveRecurrence(nn.Module):
    """Sums over the steps so far, of all features, in the place of states."""

    def __init__(self, features: int, layers: int, bidirectional: bool, output: str) -> None:
        super().__init__()
        self.features = features
        self.layers = layers
        self.bidirectional = bidirectional
        self.last = output == "last"

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.layers):
            sums = x.sum(2, keepdim=True)
            ways = [sums.cumsum(1)]
            if self.bidirectional:
                ways.append(sums.flip(1).cumsum(1).flip(1))
            x = torch.cat([way.expand(-1, -1, self.features) for way in ways], 2)
        if not self.last:
            return x
        ends = x.view(*x.shape[:2], len(ways), self.features)
        return torch.cat([ends[:, -1, 0], *([ends[:, 0, 1]] if self.bidirectional else [])], 1)


class RNN(_Recurrent, nn.RNN):  # type: ignore[misc]  # torch's takes states too
    """`nn.RNN`."""


class GRU(_Recurrent, nn.GRU):  # type: ignore[misc]  # torch's takes states too
    """`nn.GRU`."""


class LSTM(_Recurrent, nn.LSTM):  # type: ignore[misc]  # torch's takes states too
    """`nn.LSTM`."""
