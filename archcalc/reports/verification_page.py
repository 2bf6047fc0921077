"""The kept results of `archcalc verify --save`: two pages and a JSON file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from archcalc.errors import UsageError
from archcalc.hardware.device import Device, device_names, find_device
from archcalc.hardware.roofline import Bound, roofline
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.record import as_dict
from archcalc.render.numbers import exact, shape
from archcalc.render.output import json_text, write
from archcalc.render.roofline import RooflineDocument, bound_cells, device_line, seconds_text
from archcalc.render.rows import ALL_LEVELS
from archcalc.render.verify import (
    difference_text,
    figure_record,
    furthest_line,
    not_measured,
    tally,
    time_text,
)
from archcalc.reports.page import Markup, bullets, code, details, joined, markdown, table
from archcalc.reports.site import write_file
from archcalc.verification import ALLOCATOR_PARTS, SUBJECTS, Comparison, Figure, quantity_of
from archcalc.walk import analyze

_MADE = "<!-- Made by `archcalc verify --save`: change what it measures, not this file. -->"
# Of all the networks that were verified, those whose roofline is shown.
_ROOFLINES = ("vgg16", "resnet50", "googlenet", "mobilenet_v1", "densenet121")
_PROFILE = "nvidia_h200"  # the device whose roofline is shown layer by layer
_DTYPE = "float32"
# The peaks of memory, by the name of the quantity and what of it, with their headings.
_PEAKS: dict[tuple[str, ...], str] = {
    ("peak_bytes",): "bytes alive at once, at inference",
    ("training_peak_bytes",): "bytes alive at once, in a training step",
    **{
        ("training_peak_bytes", name): f"bytes alive at once, in a training step with {name}"
        for name in OPTIMIZERS
    },
}
# The totals that the page shows, with their headings.
_TOTALS = {
    "weights": "weights",
    "biases": "biases",
    "macs": "MACs",
    "macs (fvcore)": "MACs by fvcore, one image",
    "saved_bytes": "bytes kept for the backward pass",
    **{quantity_of(*peak): meaning for peak, meaning in _PEAKS.items()},
}


def save_verification(comparisons: Sequence[Comparison], folder: str) -> None:
    """Writes README.md, roofline.md and results.json into `folder`.

    Raises:
        UsageError: a file cannot be written, or nothing was compared.
    """
    if not comparisons:
        raise UsageError(f"nothing was compared that could be saved in {folder}")
    write_file(Path(folder, "README.md"), verification_page(comparisons))
    write_file(Path(folder, "roofline.md"), roofline_page())
    write_file(Path(folder, "results.json"), results_json(comparisons))


# ----- rules beside measurements -----


def verification_page(comparisons: Sequence[Comparison]) -> str:
    """How many figures agree, network by network, and every one that does not."""
    blocks = [
        _MADE,
        "# Verification",
        *_introduction(comparisons),
        "## Networks",
        _network_table(comparisons),
        "## Differences",
        _differences(comparisons),
        *_not_measured(comparisons),
        "## What was compared",
        bullets(_meanings(comparisons)),
        "## Totals",
        "Each is the rule's and torch's at once, unless both stand there.",
        _total_table(comparisons),
        *_allocators(comparisons),
        *_times(comparisons),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _introduction(comparisons: Sequence[Comparison]) -> Iterator[str]:
    figures = sum(sum(tally(c.figures).values()) for c in comparisons)
    different = sum(len(c.differences) for c in comparisons)
    missing = sum(len(c.not_measured) for c in comparisons)
    not_all = f" {missing:,} figures were not measured, for the reasons below." if missing else ""
    failed = [str(c.network) for c in comparisons if c.failure]
    if failed:
        not_all += f" {len(failed)} networks could not be measured at all."
    yield (
        "Each network is built as a torch model from its spec; what torch measures on it is held "
        f"against the rules, layer by layer. {len(comparisons)} networks, {figures:,} figures, "
        f"**{different:,} differences**.{not_all}"
    )
    under = comparisons[0].conditions
    on_gpu = "" if under.device.startswith("cuda") else " This run had no GPU."
    yield (
        f"Measured with {markdown(str(under))}. Parameters and MACs are counted on the meta "
        f"device.{on_gpu} The least times on some devices are on "
        "[a page of their own](roofline.md); [results.json](results.json) has the figures."
    )


def _meanings(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for subject, meaning in SUBJECTS.items():
        if any(subject in tally(c.figures) for c in comparisons):
            yield f"{subject}: {meaning}"
    figures = [figure for c in comparisons for figure in c.figures]
    if any(figure.subject == "macs" for figure in figures):
        yield (
            "MACs are those of convolutions and matrix products, by torch's FlopCounterMode for "
            "each layer. fvcore counts them alike, in a trace of the whole network on one image; "
            "what else it counts, by other measures, is left out; some networks it cannot trace."
        )
    unruled = [f for f in figures if f.rule is None and f.note and f.subject != "memory"]
    alone = {f"{figure.quantity}: {figure.note}" for figure in unruled}
    yield from sorted(alone)


def _network_table(comparisons: Sequence[Comparison]) -> str:
    tallied = {subject for c in comparisons for subject in tally(c.figures)}
    subjects = [s for s in SUBJECTS if s in tallied and s != "time"]  # which is not compared
    rows = []
    for comparison in comparisons:
        counts = tally(comparison.figures)
        different = exact(len(comparison.differences))
        rows.append(
            [
                code(str(comparison.network)),
                shape(comparison.input),
                *[exact(counts.get(subject, 0)) for subject in subjects],
                "not measured" if comparison.failure else different,
            ]
        )
    return table(["network", "input", *subjects, "differ"], rows, "ll" + "r" * (len(subjects) + 1))


def _differences(comparisons: Sequence[Comparison]) -> str:
    lines = [
        joined([code(str(comparison.network)), difference_text(figure)], ", ")
        for comparison in comparisons
        for figure in comparison.differences
    ]
    return bullets(lines) or "None."


def _not_measured(comparisons: Sequence[Comparison]) -> Iterator[str]:
    lines = [
        joined([code(str(c.network)), text], ", ") for c in comparisons for text in not_measured(c)
    ]
    if lines:
        yield "## Not measured"
        yield bullets(lines)


def _total_table(comparisons: Sequence[Comparison]) -> str:
    totals = [{f.quantity: f for f in c.figures if not f.layer} for c in comparisons]
    shown = {key: text for key, text in _TOTALS.items() if any(key in t for t in totals)}
    rows = [
        [code(str(comparison.network)), *[_total_cell(found.get(key)) for key in shown]]
        for comparison, found in zip(comparisons, totals, strict=True)
    ]
    return table(["network", *shown.values()], rows, "l" + "r" * len(shown))


def _total_cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.measured is None:
        return "not measured" if figure.not_measured else "not counted"
    if figure.agrees:
        return exact(figure.measured)
    return f"{exact(figure.rule)} ≠ {exact(figure.measured)}"


def _allocators(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """What a GPU's allocator gave out at the most, and what for: a table for each peak."""
    totals = [{f.quantity: f.measured for f in c.figures if not f.layer} for c in comparisons]
    for peak, meaning in _PEAKS.items():
        parts = [quantity_of(*peak, part) for part in ALLOCATOR_PARTS]
        rows = [
            [code(str(comparison.network)), *[exact(found[part]) for part in parts]]
            for comparison, found in zip(comparisons, totals, strict=True)
            if parts[0] in found
        ]
        if rows:
            yield f"## The allocator: {meaning}"
            yield (
                "What the GPU's allocator had given out at the most: to tensors that live, to the "
                "kernel that ran, by rounding to whole blocks, and the rest, which libraries keep."
            )
            yield table(["network", *ALLOCATOR_PARTS], rows, "l" + "r" * len(ALLOCATOR_PARTS))


