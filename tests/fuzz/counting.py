"""Parameters, buffers, MACs and other operations of a network, counted by hand and by torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.fuzz.functions import FUNCTIONS, ops_each
from tests.fuzz.interpreter import Layer
from tests.fuzz.learned import (
    DIRECTIONS,
    GATES,
    LENGTHS,
    Shapes,
    is_bias,
    is_kept,
    learned_shapes,
)
from tests.fuzz.mixing import axis_of
from tests.fuzz.network import Shape
from tests.fuzz.windows import each

# What an operation is for each value of the output, where that is all there is to say.
OPS_EACH = {
    "relu": 1, "relu6": 2, "leaky_relu": 2, "prelu": 2, "elu": 4, "silu": 4, "sigmoid": 4,
    "tanh": 1, "hard_swish": 5, "hard_sigmoid": 4, "rrelu": 2, "batch_norm": 2,
    "frozen_batch_norm": 2, "softmax": 5, "log_softmax": 5, "softmin": 6, "glu": 5,
    "quantize": 5, "dequantize": 2,
}  # fmt: skip
IN_LECTURE = {"conv", "conv_transpose", "fixed_conv", "locally_connected", "linear", "max_pool",
              "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "global_avg_pool", "rnn",
              "gru", "lstm", "deform_conv", "bilinear"}  # fmt: skip


class Counts(NamedTuple):
    """The figures of one layer; operations are for as many images as run through it."""

    weights: int
    biases: int
    buffers: int
    macs: int
    other_ops: int


def state(layer: Layer, shapes: dict[str, Shape]) -> Shapes:
    """The tensors that a layer keeps, learned and not, by name."""
    return learned_shapes(layer.kind, layer.fields, [shapes[name] for name in layer.inputs])


def counts(layer: Layer, shapes: dict[str, Shape], owns: bool, images: int) -> Counts:
    """The figures of a layer; without what it has learned where that counts with another."""
    inputs, out = [shapes[name] for name in layer.inputs], shapes[layer.name]
    sizes = {name: math.prod(size) for name, size in state(layer, shapes).items()}
    learned = {n: size for n, size in sizes.items() if not is_kept(layer.kind, layer.fields, n)}
    weights = sum([n for name, n in learned.items() if not is_bias(name)])
    kernel = sizes["weight"] if layer.kind == "fixed_conv" else weights
    macs = _macs(layer, inputs, out, learned.get("weight", learned.get(DIRECTIONS, kernel)))
    ops = _other_ops(layer, inputs, out, learned)
    biases, kept = sum(learned.values()) - weights, sum(sizes.values()) - sum(learned.values())
    if not owns:
        weights = biases = kept = 0
    return Counts(weights, biases, kept, macs * images, ops * images)


def _macs(layer: Layer, inputs: Sequence[Shape], out: Shape, weights: int) -> int:
    """Each weight is used once for each place that it comes to, and each product is of a pair."""
    shape = inputs[0] if inputs else ()
    match layer.kind:
        case "conv" | "fixed_conv":
            return weights * math.prod(out[1:])
        case "conv_transpose":
            return weights * math.prod(shape[1:])
        case "locally_connected":
            return weights
        case "deform_conv":
            return weights * math.prod(out[1:])
        case "bilinear":  # each feature's product with the first input, and that with the second
            return math.prod(out) * inputs[1][-1] * (shape[-1] + 1)
        case "linear":
            return weights * math.prod(shape[:-1]) if len(shape) > 1 else weights
        case "rnn" | "gru" | "lstm":
            return weights * shape[0]
        case "matmul":
            return math.prod(out) * shape[-1]
        case "scaled_dot_product_attention":
            return 2 * math.prod(out) * inputs[1][0]
        case "multihead_attention":
            (length, width), keys, values = (inputs[n] for n in (0, min(1, len(inputs) - 1), -1))
            of_inputs = [length * width, math.prod(keys), math.prod(values), length * width]
            return sum(of_inputs) * width + 2 * length * keys[0] * width
    return 0


def _other_ops(layer: Layer, inputs: Sequence[Shape], out: Shape, learned: dict[str, int]) -> int:
    values, fields, once = math.prod(out), layer.fields, 0
    heads: int = fields.get("heads", 1)
    shape = inputs[0] if inputs else ()
    match layer.kind:
        case "rnn" | "gru" | "lstm":
            passes: int = fields.get("layers", 1) * (1 + fields.get("bidirectional", False))
            added = GATES[layer.kind] * (4 if fields.get("bias", True) else 2)
            gated: int = {"rnn": 0, "gru": 4, "lstm": 5}[layer.kind]
            width: int = fields["features"]
            return shape[0] * passes * width * (added + gated)
        case "scaled_dot_product_attention":
            return (
                heads * shape[0] * inputs[1][0] * (6 + len(inputs) - 3)
            )  # a scale, a bias, a softmax of 5
        case "multihead_attention":
            length, steps = shape[0], inputs[min(1, len(inputs) - 1)][0]
            biases = 2 * (length + steps) * shape[1] if fields.get("bias", True) else 0
            return biases + 6 * heads * length * steps
        case "rotary_embedding":
            return 3 * values + values // 2
        case "grid_sample":
            axes, mode = len(out) - 1, fields.get("mode", "bilinear")
            scaled: int = axes * (3 if fields.get("align_corners", False) else 4)
            found: int
            of_value: int
            found, of_value = {
                "nearest": (axes, 0),
                "bilinear": (3 * axes + (axes - 1) * 2**axes, 2 ** (axes + 1) - 1),
                "bicubic": (70, 31),
            }[mode]
            return math.prod(out[1:]) * (scaled + found) + values * of_value
        case "deform_conv":
            taps = math.prod(each(fields["kernel"], 2))
            apart = inputs[1][0] // (2 * taps)
            of_values = (7 + len(inputs) - 2) * shape[0]
            read = math.prod(out[1:]) * taps * (12 * apart + of_values)
            return read + (values if "bias" in learned else 0)
        case "bilinear":
            return values if "bias" in learned else 0
        case "conv" | "conv_transpose" | "locally_connected" | "linear":
            each_value = int("bias" in learned)
            # |v|, g / |v| and v times that: square, sum, product; root, quotient.
            once = 3 * learned.get(DIRECTIONS, 0) + 2 * learned.get(LENGTHS, 0)
        case "max_pool":
            each_value = math.prod(each(fields["kernel"], len(shape) - 1)) - 1
        case "avg_pool":
            each_value = math.prod(each(fields["kernel"], len(shape) - 1))
        case "mean" | "logsumexp":
            return math.prod(shape) * (1 if layer.kind == "mean" else 4)
        case "sum" | "max" | "min":
            return math.prod(shape) - values
        case "adaptive_avg_pool" | "adaptive_max_pool" | "global_avg_pool":
            return math.prod(shape)
        case "fold":
            return math.prod(shape)
        case "upsample":
            mode = fields.get("mode", "nearest")
            if mode == "area":
                return math.prod(shape)
            read = {"nearest": 1, "bicubic": 4}.get(mode, 2) ** (len(shape) - 1)
            each_value = read + read - 1 if read > 1 else 0
        case "rms_norm":  # and for each mean eps and a root
            return (3 + len(learned)) * values + 2 * (values // out[-1])
        case "normalize":  # and for each length a root and a maximum
            lengths = values // out[axis_of(fields, len(out))]
            return (3 + len(learned)) * values + 2 * lengths
        case "instance_norm":
            each_value = 2 if fields.get("track_running_stats", False) else 5 + len(learned)
        case "layer_norm" | "group_norm":
            each_value = 5 + len(learned)
        case "local_response_norm":
            within = fields.get("region") == "within_channel"
            axes = len(shape) - 1 if within else 1
            each_value = math.prod(each(fields.get("size", 5), axes)) + 4
        case "scale":
            each_value = (fields.get("factor", 1) != 1) + (fields.get("shift", 0) != 0)
        case "channel_scale":
            each_value = len(learned)
        case "gelu":
            each_value = 9 if fields.get("approximate") == "tanh" else 5
        case kind if kind in FUNCTIONS:
            each_value = ops_each(kind, fields)
        case "add" | "multiply" | "maximum" | "minimum" | "subtract" | "divide":
            each_value = len(layer.inputs) - 1
        case "average":
            each_value = len(layer.inputs)
        case _:
            each_value = OPS_EACH.get(layer.kind, 0)
    return each_value * values + once


def total(rows: Iterable[Counts]) -> Counts:
    """The sums."""
    return Counts(*[sum(column) for column in zip(Counts(*[0] * 5), *rows, strict=True)])
