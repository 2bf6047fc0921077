"""Which axes of the image the axes of a map run along.

A layer slides its windows along the axes of its input. Of a map these are the axes of the image,
behind the channels. Of tokens the first axis runs along all of them, row by row; of windows each
axis of the image is in two, one from window to window and one within; and of what a matrix product
gives, each of two axes may run along the same axis of the image. So each axis of a map has an
origin, and what a layer does along it is done along that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from archcalc.feature_map import FeatureMap
from archcalc.layers.moves import Moved
from archcalc.quantity.arithmetic import Quantity, certainly_equal, certainly_one, product
from archcalc.regions.reading import ChannelWindow
from archcalc.window import (
    AdaptiveWindow,
    AxisWindow,
    InterpolatedWindow,
    Reach,
    TransposedWindow,
    Window,
)

_OVER_ALL = (Reach.ALL, Reach.STATISTICS, Reach.BEFORE)


class Part(NamedTuple):
    """Some of the steps along an axis of the image.

    Attributes:
        along: the number of that axis; None for steps along none, such as channels.
        size: how many steps.
        step: the positions along that axis from one step to the next.
        total: the positions that the axis had where it was taken apart.
    """

    along: int | None
    size: Quantity
    step: Quantity
    total: Quantity


class Merged(NamedTuple):
    """Parts of one axis or of several, as one axis: the first goes slowest."""

    parts: tuple[Part, ...]


class Mixed(NamedTuple):
    """Positions along axes of the image, in an order that is not followed.

    Attributes:
        along: the numbers of these axes.
        complete: whether all of their positions are there.
    """

    along: frozenset[int]
    complete: bool


class Scattered(NamedTuple):
    """Positions along axes of the image, over all axes together that are scattered so.

    Attributes:
        along: the numbers of these axes of the image.
    """

    along: frozenset[int]


# The number of an axis of the image, if it runs along that alone, from end to end; None for none.
Origin: TypeAlias = "int | Merged | Mixed | Scattered | None"


class Origins(NamedTuple):
    """The origin of each axis of a map, and of its items."""

    axes: tuple[Origin, ...]
    items: Origin = None

    @property
    def every(self) -> tuple[Origin, ...]:
        """Of the items first, then of each axis."""
        return (self.items, *self.axes)


@cache
def origins_as_image(axes: int) -> Origins:
    """Of a map as the image itself: channels, then its axes."""
    return Origins((None, *range(axes)))


def origins_of(image: FeatureMap) -> Origins:
    """Of the network's input itself."""
    if image.dtype is None:
        return origins_as_image(len(image.sizes))
    return Origins(tuple(range(image.rank)))


def followed(origin: Origin) -> frozenset[int]:
    """The axes of the image that an axis runs along, or along a part of."""
    if origin is None:
        return frozenset()
    if isinstance(origin, int):
        return frozenset((origin,))
    if isinstance(origin, (Mixed, Scattered)):
        return origin.along
    return frozenset([part.along for part in origin.parts if part.along is not None])


def position_along(axis: int, origins: Origins, at: Mapping[int, int]) -> int | None:
    """Where along an axis of the image a unit stands; None where that is not known.

    Args:
        at: the place of the unit along some axes of its map, by their numbers.
    """
    found = None
    for number, origin in enumerate(origins.axes):
        if axis not in followed(origin):
            continue
        if number not in at or isinstance(origin, (Mixed, Scattered)):
            return None
        if isinstance(origin, int):
            return at[number]
        assert isinstance(origin, Merged)
        rest = at[number]
        for part in reversed(origin.parts):
            rest, step = divmod(rest, part.size)
            if part.along == axis:
                found = (found or 0) + step * part.step
    return None if axis in followed(origins.items) else found


# ----- windows along the axes of a map, and along those of the image -----


def along_image(
    windows: Sequence[ChannelWindow], origins: Origins, axes: int
) -> tuple[AxisWindow, ...]:
    """What a layer does along each of the `axes` of the image, from its windows along a map's."""
    return tuple([_along(axis, windows, origins) for axis in range(axes)])


def _along(axis: int, windows: Sequence[ChannelWindow], origins: Origins) -> AxisWindow:
    slid = [
        (origin, window)
        for origin, window in zip(origins.axes, windows, strict=True)
        if axis in followed(origin) and not _leaves_positions(origin, window)
    ]
    if not slid:
        # Units that all see the same: where none of them reaches, there are some that see nothing.
        gaps = any(
            origin is None and isinstance(window, TransposedWindow) and window.leaves_gaps
            for origin, window in zip(origins.axes, windows, strict=True)
        )
        return Reach.UNKNOWN if gaps else Reach.SAME
    over_all = [(origin, window) for origin, window in slid if window in _OVER_ALL]
    scattered = [
        window
        for origin, window in zip(origins.axes, windows, strict=True)
        if isinstance(origin, Scattered) and axis in origin.along
    ]
    of_scattered = bool(scattered) and all(window in _OVER_ALL for window in scattered)
    if of_scattered or _has_all(axis, [origin for origin, _ in over_all]):
        ways = {window for _, window in over_all}
        return Reach.STATISTICS if ways == {Reach.STATISTICS} else Reach.ALL
    (origin, window), *others = slid
    if origin == axis and not others and isinstance(
        window, (Window, TransposedWindow, InterpolatedWindow, AdaptiveWindow, Reach)
    ):  # fmt: skip
        return window
    return Reach.UNKNOWN


