"""Some of the values along one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap
from archcalc.layers.along_axes import numbered
from archcalc.layers.effect import Effect, Storage, without_parameters
from archcalc.layers.integers import Integers
from archcalc.layers.layer import Axis, Category, Layer
from archcalc.layers.operator import USUAL, Circumstances, Gradient, Operator, Taken
from archcalc.layers.registry import register
from archcalc.layers.strides import Strides
from archcalc.quantity.arithmetic import (
    Quantity,
    ceil_div,
    certainly_at_least,
    certainly_equal,
    certainly_one,
    require_at_least,
)
from archcalc.record import replace
from archcalc.regions.bits import single
from archcalc.regions.patches import Patch
from archcalc.regions.reading import ChannelWindow
from archcalc.window import AxisWindow, Reach, Window, Windows


class _Slicing(Layer):
    """A view of some values along `axis`: 0 is the first, -1 the last."""

    category: ClassVar[Category] = Category.RESHAPING
    integers: ClassVar[Integers] = Integers.KEPT
    leaves_gaps: ClassVar[bool] = True

    axis: Axis = 0

    def _windows(self, x: FeatureMap, window: AxisWindow) -> Windows:
        along = numbered(self.axis, x)
        if along == 0:
            return Reach.SAME
        return tuple([window if n == along else Reach.SAME for n in range(1, x.rank)])


@register
class Slice(_Slicing):
    """The values start, start + step, … before `stop` along an axis, as a slice of Python's.

    Shapes: n -> ceil((stop - start) / step) along the axis; to the end where `stop` is not given,
    and numbers below 0 count from there. A view.
    """

    kind: ClassVar[str] = "slice"

    start: Quantity = 0
    stop: Quantity | None = None
    step: Quantity = 1

    def effect_on(self, x: FeatureMap, /) -> Effect:
        along = numbered(self.axis, x)
        size = x.shape[along]
        start, stop = self._ends(size)
        require_at_least(self.step, 1, "a step of {}", self.step)
        require_at_least(start, 0, "starts at {} of {}", self.start, size)
        require_at_least(size, stop, "stops at {} of {}", stop, size)
        require_at_least(stop - start, 1, "nothing from {} to {} of {}", start, stop, size)
        shape = [*x.shape]
        shape[along] = ceil_div(stop - start, self.step)
        output = FeatureMap(shape[0], tuple(shape[1:]))
        windows = self._windows(x, self._window(size))
        return without_parameters(output, windows, storage=Storage.SHARED)

    def operators(
        self, effect: Effect, *inputs: FeatureMap, at: Circumstances = USUAL
    ) -> tuple[Operator, ...]:
        (found,) = super().operators(effect, *inputs, at=at)
        # Torch takes no slice of all that there is, unless by a step or counted from the end.
        from_first = certainly_equal(self.start, 0) and certainly_one(self.step)
        whole = effect.output == inputs[0] and from_first
        return (replace(found, takes=(Taken(0, Gradient.SAME),)) if whole else found,)

    def _ends(self, size: Quantity) -> tuple[Quantity, Quantity]:
        return _from_front(self.start, size), size if self.stop is None else _from_front(
            self.stop, size
        )

    def _window(self, size: Quantity) -> Window:
        start, stop = self._ends(size)
        return Window(1, self.step, -start, stop - size)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return self._window(x.channels) if numbered(self.axis, x) == 0 else Reach.SAME

    def view_strides(
        self, before: Sequence[int], strides: Strides, after: Sequence[int], x: FeatureMap
    ) -> Strides | None:
        along = self.axis + 1 if self.axis >= 0 else len(before) + self.axis
        return tuple([each * self.step if n == along else each for n, each in enumerate(strides)])

    def scatters(self, x: FeatureMap) -> bool:
        return numbered(self.axis, x) == x.rank - 1 and not certainly_one(self.step)

    def follows(self, x: FeatureMap) -> tuple[str, ...]:
        if numbered(self.axis, x) != 0:
            return ()
        return ("start",) if self.stop is None else ("start", "stop")


@register
class Select(_Slicing):
    """The values at one place along an axis, which goes: (L, C) -> (C) of axis 0. A view.

    As `torch.select`; an `index` below 0 counts from the end.
    """

    kind: ClassVar[str] = "select"
    moves_axes: ClassVar[bool] = True

    index: Quantity

    def effect_on(self, x: FeatureMap, /) -> Effect:
        along = numbered(self.axis, x)
        if x.rank == 1:
            raise LayerError("nothing would be left of a vector")
        size = x.shape[along]
        index = _from_front(self.index, size)
        require_at_least(index, 0, "place {} of {}", self.index, size)
        require_at_least(size - 1, index, "place {} of {}", self.index, size)
        first, *others = [n for axis, n in enumerate(x.shape) if axis != along]
        windows = self._windows(x, self._window(size))
        return without_parameters(FeatureMap(first, tuple(others)), windows, storage=Storage.SHARED)

    def _window(self, size: Quantity) -> Window:
        index = _from_front(self.index, size)
        return Window(1, 1, -index, index + 1 - size)

    def channel_window(self, x: FeatureMap) -> ChannelWindow:
        return self._window(x.channels) if numbered(self.axis, x) == 0 else Reach.SAME

    def scatters(self, x: FeatureMap) -> bool:
        return numbered(self.axis, x) == x.rank - 1

    def axes_from(
        self, number: int, inputs: Sequence[FeatureMap], output: FeatureMap
    ) -> tuple[int | None, ...]:
        along = numbered(self.axis, inputs[number])
        return tuple([n for n in range(inputs[number].rank) if n != along])

    def reaches(
        self, channels: int, x: FeatureMap, output: FeatureMap, window: ChannelWindow
    ) -> int:
        if numbered(self.axis, x) != 0:
            return channels
        return (
            (1 << output.channels) - 1
            if channels & single(_from_front(self.index, x.channels))
            else 0
        )

    def reads(
        self, patch: Patch, inputs: Sequence[FeatureMap], windows: Windows
    ) -> Iterator[tuple[int, Patch]]:
        (x,) = inputs
        along = numbered(self.axis, x)
        sets = [patch.channels, *patch.positions]
        sets.insert(along, single(_from_front(self.index, x.shape[along])))
        yield 0, Patch(sets[0], tuple(sets[1:]))

    def view_strides(
        self, before: Sequence[int], strides: Strides, after: Sequence[int], x: FeatureMap
    ) -> Strides | None:
        along = self.axis + 1 if self.axis >= 0 else len(before) + self.axis
        return tuple([each for n, each in enumerate(strides) if n != along])


def _from_front(place: Quantity, size: Quantity) -> Quantity:
    """A place counted from the front; one below 0 is given from the end."""
    return size + place if certainly_at_least(-1, place) else place
