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
from archcalc.render.rows import depth_that_fits, folded_line, rows_at_depth
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
    """The least time of each layer of a network on a device.

    Attributes:
        fused: whether a row may be of several layers in one kernel.
        depth: for people, the level of nesting below which blocks are folded; what fits a screen
            if None.
        in_full: all digits of counts and bytes, for people.
    """

    analysis: Analysis
    bounds: Sequence[Bound]
    device: Device
    fused: bool = False
    depth: int | None = None
    in_full: bool = False

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
        """A row for each layer or block that costs something, and the totals."""
        analysis, bounds = self.analysis, self.bounds
        if form == "text":
            line = device_line(self.device, analysis.dtype)
            yield [
                f"{analysis.identity}: {conditions(analysis)}",
                *opaque_lines(analysis),
                *wrap(line, WIDTH),
                *[part for text in self._what_it_bounds() for part in wrap(text, WIDTH)],
            ]
        costly = {bound.layer.name: bound for bound in bounds if bound.seconds or bound.is_open}
        tree, rows, shown = form == "text", [], []
        for row in rows_at_depth(analysis, self.depth or depth_that_fits(analysis)):
            inside = [costly[layer.name] for layer in row.layers if layer.name in costly]
            name = row.label if tree else row.name
            if inside:
                kernel = inside[0].layers if len(row.layers) == 1 else ()
                kind = " + ".join([layer.kind for layer in kernel]) or row.kind
                rows.append(bound_cells(name, kind, inside, in_full=self.in_full))
                shown.append(row)
            elif tree and not row.layers:
                rows.append([name, row.kind, *[""] * (len(_HEADINGS) - 2)])
        total = bound_cells("total", "", bounds, in_full=self.in_full)
        sides = "wwrrrrl" if tree else "llrrrrl"
        yield Table(with_network(analysis, _HEADINGS, form), rows, sides, total, room=0)
        if tree:
            yield folded_line(shown, analysis)

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


def bound_cells(
    name: str, kind: str, bounds: Sequence[Bound], *, in_full: bool = False
) -> list[str]:
    """The cells of a row for a layer, or for several or all of them, one after the other."""
    flops = sum(bound.flops for bound in bounds)
    moved = sum(bound.bytes_moved for bound in bounds)
    seconds = sum(bound.seconds for bound in bounds)
    by_memory = sum(bound.seconds for bound in bounds if bound.limit == "memory")
    if is_open(flops):
        intensity, limit = "?", "unknown"
    elif len(bounds) == 1:
        intensity, limit = f"{bounds[0].intensity:.1f}", bounds[0].limit
    else:
        intensity = f"{flops / moved:.1f}" if moved else "0.0"
        limit = f"memory for {by_memory / seconds:.0%}" if seconds else ""
    return [
        name,
        kind,
        in_unit(flops, Unit.COUNT, in_full=in_full),
        in_unit(moved, Unit.BYTES, in_full=in_full),
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
