"""What is alive while a training step runs: forward, through the loss, and backward.

The tape is replayed as torch's engine runs it. Forward, a tensor lives until its last use, and
what is kept for the backward pass until that has used it. Backward the operators run in reverse:
one makes the gradients of what it takes while the gradient of its output, and what it has kept,
are still there; then these are let go of; then the gradients arrive, and where branches fork, a
second one is added to the first. Sources: torch, `Engine::evaluate_function` and `InputBuffer::add`
(torch/csrc/autograd/engine.cpp, input_buffer.cpp), `AccumulateGrad` (functions/accumulate_grad.h).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from archcalc.layers.operator import Gradient
from archcalc.memory_use.tape import LOSS, Argument, Recorded, Tape
from archcalc.record import Record


class Purpose(Enum):
    """What memory is for in a training step."""

    PARAMETERS = "parameters"
    BUFFERS = "buffers"
    GRADIENTS = "gradients"  # of the parameters
    OPTIMIZER = "optimizer"
    KEPT = "kept_activations"
    ACTIVATION_GRADIENTS = "activation_gradients"
    OTHER = "other"  # images, outputs that nobody keeps, what is made on the way


OPTIMIZER = "optimizer"


class Direction(Enum):
    """Which pass runs, or the optimizer."""

    FORWARD = "forward"
    BACKWARD = "backward"
    STEP = "step"


Parts = dict[Purpose, int]


class Moment(NamedTuple):
    """When most is alive while a layer runs in one direction.

    Attributes:
        layer: its name, or `LOSS`.
        direction: forward or backward.
        parts: the bytes that are alive, by purpose.
        number: how many tensors had been made by then.
    """

    layer: str
    direction: Direction
    parts: Parts
    number: int

    @property
    def bytes(self) -> int:
        """All of it together."""
        return sum(self.parts.values())


class Alive(NamedTuple):
    """A tensor that is alive.

    Attributes:
        name: what it is.
        bytes: its size.
        purpose: what it is for.
    """

    name: str
    bytes: int
    purpose: Purpose


class TrainingStep(Record):
    """A training step, moment by moment.

    Attributes:
        tape: what runs.
        constant: the bytes that are there all the time, by purpose.
        moments: of each layer forward, the loss, and each layer backward, in order.
    """

    tape: Tape
    constant: Parts
    moments: tuple[Moment, ...]

    @property
    def peak(self) -> Moment:
        """The first moment at which most is alive."""
        return max(self.moments, key=lambda moment: moment.bytes)

    def alive(self, moment: Moment) -> list[Alive]:
        """The tensors that are alive at a moment, beside the constant ones."""
        replay = _Replay(self.tape, self.constant, stop=moment.number)
        with suppress(_Stopped):
            replay.run()
        return replay.alive()


def training_step(
    tape: Tape, constant: Mapping[Purpose, int], *, sums_apart: bool = True
) -> TrainingStep:
    """What is alive in a step over `tape`.

    Args:
        constant: the bytes that are there all the time.
        sums_apart: whether a sum of two gradients of a tensor is a third one beside them. torch
            adds the second to the first where nothing else holds that, unless a mode watches its
            operators (`can_accumulate_inplace`), so that a little less is alive without one.
    """
    replay = _Replay(tape, constant, sums_apart=sums_apart)
    replay.run()
    return TrainingStep(tape, dict(constant), tuple(replay.moments))


class _Lies(Enum):
    """How a gradient lies in its storage."""

    DENSE = "dense"
    APART = "apart"  # those of the images with gaps between them
    SPREAD = "spread"  # one value for all


class _Gradient(NamedTuple):
    storage: int
    bytes: int  # as large as it is seen, which is more than the storage where it is spread
    lies: _Lies = _Lies.DENSE


class _Stopped(Exception):
    """As many tensors have been made as were to be."""


class _Replay:
    """Follows a step.

    Attributes:
        moments: of the layers so far.
    """

    def __init__(
        self,
        tape: Tape,
        constant: Mapping[Purpose, int],
        *,
        sums_apart: bool = True,
        stop: int | None = None,
    ) -> None:
        """`stop`: raises `_Stopped` when so many tensors have been made."""
        self.moments: list[Moment] = []
        self._tape = tape
        self._sums_apart = sums_apart
        self._stop = stop
        self._parts: Parts = dict.fromkeys(Purpose, 0) | dict(constant)
        self._live = sum(self._parts.values())
        self._most = -1  # at once, while the present layer runs
        # Of each storage, by number: what it is, its size, how many hold it, and how many of these
        # for the backward pass; and what it is for where nobody does.
        self._name: list[str] = []
        self._size: list[int] = []
        self._holders: list[int] = []
        self._keepers: list[int] = []
        self._purpose: list[Purpose] = []
        self._of: dict[str, int] = {}  # the storage of each tensor that the forward pass holds
        self._arrived: dict[str, _Gradient] = {}

    def run(self) -> None:
        """The step."""
        tape = self._tape
        self._begin(tape.operators[0].layer, Direction.FORWARD)
        given = [self._new(name, tape.bytes[name]) for name in tape.given]
        self._of |= {
            name: self._hold(storage) for name, storage in zip(tape.given, given, strict=True)
        }
        kept = [self._forward(operator) for operator in tape.operators]
        loss = self._of[LOSS]
        self._begin(LOSS, Direction.BACKWARD)
        if tape.operators[-1].recorded:
            ones = self._new("gradient of the loss", tape.bytes[LOSS], Purpose.ACTIVATION_GRADIENTS)
            self._arrived[LOSS] = _Gradient(self._hold(ones), tape.bytes[LOSS])
            for operator, storages in zip(reversed(tape.operators), reversed(kept), strict=True):
                if operator.output in self._arrived:
                    self._backward(operator, storages)
            self._drop(ones)
        for storage in (loss, *given):
            self._drop(storage)

    def alive(self) -> list[Alive]:
        """The tensors that are alive now."""
        return [
            Alive(name, size, self._purpose_of(number))
            for number, (name, size) in enumerate(zip(self._name, self._size, strict=True))
            if self._holders[number]
        ]

    # ----- storages -----

    def _begin(self, layer: str, direction: Direction) -> None:
        """From now on `layer` runs."""
        before = self.moments[-1] if self.moments else None
        if before is None or (before.layer, before.direction) != (layer, direction):
            self.moments.append(Moment(layer, direction, dict(self._parts), len(self._name)))
            self._most = self._live

    def _new(self, name: str, size: int, purpose: Purpose = Purpose.OTHER) -> int:
        """A new storage, held once."""
        self._name.append(name)
        self._size.append(size)
        self._holders.append(1)
        self._keepers.append(0)
        self._purpose.append(purpose)
        self._parts[purpose] += size
        self._live += size
        if self._live > self._most:
            self._most = self._live
            self.moments[-1] = self.moments[-1]._replace(
                parts=dict(self._parts), number=len(self._name)
            )
        if len(self._name) == self._stop:
            raise _Stopped
        return len(self._name) - 1

    def _hold(self, storage: int) -> int:
        self._holders[storage] += 1
        return storage

    def _drop(self, storage: int) -> None:
        self._holders[storage] -= 1
        if not self._holders[storage]:
            self._parts[self._purpose_of(storage)] -= self._size[storage]
            self._live -= self._size[storage]

    def _purpose_of(self, storage: int) -> Purpose:
        return Purpose.KEPT if self._keepers[storage] else self._purpose[storage]

    def _keep(self, storage: int) -> int:
        """Holds for the backward pass."""
        if not self._keepers[storage]:
            self._parts[self._purpose[storage]] -= self._size[storage]
            self._parts[Purpose.KEPT] += self._size[storage]
        self._keepers[storage] += 1
        return self._hold(storage)

    def _drop_kept(self, storage: int) -> None:
        self._keepers[storage] -= 1
        if not self._keepers[storage]:
            self._parts[Purpose.KEPT] -= self._size[storage]
            self._parts[self._purpose[storage]] += self._size[storage]
        self._drop(storage)

    # ----- forward -----

    def _forward(self, operator: Recorded) -> list[int]:
        """Runs an operator; the storages that it keeps."""
        of, tape = self._of, self._tape
        self._begin(operator.layer, Direction.FORWARD)
        if operator.view_of is None:
            of[operator.output] = self._new(operator.output, tape.bytes[operator.output])
        else:
            of[operator.output] = self._hold(of[operator.view_of])
        for name in operator.beside:
            of[name] = self._new(name, tape.bytes[name])
        kept = [self._keep(of[name]) for name in operator.kept if name not in tape.learned]
        for name in operator.released:
            self._drop(of.pop(name))
        return kept

    # ----- backward -----

    def _backward(self, operator: Recorded, kept: list[int]) -> None:
        """Runs an operator backward, with the gradient of its output and what it has kept."""
        self._begin(operator.layer, Direction.BACKWARD)
        came, copies = self._received(operator)
        made = [self._gradient(one, came, operator) for one in reversed(operator.arguments)]
        made.reverse()
        for copy in copies:
            self._drop(copy)
        made = [
            one and self._summed(one, argument)
            for one, argument in zip(made, operator.arguments, strict=True)
        ]
        self._drop(came.storage)
        for storage in kept:
            self._drop_kept(storage)
        for argument, gradient in zip(operator.arguments, made, strict=True):
            if gradient is not None:
                self._arrive(argument, gradient)

    def _received(self, operator: Recorded) -> tuple[_Gradient, list[int]]:
        """The gradient of the output, and copies of it that the operator makes while it runs."""
        came, name = self._arrived.pop(operator.output), f"gradient of {operator.output}, copied"
        if operator.merges and came.lies is _Lies.APART:
            copy = self._new(name, came.bytes, Purpose.ACTIVATION_GRADIENTS)
            self._drop(came.storage)
            return _Gradient(copy, came.bytes), []
        if operator.contiguous and came.lies is not _Lies.DENSE:
            return came, [self._new(name, came.bytes, Purpose.ACTIVATION_GRADIENTS)]
        return came, []

    def _gradient(
        self, argument: Argument, came: _Gradient, operator: Recorded
    ) -> _Gradient | None:
        """The gradient of what an operator takes; as large as its output where that is summed."""
        how, size = argument.gradient, self._tape.bytes[argument.tensor]
        if how is None:
            return None
        if how is Gradient.SAME:
            return came._replace(storage=self._hold(came.storage))
        if how is Gradient.SPREAD:
            return _Gradient(self._hold(came.storage), size, _Lies.SPREAD)
        if how is Gradient.PART:
            apart = came.lies is _Lies.DENSE and self._tape.batch > 1 and size < came.bytes
            return _Gradient(self._hold(came.storage), size, _Lies.APART if apart else came.lies)
        made_on_the_way = [self._new("made on the way", each) for each in argument.scratch]
        if how is Gradient.SUMMED:
            size = self._tape.bytes[operator.output]
        own = self._new(self._name_of_gradient(argument), size, self._purpose_for(argument))
        for each in made_on_the_way:
            self._drop(each)
        return _Gradient(own, size)

    def _summed(self, gradient: _Gradient, argument: Argument) -> _Gradient:
        """A gradient as large as that of which it is; a sum where it is larger."""
        size = self._tape.bytes[argument.tensor]
        if gradient.bytes == size and argument.gradient is not Gradient.SUMMED:
            return gradient
        own = self._new(self._name_of_gradient(argument), size, self._purpose_for(argument))
        self._drop(gradient.storage)
        return _Gradient(own, size)

    def _arrive(self, argument: Argument, gradient: _Gradient) -> None:
        """A gradient comes to its tensor, where it waits for others, or for what made that."""
        name, purpose = self._name_of_gradient(argument), self._purpose_for(argument)
        before = self._arrived.get(argument.tensor)
        if before is None:
            if argument.gradient is Gradient.COPIED:
                copy = self._new(name, gradient.bytes, purpose)
                self._drop(gradient.storage)
                gradient = _Gradient(copy, gradient.bytes)
            self._arrived[argument.tensor] = gradient
            return
        alone = self._holders[before.storage] == 1 and before.lies is _Lies.DENSE
        if alone and not self._sums_apart:
            self._drop(gradient.storage)
            return
        total = self._new(name, gradient.bytes, purpose)
        self._drop(before.storage)
        self._drop(gradient.storage)
        self._arrived[argument.tensor] = _Gradient(total, gradient.bytes)

    def _name_of_gradient(self, argument: Argument) -> str:
        return f"gradient of {argument.tensor}"

    def _purpose_for(self, argument: Argument) -> Purpose:
        learned = argument.tensor in self._tape.learned
        return Purpose.GRADIENTS if learned else Purpose.ACTIVATION_GRADIENTS
