"""calflops and DeepSpeed's profiler: functions of torch, wrapped by ones that count."""

from __future__ import annotations

from math import floor, prod
from typing import Any, cast

from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention, Count
from archcalc.other_tools.counting import (
    affine,
    bias_adds,
    macs,
    of_first_factor,
    of_input,
    passes,
    per_axis,
    projections,
    response_norm,
    taps,
)
from archcalc.other_tools.ptflops import GATES
from archcalc.quantity.arithmetic import Quantity

_WITH_WEIGHTS = ("Conv", "Linear", "TransposedLinear", "LocallyConnected")


def _twice(count: Count) -> Count:
    return lambda call: 2 * count(call)


def _convolution(call: Call) -> Quantity:
    return 2 * call.macs + bias_adds(call)


def _recurrent(call: Call) -> Quantity:
    """The weights of the forward direction, twice less one for each product, and the gates."""
    total: Quantity = 0
    for of, one in passes(call):
        if not one.reverse:
            for which in ("ih", "hh"):
                weights = call.parameters[f"weight_{which}{one.suffix}"]
                biases = call.parameters.get(f"bias_{which}{one.suffix}", 0)
                total += 2 * weights - of.gates * of.width + biases
            total += GATES[of.cell] * of.width
        each_step = of.steps * of.directions
    return total * each_step


# What both count besides products, one for each value.
_BY_VALUE: dict[str, Count] = {
    **dict.fromkeys(
        ["ReLU", "PReLU", "ELU", "LeakyReLU", "SiLU", "GELU", "Softmax",
         "MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool"],
        of_input(),
    ),
    "BatchNorm": affine(2, 1),
    **dict.fromkeys(["LayerNorm", "GroupNorm", "InstanceNorm"], affine(5, 4)),
    "LocalResponseNorm": response_norm,
    "LocalResponseNormWithinChannel": of_input(3),
    **dict.fromkeys(["RNN", "GRU", "LSTM"], _recurrent),
}  # fmt: skip


# ----- calflops -----


def _divided_twice(call: Call) -> Quantity:
    """The filters of a group, of which it takes a part again."""
    groups = cast(int, call.given("groups", 1))
    filters = call.output.channels // groups // groups
    return taps(call) * call.x.channels * filters * call.x.items * call.x.positions


def _transposed(call: Call) -> Quantity:
    """With a bias for each output that a convolution, not transposed, would have."""
    groups = cast(int, call.given("groups", 1))
    kernel, stride, padding, dilation = (
        per_axis(call.given(name, default), call.axes)
        for name, default in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1))
    )
    settings = zip(call.x.sizes, kernel, stride, padding, dilation, strict=True)
    outputs = prod([(n + 2 * p - (d * (k - 1) + 1)) // s + 1 for n, k, s, p, d in settings])
    biases = call.output.channels // groups * call.x.items * outputs
    return 2 * _divided_twice(call) + (biases if "bias" in call.parameters else 0)


def _resized(call: Call) -> Quantity:
    """The positions of a size, without channels; of a factor the values of the input."""
    size = cast(Any, call.given("size"))
    pooled = call.x.values if call.given("mode") == "area" else 0
    if size is None:
        return call.x.values + pooled
    return (prod(size) if isinstance(size, tuple) else size) + pooled


_CALFLOPS_WRONG = (
    "Products by @, attention and ReLU6 are 0; groups of transposed convolutions divide twice; "
    "resizing counts a size without its channels; what a module counts that stands in several "
    "blocks is added up for each"
)

CALFLOPS = Convention(
    name="calflops",
    tool="calflops 0.3.2",
    call="calflops.calculate_flops(model, input_shape)",
    prints="fwd FLOPs",
    unit="FLOPs",
    rule=(
        "Two for each multiply-accumulate of convolutions and linear layers, biases of "
        "convolutions; norms, activations and pools by value"
    ),
    counts={
        **_BY_VALUE,
        **dict.fromkeys(["Conv", "FixedConv"], _convolution),
        "ConvTranspose": _transposed,
        **dict.fromkeys(["Linear", "TransposedLinear"], _twice(macs)),
        "MultiheadAttention": _twice(projections),
        "Upsample": _resized,
    },
    wrong=_CALFLOPS_WRONG,
)

CALFLOPS_MACS = Convention(
    name="calflops_macs",
    tool=CALFLOPS.tool,
    call=CALFLOPS.call,
    prints="fwd MACs",
    unit="MACs",
    rule="Multiply-accumulates of convolutions and linear layers",
    counts={
        **dict.fromkeys(["Conv", "FixedConv", "Linear", "TransposedLinear"], macs),
        "ConvTranspose": _divided_twice,
        "MultiheadAttention": projections,
    },
    wrong=_CALFLOPS_WRONG,
)


# ----- DeepSpeed -----


def _enlarged(call: Call) -> Quantity:
    """The positions of a size, without channels; of a factor the values of the output."""
    size, factor = cast(Any, call.given("size")), cast(Any, call.given("scale_factor"))
    pooled = call.x.values if call.given("mode") == "area" else 0
    if size is not None:
        return (prod(size) if isinstance(size, tuple) else size) + pooled
    times = prod(factor) if isinstance(factor, tuple) else float(factor) ** len(call.x.sizes)
    return floor(call.x.values * times) + pooled


_PRODUCTS = (
    *_WITH_WEIGHTS, "ConvTranspose", "FixedConv", "matmul", "Attention", "MultiheadAttention"
)  # fmt: skip

_DEEPSPEED_WRONG = (
    "products of einsum are 0, and those whose first factor is spread are counted once"
)

DEEPSPEED = Convention(
    name="deepspeed",
    tool="deepspeed 0.19.8",
    call="deepspeed.profiling.flops_profiler.get_model_profile(model, input_shape)",
    prints="flops",
    unit="FLOPs",
    rule=(
        "Two for each multiply-accumulate of convolutions, matrix products and attention, biases "
        "of convolutions; norms, activations and pools by value"
    ),
    counts={
        **_BY_VALUE,
        **dict.fromkeys(_PRODUCTS, _twice(macs)),
        "matmul": _twice(of_first_factor),
        **dict.fromkeys(["Conv", "ConvTranspose", "FixedConv"], _convolution),
        "Upsample": _enlarged,
    },
    wrong=(f"ReLU6 is 0; {_DEEPSPEED_WRONG}; resizing counts a size without its channels"),
)

DEEPSPEED_MACS = Convention(
    name="deepspeed_macs",
    tool=DEEPSPEED.tool,
    call=DEEPSPEED.call,
    prints="macs",
    unit="MACs",
    rule="Multiply-accumulates of convolutions, matrix products and attention",
    counts={**dict.fromkeys(_PRODUCTS, macs), "matmul": of_first_factor},
    wrong=f"Recurrent layers are 0; {_DEEPSPEED_WRONG}",
)
