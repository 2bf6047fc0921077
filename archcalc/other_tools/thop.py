"""thop, and what Ultralytics made of it: hooks on torch's modules."""

from __future__ import annotations

from math import prod
from typing import cast

from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention
from archcalc.other_tools.counting import (
    attention_shapes,
    hooked,
    macs,
    of_input,
    of_output,
    passes,
    per_axis,
    rows,
    softmax,
    taps,
)
from archcalc.quantity.arithmetic import Quantity, product

_EACH = {"nearest": 0, "linear": 5, "bilinear": 11, "bicubic": 259, "trilinear": 31}


def _norm(call: Call) -> Quantity:
    """Two for each value, and two more where there is a weight and a bias to go with it."""
    named = {"LayerNorm": "elementwise_affine", "RMSNorm": "elementwise_affine"}
    default = call.name != "InstanceNorm"
    return call.x.values * (4 if call.given(named.get(call.name, "affine"), default) else 2)


def _transposed_as_forward(call: Call) -> Quantity:
    """Every output as if it were computed from all inputs of a window."""
    groups = cast(int, call.given("groups", 1))
    return call.output.values * (call.x.channels // groups) * taps(call)


def _adaptive(call: Call) -> Quantity:
    """The ratio of the sizes for each output, and a division."""
    ratio = prod([n / m for n, m in zip(call.x.sizes, call.output.sizes, strict=True)])
    return int((ratio + 1) * call.output.values)


def _resized(call: Call) -> Quantity:
    mode = str(call.given("mode", "nearest"))
    each = 1 if mode == "nearest" else 0 if mode == "trilinear" else _EACH.get(mode, 0)
    return each * call.output.values


def _cell(cell: str, inputs: Quantity, state: Quantity, width: Quantity, bias: bool) -> Quantity:
    """One step: products, their sum, biases; and what the gates do."""
    gate = width * (inputs + state) + width + (2 * width if bias else 0)
    gates, more = {"rnn": (1, 0), "gru": (3, 4), "lstm": (4, 4)}[cell]
    return gates * gate + more * width


def _recurrent(call: Call) -> Quantity:
    """A projection of an LSTM is not known."""
    total: Quantity = 0
    for of, one in passes(call):
        inputs = of.inputs if one.layer == 0 else of.directions * of.width
        total += of.steps * _cell(of.cell, inputs, of.width, of.width, of.bias)
    return total


THOP = Convention(
    name="thop",
    tool="thop 0.1.1.post2209072238",
    call="thop.profile(model, inputs=(x,))",
    prints="macs",
    unit="operations",
    rule=(
        "Multiply-accumulates of convolutions and linear layers, 4 for each value of a norm, "
        "average pools, resizing, softmax and recurrent cells"
    ),
    counts={
        **dict.fromkeys(["Conv", "Linear"], hooked(macs)),
        "ConvTranspose": hooked(_transposed_as_forward),
        **dict.fromkeys(["BatchNorm", "LayerNorm", "InstanceNorm"], hooked(_norm)),
        "PReLU": of_input(),
        "Softmax": softmax,
        "AvgPool": of_output(),
        "AdaptiveAvgPool": _adaptive,
        "Upsample": _resized,
        **dict.fromkeys(["RNN", "GRU", "LSTM"], _recurrent),
    },
    wrong=(
        "Transposed convolutions count as if each output saw a whole window; group norm, "
        "attention, products and modules of derived classes are 0; what a module counts that "
        "stands in several blocks is added up for each"
    ),
)


def _pooled(call: Call) -> Quantity:
    """An addition for each value that a window takes in, and a division for each output."""
    sizes = call.x.sizes
    kernel, stride, padding = (
        per_axis(call.given(name, default), len(sizes))
        for name, default in (("kernel_size", 1), ("stride", 1), ("padding", 0))
    )
    seen = 1
    for n, m, k, s, p in zip(sizes, call.output.sizes, kernel, stride, padding, strict=True):
        low, high = (-p, n + p) if call.given("count_include_pad", True) else (0, n)
        seen *= sum([max(min(i * s - p + k, high) - max(i * s - p, low), 0) for i in range(m)])
    return call.x.channels * call.x.items * seen + call.output.values


def _pooled_to_a_size(call: Call) -> Quantity:
    """As `_pooled`, of windows that may overlap and differ."""
    seen = [_seen_in_parts(n, m) for n, m in zip(call.x.sizes, call.output.sizes, strict=True)]
    return call.x.channels * call.x.items * product(seen) + call.output.values


def _seen_in_parts(n: Quantity, parts: Quantity) -> Quantity:
    if n == parts:
        return parts
    return sum([-(-(i + 1) * n // parts) - i * n // parts for i in range(parts)])


def _cells(call: Call) -> Quantity:
    """With the projection of an LSTM."""
    total: Quantity = 0
    for of, one in passes(call):
        projection = of.output * of.width if of.projected else 0
        total += of.steps * (_cell(of.cell, one.inputs, of.output, of.width, of.bias) + projection)
    return total


def _multihead(call: Call) -> Quantity:
    """Projections, products and a softmax."""
    (q, width), (k, key_width), (_, value_width) = attention_shapes(call)
    projections = width * (2 * q * width + k * (key_width + value_width))
    heads = cast(int, call.given("num_heads"))
    return projections + 2 * q * k * width + heads * q * (3 * k - 1)


def _bilinear(call: Call) -> Quantity:
    first, second = (cast(int, call.given(f"in{n}_features")) for n in (1, 2))
    return (first + 1) * second * call.output.values


ULTRALYTICS_THOP = Convention(
    name="ultralytics_thop",
    tool="ultralytics-thop 2.2.3",
    call="thop.profile(model, inputs=(x,))",
    prints="macs",
    unit="operations",
    rule=(
        "Multiply-accumulates of convolutions and matrix products, functions included, 4 for each "
        "value of a norm, average pools, resizing, softmax and recurrent cells"
    ),
    counts={
        **dict.fromkeys(
            [
                "Conv",
                "ConvTranspose",
                "Linear",
                "TransposedLinear",
                "LocallyConnected",
                "matmul",
                "Attention",
            ],
            macs,
        ),
        **dict.fromkeys(["BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm", "RMSNorm"], _norm),
        "MultiheadAttention": _multihead,
        "Bilinear": _bilinear,
        "PReLU": of_input(),
        "Softmax": softmax,
        "Softmin": lambda call: softmax(call) + call.x.values,
        "LogSoftmax": lambda call: softmax(call) + rows(call)[0],
        "AvgPool": _pooled,
        "AdaptiveAvgPool": _pooled_to_a_size,
        "Upsample": lambda call: (
            _EACH.get(str(call.given("mode", "nearest")), 0) * call.output.values
        ),
        **dict.fromkeys(["RNN", "GRU", "LSTM"], _cells),
    },
    wrong="Activations but PReLU and softmax, and sums, are 0",
)
