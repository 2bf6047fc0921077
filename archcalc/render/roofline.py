"""Rooflines: the least time of each layer on a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from archcalc.analysis import Analysis
from archcalc.figures.figure import Unit
from archcalc.hardware.device import TF32, Device
from archcalc.hardware.roofline import Bound
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open
from archcalc.render.numbers import in_unit, short, short_bytes
from archcalc.render.opaque import opaque_lines, opaque_record
from archcalc.render.output import WIDTH, Data, Document, Part, Table
from archcalc.render.table import conditions, with_network

_HEADINGS = ("layer", "kind", "FLOPs", "moved", "FLOPs/byte", "least time", "limit")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def seconds_text(seconds: float) -> str:
    """Three digits in the unit that fits: 0.00123 -> `1.23ms`."""
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds / unit:.3g}{name}"
    return f"{seconds / 1e-9:.3g}ns" if seconds else "0s"


def device_line(device: Device, dtype: str) -> str:
    """What a device can do at best."""
    peak = device.flops_per_second
    rounded = (
        f" ({short(round(peak[TF32]))} in TF32)" if dtype == "float32" and TF32 in peak else ""
    )
    return (
        f"{device.title}: {short(round(peak[dtype]))}FLOP/s in {dtype}{rounded}, "
        f"{short_bytes(round(device.bytes_per_second))}/s ({device.source})"
    )


class RooflineDocument(Document):
    """The least time of each layer of a network on a device."""

    analysis: Analysis
    bounds: Sequence[Bound]
    device: Device
    fused: bool = False

    def record(self) -> dict[str, object]:
        """The layers, and the sum of their times, in seconds."""
        return {
            **self.analysis.identity.record(),
            **opaque_record(self.analysis),
            "device": self.device.name,
            "seconds": sum(bound.seconds for bound in self.bounds),
            "layers": list(map(bound_record, self.bounds)),
        }

    def data(self) -> Data:
        """A row for each layer."""
        records = list(map(bound_record, self.bounds))
        for record in records:
            record["fused"] = " ".join(record["fused"])
        rows = [list(record.values()) for record in records]
        return Data(list(records[0] if records else ()), rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each layer that costs something, and the totals."""
        analysis, bounds = self.analysis, self.bounds
        if form == "text":
            line = device_line(self.device, analysis.dtype)
            yield [
                f"{analysis.identity}: {conditions(analysis)}",
                *opaque_lines(analysis),
                *wrap(line, WIDTH),
                *[part for text in self._what_it_bounds() for part in wrap(text, WIDTH)],
            ]
        rows = [
            [
                bound.layer.name,
                " + ".join(layer.kind for layer in bound.layers),
                in_unit(bound.flops, Unit.COUNT),
                short_bytes(bound.bytes_moved),
                "?" if bound.intensity is None else f"{bound.intensity:.1f}",
                seconds_text(bound.seconds),
                bound.limit,
            ]
            for bound in bounds
            if bound.seconds or bound.is_open
        ]
        rows.append(total_cells("total", bounds))
        yield Table(with_network(analysis, _HEADINGS, form), rows, "llrrrrl")

    def _what_it_bounds(self) -> Iterator[str]:
        """What the times are, and what they are not."""
        fusing = (
            "Norms, activations and sums are part of the kernel before them, as compilers fuse."
            if self.fused
            else "Fused kernels and caches take less (see --fused)."
        )
        yield (
            "Least time: each row by itself, at the peaks of the device; its inputs, its output "
            f"and its parameters move once. {fusing}"
        )
        if any(bound.is_open for bound in self.bounds):
            yield "Arithmetic that is not known (?) is left out: the times are at least these."
        if any(bound.precision == TF32 for bound in self.bounds):
            yield "Convolutions in TF32, as torch runs them by default (see --no-tf32)."


def total_cells(name: str, bounds: Sequence[Bound]) -> list[str]:
    """The cells of a row for a whole network, one layer after the other."""
    flops = sum(bound.flops for bound in bounds)
    moved = sum(bound.bytes_moved for bound in bounds)
    seconds = sum(bound.seconds for bound in bounds)
    by_memory = sum(bound.seconds for bound in bounds if bound.limit == "memory")
    if is_open(flops):
        intensity, limit = "?", "unknown"
    else:
        intensity = f"{flops / moved:.1f}" if moved else "0.0"
        limit = f"memory for {by_memory / seconds:.0%}" if seconds else ""
    return [
        name,
        "",
        in_unit(flops, Unit.COUNT),
        short_bytes(moved),
        intensity,
        seconds_text(seconds),
        limit,
    ]


def bound_record(bound: Bound) -> dict[str, Any]:
    """One layer of a roofline in types that JSON knows."""
    return {
        "name": bound.layer.name,
        "kind": bound.layer.kind,
        "fused": [layer.name for layer in bound.layers[1:]],
        "flops": plain(bound.flops),
        "bytes_moved": bound.bytes_moved,
        "intensity": bound.intensity,
        "precision": bound.precision,
        "seconds": bound.seconds,
        "limit": bound.limit,
    }
