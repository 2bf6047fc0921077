"""torchscan: a formula for each class of torch's modules that it knows, as a leaf of the model."""

from __future__ import annotations

from math import prod
from typing import cast

from archcalc.layers.multihead_attention import MultiheadAttention
from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Convention, Count
from archcalc.other_tools.counting import attention_shapes, macs, taps
from archcalc.quantity.arithmetic import Quantity, product


def _leaf(count: Count) -> Count:
    """A parametrized module has children, and is not looked at."""
    return lambda call: 0 if call.spelling.parametrized else count(call)


def _terms(call: Call) -> Quantity:
    """The values that are multiplied for an output; of a transposed convolution it takes all."""
    return taps(call) * (call.x.channels // cast(int, call.given("groups", 1)))


def _convolution(call: Call) -> Quantity:
    return call.output.values * (2 * _terms(call) - 1 + ("bias" in call.parameters))


def _transposed(call: Call) -> Quantity:
    return 8 * call.axes + _convolution(call)


def _transposed_macs(call: Call) -> Quantity:
    return 4 * call.axes + call.output.values * _terms(call)


def _linear(call: Call) -> Quantity:
    terms = call.x.shape[-1]
    return call.output.values * (2 * terms - 1 + ("bias" in call.parameters))


def _is_affine(call: Call) -> bool:
    return bool(call.given("affine", True))


def _batch_norm(call: Call) -> Quantity:
    return 2 * call.x.channels + call.x.values * (4 if _is_affine(call) else 2)


def _batch_norm_macs(call: Call) -> Quantity:
    return call.x.values * (2 if _is_affine(call) else 1)


def _kernel(call: Call) -> int:
    """The kernel as it was given: one number stands for itself, not for its square."""
    kernel = call.given("kernel_size")
    return prod(kernel) if isinstance(kernel, tuple) else cast(int, kernel)


def _max_pool(call: Call) -> Quantity:
    return call.output.values * (_kernel(call) - 1)


def _avg_pool(call: Call) -> Quantity:
    return call.output.values * (_kernel(call) - 1 + len(call.x.sizes))


def _ratios(call: Call) -> Quantity:
    """The kernel that an adaptive pool would have, roughly."""
    pairs = zip(call.x.sizes, call.output.sizes, strict=True)
    return product([n // m if n % m == 0 else n % m + 1 for n, m in pairs])


def _adaptive_max(call: Call) -> Quantity:
    return call.output.values * (_ratios(call) - 1)


def _adaptive_avg(call: Call) -> Quantity:
    return call.output.values * (_ratios(call) - 1 + len(call.x.sizes))


def _dropout(call: Call) -> Quantity:
    return call.x.values if cast(float, call.given("p")) > 0 else 0


def _layer_norm(call: Call) -> Quantity:
    """Six for each value, two for each row, and one for each value with a weight, or a bias."""
    shape = call.given("normalized_shape", call.given("channels"))
    row = product(shape) if isinstance(shape, tuple) else cast(int, shape)
    learned = ("weight" in call.parameters) + ("bias" in call.parameters)
    return (6 + learned) * call.x.values + 2 * (call.x.values // row)


def _attention(call: Call) -> Quantity:
    """Projections with their biases, the scale, two products and a softmax; as `flops_mha`."""
    (q, width), (k, _), _ = shapes = attention_shapes(call)
    heads = cast(int, call.given("num_heads"))
    biased = int(bool(call.given("bias", True)))
    projected = sum([length * width * (2 * each - 1 + biased) for length, each in shapes])
    products = q * heads * k * (2 * (width // heads) - 1) + q * width * (2 * k - 1)
    softmax = heads * q * (3 * k - 1)
    scale = 1 + q * width
    mask = heads * q * k if cast(MultiheadAttention, call.rule).causal else 0
    out = q * width * (2 * width - 1 + biased)
    return projected + scale + products + mask + softmax + out


_EACH = {"ReLU": 1, "ReLU6": 2, "ELU": 6, "LeakyReLU": 4, "Tanh": 6, "Sigmoid": 4}


def _activation(call: Call) -> Quantity:
    return _EACH[call.name] * call.x.values


_POOLS: dict[str, Count] = {
    "MaxPool": _max_pool,
    "AvgPool": _avg_pool,
    "AdaptiveMaxPool": _adaptive_max,
    "AdaptiveAvgPool": _adaptive_avg,
}

TORCHSCAN = Convention(
    name="torchscan",
    tool="torchscan 0.2.0",
    call="torchscan.crawl_module(model, input_shape)",
    prints="module_flops",
    unit="FLOPs",
    rule=(
        "Products and sums one by one, 2 k - 1 for k products, and biases, of convolutions and "
        "linear layers; batch and layer norms, activations, pools and dropout"
    ),
    counts={
        "Conv": _leaf(_convolution),
        "ConvTranspose": _leaf(_transposed),
        "Linear": _leaf(_linear),
        "BatchNorm": _batch_norm,
        "LayerNorm": _layer_norm,
        "MultiheadAttention": _attention,
        **dict.fromkeys(["ReLU", "ReLU6", "ELU", "LeakyReLU", "Tanh", "Sigmoid"], _activation),
        **_POOLS,
        "Dropout": _dropout,
    },
    wrong=(
        "Transposed convolutions count as if each output saw a whole window, square windows by "
        "their side; it says `partial` where it knows no formula and counts 0"
    ),
)

TORCHSCAN_MACS = Convention(
    name="torchscan_macs",
    tool=TORCHSCAN.tool,
    call=TORCHSCAN.call,
    prints="macs",
    unit="operations",
    rule="Multiply-accumulates of convolutions and linear layers; batch norms and pools",
    counts={
        **dict.fromkeys(["Conv", "Linear"], _leaf(macs)),
        "ConvTranspose": _leaf(_transposed_macs),
        "BatchNorm": _batch_norm_macs,
        **_POOLS,
    },
    wrong=TORCHSCAN.wrong,
)
