"""Layers that move values: between channels and space, into a border, out of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import per_side, require_spatial, require_up_to_three
from archcalc.layers.effect import Effect, Saved, Storage, pointwise, without_parameters
from archcalc.layers.layer import Category, Layer, Sides
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Order, Taken, Tensor
from archcalc.layers.registry import register
from archcalc.quantity.arithmetic import (
    Quantity,
    certainly_at_least,
    certainly_equal,
    product,
    require_at_least,
    require_multiple,
    smallest,
)
from archcalc.record import replace
from archcalc.regions.bits import NotFollowedError, full, members, shifted, single, spread, thinned
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import (
    TransposedWindow,
    Window,
    Windows,
)

Filling: TypeAlias = Literal["constant", "reflect", "replicate", "circular"]
MOST_PHASES = 64  # along each axis: of a pixel shuffle, more are not followed one by one


class Resampling(Layer):
    """What changes the size of a map, without weights."""

    category: ClassVar[Category] = Category.RESAMPLING


def _require_image(x: FeatureMap, factor: Quantity) -> None:
    """Raises LayerError unless `x` has two axes that blocks of factor x factor can lie along."""
    if len(x.sizes) != 2:
        raise LayerError(f"needs 2 spatial axes, not {len(x.sizes)}")
    require_at_least(factor, 1, "a factor of {}", factor)


@register
class PixelShuffle(Resampling):
    """Moves channels into space, as `torch.nn.PixelShuffle`.

    Shapes: (C, h, w) -> (C / factor**2, factor h, factor w).
    Source: Shi et al. 2016 (arXiv:1609.05158), section 2.2.
    """

    kind: ClassVar[str] = "pixel_shuffle"
    keeps_order: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    factor: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        _require_image(x, self.factor)
        square = self.factor**2
        require_multiple(
            x.channels, square, "{} channels do not divide by {} squared", x.channels, self.factor
        )
        sizes = tuple([n * self.factor for n in x.sizes])
        windows = (nearest(self.factor),) * 2
        return without_parameters(FeatureMap(x.channels // square, sizes), windows)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Window(self.factor**2, self.factor**2)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """(c, h, w) is channel c f**2 + (h % f) f + w % f at (h // f, w // f)."""
        if self.factor > MOST_PHASES:
            raise NotFollowedError
        channels = spread(patch.channels, self.factor**2)
        for phase in range(self.factor**2):
            starts = divmod(phase, self.factor)
            positions = [
                thinned(bits, self.factor, start)
                for bits, start in zip(patch.positions, starts, strict=True)
            ]
            yield 0, Patch(channels << phase, tuple(positions))


@register
class PixelUnshuffle(Resampling):
    """Moves space into channels, as `torch.nn.PixelUnshuffle`: undoes a pixel shuffle.

    Shapes: (C, h, w) -> (C factor**2, h / factor, w / factor).
    Source: Shi et al. 2016 (arXiv:1609.05158), section 2.2, the other way round; Redmon &
    Farhadi 2017 (arXiv:1612.08242), section 2, fine-grained features ("reorg").
    """

    kind: ClassVar[str] = "pixel_unshuffle"
    keeps_order: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    factor: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        _require_image(x, self.factor)
        for n in x.sizes:
            require_multiple(n, self.factor, "{} positions do not divide by {}", n, self.factor)
        sizes = tuple([n // self.factor for n in x.sizes])
        windows = (Window(self.factor, self.factor),) * 2
        return without_parameters(FeatureMap(x.channels * self.factor**2, sizes), windows)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return nearest(self.factor**2)

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """(c, h, w) is channel c // f**2 at (h f + c // f % f, w f + c % f)."""
        if self.factor > MOST_PHASES:
            raise NotFollowedError
        for phase in range(self.factor**2):
            channels = thinned(patch.channels, self.factor**2, phase)
            starts = divmod(phase, self.factor)
            positions = [
                shifted(spread(bits, self.factor), start)
                for bits, start in zip(patch.positions, starts, strict=True)
            ]
            yield 0, Patch(channels, tuple(positions))


@register
class Pad(Resampling):
    """Surrounds a map, as `torch.nn.functional.pad`; a negative side is cut off.

    Shapes: (C, n…) -> (C, before + n + after…).
    Filled with `value` (constant); with the map mirrored at its border (reflect), so that a side
    is less than n; with its border (replicate); or with its other end (circular), so that a side
    is n at the most, and none is cut off.
    Source: torch; Zhu et al. 2017 (arXiv:1703.10593), section 7.2, for reflection.
    """

    kind: ClassVar[str] = "pad"
    keeps_order: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    sides: Sides
    mode: Filling = "constant"
    value: float = 0.0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        if self.mode != "constant":
            require_up_to_three(x)
        sides = per_side(self.sides, x, "sides")
        for n, side in zip(x.sizes, sides, strict=True):
            self._require_filled(n, *side)
        sizes = tuple(
            [n + before + after for n, (before, after) in zip(x.sizes, sides, strict=True)]
        )
        windows = tuple([Window(1, 1, before, after) for before, after in sides])
        saved = (Saved.INPUT,) if self.mode in ("reflect", "replicate") else ()
        return without_parameters(FeatureMap(x.channels, sizes), windows, saved=saved)

    def orders_as_input(self, x: FeatureMap) -> bool:
        sides = [side for pair in per_side(self.sides, x, "sides") for side in pair]
        # A clone, where nothing is filled.
        return self.mode == "constant" and all(certainly_at_least(0, n) for n in sides)

    def _require_filled(self, n: Quantity, before: Quantity, after: Quantity) -> None:
        left = n + before + after
        require_at_least(left, 1, "{} before and {} after leave nothing of {}", before, after, n)
        for side in (before, after):
            if self.mode == "reflect":
                require_at_least(n - 1, side, "{} to reflect on a side of {}", side, n)
            elif self.mode == "circular":
                require_at_least(n, side, "{} to go around on a side of {}", side, n)
                require_at_least(side, 0, "{} on a side, where it goes around", side)
        if self.mode == "constant":
            kept = n + smallest(before, 0) + smallest(after, 0)
            require_at_least(kept, 0, "{} and {} cut off more than {}", before, after, n)

    def probe(self, x: FeatureMap, /, *others: FeatureMap) -> tuple[Layer, ...]:
        return (Pad(sides=self.sides, mode=self.mode),)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        """Around in a circle torch copies the map into a larger one, and then end after end there.

        The gradient behind each copy is copied, and what was written over set to 0 in it.
        """
        if self.mode == "constant":
            return super().operators(effect, *inputs)
        if self.mode != "circular":
            (one,) = super().operators(effect, *inputs)
            return (replace(one, takes=(Taken(0),)),)  # torch's other kernels keep no order
        (x,), values = inputs, effect.output.values
        found: list[Operator] = []
        source: Tensor = 0
        for axis in range(len(x.sizes)):
            makes = f"inside{axis}"
            found.append(Operator("slice", (Taken(source),), x.values, view=True, makes=makes))
            source = makes
        takes: tuple[Taken, ...] = (Taken(source, scratch=(values,)),)
        found.append(Operator("copy_", takes, values, makes="filled"))
        sides = per_side(self.sides, x, "sides")
        for size, pair in zip(reversed(effect.output.sizes), reversed(sides), strict=True):
            for side in pair:
                if certainly_equal(side, 0):
                    continue
                filled, number, end = found[-1].makes, len(found), values // size * side
                part = Operator("slice", (Taken(filled),), end, view=True, makes=f"end{number}")
                takes = (Taken(filled, scratch=(end,)), Taken(part.makes))
                copy = Operator("copy_", takes, values, view=True, makes=f"filled{number}")
                found += [part, copy]
        return (*found[:-1], replace(found[-1], makes=""))

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        """What lies around the map is read from where it is filled from."""
        if self.mode == "constant":
            yield from super().reads(patch, inputs, windows)
            return
        (x,) = inputs
        sides = per_side(self.sides, x, "sides")
        positions = [
            self._filled_from(bits, n, before)
            for bits, n, (before, _) in zip(patch.positions, x.sizes, sides, strict=True)
        ]
        yield 0, Patch(patch.channels, tuple(positions))

    def _filled_from(self, outputs: int, n: int, before: int) -> int:
        """The inputs, of n along an axis, that some outputs are copies of."""
        found = shifted(outputs, -before) & full(n)
        around = outputs & ~shifted(full(n), before)
        for output in members(around):
            place = output - before
            if self.mode == "reflect":
                place = -place if place < 0 else 2 * (n - 1) - place
            elif self.mode == "replicate":
                place = 0 if place < 0 else n - 1
            else:
                place %= n
            found |= single(place)
        return found


@register
class Crop(Resampling):
    """Cuts the border of a map off.

    Shapes: (C, n…) -> (C, n - before - after…). A view: no memory of its own.
    Source: Ronneberger et al. 2015 (arXiv:1505.04597), section 2.
    """

    kind: ClassVar[str] = "crop"
    leaves_gaps: ClassVar[bool] = True

    sides: Sides

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_spatial(x)
        sizes, windows = [], []
        for n, (before, after) in zip(x.sizes, per_side(self.sides, x, "sides"), strict=True):
            require_at_least(before, 0, "{} on a side", before)
            require_at_least(after, 0, "{} on a side", after)
            sizes.append(n - before - after)
            require_at_least(sizes[-1], 1, "cropping {} and {} off {}", before, after, n)
            windows.append(Window(1, 1, -before, -after))
        output = FeatureMap(x.channels, tuple(sizes))
        return without_parameters(output, tuple(windows), storage=Storage.SHARED)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        """Cuts one axis after the other, of those that anything is cut off."""
        (x,) = inputs
        sizes, found = list(x.sizes), []
        source: Tensor = 0
        for axis, size in enumerate(effect.output.sizes):
            if sizes[axis] == size:
                continue
            sizes[axis] = size
            values, makes = x.channels * product(sizes), f"cut{axis}"
            found.append(Operator("slice", (Taken(source),), values, view=True, makes=makes))
            source = makes
        if not found:
            return (Operator("alias", (Taken(0, Gradient.SAME),), x.values, view=True),)
        return (*found[:-1], replace(found[-1], makes=""))


@register
class PadChannels(Resampling):
    """Adds channels of zeros: the parameter-free shortcut of ResNet, its option A.

    Shapes: (C, n…) -> (before + C + after, n…).
    Source: He et al. 2016 (arXiv:1512.03385), section 3.3.
    """

    kind: ClassVar[str] = "pad_channels"
    keeps_order: ClassVar[bool] = True
    gradient_order: ClassVar[Order] = Order.KEPT

    before: Quantity = 0
    after: Quantity = 0

    def effect_on(self, x: FeatureMap, /) -> Effect:
        require_at_least(self.before, 0, "{} channels before", self.before)
        require_at_least(self.after, 0, "{} channels after", self.after)
        output = FeatureMap(self.before + x.channels + self.after, x.sizes)
        return pointwise(x, ops_each=0, saved=(), output=output)

    def orders_as_input(self, x: FeatureMap) -> bool:
        return certainly_equal(self.before + self.after, 0)  # a clone

    def widths(self, x: FeatureMap) -> tuple[str, ...]:
        return ("before", "after")

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return Window(1, 1, self.before, self.after)


def nearest(factor: Quantity) -> TransposedWindow:
    """Each input reaches the `factor` outputs that lie over it."""
    return TransposedWindow(factor, factor)
