"""What is said of a training step: what happens in it, and what is alive when."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from archcalc.memory_use.optimizers import Made
from archcalc.memory_use.recorded import Tape


class Purpose(Enum):
    """What memory is for in a training step."""

    PARAMETERS = "parameters"
    BUFFERS = "buffers"
    GRADIENTS = "gradients"  # of the parameters
    OPTIMIZER = "optimizer"
    KEPT = "kept_activations"
    ACTIVATION_GRADIENTS = "activation_gradients"
    OTHER = "other"  # images, outputs that nobody keeps, what is made on the way

    __hash__ = object.__hash__  # Enum's is written in Python: a twentieth of a step was spent in it


OPTIMIZER = "optimizer"


class Direction(Enum):
    """Which pass runs, or the optimizer."""

    FORWARD = "forward"
    BACKWARD = "backward"
    STEP = "step"


Parts = dict[Purpose, int]


class Moment(NamedTuple):
    """When most is alive while a layer runs in one direction.

    What of a checkpointed stretch runs again does so in the backward pass of the layer that asks
    for it.

    Attributes:
        layer: its name, `LOSS` or `OPTIMIZER`.
        direction: forward, backward, or the optimizer's step.
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


class Course(NamedTuple):
    """What happens in a step.

    Attributes:
        tape: what runs forward.
        constant: the bytes that are there all the time, by purpose.
        made: what the optimizer makes while it steps.
        adds: whether gradients of batches before are there, to which those of this one are added.
        sums_apart: whether a sum of two gradients of a tensor is a third one beside them. torch
            adds the second to the first where nothing else holds that, unless a mode watches its
            operators (`can_accumulate_inplace`), so that a little less is alive without one.
    """

    tape: Tape
    constant: Mapping[Purpose, int]
    made: tuple[Made, ...] = ()
    adds: bool = False
    sums_apart: bool = True


class Event(NamedTuple):
    """A tensor has been made.

    Attributes:
        bytes: what is alive then, all together.
        layer: the layer that runs, `LOSS` or `OPTIMIZER`.
        direction: in which direction.
    """

    bytes: int
    layer: str
    direction: Direction
