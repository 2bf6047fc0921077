"""What a layer keeps between images: the tensors of its state dict, by torch's names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple, TypeAlias

from archcalc.quantity.arithmetic import Quantity, product

Shape: TypeAlias = tuple[Quantity, ...]


class Role(Enum):
    """What a tensor of the state is."""

    WEIGHT = "weight"  # learned, and not a bias: a matrix, a kernel, a gamma, a table
    BIAS = "bias"  # learned, and added
    BUFFER = "buffer"  # kept and not learned: running statistics


class StateTensor(NamedTuple):
    """A tensor that a layer keeps.

    Attributes:
        name: as in the state dict of torch's module: `weight`, `bias_ih_l0`, `out_proj.weight`.
        role: what it is.
        shape: as torch has it; () of a single value.
        bytes_each: bytes per value; None where they have the dtype of the module, which converts
            what is floating and nothing else.
    """

    name: str
    role: Role
    shape: Shape
    bytes_each: int | None = None

    @property
    def values(self) -> Quantity:
        """How many values it has."""
        return product(self.shape)


State: TypeAlias = tuple[StateTensor, ...]


def parameters(**shapes: Shape | None) -> State:
    """Learned tensors by their names, without those whose shape is None.

    Their roles are by their names, as `learned_role` tells them.
    """
    return tuple(
        [StateTensor(n, learned_role(n), shape) for n, shape in shapes.items() if shape is not None]
    )


def buffers(**shapes: Shape) -> State:
    """Floating buffers by their names."""
    return tuple([StateTensor(name, Role.BUFFER, shape) for name, shape in shapes.items()])


def indices(**shapes: Shape) -> State:
    """Buffers of places, in int64 whatever the dtype of the module, by their names."""
    return tuple([StateTensor(n, Role.BUFFER, shape, bytes_each=8) for n, shape in shapes.items()])


def count(name: str) -> State:
    """A buffer that counts, in int64 whatever the dtype of the module."""
    return (StateTensor(name, Role.BUFFER, (), bytes_each=8),)


def learned_role(name: str) -> Role:
    """What a learned tensor is by torch's convention: `bias`, `in_proj_bias` and `bias_ih_l0` are
    biases, and all else is weights."""
    own = name.rpartition(".")[2]
    return Role.BIAS if own.startswith("bias") or own.endswith("bias") else Role.WEIGHT


def values_of(state: Iterable[StateTensor], role: Role) -> Quantity:
    """How many values the tensors of a role have together."""
    return sum([tensor.values for tensor in state if tensor.role is role])
