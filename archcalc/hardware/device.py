"""What devices can do at best: the records in `archcalc/devices`, and those of users."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from yaml.nodes import Node

from archcalc.errors import Source, SpecError, require_known
from archcalc.record import Record
from archcalc.spec.reader import compose, entries, mapping, place_of, read_file, text_of

_DEVICES = Path(__file__).parent / "devices"
_REQUIRED = ("title", "teraflops", "gigabytes_per_second", "source")
USUAL = "nvidia_h200"  # the device where no other is named
TF32 = "tf32"  # among the peaks: of float32 whose factors are rounded to 10 bits of fraction


class Device(Record):
    """What a device can do at best.

    Attributes:
        name: what users call it by.
        title: what it is.
        flops_per_second: peak of dense arithmetic, by dtype; and by `tf32` where it has that.
        bytes_per_second: peak of its memory.
        source: where the figures come from.
        torch_name: words of the name that torch knows the device by; empty where it has none.
    """

    name: str
    title: str
    flops_per_second: dict[str, float]
    bytes_per_second: float
    source: str
    torch_name: str = ""

    def why_unbounded(self, dtype: str) -> str | None:
        """Why nothing is said of times in a dtype; None where its peak is known."""
        if dtype in self.flops_per_second:
            return None
        known = ", ".join(known for known in self.flops_per_second if known != TF32)
        return f"{self.name} has no figure for {dtype}; it has {known}"


def unlimited(dtype: str) -> Device:
    """A device that does everything at once: stands for one whose best nobody knows."""
    return Device("", "", {dtype: math.inf}, math.inf, "")


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
    require_known("unknown device", name, device_names())
    return _read_device(name, read_file(str(_DEVICES / f"{name}.yaml"), f"devices/{name}.yaml"))


def device_of_torch(torch_name: str) -> Device | None:
    """The device whose record matches the name that torch knows it by, if there is one."""
    for device in map(find_device, device_names()):
        words = rf"(?<!\w){re.escape(device.torch_name)}(?!\w)"  # an A100 is not an A10
        if device.torch_name and re.search(words, torch_name):
            return device
    return None


def _read_device(name: str, source: Source) -> Device:
    root = compose(source)
    nodes = mapping(root, source, (*_REQUIRED, "torch_name"), "a device", _REQUIRED)
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