def _times(comparisons: Sequence[Comparison]) -> Iterator[str]:
    timed = [(str(c.network), c.times) for c in comparisons if c.times is not None]
    if timed:
        yield "## Times"
        yield bullets(
            joined([code(name), time_text(times), furthest_line(times)], ": ")
            for name, times in timed
        )


def results_json(comparisons: Sequence[Comparison]) -> str:
    """The results without the figures of single layers, but for those that differ.

    One network a line.
    """
    conditions = json_text(as_dict(comparisons[0].conditions), indent=None)
    lines = [json_text(_result(c), indent=None) for c in comparisons]
    networks = ",\n".join(lines)
    return f'{{"conditions": {conditions}, "networks": [\n{networks}\n]}}\n'


def _result(comparison: Comparison) -> dict[str, object]:
    totals = [figure_record(figure) for figure in comparison.figures if not figure.layer]
    result: dict[str, object] = {
        **comparison.network.record("network"),
        "input": list(comparison.input),
        "compared": tally(comparison.figures),
        "not_measured": len(comparison.not_measured),
        "differences": [figure_record(figure) for figure in comparison.differences],
        "totals": totals,
    }
    if comparison.failure:
        result["failure"] = comparison.failure
    if comparison.times is not None:
        result["seconds"] = comparison.times.seconds
    return result


# ----- rooflines -----


def roofline_page() -> str:
    """The least time that devices need for a few networks, and one of them layer by layer."""
    devices = [find_device(name) for name in device_names()]
    profile = find_device(_PROFILE)
    analyses = [analyze(name, dtype=_DTYPE) for name in _ROOFLINES]
    blocks = [
        _MADE,
        "# Rooflines",
        "The least time for one image, one layer after the other, each by itself: as long as its "
        "FLOPs (2 x MACs) at the device's peak, or as long as moving its inputs, its output and "
        "its parameters once, whichever is longer. Convolutions are in TF32 where a device has it, "
        "as torch runs them by default. No measurement is in it; fused kernels take less.",
        bullets(f"{device.name}: {device_line(device, _DTYPE)}" for device in devices),
    ]
    rooflines = [(a.name, [(d, roofline(a, d)) for d in devices]) for a in analyses]
    blocks.append(_least_times(rooflines, devices))
    for analysis in analyses:
        bounds = roofline(analysis, profile)
        blocks.append(f"## {markdown(analysis.name)}")
        rows = write(RooflineDocument(analysis, bounds, profile, depth=ALL_LEVELS), "markdown")
        blocks.append(details(f"each layer on {profile.title}", rows))
    return "\n\n".join(blocks) + "\n"


def _least_times(
    rooflines: Sequence[tuple[str, Sequence[tuple[Device, Sequence[Bound]]]]],
    devices: Sequence[Device],
) -> str:
    rows = []
    for name, on_devices in rooflines:
        _, _, flops, moved, intensity, *_ = bound_cells(name, "", on_devices[0][1])
        times = [seconds_text(sum(bound.seconds for bound in bounds)) for _, bounds in on_devices]
        rows.append([Markup(f"[{markdown(name)}](#{name})"), flops, moved, intensity, *times])
    headings = ["network", "FLOPs", "moved", "FLOPs/byte", *[device.name for device in devices]]
    return table(headings, rows, "l" + "r" * (3 + len(devices)))
