"""What all layers that slide a window share: their windows along the axes, and output sizes."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_axis, per_side, require_spatial, require_up_to_three
from archcalc.layers.effect import Extra
from archcalc.layers.layer import Axes, Padding, Sides
from archcalc.quantity.arithmetic import Quantity, certainly_equal, product, require_at_least
from archcalc.window import TransposedWindow, Window


def sliding_windows(
    x: FeatureMap, kernel: Axes, stride: Axes, padding: Padding, dilation: Axes
) -> tuple[Window, ...]:
    """The window along each spatial axis of `x`.

    `padding` is a number, one per axis, (before, after) per axis, "valid" (none) or "same"
    (TensorFlow's: ceil(n / stride) outputs, the odd position after).
    """
    require_spatial(x)
    require_up_to_three(x)
    for value in per_axis(stride, x, "stride"):
        require_at_least(value, 1, "a stride of {}", value)
    windows = unchecked_windows(x, kernel, stride, padding, dilation)
    for window in windows if not isinstance(padding, str) else ():
        require_at_least(window.before, 0, "a padding of {}", window.before)
        require_at_least(window.after, 0, "a padding of {}", window.after)
    return windows


def unchecked_windows(
    x: FeatureMap, kernel: Axes, stride: Axes, padding: Padding, dilation: Axes
) -> tuple[Window, ...]:
    """As `sliding_windows`, also where these refuse a figure, for torch to judge it."""
    kernels = per_axis(kernel, x, "kernel")
    strides = per_axis(stride, x, "stride")
    dilations = per_axis(dilation, x, "dilation")
    if padding == "same":
        return tuple(map(Window.same, kernels, strides, dilations, x.sizes))
    sides = per_side(given_sides(padding), x, "padding")
    return tuple(
        Window(k, s, before, after, d)
        for k, s, (before, after), d in zip(kernels, strides, sides, dilations, strict=True)
    )


def given_sides(padding: Padding) -> Sides:
    """A padding that is not "same" as numbers."""
    if not isinstance(padding, str):
        return padding
    if padding != "valid":
        raise LayerError(f"padding {padding!r} is neither 'same' nor 'valid'")
    return 0


def placements(
    windows: tuple[Window, ...], x: FeatureMap, ceil: bool = False
) -> tuple[Quantity, ...]:
    """The output size along each axis: how often each window fits."""
    return tuple([w.placements(n, ceil) for w, n in zip(windows, x.sizes, strict=True)])


def pads_alike(windows: Sequence[Window] | Sequence[TransposedWindow]) -> bool:
    """Whether the padding is the same on both sides of each axis, as torch's own has to be.

    Any other takes a copy of the map, padded or cropped. So does "same" on sizes that are symbols
    or arrays wherever it depends on them which side has the odd position.
    """
    return all(certainly_equal(w.before, w.after) for w in windows)


def padded_copy(x: FeatureMap, windows: tuple[Window, ...], copied: bool) -> tuple[Extra, ...]:
    """The padded copy of the map, which is needed in its place; nothing unless `copied`."""
    if not copied:
        return ()
    padded = [n + w.before + w.after for n, w in zip(x.sizes, windows, strict=True)]
    return (Extra("intermediate", x.channels * product(padded)),)
