"""torchinfo: parameters times positions, whatever a module does with them."""

from __future__ import annotations

from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention
from archcalc.other_tools.counting import step_by_step
from archcalc.quantity.arithmetic import Quantity


def _of_parameters(call: Call) -> Quantity:
    """`LayerInfo.calculate_macs`: of modules without children, what is called weight or bias."""
    if call.spelling.parametrized:  # its weight is the child's
        return 0
    values = call.parameters.get("weight", 0) + call.parameters.get("bias", 0)
    positions = call.output.positions if "Conv" in (call.spelling.callee or "") else 1
    return call.output.items * positions * values


TORCHINFO = Convention(
    name="torchinfo",
    tool="torchinfo 1.8.0",
    call="torchinfo.summary(model, input_size)",
    prints="Total mult-adds",
    unit="operations",
    rule=(
        "Weights and biases of a convolution times the positions of its output; of any other "
        "module its weights and biases, once, however many positions it is used at"
    ),
    counts={
        **dict.fromkeys(
            ["Conv", "ConvTranspose", "Linear", "TransposedLinear", "LocallyConnected", "Bilinear",
             "BatchNorm", "FrozenBatchNorm", "GroupNorm", "LayerNorm", "InstanceNorm", "RMSNorm",
             "PReLU", "Embedding", "Parameter", "ChannelScale", "Normalize"],
            _of_parameters,
        ),
        **dict.fromkeys(["RNN", "GRU", "LSTM"], step_by_step),
    },
    wrong="Linear layers on tokens count as on one token; attention and products are 0",
)  # fmt: skip
