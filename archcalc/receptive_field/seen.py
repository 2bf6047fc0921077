"""What the units of a layer see, from what its inputs' units see: at all, and locally.

A gate that squeezes a whole map into one position, or a norm over all positions, makes every unit
behind it depend on every pixel. That is right, and says nothing about what the convolutions reach.
So each layer has two fields:

* the *receptive field*: every pixel that can influence a unit, in whatever way;
* the *local receptive field*: what it sees by convolutions and pools alone, gates and
  normalization left out.

Left out are

* of a norm its statistics: a group norm, a layer norm and a softmax over a vector are taken as
  pointwise, as a batch norm is at inference;
* of `add`, `average` and `multiply` the branches that are gates: a branch of a single position that
  is spread over the positions of the others (squeeze and excitation, global context), and a branch
  that sees the whole input along an axis along which another branch does not (products such as
  attention's). Where every branch is one, none is left out; and one that sees nothing, gates left
  out, as what is learned, makes no gate of another.

A `concat` has no gates: there the values of every branch go on as they are. What leads to a gate
has a local field as every layer: of a global pool it is the whole input. The two fields are the
same wherever neither a gate nor such a norm stands before.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, Layer
from archcalc.layers.join import combines, concatenates
from archcalc.quantity.arithmetic import certainly_at_least, certainly_one
from archcalc.receptive_field.by_channel import ByChannel, Values, adds_zeros, after, of_all
from archcalc.receptive_field.field import NOTHING, PIXEL, AxisField, Field, PhasedField
from archcalc.receptive_field.origins import Origins, origins_as_image, origins_of
from archcalc.receptive_field.placing import Placing
from archcalc.receptive_field.propagation import fields_after
from archcalc.record import Record, replace
from archcalc.window import Reach, Windows

Fields: TypeAlias = "tuple[AxisField, ...]"


_USUAL_FIELDS = (PIXEL, NOTHING)  # of a transformer, beside those that have no bounds


class Seen(NamedTuple):
    """What the units of a map see, along each spatial axis of the image.

    Attributes:
        field: all that can influence them: the receptive field.
        local: without gates and normalization: the local receptive field.
    """

    field: Fields
    local: Fields


class Units(Record):
    """What the units of a map see.

    Attributes:
        seen: of each channel.
        origins: which axes of the image the axes of the map run along.
    """

    seen: ByChannel[Seen]
    origins: Origins


def seen_of_input(image: FeatureMap) -> Seen:
    """What the pixels of the image see: themselves."""
    pixel = (PIXEL,) * len(image.grid)
    return Seen(pixel, pixel)


def units_of_input(image: FeatureMap) -> Units:
    """The pixels of the image."""
    return Units(of_all(seen_of_input(image)), origins_of(image))


def units_of_nothing(x: FeatureMap, image: FeatureMap) -> Units:
    """Of a map that is computed from no pixel of the image: from what is learned, say."""
    nothing = (NOTHING,) * len(image.grid)
    return Units(of_all(Seen(nothing, nothing)), Origins((None,) * x.rank))


def units_of_inputs(inputs: Mapping[str, FeatureMap]) -> dict[str, Units]:
    """The values of each input: of the first, which is the image, and of the others."""
    image, *others = inputs
    found = {name: units_of_nothing(inputs[name], inputs[image]) for name in others}
    return {image: units_of_input(inputs[image]), **found}


class UnitsSeen:
    """What units see, from layer to layer of one network.

    What is asked again is remembered: all but the first blocks of a transformer see alike. Layers
    that have one effect between them are alike.
    """

    def __init__(self, image: FeatureMap) -> None:
        """`image`: the shape of the network's input."""
        self._image = image
        self._usual = origins_as_image(len(image.grid))
        self._found: dict[tuple[int, ...], tuple[Effect, Sequence[Units], Units]] = {}
        self._alike: dict[Units, Units] = {}

    def after(
        self,
        layer: Layer,
        effect: Effect,
        inputs: Sequence[Units],
        maps: Sequence[FeatureMap],
    ) -> Units:
        """What the units of each channel of a layer see.

        Args:
            effect: what the layer does to its inputs.
            inputs: what the units of each input see.
            maps: the shapes of these inputs.
        """
        if not inputs:
            return units_of_nothing(effect.output, self._image)
        first, axes = inputs[0], len(self._image.grid)
        alike = len(inputs) == 1 and first.origins is self._usual and first.seen.is_whole
        alike = alike and not layer.moves_axes and not adds_zeros(layer, maps[0])
        if alike and len(effect.output.sizes) == axes > 0:  # most layers
            if effect.windows is Reach.SAME:
                return first
            whole = seen_after(layer, effect, [whole_of(first)], maps, self._image)
            return Units(of_all(whole), self._usual)
        asked = (id(effect), *map(id, inputs))
        if asked in self._found:
            return self._found[asked][-1]
        found = self._first_alike(_units_after(layer, effect, inputs, maps, self._image))
        self._found[asked] = effect, inputs, found  # which keeps what the numbers are of
        return found

    def _first_alike(self, units: Units) -> Units:
        """The first units that see what these see, of fields that are quickly compared."""
        try:
            hash(units)
        except TypeError:  # arrays have no hash, and are not compared
            return units
        each = [axis for _, part in units.seen.parts for axis in (*part.field, *part.local)]
        if not all(isinstance(axis, Reach) or axis in _USUAL_FIELDS for axis in each):
            return units
        return self._alike.setdefault(units, units)


