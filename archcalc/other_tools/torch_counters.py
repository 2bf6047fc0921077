"""Counters of torch's operators: FlopCounterMode, and fvcore, which reads a traced graph."""

from __future__ import annotations

from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention
from archcalc.other_tools.counting import (
    affine,
    attention_shapes,
    macs,
    of_first_factor,
    of_output,
    projections,
)
from archcalc.quantity.arithmetic import Quantity

_PRODUCTS = (
    "Conv", "ConvTranspose", "FixedConv", "Linear", "TransposedLinear", "LocallyConnected",
    "matmul",
)  # fmt: skip


def _twice_the_macs(call: Call) -> Quantity:
    return 2 * call.macs


FLOP_COUNTER = Convention(
    name="flop_counter",
    tool="torch 2.13.0",
    call="torch.utils.flop_counter.FlopCounterMode().get_total_flops()",
    prints="FLOPs",
    unit="FLOPs",
    rule="Two for each multiply-accumulate of convolutions, matrix products and attention",
    counts=dict.fromkeys(
        [*_PRODUCTS, "Attention", "MultiheadAttention", "RNN", "GRU", "LSTM"],
        _twice_the_macs,
    ),
    wrong="On the CPU, not on a GPU or the meta device, attention and recurrent layers are 0",
)


def _interpolated(call: Call) -> Quantity:
    if call.x.rank != 3:
        return 0
    mode = str(call.given("mode", "nearest"))
    if mode == "area":  # an adaptive pool
        return call.x.values
    return {"nearest": 1, "bilinear": 4}.get(mode, 0) * call.output.values


def _projected(call: Call) -> Quantity:
    """What the projections of `nn.MultiheadAttention` put out."""
    (queries, width), (keys, _), (values, _) = attention_shapes(call)
    return (2 * queries + keys + values) * width


def _pooled_to_a_size(call: Call) -> Quantity:
    return call.x.values if call.axes == 2 else 0


FVCORE = Convention(
    name="fvcore",
    tool="fvcore 0.1.5.post20221221",
    call="fvcore.nn.FlopCountAnalysis(model, x).total()",
    prints="flops",
    unit="operations",
    rule=(
        "One for each multiply-accumulate of convolutions and matrix products; 2 for each value of "
        "a batch norm, 5 of other norms; adaptive pools and resizing in two dimensions"
    ),
    counts=dict.fromkeys(_PRODUCTS, macs)
    | {
        "matmul": of_first_factor,
        "BatchNorm": affine(2, 1),
        "GroupNorm": affine(5, 4),
        "LayerNorm": affine(5, 4),
        "InstanceNorm": affine(5, 4),
        "AdaptiveAvgPool": _pooled_to_a_size,
        "Upsample": _interpolated,
        "grid_sample": of_output(4),
        "MultiheadAttention": projections,
    },
    wrong="What it calls flops are MACs; attention and recurrent layers are 0, and products whose "
    "first factor is spread over the second are counted once",
)

FVCORE_ACTIVATIONS = Convention(
    name="fvcore_activations",
    tool="fvcore 0.1.5.post20221221",
    call="fvcore.nn.ActivationCountAnalysis(model, x).total()",
    prints="activations",
    unit="values",
    rule="The values that convolutions and matrix products put out",
    counts=dict.fromkeys(_PRODUCTS, of_output()) | {"MultiheadAttention": _projected},
    wrong="What norms, activations, sums and attention put out is not counted",
)