def _leaves_positions(origin: Origin, window: ChannelWindow) -> bool:
    """Whether it slides nothing along positions: it may still take some channels before them."""
    if window is Reach.SAME:
        return True
    if not (isinstance(origin, Merged) and isinstance(window, Window)):
        return False
    channels, *others = origin.parts
    numbers = (window.before, window.after, *[part.size for part in others])
    if channels.along is not None or not all(isinstance(number, int) for number in numbers):
        return False
    each = product([part.size for part in others])
    takes = window.kernel == window.stride == 1
    return takes and window.before % each == 0 == window.after % each


def _has_all(axis: int, origins: Iterable[Origin]) -> bool:
    """Whether some axes together run along all positions of an axis of the image."""
    parts: list[Part] = []
    for origin in origins:
        if origin == axis or (isinstance(origin, Mixed) and origin.complete):
            return True
        if isinstance(origin, Merged):
            parts += [part for part in origin.parts if part.along == axis]
    return bool(parts) and certainly_equal(product([p.size for p in parts]), parts[0].total)


# ----- behind a layer -----


def origin_behind(origin: Origin, window: ChannelWindow) -> Origin:
    """The origin of an axis along which a window was slid."""
    if isinstance(origin, int | None) or _leaves_positions(origin, window):
        return origin if window is Reach.SAME else _of_fewer_channels(origin, window)
    if window is Reach.ALL and isinstance(origin, Merged):
        return None  # every unit sees all of them, and stands for none
    if window in _OVER_ALL or isinstance(origin, Scattered):
        return origin
    return Mixed(followed(origin), complete=False)


def _of_fewer_channels(origin: Origin, window: ChannelWindow) -> Origin:
    if not (isinstance(origin, Merged) and isinstance(window, Window)):
        return origin
    channels, *others = origin.parts
    each = product([part.size for part in others])
    left = channels.size + (window.before + window.after) // each
    return Merged((channels._replace(size=left), *others))


def in_pieces(origin: Origin) -> Origin:
    """The origin of an axis beside whose positions there are others then."""
    return None if origin is None else Mixed(followed(origin), _is_complete(origin))


def moved(origins: Origins, how: Moved) -> Origins:
    """The origins of the axes of a map whose values have moved."""
    factors: list[tuple[Part, ...] | Mixed] = []
    for origin, sizes in zip(origins.every, how.split, strict=True):
        factors += _taken_apart(origin, sizes)
    items, *axes = [_put_together([factors[n] for n in axis]) for axis in how.joined]
    return Origins(tuple(axes), items)


def _taken_apart(origin: Origin, sizes: Sequence[Quantity]) -> Sequence[tuple[Part, ...] | Mixed]:
    """An axis as its factors, each of which runs along some parts of what the axis runs along."""
    if not isinstance(origin, (Mixed, Scattered)):
        total = product(sizes)
        if origin is not None and certainly_one(total):  # it stays the only position
            parts = origin.parts if isinstance(origin, Merged) else (Part(origin, 1, 1, 1),)
            return [parts, *[()] * (len(sizes) - 1)] if sizes else []
        left = origin.parts if isinstance(origin, Merged) else (Part(origin, total, 1, total),)
        found = _in_parts([*left], sizes)
        if found is not None:
            return found
    moving = [size for size in sizes if not certainly_one(size)]
    mixed = Mixed(followed(origin), len(moving) == 1 and _is_complete(origin))
    return [() if certainly_one(size) else mixed for size in sizes]


def _in_parts(left: list[Part], sizes: Sequence[Quantity]) -> list[tuple[Part, ...]] | None:
    """Parts, the first of which goes slowest, as those of each factor; None where they clash."""
    found: list[tuple[Part, ...]] = []
    for number, size in reversed([*enumerate(sizes)]):
        own: list[Part] = []
        while not certainly_one(size):
            if not left:  # open sizes, of which nobody knows that they are as many
                return None
            last = left.pop()
            if certainly_equal(last.size, size):
                own.insert(0, last)
                break
            if len(left) == 0 and number > 0:  # of the last part there is enough for all others
                rest = product(sizes[:number])
                own.insert(0, last._replace(size=size))
                left.append(last._replace(size=rest, step=last.step * size))
                break
            if not (isinstance(size, int) and isinstance(last.size, int)):
                return None
            if size % last.size == 0:
                own.insert(0, last)
                size //= last.size
            elif last.size % size == 0:
                own.insert(0, last._replace(size=size))
                left.append(last._replace(size=last.size // size, step=last.step * size))
                break
            else:
                return None
        found.insert(0, tuple(own))
    return found


def _is_complete(origin: Origin) -> bool:
    """Whether all positions of all axes of the image that it runs along are there."""
    return all(_has_all(axis, [origin]) for axis in followed(origin))


def _put_together(factors: Sequence[tuple[Part, ...] | Mixed]) -> Origin:
    """The origin of an axis of some factors."""
    mixed = [factor for factor in factors if isinstance(factor, Mixed)]
    parts = [part for factor in factors if not isinstance(factor, Mixed) for part in factor]
    if mixed:
        along = frozenset([part.along for part in parts if part.along is not None])
        along = along.union(*[one.along for one in mixed])
        return Mixed(along, mixed[0].complete and len(mixed) == 1 and not parts)
    joined: list[Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if before is not None and before.along == part.along is not None and certainly_equal(
            before.step, part.size * part.step
        ):  # fmt: skip
            joined[-1] = part._replace(size=before.size * part.size)
        else:
            joined.append(part)
    if all(part.along is None for part in joined):
        return None
    (last, *others) = joined[::-1]
    whole = certainly_one(last.step) and certainly_equal(last.size, last.total)
    return last.along if whole and not others else Merged(tuple(joined))
