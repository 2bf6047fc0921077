"""Along which axes a layer mixes all values, so that each unit sees all along them."""

from __future__ import annotations

from tests.fuzz.interpreter import Layer
from tests.fuzz.windows import Fields, Refused, each

SOFTMAXES = ("softmax", "log_softmax", "softmin")
ALONG_ONE = (*SOFTMAXES, "normalize")
REDUCTIONS = ("mean", "sum", "max", "min", "logsumexp")
FILLING = ("reflect", "replicate", "circular")  # modes of a pad
NORMS = ("layer_norm", "group_norm", "rms_norm")  # what is left out of what units see locally


def axis_of(fields: Fields, axes: int) -> int:
    """The axis of one image, from 0, of so many."""
    axis: int = fields.get("axis", 0)
    if not -axes <= axis < axes:
        raise Refused("no such axis")
    return axis % axes


def reduced_by(fields: Fields, axes: int) -> list[int]:
    """The axes that a reduction reduces, of so many, each once."""
    given = fields["axes"] if isinstance(fields["axes"], list) else [fields["axes"]]
    found = sorted({axis_of({"axis": axis}, axes) for axis in given})
    if not given or len(found) < len(given):
        raise Refused("no axes, or one twice")
    return found


def shifts_of(fields: Fields, axes: int) -> list[int | None]:
    """How far a roll moves along each of so many axes of an image; None along which it does not."""
    along = fields["axes"] if isinstance(fields["axes"], list) else [fields["axes"]]
    found: list[int | None] = [None] * axes
    for axis, shift in zip(along, each(fields["shifts"], len(along)), strict=True):
        number = axis_of({"axis": axis}, axes)
        found[number] = (found[number] or 0) + shift
    return found


def goes_by_the_image(layer: Layer) -> bool:
    """Whether what units see on an image without ends is no bound for what they see in the image.

    Beyond the ends of the map stands what lies elsewhere; or its sizes say how far apart units lie,
    which are rounded where a map is resized by a fraction.
    """
    filled = layer.kind == "roll" or layer.fields.get("mode", "constant") in FILLING
    return filled or isinstance(layer.fields.get("factor"), float)


def mixed(kind: str, fields: Fields, axes: int) -> set[int]:
    """The axes, of so many that an image has, along which every unit sees all."""
    if kind in REDUCTIONS:
        return {*reduced_by(fields, axes)}
    if kind in ALONG_ONE:
        return {axis_of(fields, axes)}
    if kind == "instance_norm":
        return set() if fields.get("track_running_stats", False) else {*range(1, axes)}
    if kind == "rms_norm":
        return {axes - 1}
    if kind == "layer_norm":
        over = fields.get("over", "all")
        return {"all": {*range(axes)}, "channels": {0}, "last": {axes - 1}}[over]
    return set()


def is_norm(kind: str, fields: Fields, axes: int) -> bool:
    """Whether it is left out of what units see locally: of a map also along a size."""
    if kind == "instance_norm":
        return not fields.get("track_running_stats", False)
    return kind in NORMS or (kind in ALONG_ONE and axis_of(fields, axes) > 0)
