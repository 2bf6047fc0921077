"""What the units of a network see, layer by layer, as far as that is found with bounded work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, Layer
from archcalc.quantity.arithmetic import LARGEST_INT64
from archcalc.quantity.conditions import remembered
from archcalc.receptive_field.by_channel import of_all
from archcalc.receptive_field.field import AxisField, PhasedField, SteppedField
from archcalc.receptive_field.origins import Origins
from archcalc.receptive_field.seen import (
    Fields,
    Seen,
    Units,
    UnitsSeen,
    units_of_inputs,
    whole_of,
)
from archcalc.window import Reach, TransposedWindow, Window, Windows

MOST_PHASE_WORK = 500_000  # intervals; beyond it, fields with phases count as unknown


class BoundedUnits:
    """What the units of each map of a network see, from layer to layer."""

    def __init__(self, inputs: Mapping[str, FeatureMap]) -> None:
        """`inputs`: the shapes of the network's inputs; the first is the image."""
        key = (units_of_inputs, *inputs.items())
        self._units = {**remembered(lambda: units_of_inputs(inputs), key)}
        self._image = next(iter(inputs.values()))
        self._seen = UnitsSeen(self._image)
        self._phase_work = 0

    def add(
        self,
        name: str,
        layer: Layer,
        effect: Effect,
        sources: Sequence[str],
        maps: Sequence[FeatureMap],
    ) -> Units:
        """What the units of a layer see.

        Args:
            name: of the layer.
            sources: the names of what it is computed from, the shapes of which are `maps`.
        """
        seen = [self._units[source] for source in sources]
        found = remembered(
            lambda: self._seen.after(layer, effect, seen, maps),
            (BoundedUnits, self._image),
            (effect, *seen),
        )
        passed_on = bool(seen) and found is seen[0]  # as it was
        for _, part in () if passed_on else found.seen.parts:
            if not all(map(_is_bounded, part.local)):
                far = of_all(Seen(*[tuple(map(_bounded, axes)) for axes in whole_of(found)]))
                found = Units(far, found.origins)
                break
            self._phase_work += _phase_work(part.local, effect.windows, len(seen))
        if self._phase_work > MOST_PHASE_WORK:
            found = Units(of_all(Seen(*map(_without_phases, whole_of(found)))), found.origins)
        self._units[name] = found
        return found


class NoUnits(BoundedUnits):
    """In its place, where nobody asks what units see: all is unknown."""

    def __init__(self, inputs: Mapping[str, FeatureMap]) -> None:
        unknown = (Reach.UNKNOWN,) * len(next(iter(inputs.values())).grid)
        self._unknown = of_all(Seen(unknown, unknown))

    def add(
        self,
        name: str,
        layer: Layer,
        effect: Effect,
        sources: Sequence[str],
        maps: Sequence[FeatureMap],
    ) -> Units:
        """Nothing that is known."""
        return Units(self._unknown, Origins((None,) * effect.output.rank))


def _without_phases(field: Fields) -> Fields:
    return tuple([Reach.UNKNOWN if isinstance(axis, PhasedField) else axis for axis in field])


def _is_bounded(axis: AxisField) -> bool:
    """Without a bound, the numbers of a long chain of strides would fill the memory."""
    jump = None if isinstance(axis, Reach) else axis.jump
    return bool(getattr(jump, "numerator", 0) <= LARGEST_INT64)  # of ints and fractions


def _bounded(axis: AxisField) -> AxisField:
    return axis if _is_bounded(axis) else Reach.UNKNOWN


def _phase_work(seen: Fields, windows: Windows, inputs: int) -> int:
    """How many intervals, or pairs of stairs, it took about to find the phases in `seen`."""
    work = 0
    for number, axis in enumerate(seen):
        if isinstance(axis, SteppedField):
            work += (inputs * (len(axis.firsts) + len(axis.lasts))) ** 2
        elif isinstance(axis, PhasedField):
            window = (
                windows[number] if isinstance(windows, tuple) and number < len(windows) else None
            )
            each = window.kernel if isinstance(window, (Window, TransposedWindow)) else inputs
            most = 2 * axis.period
            work += axis.period * (min(each, most) if isinstance(each, int) else most)
    return work