def _units_after(
    layer: Layer,
    effect: Effect,
    inputs: Sequence[Units],
    maps: Sequence[FeatureMap],
    image: FeatureMap,
) -> Units:
    axes = len(image.grid)
    usual = origins_as_image(axes)
    plain = all(units.origins is usual for units in inputs) and not layer.moves_axes
    at = None
    if not (plain and all(x.sizes == effect.output.sizes for x in maps)):
        at = Placing(layer, effect, [units.origins for units in inputs], maps, axes)

    nothing = (NOTHING,) * axes
    joined = inputs if combines(layer) else ()
    blank = [n for n, units in enumerate(joined) if whole_of(units).local == nothing]

    def seen(each: Sequence[Seen]) -> Seen:
        return seen_after(layer, effect, each, maps[: len(each)], image, at, blank)

    values = Values(seen, _of_all_channels, _unless_moved, Seen(nothing, nothing))
    found = after(layer, effect, [units.seen for units in inputs], maps, values)
    if at is None:
        return Units(found, usual)
    if concatenates(layer, maps[0]):  # which does not always ask for what is seen behind it
        found = replace(found, parts=tuple([(c, _settled(at, one)) for c, one in found.parts]))
    return Units(found, usual if at.output == usual else at.output)


def whole_of(units: Units) -> Seen:
    """What the units of all channels of a map see together."""
    parts = units.seen.parts
    return parts[0][1] if len(parts) == 1 else _of_all_channels([seen for _, seen in parts])


def _of_all_channels(each: Sequence[Seen]) -> Seen:
    whole = fields_after([seen.field for seen in each], Reach.SAME)
    if all(seen.local is seen.field for seen in each):
        return Seen(whole, whole)
    return Seen(whole, fields_after([seen.local for seen in each], Reach.SAME))


def _unless_moved(seen: Seen) -> Seen:
    """What is still known of units in other places: whether they see everything."""
    field, local = (
        tuple([Reach.ALL if axis is Reach.ALL else Reach.UNKNOWN for axis in fields])
        for fields in seen
    )
    return Seen(field, local)


def seen_after(
    layer: Layer,
    effect: Effect,
    inputs: Sequence[Seen],
    maps: Sequence[FeatureMap],
    image: FeatureMap,
    at: Placing | None = None,
    blank: Sequence[int] = (),
) -> Seen:
    """What a layer's units see, where those of all channels see alike.

    Args:
        as `UnitsSeen.after`; `at` says where the axes of the inputs and of the output run, if not
        as those of the image do; `blank` has the numbers of the inputs that see nothing in any
        channel, as what is learned.
    """
    fields, local = [seen.field for seen in inputs], [seen.local for seen in inputs]
    if at is not None:
        return _seen_at(at, layer, fields, local, image, blank)
    if len(inputs) > 1:
        local = local_inputs(layer, effect, local, maps, blank)
    windows = local_windows(effect.windows)
    found = fields_after(fields, effect.windows)
    same = len(fields) == len(local) and all(map(operator.is_, fields, local))
    if same and windows is effect.windows:
        return Seen(found, found)
    return Seen(found, fields_after(local, windows))


