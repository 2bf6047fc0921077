"""How tables and files count whose tools do not run a torch model, or do not run any more."""

from __future__ import annotations

from typing import cast

from archcalc.layers.state import Role
from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention
from archcalc.other_tools.counting import macs, of_input, of_output, per_axis, taps, with_bias
from archcalc.other_tools.torch_counters import FLOP_COUNTER, FVCORE
from archcalc.quantity.arithmetic import Quantity, product

_WITH_WEIGHTS = ("Conv", "ConvTranspose", "Linear", "TransposedLinear", "LocallyConnected")

TORCHVISION = Convention(
    name="torchvision",
    tool="torchvision 0.28.0",
    call='get_model_weights(name).DEFAULT.meta["_ops"]',
    prints="GFLOPS x 10^9",
    unit="MACs",
    rule="Half of what FlopCounterMode counts: multiply-accumulates",
    counts=dict.fromkeys(FLOP_COUNTER.counts, macs),
    wrong="What it calls GFLOPS are GMACs",
)

TIMM = Convention(
    name="timm",
    tool="timm 1.0.31",
    call="benchmark.py, asked to profile",
    prints="GMACs x 10^9",
    unit="operations",
    rule="What fvcore counts",
    counts=FVCORE.counts,
    wrong=FVCORE.wrong,
)

PYCLS = Convention(
    name="pycls",
    tool="pycls 0.2",
    call="pycls.core.net.complexity(model)",
    prints="flops",
    unit="MACs",
    rule="Multiply-accumulates of convolutions and linear layers, and their biases",
    counts=dict.fromkeys(_WITH_WEIGHTS, with_bias),
    wrong="What it calls flops are MACs",
)

PYCLS_ACTS = Convention(
    name="pycls_acts",
    tool=PYCLS.tool,
    call=PYCLS.call,
    prints="acts",
    unit="values",
    rule="The values that convolutions, linear layers and pools put out, but global ones",
    counts=dict.fromkeys([*_WITH_WEIGHTS, "MaxPool", "AvgPool"], of_output()),
)


def _netscope_transposed(call: Call) -> Quantity:
    """A window over its stride for each output; groups are not known to it."""
    strides = product(per_axis(call.given("stride", 1), call.axes))
    return call.x.channels * call.output.values * taps(call) // strides


def _within_size(call: Call) -> Quantity:
    return call.x.values * cast(int, call.given("size"))


NETSCOPE = Convention(
    name="netscope",
    tool="Netscope CNN Analyzer, 2018",
    call="dgschwend.github.io/netscope",
    prints="macc",
    unit="operations",
    rule=(
        "Multiply-accumulates of convolutions and linear layers, sums of response norms, and "
        "products of scale layers; all else stands under comp, add, div and exp"
    ),
    counts={
        **dict.fromkeys(["Conv", "Linear"], macs),
        "ConvTranspose": _netscope_transposed,
        "LocalResponseNorm": _within_size,
        **dict.fromkeys(["ChannelScale", "multiply"], of_output()),
    },
    wrong="Its pools round up as Caffe's do; groups of transposed convolutions do not count",
)


def _pooled(call: Call) -> Quantity:
    strides = product(per_axis(call.given("stride", 1), call.axes))
    return 2 * call.output.values * strides


def _normalized(call: Call) -> Quantity:
    return call.output.values + (2 + 2 * call.output.channels) * call.output.positions


def _largest(call: Call) -> Quantity:
    return call.output.values * len(call.inputs)


CONVNET_BURDEN = Convention(
    name="convnet_burden",
    tool="convnet-burden, 2018",
    call="burden('imdbPath', …)",
    prints="flops",
    unit="operations",
    rule=(
        "Multiply-accumulates and biases of convolutions, 2 for each value of a ReLU, 2 for each "
        "value that a pool strides over, 1 for each value of a sum; no batch norms"
    ),
    counts={
        **dict.fromkeys(["Conv", "ConvTranspose", "Linear"], with_bias),
        **dict.fromkeys(["ReLU", "ReLU6"], of_output(2)),
        **dict.fromkeys(["MaxPool", "AvgPool"], _pooled),
        "AdaptiveAvgPool": of_input(),
        "add": of_output(),
        "maximum": _largest,
        "Upsample": of_output(4),
        "LocalResponseNorm": _normalized,
    },
    wrong="What it calls flops are MACs",
)


def _kept(call: Call) -> Quantity:
    """Parameters and running statistics of a layer, where they do not count with another."""
    return sum([tensor.values for tensor in call.layer.own_state if tensor.shape])


KERAS = Convention(
    name="keras",
    tool="Keras 3",
    call="model.count_params()",
    prints="Total params",
    unit="values",
    rule="Parameters, and the running mean and variance of batch norms",
    counts={},
    others=_kept,
    wrong="What is not learned is called a parameter",
)


def _blobs(call: Call) -> Quantity:
    """Blobs of float32, with a factor of one value beside the statistics of each batch norm."""
    has_statistics = any(tensor.role is Role.BUFFER for tensor in call.layer.own_state)
    return 4 * (_kept(call) + has_statistics)


CAFFE = Convention(
    name="caffe",
    tool="Caffe 1.0",
    call="the size of a .caffemodel file",
    prints="bytes",
    unit="bytes",
    rule="4 for each parameter and running statistic, and 4 for the factor of each batch norm",
    counts={},
    others=_blobs,
    wrong="Some kilobytes of names and settings come on top",
)
