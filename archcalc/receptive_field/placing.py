"""Where a layer leaves the positions of the image, by the axes of its inputs and its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, Layer
from archcalc.layers.broadcasting import spread_axes
from archcalc.layers.join import Join
from archcalc.layers.moves import Moved
from archcalc.quantity.arithmetic import certainly_one
from archcalc.receptive_field.origins import (
    Mixed,
    Origin,
    Origins,
    Scattered,
    along_image,
    followed,
    in_pieces,
    moved,
    origin_behind,
)
from archcalc.window import AxisWindow

_Place: TypeAlias = "tuple[int, Origin]"  # the number of an axis of the output, -1 of its items


class Placing:
    """Where a layer leaves the positions of the image.

    Attributes:
        windows: for each input, what the layer does to it along each axis of the image.
        spread: for each input, the axes of the image along which its single position is spread
            over those of the others.
        output: the origins of the axes of the output.
        clashing: the axes of the image along which it is not followed which unit of the output
            stands where: the inputs run along them in different ways, or their order is lost.
        in_a_row: whether units of the same channel come from one input or from another.
    """

    def __init__(
        self,
        layer: Layer,
        effect: Effect,
        origins: Sequence[Origins],
        maps: Sequence[FeatureMap],
        axes: int,
    ) -> None:
        self.windows: list[tuple[AxisWindow, ...]] = []
        self.spread: list[frozenset[int]] = []
        self._spread_axes: list[frozenset[int]] = []  # of the output
        self.clashing: set[int] = set()
        behind: list[Origins] = []
        along = layer.concatenates_along(maps[0]) if isinstance(layer, Join) and maps else None
        self.in_a_row = along not in (None, 0)
        for number, (own, x) in enumerate(zip(origins, maps, strict=False)):
            self._alone: frozenset[int] = frozenset()
            slid = layer.windows_along(number, maps, effect.windows)
            self.windows.append(along_image(slid, own, axes))
            after = own._replace(axes=tuple(map(origin_behind, own.axes, slid)))
            found = self._on_output(
                layer.axes_from(number, maps, effect.output), after, effect.output.rank
            )
            kept = found
            spread = numbers = frozenset[int]()
            if layer.spreads and len(found.axes) == x.rank == effect.output.rank:
                alone = enumerate(spread_axes(x, effect.output))
                numbers = frozenset([axis for axis, is_alone in alone if is_alone])
                kept, spread = _unspread(found, numbers)
            if along is not None:
                pieces = [in_pieces(o) if n == along else o for n, o in enumerate(kept.axes)]
                kept = kept._replace(axes=tuple(pieces))
            self.spread.append(spread | self._alone)
            self._spread_axes.append(numbers)
            behind.append(kept)
        self.output = self._joined(behind, axes)
        sizes = zip(self.output.every, (None, *effect.output.shape), strict=False)
        self._running = {
            number
            for number, (origin, size) in enumerate(sizes, -1)
            if followed(origin) and (size is None or not certainly_one(size))
        }

    def is_gate(self, number: int) -> bool:
        """Whether an input is a single position, spread over those of the others."""
        along = self._running or self.spread[number]
        return bool(along) and self._running <= self._spread_axes[number]

    def _on_output(
        self, how: Moved | Sequence[int | None] | None, origins: Origins, rank: int
    ) -> Origins:
        """The origins of one input as those of the axes of the output."""
        if how is None:
            every = frozenset().union(*map(followed, origins.every))
            self.clashing.update(every)
            return Origins((Scattered(every) if every else None,) * rank)
        if isinstance(how, Moved):
            return moved(origins, how)
        for number in set(range(len(origins.axes))) - {*how}:
            origin = origins.axes[number]
            if isinstance(origin, int):
                self._alone |= {origin}  # the units of one position are left
            else:
                self.clashing.update(followed(origin))
        axes = [None if n is None else origins.axes[n] for n in how]
        return Origins(tuple(axes), origins.items)

    def _joined(self, behind: Sequence[Origins], axes: int) -> Origins:
        """The origins of the output, from what those of each input would make them."""
        rank = max(len(own.axes) for own in behind)
        places = [_places(own) for own in behind]
        for axis in range(axes):
            along = [[(n, o) for n, o in own if axis in followed(o)] for own in places]
            first, *others = [place for place in along if place] or [[]]
            lost = any(isinstance(o, (Mixed, Scattered)) for place in along for _, o in place)
            if lost or any(place != first for place in others):
                self.clashing.add(axis)
        joined = []
        for number in range(-1, rank):
            own = [o for place in places for at, o in place if at == number]
            joined.append(_together(own))
        return Origins(tuple(joined[1:]), joined[0])


def _unspread(origins: Origins, spread: frozenset[int]) -> tuple[Origins, frozenset[int]]:
    """The origins without those of axes along which a single position is spread; and those."""
    found = frozenset().union(*[followed(origins.axes[number]) for number in spread])
    kept = [None if n in spread else origin for n, origin in enumerate(origins.axes)]
    return origins._replace(axes=tuple(kept)), found


def _places(origins: Origins) -> list[_Place]:
    return [(n, origin) for n, origin in enumerate(origins.every, -1) if origin is not None]


def _together(origins: Sequence[Origin]) -> Origin:
    """The origin of an axis that runs along some axes of the inputs."""
    if not origins:
        return None
    first, *others = origins
    if all(other == first for other in others):
        return first
    every = frozenset().union(*map(followed, origins))
    return Mixed(every, complete=False)
