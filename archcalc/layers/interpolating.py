"""Layers that read a map at places that another input says, between its positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Effect, Saved, Storage
from archcalc.layers.join import Join
from archcalc.layers.layer import Category, Layer
from archcalc.layers.operator import (
    USUAL,
    Circumstances,
    Gradient,
    Kept,
    Operator,
    Taken,
    Tensor,
)
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import require_equal
from archcalc.regions.bits import NotFollowedError
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import Reach, Windows

Reading: TypeAlias = Literal["bilinear", "nearest", "bicubic"]
Beyond: TypeAlias = Literal["zeros", "border", "reflection"]

# Of each coordinate: the position before it; how far behind that, and before the next; of a cubic
# two weights of 5 operations and two of 6, at three more distances.
_OF_COORDINATE = {"nearest": 1, "bilinear": 3, "bicubic": 2 + 3 + 2 * 5 + 2 * 6}
_TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}  # along an axis


def ops_of_place(axes: int, mode: Reading = "bilinear") -> int:
    """Operations to find the positions around a place, and their weights, which are products."""
    return axes * _OF_COORDINATE[mode] + (axes - 1) * _weights(axes, mode)


def ops_of_value(axes: int, mode: Reading = "bilinear") -> int:
    """Operations to sum up the weighted values of these positions."""
    taps = _TAPS[mode] ** axes
    return 2 * taps - 1 if taps > 1 else 0


def _weights(axes: int, mode: Reading) -> int:
    return 0 if mode == "nearest" else _TAPS[mode] ** axes


class ReadsAtPlaces(Join):
    """A layer that reads its first input at places that depend on the values of the others.

    Where a unit looks is no matter of sizes, so that what it sees along the spatial axes of the
    first input is unknown.
    """

    category: ClassVar[Category] = Category.RESAMPLING
    spreads: ClassVar[bool] = False

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        if patch.channels and all(patch.positions):
            raise NotFollowedError
        yield from ()


@register
class GridSample(ReadsAtPlaces):
    """A map read at the places of a grid, as `torch.nn.functional.grid_sample`.

    Inputs: a map (C, h, w) and a grid (m, n, 2) of places (x, y), each from -1 to 1 across the
    map; of three axes (C, d, h, w) and (k, m, n, 3). Output (C, m, n), or (C, k, m, n).
    `align_corners`: -1 and 1 are the centres of the outermost positions, else their outer edges.
    `padding_mode` says what is beyond these: zeros, the nearest value, or the map mirrored.
    Operations, of a axes: for each place 4 a to scale it (3 a with `align_corners`), and to find
    the positions around it and their weights a (nearest), 3 a + (a - 1) 2**a (bilinear, of
    three axes trilinear) or 70 (bicubic); for each value none, 2**(a+1) - 1, or 31.
    Source: Jaderberg et al. 2015 (arXiv:1506.02025), section 3.3; Keys 1981.
    """

    kind: ClassVar[str] = "grid_sample"

    mode: Reading = "bilinear"
    padding_mode: Beyond = "zeros"
    align_corners: bool = False

    def effect_on(self, x: FeatureMap, /, *others: FeatureMap) -> Effect:
        if len(others) != 1:
            raise LayerError(f"takes a map and a grid; {1 + len(others)} inputs are given")
        (grid,) = others
        axes = len(x.sizes)
        if axes not in (2, 3):
            raise LayerError(f"takes a map of two or three spatial axes, and {x} has {axes}")
        if self.mode == "bicubic" and axes == 3:
            raise LayerError("mode 'bicubic' is for two spatial axes")
        if grid.rank != x.rank:
            raise LayerError(f"a grid of {x.rank} axes for {x}, and {grid} has {grid.rank}")
        require_equal(
            grid.shape[-1], axes, "a grid of places of {} numbers, the last axis of {}, not {}",
            axes, grid, grid.shape[-1],
        )  # fmt: skip
        output = FeatureMap(x.channels, grid.shape[:-1])
        places = output.positions * (axes * (3 + (not self.align_corners)))
        places += output.positions * ops_of_place(axes, self.mode)
        return Effect(
            output=output,
            windows=(Reach.UNKNOWN,) * axes,
            state=(),
            macs=0,
            other_ops=places + output.values * ops_of_value(axes, self.mode),
            saved=(Saved.INPUT,),
            workspace=(),
            storage=Storage.OWN,
        )

    # ----- what torch runs -----

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        spread: list[Operator] = []
        tensors: list[Tensor] = [0, 1]
        for number in at.once if len(at.once) == 1 and at.several_images else ():
            makes = f"input{number} of each"
            tensors[number] = makes
            one = Taken(number, Gradient.REDUCED)
            spread.append(Operator("expand", (one,), inputs[number].values, view=True, makes=makes))
        # Where the grid has no gradient torch makes one all the same.
        x, grid = tensors
        takes = (Taken(x), Taken(grid, always=True))
        read = Operator(self.kind, takes, effect.output.values, tuple(map(Kept, tensors)))
        return (*spread, read)

    def memory_is_known(self, dtype: str, inputs: Sequence[FeatureMap], at: Circumstances) -> bool:
        return not at.on_gpu  # where cuDNN may do it

    # ----- what its units see -----

    def windows_along(
        self, number: int, inputs: Sequence[FeatureMap], windows: Windows
    ) -> tuple[ChannelWindow, ...]:
        axes = len(inputs[0].sizes)
        if number == 0:
            return (Reach.SAME, *[Reach.UNKNOWN] * axes)
        return (*[Reach.SAME] * axes, Reach.ALL)

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        axes = range(output.rank - 1)
        return (0, *[None] * len(axes)) if number == 0 else (None, *axes)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (ReadAnywhere(),)


class ReadAnywhere(GridSample):
    """What a grid's units see, linearly: their channel, wherever, and what says where."""
