"""Fields with a value for each spatial axis, and those that are the number of an axis."""

from __future__ import annotations

from typing import TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.layer import Axes, Axis, Sides
from archcalc.quantity.arithmetic import Quantity

AxisNumbers: TypeAlias = "Axis | tuple[Axis, ...]"  # of one axis, or of several

_MOST_AXES = 3


def numbered(axis: Axis, x: FeatureMap) -> int:
    """The number of an axis of `x`, counted from the first.

    Raises:
        LayerError: there is no such axis.
    """
    axes = len(x.shape)
    if not -axes <= axis < axes:
        raise LayerError(f"no axis {axis} of {x}: its axes are 0 to {axes - 1}, or -{axes} to -1")
    return axis % axes


def per_axis(value: Axes, x: FeatureMap, field: str) -> tuple[Quantity, ...]:
    """`value` along each spatial axis of `x`."""
    axes = len(x.sizes)
    if not isinstance(value, tuple):
        return (value,) * axes
    if len(value) != axes:
        raise LayerError(f"{field} has {len(value)} values for {_axes(axes)}")
    return value


def per_side(value: Sides, x: FeatureMap, field: str) -> tuple[tuple[Quantity, Quantity], ...]:
    """`value` as (before, after) along each spatial axis of `x`."""
    if not isinstance(value, tuple):
        return ((value, value),) * len(x.sizes)
    if len(value) != len(x.sizes):
        raise LayerError(f"{field} has {len(value)} values for {_axes(len(x.sizes))}")
    return tuple(side if isinstance(side, tuple) else (side, side) for side in value)


def require_spatial(x: FeatureMap) -> None:
    """Raises LayerError where `x` has no spatial axis to slide along."""
    if not x.sizes:
        raise LayerError("needs at least one spatial axis, and a vector has none")


def require_up_to_three(x: FeatureMap) -> None:
    """Raises LayerError where `x` has more spatial axes than torch slides or normalizes along."""
    if len(x.sizes) > _MOST_AXES:
        raise LayerError(f"takes up to {_MOST_AXES} spatial axes, and {x} has {len(x.sizes)}")


def _axes(count: int) -> str:
    return f"{count} spatial axis" if count == 1 else f"{count} spatial axes"
