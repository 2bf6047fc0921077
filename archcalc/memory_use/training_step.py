"""What is alive while a training step runs: forward, backward from the loss, and the optimizer.

The tape is replayed as torch's engine runs it. Forward, a tensor lives until its last use, and
what is kept for the backward pass until that has used it. Backward the operators run in reverse:
one makes the gradients of what it takes while the gradient of its output, and what it has kept,
are still there; then these are let go of; then the gradients arrive, and where branches fork, a
second one is added to the first. Then the optimizer steps, while images and loss are still there.
Sources: torch, `Engine::evaluate_function` and `InputBuffer::add` (torch/csrc/autograd/engine.cpp,
input_buffer.cpp), `AccumulateGrad` (functions/accumulate_grad.h).
"""

from __future__ import annotations

from contextlib import suppress

from archcalc.memory_use.moments import (
    Alive,
    Course,
    Event,
    Moment,
)
from archcalc.memory_use.replay import Replay, Stopped
from archcalc.record import Record


class TrainingStep(Record):
    """A training step, moment by moment.

    Attributes:
        course: what happens in it.
        moments: of each layer forward, the loss, each layer backward, and the optimizer, in order.
    """

    course: Course
    moments: tuple[Moment, ...]

    @property
    def peak(self) -> Moment:
        """The first moment at which most is alive."""
        return max(self.moments, key=lambda moment: moment.bytes)

    def alive(self, moment: Moment) -> list[Alive]:
        """The tensors that are alive at a moment, beside the constant ones."""
        replay = Replay(self.course, stop=moment.number)
        with suppress(Stopped):
            replay.run()
        return replay.alive()


def training_step(course: Course) -> TrainingStep:
    """What is alive in a step."""
    replay = Replay(course)
    replay.run()
    return TrainingStep(course, tuple(replay.moments))


def events(course: Course) -> list[Event]:
    """A step, tensor by tensor that is made in it: most is alive at one of them."""
    replay = Replay(course)
    replay.run()
    return [
        Event(live, replay.moments[number].layer, replay.moments[number].direction)
        for live, number in zip(replay.live_at, replay.moment_of, strict=True)
    ]
