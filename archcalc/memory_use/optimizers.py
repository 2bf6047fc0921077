"""What an optimizer of torch holds for each learned tensor, and what it makes while it steps.

With the arguments that torch has by default, but for the momentum. In place are the updates of all
moments and parameters, so that SGD makes nothing; Adam makes what it divides by. Source: torch
2.13, torch/optim/sgd.py and adam.py, which has AdamW too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

COUNTER_BYTES = 4  # a single float32: how many steps a tensor has been through


class Optimizer(NamedTuple):
    """An optimizer.

    Attributes:
        moments: how many tensors of its size it holds for each tensor that has a gradient.
        adaptive: whether it divides by the root of the last of them. Then it counts the steps of
            each tensor as well; the counter lies on the CPU, even where the tensor does not.
    """

    moments: int
    adaptive: bool = False


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(0),  # plain
    "momentum": Optimizer(1),  # Polyak 1964: the velocity
    "adam": Optimizer(2, adaptive=True),  # Kingma & Ba 2015, algorithm 1: first and second moment
    "adamw": Optimizer(2, adaptive=True),  # Loshchilov & Hutter 2019: as Adam
}


class Made(NamedTuple):
    """A tensor that an optimizer makes while it steps.

    Attributes:
        name: what it is.
        bytes: its size.
        freed: the names of those that it lets go of afterwards, maybe itself.
    """

    name: str
    bytes: int
    freed: tuple[str, ...] = ()


def gradient_of(tensor: str) -> str:
    """What the gradient of a tensor is called."""
    return f"gradient of {tensor}"


def cast_for_master(tensors: Sequence[tuple[str, int]]) -> Iterator[Made]:
    """The gradients as the masters of the parameters take them: in float32, one after the other.

    Each lets go of the one that it is cast from, as in Megatron-LM (core/optimizer/optimizer.py,
    `Float16OptimizerWithFloat16Params`). `tensors` are as `made_by` takes them, in float32.
    """
    for name, size in tensors:
        yield Made(f"{gradient_of(name)}, in float32", size, (gradient_of(name),))


def made_by(
    optimizer: Optimizer, tensors: Sequence[tuple[str, int]], *, foreach: bool, on_gpu: bool
) -> Iterator[Made]:
    """What it makes in a step, in order; what it does not let go of lives until the step is over.

    Args:
        tensors: the name and bytes of each that has a gradient, in the order of the parameters.
        foreach: whether it updates all of them at once, and not one after the other.
        on_gpu: whether they lie there: what is made on the CPU then does not count.
    """
    if not optimizer.adaptive or not tensors:
        return
    if foreach:
        if not on_gpu:
            yield Made("a step more", COUNTER_BYTES, ("a step more",))
        yield from [Made(f"divisor of {name}", size) for name, size in tensors]
        return
    before: tuple[str, ...] = ()  # Python's variable holds the last one while the next are made
    for name, size in tensors:
        root, divisor = f"root of the second moment of {name}", f"divisor of {name}"
        yield Made(root, size)
        yield Made(divisor, size, (root, *before))
        before = (divisor,)
