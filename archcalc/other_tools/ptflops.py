"""ptflops: hooks on torch's modules beside wrapped functions, or the operators that they end in."""

from __future__ import annotations

from math import floor, prod
from typing import Any, cast

from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention
from archcalc.other_tools.counting import (
    attention_shapes,
    hooked,
    macs,
    of_input,
    passes,
    projections,
    response_norm,
    step_by_step,
    with_bias,
)
from archcalc.quantity.arithmetic import Quantity

GATES = {"rnn": 1, "gru": 7, "lstm": 10}  # operations for each value of the state


def _twice(call: Call) -> Quantity:
    """Once by the hook of the module, once by the wrapped function that it calls."""
    return call.x.values * (2 if call.is_torchs else 1)


def _affine_by_default(call: Call) -> Quantity:
    return call.x.values * (2 if call.given("affine", True) else 1)


def _interpolated(call: Call) -> Quantity:
    """By the hook the output; by `F.interpolate` what size or factor say it has."""
    size, factor = cast(Any, call.given("size")), cast(Any, call.given("scale_factor"))
    each = len(call.x.sizes)
    if size is not None:
        sizes = size if isinstance(size, tuple) else (size,) * each
        by_function = call.x.channels * call.x.items * prod(sizes)
    elif isinstance(factor, tuple):
        by_function = call.x.values * prod(map(floor, factor))
    else:
        by_function = floor(call.x.values * float(factor) ** each)
    pooled = call.x.values if call.given("mode") == "area" else 0
    return call.output.values + by_function + pooled


def _recurrent(call: Call) -> Quantity:
    """The weights and biases of the forward direction, and its gates, at each step."""
    total: Quantity = 0
    for of, one in passes(call):
        if not one.reverse:
            weights = [f"weight_ih{one.suffix}", f"weight_hh{one.suffix}"]
            biases = [f"bias_ih{one.suffix}", f"bias_hh{one.suffix}"]
            total += sum([call.parameters.get(name, 0) for name in [*weights, *biases]])
            total += GATES[of.cell] * of.width
        steps, directions = of.steps, of.directions
    return total * steps * directions


def _attention(call: Call) -> Quantity:
    """`multihead_attention_counter_hook`: scale, projections, products, softmax."""
    (q, width), (k, key_width), (v, value_width) = attention_shapes(call)
    heads = cast(int, call.given("num_heads"))
    projected = q * width * width + k * key_width * key_width + v * value_width * value_width
    biases = (q + k + v) * width if call.given("bias", True) else 0
    products = heads * (q * k * (width // heads) + q * k + q * k * (value_width // heads))
    return q * width + projected + biases + products + q * value_width * (value_width + 1)


def _projections(call: Call) -> Quantity:
    """With their biases; the products are one operator that is not counted."""
    (queries, width), (keys, _), (values, _) = attention_shapes(call)
    biases = (2 * queries + keys + values) * width if call.given("bias", True) else 0
    return projections(call) + biases


_TWICE = ("ReLU", "PReLU", "ELU", "GELU", "MaxPool", "AvgPool", "AdaptiveMaxPool",
          "AdaptiveAvgPool")  # fmt: skip

PTFLOPS = Convention(
    name="ptflops",
    tool="ptflops 0.7.5",
    call="ptflops.get_model_complexity_info(model, size)",
    prints="Mac",
    unit="operations",
    rule=(
        "Multiply-accumulates and biases of convolutions and linear layers, 2 for each value of a "
        "batch norm, pools and activations by value"
    ),
    counts={
        **dict.fromkeys(["Conv", "ConvTranspose", "Linear"], hooked(with_bias)),
        **dict.fromkeys(["RNN", "GRU", "LSTM"], _recurrent),
        **dict.fromkeys(["BatchNorm", "GroupNorm"], hooked(_affine_by_default)),
        "InstanceNorm": lambda call: call.x.values * (2 if call.given("affine", False) else 1),
        "LayerNorm": hooked(of_input()),
        **dict.fromkeys(_TWICE, _twice),
        **dict.fromkeys(["ReLU6", "LeakyReLU", "SiLU", "Softmax"], of_input()),
        "Upsample": _interpolated,
        "LocalResponseNorm": response_norm,
        "LocalResponseNormWithinChannel": of_input(3),
        "LocallyConnected": macs,
        "MultiheadAttention": _attention,
    },
    wrong=(
        "Activations and pools of modules count twice, as module and as function; attention as a "
        "function, products by @ and modules of derived classes are 0; what a module "
        "counts that stands in several blocks is added up for each"
    ),
)

PTFLOPS_ATEN = Convention(
    name="ptflops_aten",
    tool="ptflops 0.7.5",
    call='ptflops.get_model_complexity_info(model, size, backend="aten")',
    prints="Mac",
    unit="MACs",
    rule="Multiply-accumulates of convolutions and matrix products, and their biases",
    counts={
        **dict.fromkeys(["Conv", "ConvTranspose", "Linear", "TransposedLinear"], with_bias),
        **dict.fromkeys(["FixedConv", "LocallyConnected", "matmul"], macs),
        "MultiheadAttention": _projections,
        **dict.fromkeys(["RNN", "GRU"], step_by_step),
        "LSTM": lambda call: step_by_step(call) if call.given("proj_size", 0) else 0,
    },
    wrong="On the CPU attention and LSTMs are 0",
)
