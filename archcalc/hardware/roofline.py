"""The roofline: the least time of each layer that a device runs by itself.

A layer takes at least as long as its arithmetic at the device's peak, and at least as long as it
takes to move its inputs, its output and its parameters once between memory and chip. Which of the
two is longer depends on its arithmetic intensity, FLOPs per byte moved. What stays on the chip from
one layer to the next, in a cache or since a compiler fused them, is not moved: so this does not
bound what fused kernels take; `fused` groups the layers as compilers do.
Source: Williams et al. 2009, "Roofline: an insightful visual performance model", CACM 52(4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from archcalc.analysis import Analysis, require_numbers
from archcalc.errors import UsageError
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.hardware.device import TF32, Device
from archcalc.layers import Storage
from archcalc.quantity.arithmetic import Quantity
from archcalc.quantity.at_least import is_open, known_part
from archcalc.record import Record


class Bound(Record):
    """The least that a layer, or several in one kernel, cost on a device, for a batch at inference.

    Attributes:
        layers: the layer, and those that are fused into it, in order.
        bytes_moved: their inputs, their output and their parameters, each once; 0 for views.
            Running statistics, a few values per channel, are left out.
        arithmetic_seconds: FLOPs, as far as they are known, over the device's peak.
        memory_seconds: bytes moved over the device's bandwidth.
        precision: that the arithmetic is done in, a dtype or `tf32`.
    """

    layers: tuple[LayerAnalysis, ...]
    bytes_moved: int
    arithmetic_seconds: float
    memory_seconds: float
    precision: str

    @property
    def layer(self) -> LayerAnalysis:
        """The layer, the first of several."""
        return self.layers[0]

    @property
    def flops(self) -> Quantity:
        """2 x MACs; other operations are left out."""
        return sum(layer.flops for layer in self.layers)

    @property
    def is_open(self) -> bool:
        """Whether some of its arithmetic is not known, and the bound is from what is."""
        return is_open(self.flops)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved; 0 where nothing moves; None where the FLOPs are not known."""
        if self.is_open:
            return None
        return self.flops / self.bytes_moved if self.bytes_moved else 0.0

    @property
    def seconds(self) -> float:
        """The least time: arithmetic and memory may overlap, so the longer of the two."""
        return max(self.arithmetic_seconds, self.memory_seconds)

    @property
    def limit(self) -> Literal["arithmetic", "memory", "nothing", "unknown"]:
        """What the least time is due to."""
        if self.is_open:
            return "unknown"
        if not self.seconds:
            return "nothing"
        return "arithmetic" if self.arithmetic_seconds > self.memory_seconds else "memory"


def roofline(
    analysis: Analysis, device: Device, *, fused: bool = False, tf32: bool = True
) -> tuple[Bound, ...]:
    """The least time of each layer that exists at inference, in order of execution.

    Args:
        fused: normalization, activations, additions and the like in one kernel with the
            convolution or linear layer before them.
        tf32: float32 convolutions at the peak of TF32 where the device has one, as torch runs
            them (`torch.backends.cudnn.allow_tf32`).

    Raises:
        UsageError: the device's record has no peak for the dtype, or a size is a symbol.
    """
    unbounded = device.why_unbounded(analysis.dtype)
    if unbounded is not None:
        raise UsageError(unbounded)
    layers = analysis.inference_layers
    require_numbers(analysis)
    output_bytes = analysis.map_bytes
    bounds = []
    for kernel in _kernels(layers) if fused else [[layer] for layer in layers]:
        first = kernel[0]
        rounds = tf32 and analysis.dtype == "float32" and first.node.layer.convolves
        precision = TF32 if rounds and TF32 in device.flops_per_second else analysis.dtype
        moved = bytes_moved(kernel, analysis.batch, output_bytes)
        flops = known_part(sum(layer.flops for layer in kernel))
        seconds = flops / device.flops_per_second[precision], moved / device.bytes_per_second
        bounds.append(Bound(tuple(kernel), moved, *seconds, precision))
    return tuple(bounds)


def _kernels(layers: Sequence[LayerAnalysis]) -> list[list[LayerAnalysis]]:
    """The layers as a compiler groups them.

    A pointwise layer, or a view, goes into the kernel that makes one of its inputs, if that
    multiplies and adds, and nobody else reads that input. Of several such kernels into the last
    one: what the others make has to be there by then.
    """
    readers = Counter(name for layer in layers for name in set(layer.inputs))
    kernels: list[list[LayerAnalysis]] = []
    made_by: dict[str, int] = {}
    for layer in layers:
        joins = layer.node.layer.pointwise or layer.effect.storage is not Storage.OWN
        numbers = [made_by[x] for x in layer.inputs if x in made_by and readers[x] == 1]
        open_ = [number for number in numbers if kernels[number][0].macs]
        if joins and open_:
            kernels[max(open_)].append(layer)
        else:
            kernels.append([layer])
        made_by[layer.name] = max(open_) if joins and open_ else len(kernels) - 1
    return kernels


def bytes_moved(
    kernel: Sequence[LayerAnalysis], batch: Quantity, output_bytes: Mapping[str, Quantity]
) -> Quantity:
    """What layers in one kernel move: their inputs, their output and their parameters, each once.

    Args:
        output_bytes: of every map of the network, for the batch.
    """
    if all(layer.effect.storage is not Storage.OWN for layer in kernel):  # views move nothing
        return 0
    made = {layer.name for layer in kernel}
    inputs = sum(output_bytes[name] for layer in kernel for name in set(layer.inputs) - made)
    # Parameters also where they are another layer's.
    params = sum(layer.node.layer.params_read(layer.effect, batch) for layer in kernel)
    return inputs + kernel[-1].activation_bytes + params * kernel[0].bytes_each
