"""Rooflines as tables and records: the least time of each layer on a device."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import Analysis
from archcalc.hardware.device import TF32, Device
from archcalc.hardware.roofline import Bound
from archcalc.render.numbers import short, short_bytes
from archcalc.render.output import SEPARATORS
from archcalc.render.table import (
    machine_text,
    separated_of,
    tabulate_rows,
    with_network,
)

_HEADINGS = ("layer", "kind", "FLOPs", "moved", "FLOPs/byte", "least time", "limit")
_KEYS = (
    "name", "kind", "fused", "flops", "bytes_moved", "intensity", "precision", "seconds", "limit",
)  # fmt: skip
_ALIGN = ("left", "left", "right", "right", "right", "right", "left")
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


def what_it_bounds(bounds: Sequence[Bound], *, fused: bool) -> list[str]:
    """What the times are, and what they are not."""
    lines = [
        "Least time: each row by itself, at the peaks of the device; its inputs, its output and "
        "its parameters move once. "
        + (
            "Norms, activations and sums are part of the kernel before them, as compilers fuse."
            if fused
            else "Fused kernels and caches take less (see --fused)."
        )
    ]
    if any(bound.precision == TF32 for bound in bounds):
        lines.append("Convolutions in TF32, as torch runs them by default (see --no-tf32).")
    return lines


def roofline_table(analysis: Analysis, bounds: Sequence[Bound], form: str) -> str:
    """A row for each layer that costs something, and the totals, in any format of tabulate."""
    if form in SEPARATORS:
        records = [bound_record(bound) for bound in bounds]
        cells = [[machine_text(record[key], " ") for key in _KEYS] for record in records]
        return separated_of(analysis, form, _KEYS, cells)
    rows = [
        [
            bound.layer.name,
            " + ".join(layer.kind for layer in bound.layers),
            short(bound.flops),
            short_bytes(bound.bytes_moved),
            f"{bound.intensity:.1f}",
            seconds_text(bound.seconds),
            bound.limit,
        ]
        for bound in bounds
        if bound.seconds
    ]
    rows.append(total_cells("total", bounds))
    return tabulate_rows(with_network(analysis, _HEADINGS, form), rows, form, _ALIGN)


def total_cells(name: str, bounds: Sequence[Bound]) -> list[str]:
    """The cells of a row for a whole network, one layer after the other."""
    flops = sum(bound.flops for bound in bounds)
    moved = sum(bound.bytes_moved for bound in bounds)
    seconds = sum(bound.seconds for bound in bounds)
    by_memory = sum(bound.seconds for bound in bounds if bound.limit == "memory")
    return [
        name,
        "",
        short(flops),
        short_bytes(moved),
        f"{flops / moved:.1f}" if moved else "0.0",
        seconds_text(seconds),
        f"memory for {by_memory / seconds:.0%}" if seconds else "",
    ]


def roofline_record(
    analysis: Analysis, bounds: Sequence[Bound], device: Device
) -> dict[str, object]:
    """A roofline in types that JSON knows; times in seconds."""
    return {
        **analysis.identity.record(),
        "device": device.name,
        "seconds": sum(bound.seconds for bound in bounds),
        "layers": [bound_record(bound) for bound in bounds],
    }


def bound_record(bound: Bound) -> dict[str, object]:
    """One layer of a roofline in types that JSON knows."""
    return {
        "name": bound.layer.name,
        "kind": bound.layer.kind,
        "fused": [layer.name for layer in bound.layers[1:]],
        "flops": bound.flops,
        "bytes_moved": bound.bytes_moved,
        "intensity": bound.intensity,
        "precision": bound.precision,
        "seconds": bound.seconds,
        "limit": bound.limit,
    }
