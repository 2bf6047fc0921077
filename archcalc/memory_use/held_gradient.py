"""How a gradient that an operator has made lies in memory, until it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from archcalc.layers.operator import Part, Turn

# The axes of more than one value as they lie in memory, the slowest first; None where they lie as
# those of what it is the gradient of.
AxisOrder: TypeAlias = "tuple[int, ...] | Literal['channels last'] | None"


class HeldGradient(NamedTuple):
    """A gradient, and how it lies in its storage: there may be several in one.

    Attributes:
        bytes: as large as it is seen, which is more than the storage where it is spread.
        spread: whether it is one value for all.
        apart: whether there are gaps: between images, or all over where it is permuted too.
        in_rows: whether these gaps are between rows along the last axis alone, so that all other
            axes can be seen as one.
        still: whether it is one value that was spread over an axis of one: torch, which goes by
            its strides of 0, makes a copy of it for `.grad`.
        order: how its axes lie.
        repeated: of each axis of more than one value whether each value stands for all along it;
            of no axis where none is like that.
        viewed: whether it is a view, with which torch holds what it views.
    """

    storage: int
    bytes: int
    spread: bool = False
    apart: bool = False
    order: AxisOrder = None
    viewed: bool = False
    repeated: tuple[bool, ...] = ()
    in_rows: bool = False
    still: bool = False

    @property
    def permuted(self) -> bool:
        """Whether its axes lie in another order than those of what it is the gradient of."""
        return self.order is not None

    def has_in_one(self, axes: int, batch: int) -> bool:
        """Whether the images and so many axes, from the first on, lie as one axis would.

        That is in their order; with several images in front of all others.
        """
        if self.order is None or not axes or axes + (batch > 1) < 2:
            return True
        if self.order == "channels last":
            return False
        first = 0 if batch > 1 else self.order.index(0)
        return self.order[first : first + axes] == tuple(range(axes))

    def repeats_across(self, axes: int, batch: int) -> bool:
        """Whether a value is repeated along some, and not all, of the images and so many axes."""
        among = self.repeated[:axes]
        return any(among) and (batch > 1 or not all(among))

    @property
    def contiguous(self) -> bool:
        """Whether it lies as what it is the gradient of."""
        return not (self.spread or self.apart or self.permuted or self.repeated)


class CopiedError(Exception):
    """A gradient cannot be seen with its axes in other places: it is copied."""


def turned(
    order: AxisOrder, repeats: tuple[bool, ...], turn: Turn | None, batch: int
) -> tuple[AxisOrder, tuple[bool, ...]]:
    """How the axes of a tensor's gradient lie that is the gradient of an output, seen otherwise.

    Args:
        order: how the axes of that lie.
        repeats: along which of them it is repeated, as `HeldGradient.repeated`.

    Returns:
        The same of the tensor's.

    Raises:
        CopiedError: axes that were taken apart do not lie side by side, or it is repeated along a
            part of one.
    """
    if turn is None:
        flipped: AxisOrder = order
        if order is None or order == "channels last":
            flipped = "channels last" if order is None else None
        return flipped, repeats
    if isinstance(order, tuple) and len(order) != len(turn.joined):
        return order, repeats
    again = repeats or (False,) * len(turn.joined)
    lying = [axis for axis in _axes_in(order, len(again), turn.items[1]) if not again[axis]]
    factors = [factor for axis in lying for factor in turn.joined[axis]]
    places = {factor: place for place, factor in enumerate(factors)}
    pairs = [pair for axis in turn.split for pair in pairwise(axis)]
    apart = any((a in places) is not (b in places) for a, b in pairs)
    apart = apart or any(places[b] != places[a] + 1 for a, b in pairs if a in places)
    if apart or (turn.items[0] and batch > 1 and places.get(turn.split[0][0], 0)):
        raise CopiedError
    count = len(turn.split)
    found = [axis for axis in range(count) if turn.split[axis][0] in places]
    found.sort(key=lambda axis: places[turn.split[axis][0]])
    still = tuple([axis not in found for axis in range(count)])
    if found == sorted(found):
        return None, still if any(still) else ()
    found += [axis for axis in range(count) if still[axis]]
    return _named(tuple(found), count, items=turn.items[0]), still if any(still) else ()


def _named(order: tuple[int, ...], count: int, *, items: bool) -> AxisOrder:
    usual: tuple[AxisOrder, ...] = (None, "channels last")
    return next((one for one in usual if _axes_in(one, count, items) == order), order)


def _axes_in(order: AxisOrder, count: int, items: bool) -> tuple[int, ...]:
    """The numbers of so many axes as they lie; first may be items, in front of the channels."""
    if isinstance(order, tuple):
        return order
    own = tuple(range(count))
    return own if order is None else (*own[:items], *own[1 + items :], *own[items : 1 + items])


def part_of(came: HeldGradient, part: Part, size: int, batch: int) -> HeldGradient:
    """A part of a gradient, of `size` bytes: a view of it."""
    gaps = part.permuted_gaps if came.permuted else part.gaps or bool(came.repeated)
    return came._replace(
        bytes=size,
        apart=came.apart or (size < came.bytes and (gaps or batch > 1)),
        order=None if part.one_order else came.order,
        viewed=True,
        repeated=(),
        in_rows=part.rows and came.order is None and (came.in_rows or not came.apart),
    )


# ----- behind a reduction -----


def repeated(came: HeldGradient, reduced: Sequence[bool], size: int) -> HeldGradient:
    """The gradient of a sum as that of what was summed up, of `size` bytes: a view of it.

    Args:
        reduced: for each axis of more than one value of that whether it is reduced.
    """
    before = iter(came.repeated or [False] * len(reduced))
    again = tuple([gone or next(before) for gone in reduced])
    return came._replace(
        bytes=size,
        order=spread_out(came.order, reduced, like_own=False),
        viewed=True,
        repeated=again if any(again) and not came.spread else (),
    )


def spread_out(order: AxisOrder, reduced: Sequence[bool], *, like_own: bool) -> AxisOrder:
    """How the axes of a tensor's gradient lie that torch computes from that of a reduction.

    It puts them in the order of their strides in what it computes that from, as far as these say:
    of an axis that is repeated they say nothing.
    Source: torch, `TensorIteratorBase::reorder_dimensions` (aten/src/ATen/TensorIterator.cpp).

    Args:
        order: how the axes of the gradient of the reduction lie.
        reduced: for each axis of more than one value of what is reduced whether it is.
        like_own: whether it is computed also from a tensor that lies as what is reduced.
    """
    if order is None:
        return None
    count = len(reduced)
    left = [axis for axis, gone in enumerate(reduced) if not gone]
    places = [{left[axis]: n for n, axis in enumerate(_axes_in(order, len(left), False))}]
    if like_own:
        places.append({axis: axis for axis in range(count)})
    return _by_places(places, count)


def order_by_value(*operands: HeldGradient) -> AxisOrder:
    """How the axes of a tensor lie that torch computes value by value from others, in turn."""
    known = [one for one in operands if not one.spread]
    if not known:
        return None
    if not known[0].repeated:
        return known[0].order
    count = len(known[0].repeated)
    places = []
    for one in known:
        again = one.repeated or (False,) * count
        axes = _axes_in(one.order, count, False)
        places.append({axis: place for place, axis in enumerate(axes) if not again[axis]})
    return _by_places(places, count)


def _by_places(places: Sequence[Mapping[int, int]], count: int) -> AxisOrder:
    """So many axes in the order that tensors say one after the other.

    Each has the places of its axes in memory, the slowest first, without those that are repeated.
    """
    found = [*reversed(range(count))]  # the fastest first
    for start in range(1, count):
        at = start
        for other in reversed(range(start)):
            a, b = found[other], found[at]
            place = next((each for each in places if a in each and b in each), None)
            if place is None:
                continue
            if place[a] > place[b]:
                break
            found[other], found[at] = b, a
            at = other
    return _named(tuple(reversed(found)), count, items=False)


def order_in_memory(shape: Sequence[int], strides: Sequence[int], batch: int) -> AxisOrder:
    """How the axes of a map lie, whose images are its first axis, or that and its items.

    None also where images do not lie behind one another, or one value stands for several.
    """
    axes = [axis for axis, size in enumerate(shape) if size > 1]
    lying = sorted(axes, key=lambda axis: -strides[axis])
    if not all(strides[axis] for axis in axes) or (batch > 1 and lying[:1] != axes[:1]):
        return None
    items = shape[0] > batch
    if not items and axes[:1] == [0]:
        axes, lying = axes[1:], lying[1:]
    return _named(tuple(map(axes.index, lying)), len(axes), items=items)
