"""A training step in torch: what is alive while each layer runs, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TypeAlias

import torch
import torch.nn.functional as F  # torch's own name for it
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from archcalc.memory_use.moments import OPTIMIZER, Direction
from archcalc.memory_use.options import MIXED, TrainingOptions
from archcalc.memory_use.recorded import LOSS
from archcalc.record import Record
from archcalc.torch_backend.allocator import Allocator, OperatorRun, watched
from archcalc.torch_backend.batches import Batch, converted, tensors_of
from archcalc.torch_backend.build import Twin
from archcalc.torch_backend.layer_by_layer import LayerByLayer, Place
from archcalc.torch_backend.modes import one_thread
from archcalc.walk import analyze

MakeImages: TypeAlias = Callable[[], Batch]  # a new batch of what goes in

_OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": lambda parameters, **how: SGD(parameters, momentum=0.9, **how),
    "adam": Adam,
    "adamw": AdamW,
}
_LOSSES: dict[str, Callable[..., Tensor]] = {
    "sum": partial(torch.sum, dtype=torch.float32),  # of half precision a sum would overflow
    "mse": F.mse_loss,
    "cross_entropy": F.cross_entropy,
}
# The steps after which nothing is made any more that stays: the optimizer's state is there, and
# the workspaces that CUDA's libraries keep.
_STEPS_BEFORE = 2


class MeasuredStep(Record):
    """What is alive in a training step, in bytes.

    Attributes:
        parameters, buffers, optimizer: what stays from step to step; the last is the optimizer's
            state.
        beyond: the most that is alive at once beside that.
        at: the layer, and the direction, in which that is first.
        most: for each layer and direction the most that is alive, beside what stays, while it
            runs; those are missing for which torch runs no operator.
        runs: what an allocator gave out around each operator, where one was watched.
    """

    parameters: int
    buffers: int
    optimizer: int
    beyond: int
    at: Place
    most: Mapping[Place, int]
    runs: Sequence[OperatorRun] = ()

    @property
    def peak_bytes(self) -> int:
        """The most that is alive at once."""
        return self.parameters + self.buffers + self.optimizer + self.beyond


def measured_step(
    twin: Twin,
    make_images: MakeImages,
    options: TrainingOptions,
    allocator: Allocator | None = None,
) -> MeasuredStep:
    """Measures a step as a training loop runs it, once nothing that it makes stays any more.

    The twin trains: its values change, and it is left in training mode and in the options' dtype.
    What the options freeze is to be frozen in it already (`training.as_trained`).

    Args:
        make_images: makes a batch where the twin is; it is converted as the twin is.
        allocator: is watched as well.

    Raises:
        UsageError: as `TrainingOptions.check`.
    """
    loop = TrainingLoop(twin, make_images, options)
    with one_thread():
        loop.warm_up()
        state, given = loop.state(), loop.given()
        watching = LayerByLayer(twin, [*loop.masters, *state], loop.device)
        with watched(watching, allocator) as runs:
            for tensor in given:
                watching.note(tensor)
            loop.step(given, watching.begin)
    return MeasuredStep(
        bytes_of([*twin.parameters(), *loop.masters]), bytes_of(twin.buffers()), bytes_of(state),
        watching.peak, watching.peak_at, watching.most, runs,
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
        masters: copies in float32 of the parameters that learn, in which the optimizer updates
            them; none unless the options say so.
    """

    def __init__(self, twin: Twin, make_images: MakeImages, options: TrainingOptions) -> None:
        """Converts the twin to the options' dtype; to float32 in mixed precision."""
        options.check()
        self._mixed = options.dtype == MIXED
        self._dtype: torch.dtype = getattr(torch, "float32" if self._mixed else options.dtype)
        self._accumulate = options.accumulate
        self._make_images = make_images
        self.device = tensors_of(make_images())[0].device
        self.twin = twin.to(self._dtype).train()
        self._loss = options.loss
        self._of_one = _LOSSES[options.loss]
        self._state_stays = options.optimizer != "sgd"
        self._learned = [p for p in twin.parameters() if p.requires_grad]
        self.masters = [p.detach().float() for p in self._learned] if options.master else []
        updated = self.masters or self._learned
        make, how = _OPTIMIZERS[options.optimizer], {"foreach": options.updates_at_once}
        self._optimizer = make(updated, lr=1e-3, **how) if updated else None

    def warm_up(self) -> None:
        """Trains until nothing is made any more that stays from step to step."""
        if self._state_stays or self.device.type == "cuda":
            for _ in range(_STEPS_BEFORE):
                self.step(self.given())

    def given(self) -> list[Tensor]:
        """A batch of inputs, and for each output what the loss compares it with, if anything."""
        inputs = converted(self._make_images(), self._dtype)
        if self._loss == "sum":
            return [*inputs]
        batch, maps = len(inputs[0]), analyze(self.twin.graph).maps
        outputs = [maps[name] for name in self.twin.graph.outputs]
        shapes = [(batch, *x.shape) for x in outputs if x.dtype is None]
        new = partial(torch.zeros, device=self.device)
        if self._loss == "mse":
            return [*inputs, *[new(shape, dtype=self._dtype) for shape in shapes]]
        classes = [(count, *positions) for count, _, *positions in shapes]
        return [*inputs, *[new(shape, dtype=torch.int64) for shape in classes]]

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
            self._hand_on_gradients()
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
            with torch.no_grad():
                for parameter, master in zip(self._learned, self.masters, strict=False):
                    parameter.copy_(master)
        self.twin.zero_grad(set_to_none=True)

    def _hand_on_gradients(self) -> None:
        """Gives the masters the gradients in float32, one after the other."""
        for parameter, master in zip(self._learned, self.masters, strict=False):
            if parameter.grad is not None:
                master.grad = parameter.grad.float()
                parameter.grad = None

    def _loss_of(self, *given: Tensor, begin: Begin) -> Tensor:
        """The loss as `archcalc.memory_use.losses` has it."""
        count = len(self.twin.graph.inputs)
        inputs, targets = given[:count], given[count:]
        with torch.autocast(self.device.type) if self._mixed else nullcontext():
            returned = self.twin(*inputs)
            begin(LOSS, Direction.FORWARD)
            every = returned if isinstance(returned, tuple) else (returned,)
            outputs = [output for output in every if output.is_floating_point()]
            if len(targets) == 1:
                return self._of_one(outputs[0], targets[0])
            pairs = zip(outputs, targets, strict=True) if targets else [(o,) for o in outputs]
            return torch.stack([self._of_one(*pair) for pair in pairs]).sum()