def _seen_at(
    at: Placing,
    layer: Layer,
    fields: list[Fields],
    local: list[Fields],
    image: FeatureMap,
    blank: Sequence[int],
) -> Seen:
    """As `seen_after`, where axes run in other ways than those of the image."""
    whole = _met(
        at, [_behind(at, n, field, at.windows[n], image) for n, field in enumerate(fields)]
    )
    windows = [*map(local_windows, at.windows)]
    if all(map(operator.is_, fields, local)) and windows == at.windows and not combines(layer):
        return Seen(whole, whole)
    found = [_behind(at, n, field, windows[n], image) for n, field in enumerate(local)]
    if combines(layer):
        # Told by what enters: of a small image one position that is spread may see all.
        enter = [fields_after([field], windows[n]) for n, field in enumerate(local)]
        single = [at.is_gate(n) for n in range(len(local))]
        found = [found[n] for n in _without_gates(enter, single, blank)]
    return Seen(whole, _met(at, found))


def _behind(at: Placing, number: int, field: Fields, windows: Windows, image: FeatureMap) -> Fields:
    """What the units behind a layer see through one of its inputs."""
    return tuple(
        seen
        if isinstance(seen, Reach) or axis not in at.spread[number]
        else of_single(seen, image.grid[axis])
        for axis, seen in enumerate(fields_after([field], windows))
    )


def _settled(at: Placing, seen: Seen) -> Seen:
    field, local = (_met(at, [fields]) for fields in seen)
    return seen if field == seen.field and local == seen.local else Seen(field, local)


def _met(at: Placing, fields: Sequence[Fields]) -> Fields:
    """What the units see through all inputs."""
    return tuple(
        Reach.UNKNOWN if axis in at.clashing and seen is not Reach.ALL else seen
        for axis, seen in enumerate(
            _in_a_row(fields) if at.in_a_row else fields_after([*fields], Reach.SAME)
        )
    )


def _in_a_row(fields: Sequence[Fields]) -> Fields:
    """What the units see of which some come from one input and some from another: what all of
    them see that see anything."""
    along = [[seen for seen in axis if seen != NOTHING] for axis in zip(*fields, strict=True)]
    return tuple(
        NOTHING if not axis else axis[0] if axis.count(axis[0]) == len(axis) else Reach.UNKNOWN
        for axis in along
    )


def local_inputs(
    layer: Layer,
    effect: Effect,
    local: list[Fields],
    maps: Sequence[FeatureMap],
    blank: Sequence[int] = (),
) -> list[Fields]:
    """The local fields of a layer's inputs, without those that are gates."""
    if not combines(layer):
        return local
    single = [is_spread(x, effect.output) for x in maps]
    return [local[n] for n in _without_gates(local, single, blank)]


def local_windows(windows: Windows) -> Windows:
    """The windows of a layer, without the statistics of a norm."""
    if windows is Reach.STATISTICS:
        return Reach.SAME
    if isinstance(windows, tuple) and Reach.STATISTICS in windows:
        return tuple(Reach.SAME if w is Reach.STATISTICS else w for w in windows)
    return windows


def is_spread(x: FeatureMap, output: FeatureMap) -> bool:
    """Whether a map has a single position, and the join that it goes into has more."""
    return all(map(certainly_one, x.sizes)) and not all(map(certainly_one, output.sizes))


def _without_gates(local: list[Fields], spread: list[bool], blank: Sequence[int]) -> list[int]:
    """The numbers of the branches that are not gates; of all of them where every one is.

    A branch that sees nothing in any channel, gates left out, makes no gate of another.
    """
    mapped = [n for n, alone in enumerate(spread) if not alone]
    bounded = [
        axis
        for axis in range(len(local[0]))
        if any(n not in blank and local[n][axis] is not Reach.ALL for n in mapped)
    ]
    kept = [n for n in mapped if not any(local[n][axis] is Reach.ALL for axis in bounded)]
    return kept or [*range(len(local))]


def of_single(seen: Field | PhasedField, pixels: int) -> AxisField:
    """What unit 0 alone sees, on an axis of so many pixels."""
    interval = seen.of_unit(0)
    if interval is None:
        return NOTHING
    first, last = interval
    if certainly_at_least(0, first) and certainly_at_least(last, pixels - 1):
        return Reach.ALL
    return Field(first, last, 0)
