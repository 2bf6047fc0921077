"""What differs from channel to channel, followed through concatenations, slices and groups.

Whatever is said of the units of a map (what they see, by which paths) may differ between its
channels, behind a `concat`. Then it is kept for each part of the channels, as far as that goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from operator import and_
from typing import Generic, TypeVar

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, Layer
from archcalc.layers.join import concatenates
from archcalc.layers.resampling import PadChannels
from archcalc.record import Record
from archcalc.regions.bits import NotFollowedError, full, shifted
from archcalc.regions.reading import ChannelWindow, Interleaved
from archcalc.window import Reach, Window

MOST_PARTS = 16  # of the channels of one map: dense networks have many, and mix them all

T = TypeVar("T")


class ByChannel(Record, Generic[T]):
    """A value for each channel of a map.

    Attributes:
        parts: sets of channels, as bits, each with the value of all of them. A single one is of
            all channels.
        followed: whether it is known which channel has which value; else there is a single part,
            with what holds of all together.
    """

    parts: tuple[tuple[int, T], ...]
    followed: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether all channels have one value."""
        return self.followed and len(self.parts) == 1


class Values(Record, Generic[T]):
    """What can be done to the values.

    Attributes:
        after: the value behind a layer, from one for each of its inputs.
        together: one for several channels together.
        unknown: the value of channels that are some of those of another one, not known which.
        nothing: the value of channels of zeros; beside another value it changes nothing.
        mixed_by_norms: whether the value of a channel behind a norm has those of all channels that
            its statistics are of.
    """

    after: Callable[[Sequence[T]], T]
    together: Callable[[Sequence[T]], T]
    unknown: Callable[[T], T]
    nothing: T
    mixed_by_norms: bool = False


def of_all(value: T) -> ByChannel[T]:
    """The same value for all channels."""
    return ByChannel(((-1, value),))


def together(by_channel: ByChannel[T], values: Values[T]) -> T:
    """The value of all channels together."""
    found = [value for _, value in by_channel.parts]
    return found[0] if len(found) == 1 else values.together(found)


def after(
    layer: Layer,
    effect: Effect,
    inputs: Sequence[ByChannel[T]],
    maps: Sequence[FeatureMap],
    values: Values[T],
) -> ByChannel[T]:
    """The values of a layer's channels, from those of its inputs' channels.

    Args:
        effect: what the layer does to its inputs.
        maps: the shapes of the inputs.
    """
    if all(x.is_whole for x in inputs) and not adds_zeros(layer, maps[0]):
        first, *others = [x.parts[0][1] for x in inputs]
        if not concatenates(layer, maps[0]) or all(other == first for other in others):
            return of_all(values.after([first, *others]))
    plain = all(type(x.channels) is int for x in (effect.output, *maps))
    if plain and all(x.followed for x in inputs):
        try:
            parts = _parts_after(layer, effect, inputs, maps, values)
        except NotFollowedError:
            parts = []
        parts = _fewest(parts)
        if 0 < len(parts) <= MOST_PARTS:
            return ByChannel(tuple(parts))
    whole = [together(x, values) for x in inputs]
    window = _window(layer, effect, maps[0], values)
    if window is Reach.ALL:
        return of_all(values.after(whole))
    one = values.together(whole) if concatenates(layer, maps[0]) else values.after(whole)
    carried = window is Reach.SAME or isinstance(window, Interleaved)
    return ByChannel(((-1, one if carried else values.unknown(one)),), followed=False)


def adds_zeros(layer: Layer, x: FeatureMap) -> bool:
    """Whether it is known that, and where, there are channels of zeros beside those of `x`."""
    if not isinstance(layer, PadChannels):
        return False
    counts = (layer.before, x.channels, layer.after)
    return all(type(count) is int for count in counts) and layer.before + layer.after > 0


def _parts_after(
    layer: Layer,
    effect: Effect,
    inputs: Sequence[ByChannel[T]],
    maps: Sequence[FeatureMap],
    values: Values[T],
) -> list[tuple[int, T]]:
    every = [
        [(bits & full(x.channels), value) for bits, value in each.parts]
        for each, x in zip(inputs, maps, strict=True)
    ]
    channels = full(effect.output.channels)
    if concatenates(layer, maps[0]):
        first, parts = 0, []
        for each, x in zip(every, maps, strict=True):
            parts += [(shifted(bits, first), value) for bits, value in each]
            first += x.channels
        return parts
    window = _window(layer, effect, maps[0], values)
    if window is Reach.ALL:
        read_by_all = [values.together([value for _, value in parts]) for parts in every]
        return [(channels, values.after(read_by_all))]
    if len(inputs) > 1:  # each channel from the same one of every input, or from its only one
        every = [
            [(channels, parts[0][1])] if x.channels == 1 else parts
            for parts, x in zip(every, maps, strict=True)
        ]
        found = []
        for chosen in product(*every):
            bits = reduce(and_, [own for own, _ in chosen])
            if bits:
                found.append((bits, values.after([value for _, value in chosen])))
        return found
    (x,), (parts_before,) = maps, every
    mixed: list[tuple[int, list[T]]] = [(channels, [])]
    for bits, value in parts_before:
        reached = layer.reaches(bits, x, effect.output, window)
        mixed = [
            (part, read)
            for own, before in mixed
            for part, read in ((own & reached, [*before, value]), (own & ~reached, before))
            if part
        ]
    # Of a pixel shuffle which channel a unit reads depends on its position.
    one_of_many = isinstance(window, Window) and window.stride > 1
    return [
        (bits, values.unknown(value) if one_of_many and len(read) > 1 else value)
        for bits, read in mixed
        for value in [
            values.after([read[0] if len(read) == 1 else values.together(read)])
            if read
            else values.nothing
        ]
    ]


def _window(layer: Layer, effect: Effect, x: FeatureMap, values: Values[T]) -> ChannelWindow:
    """What a layer slides along the channels; a norm may leave each to itself."""
    windows = effect.windows if isinstance(effect.windows, tuple) else (effect.windows,)
    is_norm = Reach.STATISTICS in windows and not values.mixed_by_norms
    return Reach.SAME if is_norm else layer.channel_window(x)


def _fewest(parts: Sequence[tuple[int, T]]) -> list[tuple[int, T]]:
    """With those as one that have the same value."""
    found: list[tuple[int, T]] = []
    for bits, value in parts:
        for number, (others, same) in enumerate(found):
            if same == value:
                found[number] = (others | bits, same)
                break
        else:
            found.append((bits, value))
    return found
