"""A training step in torch: what is alive while each layer runs, forward and backward."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from archcalc.graph import INPUT
from archcalc.memory_use.moments import OPTIMIZER, Direction
from archcalc.memory_use.options import MIXED, TrainingOptions
from archcalc.memory_use.tape import LOSS
from archcalc.record import Record
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.hooks import Running
from archcalc.torch_backend.modes import one_thread
from archcalc.torch_backend.storages import LiveStorages
from archcalc.walk import analyze

MakeImages: TypeAlias = Callable[[], Tensor]  # a new batch of images
Place: TypeAlias = tuple[str, Direction]  # a layer, `LOSS` or `OPTIMIZER`, and in which direction

_OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": lambda parameters, **how: SGD(parameters, momentum=0.9, **how),
    "adam": Adam,
    "adamw": AdamW,
}
_LOSSES: dict[str, Callable[..., Tensor]] = {
    "sum": Tensor.sum, "mse": F.mse_loss, "cross_entropy": F.cross_entropy
}  # fmt: skip
# The steps after which nothing is made any more that stays: the optimizer's state is there, and
# the workspaces that CUDA's libraries keep.
_STEPS_BEFORE = 2
_ARRIVAL = "torch::autograd::AccumulateGrad"


class MeasuredStep(Record):
    """What is alive in a training step, in bytes.

    Attributes:
        parameters, buffers, optimizer: what stays from step to step; the last is the optimizer's
            state.
        beyond: the most that is alive at once beside that.
        at: the layer, and the direction, in which that is first.
        most: for each layer and direction the most that is alive, beside what stays, while it
            runs; those are missing for which torch runs no operator.
    """

    parameters: int
    buffers: int
    optimizer: int
    beyond: int
    at: Place
    most: Mapping[Place, int]

    @property
    def peak_bytes(self) -> int:
        """The most that is alive at once."""
        return self.parameters + self.buffers + self.optimizer + self.beyond


def measured_step(twin: Twin, make_images: MakeImages, options: TrainingOptions) -> MeasuredStep:
    """Measures a step as a training loop runs it, once nothing that it makes stays any more.

    The twin trains: its values change, and it is left in training mode and in the options' dtype.

    Args:
        make_images: makes a batch where the twin is; it is converted as the twin is.

    Raises:
        UsageError: as `TrainingOptions.check`.
    """
    loop = TrainingLoop(twin, make_images, options)
    with one_thread():
        loop.warm_up()
        state, given = loop.state(), loop.given()
        watching = LayerByLayer(twin, state, loop.device)
        names = [node.name for node in twin.graph.nodes]
        with Running(twin, names, when_changed=watching.runs), watching:
            for tensor in given:
                watching.note(tensor)
            loop.step(given, watching.begin)
    return MeasuredStep(
        bytes_of(twin.parameters()), bytes_of(twin.buffers()), bytes_of(state),
        watching.peak, watching.peak_at, watching.most,
    )  # fmt: skip


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """The bytes of the values of tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


# Called when a layer, the loss or the optimizer begins.
Begin: TypeAlias = Callable[[str, Direction], None]


def _ignore(layer: str, direction: Direction) -> None:
    """For a step that nobody watches."""


