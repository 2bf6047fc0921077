"""What is alive in a run of a twin, and while which layer runs, forward or backward."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor

from archcalc.memory_use.moments import Direction
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.hooks import Running
from archcalc.torch_backend.storages import LiveStorages

# A layer, the loss or the optimizer, and in which direction.
Place: TypeAlias = tuple[str, Direction]

_ARRIVAL = "torch::autograd::AccumulateGrad"


class LayerByLayer(LiveStorages):  # type: ignore[no-untyped-call]  # torch gives no types
    """Follows what is alive in a run of a twin, and which layer runs.

    Forward that is the layer whose module runs; backward the one whose node of autograd does, with
    all that a checkpointed stretch runs again because that node needs it.
    torch numbers the nodes as it makes them, so that of each layer there is a range of numbers.

    Attributes:
        most: for each layer and direction the most that is alive while it runs.
        now: what runs.
        peak_at: where the most is alive.
    """

    def __init__(self, twin: Twin, state: Iterable[Tensor], device: torch.device) -> None:
        """What stays does not count: the parameters and buffers of `twin`, and `state`."""
        super().__init__(twin, state, device)
        self.most: dict[Place, int] = {}
        self._twin = twin
        self.now: Place = (twin.graph.first_input, Direction.FORWARD)
        self.peak_at = self.now
        # The layers in whose turn nodes were made, and the number of the first in each turn.
        self._turns: list[str] = []
        self._numbers: list[int] = []

    @contextmanager
    def followed(self) -> Iterator[None]:
        """All that runs within."""
        names = [node.name for node in self._twin.graph.nodes]
        with Running(self._twin, names, when_changed=self._runs), self:
            yield

    def begin(self, layer: str, direction: Direction) -> None:
        """From now on a layer runs, the loss or the optimizer."""
        if direction is Direction.FORWARD:
            self._turns.append(layer)
            self._numbers.append(torch._C._autograd._get_sequence_nr())
        self.now = layer, direction
        self.most[self.now] = max(self.most.get(self.now, 0), self.live)

    def _runs(self, layer: str) -> None:
        """From now on a layer runs forward, unless it does so again for one on its way back."""
        if layer and torch._C._current_autograd_node() is None:
            self.begin(layer, Direction.FORWARD)

    def made(self, storage: torch.UntypedStorage) -> None:
        before = self.peak
        super().made(storage)
        if self.now in self.most:
            self.most[self.now] = max(self.most[self.now], self.live)
        if self.peak > before:
            self.peak_at = self.now

    def __torch_dispatch__(self, *call: Any, **others: Any) -> Any:
        node = torch._C._current_autograd_node()
        # The gradients of parameters arrive in the turn of the layer, by nodes without a number.
        if node is not None and node.name() != _ARRIVAL:
            layer = self._turns[bisect_right(self._numbers, node._sequence_nr()) - 1]
            if self.now != (layer, Direction.BACKWARD):
                self.begin(layer, Direction.BACKWARD)
        return super().__torch_dispatch__(*call, **others)
