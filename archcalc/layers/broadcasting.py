"""Maps of unequal sizes, combined value by value: broadcasting, as torch does it with a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_equal,
    certainly_one,
    largest,
    may_be_one,
    require_equal,
)
from archcalc.record import replace

MISMATCH = "branches of {} and {} do not match"


def broadcast(maps: Sequence[FeatureMap]) -> FeatureMap:
    """The shape that maps of as many axes have together: of one position along an axis, it is
    spread over those of the others.

    torch counts axes from the last one. With a batch in front, maps of fewer axes would meet
    others than per image, and so they are refused.

    Raises:
        LayerError: they have different numbers of axes, or sizes that are neither equal nor 1.
    """
    first = maps[0]
    for other in maps:
        _require_as_many_axes(first, other)
    shape = tuple([_common(sizes) for sizes in zip(*[x.shape for x in maps], strict=True)])
    for axis, size in enumerate(shape):
        widest = next((x for x in maps if x.shape[axis] is size), first)
        for x in maps:
            if not certainly_one(x.shape[axis]):
                require_equal(size, x.shape[axis], MISMATCH, widest, x)
    return replace(first, channels=shape[0], sizes=shape[1:])


def spread_axes(x: FeatureMap, output: FeatureMap) -> tuple[bool, ...]:
    """Of each axis whether its one position in `x` is spread over several in the output."""
    sizes = zip(x.shape, output.shape, strict=True)
    return tuple([certainly_one(n) and not certainly_one(m) for n, m in sizes])


def is_spread(x: FeatureMap, output: FeatureMap) -> bool:
    """Whether `x` is spread along any axis."""
    return any(spread_axes(x, output))


def widest_first(maps: Sequence[FeatureMap], output: FeatureMap) -> tuple[int, ...]:
    """The numbers of the maps in the order in which they are combined: those that are spread last.

    So the first two give the shape of the output at once, if any map has it.
    """
    return tuple(sorted(range(len(maps)), key=lambda number: is_spread(maps[number], output)))


def _require_as_many_axes(x: FeatureMap, other: FeatureMap) -> None:
    if len(x.shape) == len(other.shape):
        return
    few, many = sorted((x, other), key=lambda one: len(one.shape))
    hint = f"{_axes(few)} and {_axes(many)}"
    if len(few.shape) == 1 and certainly_equal(few.channels, many.channels):
        ones = ", 1" * len(many.sizes)
        hint += f"; reshape: {{shape: [{few.channels}{ones}]}} makes it one value for each channel"
    raise LayerError(f"{MISMATCH.format(x, other)}: {hint}")


def _axes(x: FeatureMap) -> str:
    return f"{x} has {len(x.shape)} axis" if not x.sizes else f"{x} has {len(x.shape)}"


def _common(sizes: Sequence[Quantity]) -> Quantity:
    """The size that those of one position are spread over.

    Where free sizes leave open which it is, one that is certainly larger. If there is none, all
    are equal or all but one are 1: then the largest is right.
    """
    wide = [n for n in sizes if not certainly_one(n)]
    for size in wide:
        if not may_be_one(size):
            return size
    return reduce(_larger, wide) if wide else sizes[0]


def _larger(a: Quantity, b: Quantity) -> Quantity:
    return a if certainly_equal(a, b) else largest(a, b)
