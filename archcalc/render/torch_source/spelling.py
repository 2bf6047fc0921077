"""How a PyTorch programmer writes each layer kind: a layer and its maps -> a `Spelling`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import singledispatch
from typing import cast

from archcalc.feature_map import FeatureMap
from archcalc.layers import (
    Layer,
    activation,
    convolution,
    joining,
    linear,
    normalization,
    pooling,
    regularization,
    resampling,
    reshaping,
)
from archcalc.layers.layer import Axes, Padding, per_axis, per_side
from archcalc.window import Window

REQUIRED = object()  # the default of an argument that has none

_WIDTHS = ("in_channels", "channels", "groups", "in_features", "features")


class Weight(Enum):
    """How much of a line of code a layer is worth."""

    MAIN = "main"  # begins a line: a convolution, a pool, a block
    LIGHT = "light"  # stands on the line of the layer before it: a norm, an activation
    JOIN = "join"  # brings lines together


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a module, or a figure that its call mentions.

    Attributes:
        name: the keyword.
        default: left out where the value is this.
        role: what a class of ours calls it where it is a parameter of that class.
        positional: whether it is given by its place, even with a default.
        in_call: whether it stands in `Spelling.call`, and not in the module's construction.
    """

    name: str
    value: object
    default: object = REQUIRED
    role: str = ""
    positional: bool = False
    in_call: bool = False

    @property
    def family(self) -> str:
        """Arguments of one family may stand for each other where their values agree."""
        role = self.role or self.name
        return "width" if role.startswith(_WIDTHS) else role


@dataclass(frozen=True, slots=True)
class Spelling:
    """A layer as code.

    Attributes:
        callee: the class of the module; None where the layer is an expression alone.
        call: its use in `forward`; `{module}` is the module, `{0}` … the inputs, `{name}` an
            argument that is `in_call`.
        inline: a shorter use without a module, for `forward`; None where there is none.
        weight: how much of a line it is worth.
    """

    callee: str | None
    arguments: tuple[Argument, ...] = ()
    call: str = "{module}({0})"
    inline: str | None = None
    weight: Weight = Weight.LIGHT


@dataclass(frozen=True, slots=True)
class Setting:
    """What a layer's spelling depends on beside the layer itself.

    Attributes:
        inputs: shapes of its inputs.
        keeps_indices: whether it is a max pool that is undone later.
        undone: for a max unpool, the max pool that it undoes, and the map that this took in.
        uneven_same: whether some convolution of the network has `same` padding that differs
            between two sides; all with `same` then find their padding when they run.
    """

    inputs: tuple[FeatureMap, ...]
    keeps_indices: bool = False
    undone: tuple[pooling.MaxPool, FeatureMap] | None = None
    uneven_same: bool = False

    @property
    def x(self) -> FeatureMap:
        """The shape of the first input."""
        return self.inputs[0]

    @property
    def axes(self) -> int:
        """Number of spatial axes."""
        return len(self.x.sizes)


Sides = tuple[tuple[int, int], ...]


@singledispatch
def spell(layer: Layer, at: Setting) -> Spelling:
    """`layer` as code."""
    raise NotImplementedError(f"no spelling is registered for the layer kind {layer.kind!r}")


def sides_of(
    padding: Padding, x: FeatureMap, kernel: Axes, stride: Axes, dilation: Axes = 1
) -> Sides:
    """The padding as (before, after) along each spatial axis of `x`."""
    if padding == "same":
        figures = [per_axis(value, x, "") for value in (kernel, stride, dilation)]
        windows = map(Window.same, *figures, x.sizes)
        return tuple([(window.before, window.after) for window in windows])
    return per_side(0 if padding == "valid" else cast(Axes, padding), x, "padding")


def is_even(sides: Sides) -> bool:
    """Whether torch's own padding will do: the same on both sides of each axis."""
    return all(before == after for before, after in sides)
