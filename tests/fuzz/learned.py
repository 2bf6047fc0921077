"""What each layer kind learns, and keeps beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from torch import Tensor

from tests.fuzz.mixing import axis_of
from tests.fuzz.windows import Fields, each, sides_of

Learned: TypeAlias = dict[str, Tensor]  # "weight", "bias" and buffers
Shapes: TypeAlias = dict[str, tuple[int, ...]]

# What weight norm learns in the place of a weight.
LENGTHS = "parametrizations.weight.original0"
DIRECTIONS = "parametrizations.weight.original1"
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def learned_shapes(kind: str, fields: Fields, shape: Sequence[int]) -> Shapes:
    """The shapes of a layer's parameters and buffers, for images of this shape."""
    channels, *sizes = shape
    axes = len(sizes)
    match kind:
        case "conv":
            inside = channels // fields.get("groups", 1)
            weight = (fields["channels"], inside, *each(fields["kernel"], axes))
            return with_bias(fields, weight, (fields["channels"],))
        case "conv_transpose":
            out = fields["channels"] // fields.get("groups", 1)
            weight = (channels, out, *each(fields["kernel"], axes))
            return with_bias(fields, weight, (fields["channels"],))
        case "locally_connected":
            places = [
                (n + sum(side) - k) // s + 1
                for n, side, k, s in zip(
                    sizes,
                    sides_of(fields, sizes, fields.get("stride", 1)),
                    each(fields["kernel"], axes),
                    each(fields.get("stride", 1), axes),
                    strict=True,
                )
            ]
            own = (*places, fields["channels"])
            return with_bias(fields, (*own, channels, *each(fields["kernel"], axes)), own)
        case "linear":
            out = fields["features"]
            return with_bias(fields, (out, shape[-1]), (out,))
        case "batch_norm":
            found: Shapes = {"running_mean": (channels,), "running_var": (channels,)}
            found["num_batches_tracked"] = ()
            if fields.get("affine", True):
                found["bias"] = (channels,)
                if fields.get("gamma", True):
                    found["weight"] = (channels,)
            return found
        case "instance_norm":
            found = normalized({"affine": False, **fields}, (channels,))
            if fields.get("track_running_stats", False):
                found |= {"running_mean": (channels,), "running_var": (channels,)}
                found["num_batches_tracked"] = ()
            return found
        case "normalize":
            along = shape[axis_of(fields, len(shape))]
            return {"weight": (along,)} if fields.get("scale", False) else {}
        case "rms_norm":
            return {"weight": (shape[-1],)} if fields.get("affine", True) else {}
        case "layer_norm":
            return normalized(fields, normalized_shape(fields, shape))
        case "group_norm":
            return normalized(fields, (channels,))
        case "channel_scale":
            return with_bias({"bias": False, **fields}, (channels,), (channels,))
        case "prelu":
            return {"weight": (channels if fields.get("per_channel", False) else 1,)}
    return {}


def with_bias(fields: Fields, weight: tuple[int, ...], bias: tuple[int, ...]) -> Shapes:
    found: Shapes = {"weight": weight}
    if fields.get("weight_norm", False):
        found = {LENGTHS: (weight[0], *[1] * (len(weight) - 1)), DIRECTIONS: weight}
    return {**found, "bias": bias} if fields.get("bias", True) else found


def normalized(fields: Fields, shape: tuple[int, ...]) -> Shapes:
    return with_bias(fields, shape, shape) if fields.get("affine", True) else {}


def normalized_shape(fields: Fields, shape: Sequence[int]) -> tuple[int, ...]:
    """What a layer norm takes together."""
    over = fields.get("over", "all")
    if len(shape) == 1 or over == "channels":
        return (shape[0],)
    return tuple(shape) if over == "all" else (shape[-1],)
