"""What each layer kind learns, and keeps beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from torch import Tensor

from tests.fuzz.mixing import axis_of
from tests.fuzz.windows import Fields, Refused, each, sides_of

Learned: TypeAlias = dict[str, Tensor]  # "weight", "bias" and buffers
Shapes: TypeAlias = dict[str, tuple[int, ...]]

# What weight norm learns in the place of a weight.
LENGTHS = "parametrizations.weight.original0"
DIRECTIONS = "parametrizations.weight.original1"
BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "index", "cosines", "sines",
           "scale", "zero_point")  # fmt: skip
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def is_kept(kind: str, fields: Fields, name: str) -> bool:
    """Whether a tensor of a layer is kept and not learned."""
    constant = kind in ("frozen_batch_norm", "fixed_conv") or not fields.get("learned", True)
    return constant or name in BUFFERS


def is_bias(name: str) -> bool:
    """Whether a learned tensor of that name is a bias: `bias`, `in_proj_bias`, `bias_ih_l0`."""
    return name.endswith("bias") or name.startswith("bias")


def learned_shapes(kind: str, fields: Fields, inputs: Sequence[Sequence[int]]) -> Shapes:
    """The shapes of a layer's parameters and buffers, for inputs of these shapes, per image.

    Raises:
        Refused: torch makes no such layer.
    """
    if kind == "parameter":
        return {"weight": tuple(fields["shape"])}
    shape = inputs[0]
    channels, *sizes = shape
    axes = len(sizes)
    match kind:
        case "conv" | "fixed_conv":
            inside = channels // fields.get("groups", 1)
            weight = (fields["channels"], inside, *each(fields["kernel"], axes))
            if kind == "fixed_conv":
                return {"weight": weight}
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
        case "deform_conv":
            inside = channels // fields.get("groups", 1)
            weight = (fields["channels"], inside, *each(fields["kernel"], axes))
            return with_bias(fields, weight, (fields["channels"],))
        case "bilinear":
            out = fields["features"]
            return with_bias(fields, (out, shape[-1], inputs[-1][-1]), (out,))
        case "quantize" | "dequantize":
            return {"scale": (), "zero_point": ()}
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
        case "frozen_batch_norm":
            return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (channels,))
        case "embedding":
            return {"weight": (fields["rows"], fields["features"])}
        case "index_select":
            return {"index": (fields["count"],)}
        case "rotary_embedding":
            each_head = (channels, shape[-1] // fields.get("heads", 1))
            return {"cosines": each_head, "sines": each_head}
        case "multihead_attention":
            return _projections(fields, inputs)
        case "rnn" | "gru" | "lstm":
            return recurrent_shapes(kind, fields, shape)
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


def _projections(fields: Fields, inputs: Sequence[Sequence[int]]) -> Shapes:
    """Of queries, keys and values, together where all have one width; and of the output."""
    width, keys, values = (inputs[n][-1] for n in (0, min(1, len(inputs) - 1), -1))
    found: Shapes = {"in_proj_weight": (3 * width, width)}
    if not width == keys == values:
        own = zip("qkv", (width, keys, values), strict=True)
        found = {f"{of}_proj_weight": (width, inside) for of, inside in own}
    found["out_proj.weight"] = (width, width)
    if fields.get("bias", True):
        found |= {"in_proj_bias": (3 * width,), "out_proj.bias": (width,)}
    return found


def recurrent_shapes(kind: str, fields: Fields, shape: Sequence[int]) -> Shapes:
    """Of each layer and direction, in the order in which torch takes them."""
    width, layers, p = fields["features"], fields.get("layers", 1), fields.get("projection", 0)
    if width < 1 or layers < 1 or not 0 <= p < width or not 0 <= fields.get("dropout", 0) <= 1:
        raise Refused("no such recurrence")
    ways = ("", "_reverse") if fields.get("bidirectional", False) else ("",)
    rows, out = GATES[kind] * width, p or width
    found: Shapes = {}
    for layer in range(layers):
        for way in ways:
            suffix = f"l{layer}{way}"
            found[f"weight_ih_{suffix}"] = (rows, len(ways) * out if layer else shape[-1])
            found[f"weight_hh_{suffix}"] = (rows, out)
            if fields.get("bias", True):
                found |= {f"bias_ih_{suffix}": (rows,), f"bias_hh_{suffix}": (rows,)}
            if p:
                found[f"weight_hr_{suffix}"] = (p, width)
    return found
