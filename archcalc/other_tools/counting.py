"""What the rules of several tools count alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from archcalc.layers.recurrent import Recurrent
from archcalc.layers.recurrent_memory import Pass, Recurrence
from archcalc.other_tools.call import Call
from archcalc.other_tools.convention import Count
from archcalc.quantity.arithmetic import Quantity, product


def macs(call: Call) -> Quantity:
    """The multiply-accumulates of convolutions and matrix products."""
    return call.macs


def of_first_factor(call: Call) -> Quantity:
    """A product as if its first factor, which may be spread, were as often there as the second."""
    return call.x.values * call.output.shape[-1]


def of_input(factor: int = 1) -> Count:
    """So many for each value of the input."""
    return lambda call: factor * call.x.values


def of_output(factor: int = 1) -> Count:
    """So many for each value of the output."""
    return lambda call: factor * call.output.values


def hooked(count: Count) -> Count:
    """Of objects of exactly torch's class, as tools ask for by `type(module) in table`."""
    return lambda call: count(call) if call.is_torchs else 0


def affine(with_weight: int, without: int) -> Count:
    """So many for each value of the input where there is a weight, and so many where not."""
    return lambda call: call.x.values * (with_weight if "weight" in call.parameters else without)


def bias_adds(call: Call) -> Quantity:
    """An addition for each value of the output, where there is a bias."""
    return call.output.values if "bias" in call.parameters else 0


def with_bias(call: Call) -> Quantity:
    """The multiply-accumulates, and the additions of the bias."""
    return call.macs + bias_adds(call)


def taps(call: Call) -> Quantity:
    """The number of values in a window."""
    return product(per_axis(call.given("kernel_size"), call.axes))


def rows(call: Call) -> tuple[Quantity, Quantity]:
    """How many rows there are along the axis of a softmax, and the values of each."""
    dim = cast(int, call.given("dim"))
    row = call.x.shape[dim if dim < 0 else dim - 1]
    return call.x.values // row, row


def softmax(call: Call) -> Quantity:
    """An exponential and a division for each value, and the additions that sum up each row."""
    count, row = rows(call)
    return count * (3 * row - 1)


def response_norm(call: Call) -> Quantity:
    """What whoever wraps `Tensor.mul`, `Tensor.add` and pools finds in `F.local_response_norm`.

    Two products and a sum for each value, and a pool of the squares, padded along the channels.
    """
    size = cast(int, call.given("size"))
    return 3 * call.x.values + (call.x.channels + size - 1) * call.x.items * call.x.positions


def passes(call: Call) -> Iterator[tuple[Recurrence, Pass]]:
    """The layers and directions of a recurrent module."""
    assert isinstance(call.rule, Recurrent)
    recurrence = call.rule.recurrence_on(call.x)
    for one in recurrence.passes():
        yield recurrence, one


def step_by_step(call: Call) -> Quantity:
    """The parameters of a recurrent module at each step: its products, and what is added."""
    steps = next(passes(call))[0].steps
    return steps * sum(call.parameters.values())


def attention_shapes(call: Call) -> tuple[tuple[Quantity, Quantity], ...]:
    """(positions, features) of queries, keys and values of `nn.MultiheadAttention`."""
    inputs = [call.inputs[min(n, len(call.inputs) - 1)] for n in range(3)]
    return tuple([(each.shape[0], each.shape[1]) for each in inputs])


def projections(call: Call) -> Quantity:
    """The multiply-accumulates of `nn.MultiheadAttention` but those of the two products."""
    (queries, width), (keys, _), _ = attention_shapes(call)
    return call.macs - 2 * queries * keys * width


def per_axis(value: object, axes: int) -> tuple[int, ...]:
    """An argument of a module along each axis."""
    return value if isinstance(value, tuple) else (cast(int, value),) * axes