class TrainingLoop:
    """Trains a twin, step by step, as a training loop in torch does.

    Attributes:
        twin: what is trained.
        device: where it is.
    """

    def __init__(self, twin: Twin, make_images: MakeImages, options: TrainingOptions) -> None:
        """Converts the twin to the options' dtype; to float32 in mixed precision."""
        options.check()
        self._mixed = options.dtype == MIXED
        self._dtype: torch.dtype = getattr(torch, "float32" if self._mixed else options.dtype)
        self._accumulate = options.accumulate
        self._make_images = make_images
        self.device = make_images().device
        self.twin = twin.to(self._dtype).train()
        self._loss = options.loss
        self._of_one = _LOSSES[options.loss]
        self._state_stays = options.optimizer != "sgd"
        learned = [p for p in twin.parameters() if p.requires_grad]
        make, how = _OPTIMIZERS[options.optimizer], {"foreach": options.updates_at_once}
        self._optimizer = make(learned, lr=1e-3, **how) if learned else None

    def warm_up(self) -> None:
        """Trains until nothing is made any more that stays from step to step."""
        if self._state_stays or self.device.type == "cuda":
            for _ in range(_STEPS_BEFORE):
                self.step(self.given())

    def given(self) -> list[Tensor]:
        """A batch of images, and for each output what the loss compares it with, if anything."""
        images = self._make_images().to(self._dtype)
        if self._loss == "sum":
            return [images]
        maps = analyze(self.twin.graph, batch=len(images)).maps
        shapes = [(len(images), *maps[name].shape) for name in self.twin.graph.outputs]
        if self._loss == "mse":
            return [images, *[images.new_zeros(shape) for shape in shapes]]
        classes = [(count, *positions) for count, _, *positions in shapes]
        return [images, *[images.new_zeros(shape, dtype=torch.int64) for shape in classes]]

    def state(self) -> list[Tensor]:
        """The optimizer's state, as far as it is on the device: counters of steps may not be."""
        values = [] if self._optimizer is None else self._optimizer.state.values()
        tensors = [value for of_one in values for value in of_one.values()]
        return [t for t in tensors if isinstance(t, Tensor) and t.device == self.device]

    def step(self, given: Sequence[Tensor], begin: Begin = _ignore) -> None:
        """One step: forward and backward for as many batches as accumulate, and the optimizer's.

        What is given lives to its end, and so does the loss; outputs are gone before backward.
        """
        loss = None
        for _ in range(self._accumulate):
            loss = None  # the one before
            loss = self._loss_of(*given, begin=begin)
            begin(LOSS, Direction.BACKWARD)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]  # torch gives no types
        begin(OPTIMIZER, Direction.STEP)
        if self._optimizer is not None:
            self._optimizer.step()
        self.twin.zero_grad(set_to_none=True)

    def _loss_of(self, images: Tensor, *targets: Tensor, begin: Begin) -> Tensor:
        """The loss as `archcalc.memory_use.losses` has it."""
        with torch.autocast(self.device.type) if self._mixed else nullcontext():
            returned = self.twin(images)
            begin(LOSS, Direction.FORWARD)
            outputs = returned if isinstance(returned, tuple) else (returned,)
            if len(targets) == 1:
                return self._of_one(outputs[0], targets[0])
            pairs = zip(outputs, targets, strict=True) if targets else [(o,) for o in outputs]
            return torch.stack([self._of_one(*pair) for pair in pairs]).sum()


class LayerByLayer(LiveStorages):  # type: ignore[no-untyped-call]  # torch gives no types
    """Follows, as a context, what is alive in a step of a twin, and which layer runs.

    Forward that is the layer whose module runs; backward the one whose node of autograd does.
    torch numbers the nodes as it makes them, so that of each layer there is a range of numbers.

    Attributes:
        most: as `MeasuredStep`'s.
        peak_at: where the most is alive.
    """

    def __init__(self, twin: Twin, state: Iterable[Tensor], device: torch.device) -> None:
        """What stays does not count: the parameters and buffers of `twin`, and `state`."""
        super().__init__(twin, state, device)
        self.most: dict[Place, int] = {}
        self.peak_at: Place = (INPUT, Direction.FORWARD)
        self._now = self.peak_at
        self._again = False  # whether a layer runs forward within the backward pass
        # The layers in whose turn nodes were made, and the number of the first in each turn.
        self._turns: list[str] = []
        self._numbers: list[int] = []

    def begin(self, layer: str, direction: Direction) -> None:
        """From now on a layer runs, the loss or the optimizer."""
        if direction is Direction.FORWARD:
            self._turns.append(layer)
            self._numbers.append(torch._C._autograd._get_sequence_nr())
        self._now = layer, direction
        self.most[self._now] = max(self.most.get(self._now, 0), self.live)

    def runs(self, layer: str) -> None:
        """From now on a layer runs forward, maybe once more while another is on its way back."""
        again = torch._C._current_autograd_node() is not None
        self._again = again and bool(layer)
        if layer:
            self.begin(layer, Direction.BACKWARD if again else Direction.FORWARD)

    def made(self, storage: torch.UntypedStorage) -> None:
        before = self.peak
        super().made(storage)
        if self._now in self.most:
            self.most[self._now] = max(self.most[self._now], self.live)
        if self.peak > before:
            self.peak_at = self._now

    def __torch_dispatch__(self, *call: Any, **others: Any) -> Any:
        node = torch._C._current_autograd_node()
        # The gradients of parameters arrive in the turn of the layer, by nodes without a number.
        if node is not None and not self._again and node.name() != _ARRIVAL:
            layer = self._turns[bisect_right(self._numbers, node._sequence_nr()) - 1]
            if self._now != (layer, Direction.BACKWARD):
                self.begin(layer, Direction.BACKWARD)
        return super().__torch_dispatch__(*call, **others)
