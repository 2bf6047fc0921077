"""The roofline: the least time that a device needs for each layer.

A layer takes at least as long as its arithmetic at the device's peak, and at least as long as it
takes to move its inputs, its output and its parameters once. Which of the two is longer depends
on its arithmetic intensity, FLOPs per byte moved.
Source: Williams et al. 2009, "Roofline: an insightful visual performance model", CACM 52(4).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yaml.nodes import Node

from archcalc.analysis import Analysis, LayerAnalysis, require_numbers
from archcalc.errors import Source, SpecError, UsageError, did_you_mean
from archcalc.layers import Storage
from archcalc.spec.reader import compose, entries, place_of, read_file, text_of, unknown_key

_DEVICES = Path(__file__).parent / "devices"
_KEYS = ("title", "torch_name", "teraflops", "gigabytes_per_second", "source")


@dataclass(frozen=True, slots=True)
class Device:
    """What a device can do at best.

    Attributes:
        name: what users call it by.
        title: what it is.
        flops_per_second: peak of dense arithmetic, by dtype.
        bytes_per_second: peak of its memory.
        source: where the figures come from.
        torch_name: part of the name that torch knows the device by; empty where it has none.
    """

    name: str
    title: str
    flops_per_second: dict[str, float]
    bytes_per_second: float
    source: str
    torch_name: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """The least that a layer costs on a device, for the analysis' batch, at inference.

    Attributes:
        layer: the layer.
        bytes_moved: its inputs, its output and its parameters, each once; 0 for views.
            Running statistics, a few values per channel, are left out.
        arithmetic_seconds: FLOPs over the device's peak.
        memory_seconds: bytes moved over the device's bandwidth.
    """

    layer: LayerAnalysis
    bytes_moved: int
    arithmetic_seconds: float
    memory_seconds: float

    @property
    def flops(self) -> int:
        """2 x MACs; other operations are left out."""
        return self.layer.flops

    @property
    def intensity(self) -> float:
        """FLOPs per byte moved; 0 where nothing moves."""
        return self.flops / self.bytes_moved if self.bytes_moved else 0.0

    @property
    def seconds(self) -> float:
        """The least time: arithmetic and memory may overlap, so the longer of the two."""
        return max(self.arithmetic_seconds, self.memory_seconds)

    @property
    def limit(self) -> Literal["arithmetic", "memory", "nothing"]:
        """What the least time is due to."""
        if not self.seconds:
            return "nothing"
        return "arithmetic" if self.arithmetic_seconds > self.memory_seconds else "memory"


def roofline(analysis: Analysis, device: Device) -> tuple[Bound, ...]:
    """The least time of each layer that exists at inference, in order of execution.

    Raises:
        UsageError: the device's record has no peak for the dtype, or a size is a symbol.
    """
    peak = device.flops_per_second.get(analysis.dtype)
    if peak is None:
        known = ", ".join(device.flops_per_second)
        raise UsageError(f"{device.name} has no figure for {analysis.dtype}; it has {known}")
    layers = analysis.inference_layers
    require_numbers(analysis)
    output_bytes = {layer.name: layer.activation_bytes for layer in analysis.layers}
    image_bytes = analysis.input.values * analysis.batch * analysis.bytes_each
    bounds = []
    for layer in layers:
        moved = _bytes_moved(layer, output_bytes, image_bytes)
        bounds.append(Bound(layer, moved, layer.flops / peak, moved / device.bytes_per_second))
    return tuple(bounds)


def unlimited(dtype: str) -> Device:
    """A device that does everything at once: stands for one whose best nobody knows."""
    return Device("", "", {dtype: math.inf}, math.inf, "")


def _bytes_moved(layer: LayerAnalysis, output_bytes: dict[str, int], image_bytes: int) -> int:
    if layer.effect.storage is not Storage.OWN:  # a view moves nothing
        return 0
    inputs = sum(output_bytes.get(name, image_bytes) for name in set(layer.inputs))
    params = layer.effect.weights + layer.effect.biases  # also where they are another layer's
    return inputs + layer.activation_bytes + params * layer.bytes_each


def device_names() -> list[str]:
    """The devices that come with archcalc."""
    return sorted(path.stem for path in _DEVICES.glob("*.yaml"))


def find_device(name: str) -> Device:
    """The device called `name`, or that of a record of the same form in the file `name`.

    Raises:
        UsageError: there is no such device or file; with a guess.
        SpecError: the record is wrong.
    """
    if name.endswith((".yaml", ".yml")) or os.sep in name:
        return _read_device(Path(name).stem, read_file(name, name))
    if name not in device_names():
        guess = did_you_mean(name, device_names()) or f"; known: {', '.join(device_names())}"
        raise UsageError(f"unknown device {name!r}{guess}")
    return _read_device(name, read_file(str(_DEVICES / f"{name}.yaml"), f"devices/{name}.yaml"))


def device_of_torch(torch_name: str) -> Device | None:
    """The device whose record matches the name that torch knows it by, if there is one."""
    for device in map(find_device, device_names()):
        if device.torch_name and device.torch_name in torch_name:
            return device
    return None


def _read_device(name: str, source: Source) -> Device:
    root = compose(source)
    nodes = {}
    for key, key_node, node in entries(root, source, "a device"):
        if key not in _KEYS:
            raise unknown_key(key, _KEYS, key_node, source, "a device")
        nodes[key] = node
    missing = [key for key in _KEYS if key not in nodes and key != "torch_name"]
    if missing:
        raise SpecError(f"a device needs `{missing[0]}`", place_of(root, source))
    peaks = entries(nodes["teraflops"], source, "teraflops")
    torch_name = nodes.get("torch_name")
    return Device(
        name=name,
        title=text_of(nodes["title"], source, "title"),
        flops_per_second={dtype: 1e12 * _rate(node, source) for dtype, _, node in peaks},
        bytes_per_second=1e9 * _rate(nodes["gigabytes_per_second"], source),
        source=text_of(nodes["source"], source, "source"),
        torch_name=text_of(torch_name, source, "torch_name") if torch_name else "",
    )


def _rate(node: Node, source: Source) -> float:
    """A positive number."""
    text = text_of(node, source, "a rate")
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (0 < rate < math.inf):
        raise SpecError(f"expected a positive number, found {text!r}", place_of(node, source))
    return rate
