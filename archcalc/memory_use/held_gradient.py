"""How a gradient that an operator has made lies in memory, until it is used."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from archcalc.layers.operator import Turn

# The axes of more than one value as they lie in memory, the slowest first; None where they lie as
# those of what it is the gradient of.
AxisOrder: TypeAlias = "tuple[int, ...] | Literal['channels last'] | None"


class HeldGradient(NamedTuple):
    """A gradient, and how it lies in its storage: there may be several in one.

    Attributes:
        bytes: as large as it is seen, which is more than the storage where it is spread.
        spread: whether it is one value for all.
        apart: whether there are gaps: between images, or all over where it is permuted too.
        order: how its axes lie.
        viewed: whether it is a view, with which torch holds what it views.
    """

    storage: int
    bytes: int
    spread: bool = False
    apart: bool = False
    order: AxisOrder = None
    viewed: bool = False

    @property
    def permuted(self) -> bool:
        """Whether its axes lie in another order than those of what it is the gradient of."""
        return self.order is not None

    def leads_with(self, axes: int) -> bool:
        """Whether so many axes, from the first on, lie in their order in front of the others."""
        if self.order is None or not axes:
            return True
        return self.order != "channels last" and self.order[:axes] == tuple(range(axes))

    @property
    def contiguous(self) -> bool:
        """Whether it lies as what it is the gradient of."""
        return not (self.spread or self.apart or self.permuted)


class CopiedError(Exception):
    """A gradient cannot be seen with its axes in other places: it is copied."""


def turned(order: AxisOrder, turn: Turn | None, batch: int) -> AxisOrder:
    """How the axes of a tensor's gradient lie that is the gradient of an output, seen otherwise.

    Args:
        order: how the axes of that lie.

    Raises:
        CopiedError: axes that were taken apart do not lie side by side.
    """
    if turn is None:
        return "channels last" if order is None else None if order == "channels last" else order
    if isinstance(order, tuple) and len(order) != len(turn.joined):
        return order
    lying = _axes_in(order, len(turn.joined), turn.items[1])
    factors = [factor for axis in lying for factor in turn.joined[axis]]
    places = {factor: place for place, factor in enumerate(factors)}
    apart = any(places[b] != places[a] + 1 for axis in turn.split for a, b in pairwise(axis))
    if apart or (turn.items[0] and batch > 1 and places[turn.split[0][0]]):
        raise CopiedError
    count = len(turn.split)
    found = tuple(sorted(range(count), key=lambda axis: places[turn.split[axis][0]]))
    usual: tuple[AxisOrder, ...] = (None, "channels last")
    return next((one for one in usual if _axes_in(one, count, turn.items[0]) == found), found)


def _axes_in(order: AxisOrder, count: int, items: bool) -> tuple[int, ...]:
    """The numbers of so many axes as they lie; first may be items, in front of the channels."""
    if isinstance(order, tuple):
        return order
    own = tuple(range(count))
    return own if order is None else (*own[:items], *own[1 + items :], *own[items : 1 + items])
