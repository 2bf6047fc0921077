"""Which channels of its inputs the channels of a layer are computed from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from tests.fuzz.interpreter import Layer
from tests.fuzz.mixing import axis_of, mixed, shifts_of
from tests.fuzz.moving import cut_of
from tests.fuzz.network import Shape

Channels: TypeAlias = frozenset[int]
NONE: Channels = frozenset()
# What the channels say is told by `tests.fuzz.sight`: here all of them stand for all steps.
AMONG_TOKENS = ("scaled_dot_product_attention", "multihead_attention", "rnn", "gru", "lstm")


def every(shape: Shape) -> Channels:
    """All channels of a map."""
    return frozenset(range(shape[0]))


def along(layer: Layer, shape: Shape) -> int:
    """The axis of a concatenation, counted from the first."""
    axis: int = layer.fields.get("axis", 0)
    return axis % len(shape)


def channels_read(
    layer: Layer, inputs: list[Shape], out: Shape, wanted: Channels
) -> list[Channels]:
    """Of each input, those that some channels of the output are computed from.

    Args:
        inputs: the shapes of the layer's inputs, and behind them that of a pool that it undoes.
        out: that of its output, which has spatial axes, as they have.
    """
    if layer.kind == "concat" and along(layer, out) == 0:
        firsts = [sum(x[0] for x in inputs[:n]) for n in range(len(inputs))]
        return [
            frozenset(c - first for c in wanted if 0 <= c - first < x[0])
            for first, x in zip(firsts, inputs, strict=True)
        ]
    if layer.kind in AMONG_TOKENS:
        return [every(x) for x in inputs]
    if layer.kind == "bilinear" and len(out) == 1:
        return [every(x) for x in inputs]
    if len(inputs) > 1:
        return [wanted if x[0] == out[0] else every(x) for x in inputs]  # a single one is spread
    count = inputs[0][0]
    read = {c for channel in wanted for c in _read(layer, channel, count, out[0], len(out))}
    return [frozenset(c for c in read if 0 <= c < count)]


def _read(layer: Layer, channel: int, count: int, outputs: int, axes: int) -> Iterable[int]:
    """What one channel, of a map of so many axes, is computed from; those outside are none."""
    fields = layer.fields
    if 0 in mixed(layer.kind, fields, axes):
        return range(count)
    match layer.kind:
        case "conv" | "conv_transpose" | "fixed_conv":
            groups = fields.get("groups", 1)
            return _group(channel // (outputs // groups), count // groups)
        case "locally_connected":
            return range(count)
        case "group_norm":
            size = count // fields["groups"]
            return _group(channel // size, size)
        case "glu" if axis_of(fields, axes) == 0:
            return [channel, channel + outputs]
        case "local_response_norm" if fields.get("region") != "within_channel":
            size = fields.get("size", 5)
            return range(channel - size // 2, channel - size // 2 + size)
        case "roll":
            return [(channel - (shifts_of(fields, axes)[0] or 0)) % count]
        case "slice" if axis_of(fields, axes) == 0:
            cut = cut_of(fields, (count, *[1] * (axes - 1)))
            return [cut.start + channel * cut.step]
        case "expand" if count == 1:
            return [0]
        case "repeat_interleave" if axis_of(fields, axes) == 0:
            return [channel // fields["repeats"]]
        case "tile":
            return [channel % count]
        case "channel_shuffle":
            groups = fields["groups"]
            return [channel % groups * (count // groups) + channel // groups]
        case "channel_slice":
            return [fields.get("start", 0) + channel]
        case "channel_split":
            return [fields["part"] * outputs + channel]
        case "pad_channels":
            return [channel - fields.get("before", 0)]
        case "pixel_shuffle":
            return _group(channel, fields["factor"] ** 2)
        case "pixel_unshuffle":
            return [channel // fields["factor"] ** 2]
    return [channel]


def _group(number: int, size: int) -> range:
    return range(number * size, (number + 1) * size)
