"""Parameters, buffers, MACs and other operations of a network, counted by hand and by torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from tests.fuzz import operators
from tests.fuzz.functions import FUNCTIONS, ops_each
from tests.fuzz.interpreter import Layer
from tests.fuzz.learned import BUFFERS, DIRECTIONS, LENGTHS, Shapes, learned_shapes
from tests.fuzz.mixing import axis_of
from tests.fuzz.network import Shape
from tests.fuzz.windows import each

# What an operation is for each value of the output, where that is all there is to say.
OPS_EACH = {
    "relu": 1, "relu6": 2, "leaky_relu": 2, "prelu": 2, "elu": 4, "silu": 4, "sigmoid": 4,
    "tanh": 1, "hard_swish": 5, "hard_sigmoid": 4, "rrelu": 2, "batch_norm": 2,
    "softmax": 5, "log_softmax": 5, "softmin": 6, "glu": 5,
}  # fmt: skip
IN_LECTURE = {"conv", "conv_transpose", "locally_connected", "linear", "max_pool", "avg_pool",
              "adaptive_avg_pool", "adaptive_max_pool", "global_avg_pool"}  # fmt: skip


class Counts(NamedTuple):
    """The figures of one layer; operations are for one image."""

    weights: int
    biases: int
    buffers: int
    macs: int
    other_ops: int


def state(layer: Layer, shapes: dict[str, Shape]) -> Shapes:
    """The tensors that a layer keeps, learned and not, by name."""
    if layer.kind in operators.JOINS:
        return {}
    return learned_shapes(layer.kind, layer.fields, shapes[layer.inputs[0]])


def counts(layer: Layer, shapes: dict[str, Shape], owns: bool) -> Counts:
    """The figures of a layer; without what it has learned where that counts with another."""
    shape, out = shapes[layer.inputs[0]], shapes[layer.name]
    learned = {name: math.prod(size) for name, size in state(layer, shapes).items()}
    weights = {name: n for name, n in learned.items() if name not in ("bias", *BUFFERS)}
    macs = _macs(layer, shape, out, weights.get("weight", weights.get(DIRECTIONS, 0)))
    ops = _other_ops(layer, shape, out, learned)
    if not owns:
        learned, weights = {}, {}
    kept = sum(learned.get(name, 0) for name in BUFFERS)
    return Counts(sum(weights.values()), learned.get("bias", 0), kept, macs, ops)


def _macs(layer: Layer, shape: Shape, out: Shape, weights: int) -> int:
    """Each weight is used once for each place that it comes to."""
    match layer.kind:
        case "conv":
            return weights * math.prod(out[1:])
        case "conv_transpose":
            return weights * math.prod(shape[1:])
        case "locally_connected":
            return weights
        case "linear":
            return weights * math.prod(shape[:-1]) if len(shape) > 1 else weights
    return 0


def _other_ops(layer: Layer, shape: Shape, out: Shape, learned: dict[str, int]) -> int:
    values, fields, once = math.prod(out), layer.fields, 0
    match layer.kind:
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
            tracked = "running_mean" in learned
            each_value = 2 if tracked else 5 + len(learned)
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
