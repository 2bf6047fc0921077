"""What stands on the tape of a training step: operators, what they take, and the whole."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.layers.operator import Gradient, Order, Part, Turn
from archcalc.memory_use.held_gradient import AxisOrder
from archcalc.memory_use.sections import Section

LOSS = "loss"


class Argument(NamedTuple):
    """What an operator takes.

    Attributes:
        tensor: its name.
        gradient: how its gradient comes about; None where it has none.
        order: how the axes of that lie.
        scratch: bytes of each tensor that is made on the way and freed; where it has no gradient,
            of one that is made all the same, and freed when the operator has made all.
        gradients: bytes of its gradient as the operator makes it, and of what the engine makes of
            that, one after the other: a sum over what it was spread over, a cast to its own type.
        summed: whether there is a sum among these.
        viewed, by_view, part, turn, reduced: as a `Taken`'s.
        beside: what of the output's size is kept for its gradient, which then may lie as that.
    """

    tensor: str
    gradient: Gradient | None
    order: Order
    scratch: tuple[int, ...]
    gradients: tuple[int, ...] = ()
    summed: bool = False
    viewed: bool = False
    by_view: bool = False
    part: Part = Part()
    turn: Turn | None = None
    reduced: tuple[bool, ...] = ()
    beside: tuple[str, ...] = ()


class Recorded(NamedTuple):
    """An operator on the tape.

    Attributes:
        layer: the layer that it is of, or `LOSS`.
        name: as an `Operator`'s.
        arguments: what it takes.
        outputs: the names of what it makes.
        view_of: the tensor whose storage these lie in; None where each has its own.
        beside: what it makes beside its outputs.
        kept: the tensors that it keeps for the backward pass, parameters not counted; none
            unless it is recorded.
        released: what the forward pass lets go of once it has run.
        recorded: whether a gradient goes through it.
        needs_kept: whether it needs anything in the backward pass that it kept, be it a parameter.
        into_view, reshapes, merges, contiguous: as an `Operator`'s.
        images: how many what it puts out is of; 1 of what is there once, whatever the batch.
    """

    layer: str
    name: str
    arguments: tuple[Argument, ...]
    outputs: tuple[str, ...]
    view_of: str | None
    beside: tuple[str, ...]
    kept: tuple[str, ...]
    released: tuple[str, ...]
    recorded: bool
    needs_kept: bool
    into_view: bool
    reshapes: bool
    merges: int
    contiguous: bool
    images: int


class Tape(NamedTuple):
    """What runs forward in a training step.

    Attributes:
        operators: in order.
        bytes: the size of each tensor, of the learned ones too.
        lying: how the axes of those lie that do not in their order.
        learned: the tensors that are learned; what is frozen is not among them.
        parameters: the learned tensors, and those that are frozen.
        given: the images, and what the loss compares the outputs with: there all the time.
        batch: the number of images.
        sections: the stretches that run again in the backward pass, one in another behind that.
    """

    operators: tuple[Recorded, ...]
    bytes: dict[str, int]
    lying: dict[str, AxisOrder]
    learned: frozenset[str]
    parameters: frozenset[str]
    given: tuple[str, ...]
    batch: int
    sections: tuple[Section, ...] = ()
