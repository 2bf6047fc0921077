"""What a spelling depends on, and the arguments that spellings are made of."""

from __future__ import annotations

from functools import singledispatch

from archcalc.feature_map import FeatureMap
from archcalc.layers import Layer
from archcalc.layers.layer import Axes
from archcalc.record import Record
from archcalc.torch_spelling.spelling import REQUIRED, Argument, Spelling


class Setting(Record):
    """What the spelling of a layer depends on beside the layer.

    Attributes:
        inputs: shapes of its inputs.
        keeps_indices: whether it is a max pool that is undone later.
        uneven_same: whether a convolution of the network has `same` padding that differs
            between two sides; all with `same` then find their padding when they run.
    """

    inputs: tuple[FeatureMap, ...]
    keeps_indices: bool = False
    uneven_same: bool = False

    @property
    def x(self) -> FeatureMap:
        """The shape of the first input."""
        return self.inputs[0]

    @property
    def axes(self) -> int:
        """Number of spatial axes of the first input."""
        return len(self.x.sizes)


@singledispatch
def spell(layer: Layer, at: Setting) -> Spelling:
    """`layer` as code."""
    raise TypeError(f"no spelling is registered for the layer kind {layer.kind!r}")


def given(name: str, value: object, role: str = "") -> Argument:
    """An argument that is given by its place."""
    return Argument(name, value, role or name, positional=True)


def named(name: str, value: object, default: object = REQUIRED, role: str = "") -> Argument:
    """An argument that is given by its keyword, where its value is not the default."""
    return Argument(name, value, role or name, default)


def in_call(name: str, value: object) -> Argument:
    """A figure that the call of the layer mentions."""
    return Argument(name, value, name, in_call=True)


def tidy(value: Axes) -> object:
    """One number where it is the same along all axes."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def shortest(value: float) -> float:
    """A whole number without its `.0`."""
    return int(value) if value.is_integer() else value
