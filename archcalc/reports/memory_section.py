"""What the page of a network says about its memory at inference."""

from __future__ import annotations

from archcalc.analysis import Analysis
from archcalc.memory_use.liveness import Step, peak_of, storages, timeline
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.render.memory_plot import draw_memory
from archcalc.render.numbers import short_bytes
from archcalc.reports.library import Entry
from archcalc.reports.page import Page, code, table
from archcalc.reports.site import Site

_LEAST_DRAWN = 3  # steps: fewer make no picture


def add_memory(page: Page, entry: Entry, site: Site) -> None:
    """Adds the section."""
    analysis = entry.analysis
    unknown = why_memory_is_unknown(analysis, analysis.dtype)
    if unknown is not None:
        page.heading("Memory at inference")
        page.add(f"The peak is not known: {unknown}.")
        return
    steps = timeline(storages(analysis))
    peak = peak_of(steps)
    page.heading("Memory at inference")
    if len(steps) >= _LEAST_DRAWN:
        site.plot(
            page,
            f"{entry.name}-memory",
            f"The activations of {entry.title} that are alive while each layer runs; the most are "
            f"{short_bytes(peak.bytes)} at {peak.layer}.",
            lambda path: draw_memory(path, analysis, steps),
        )
    page.add(
        f"Most is alive while {code(peak.layer)} runs:",
        table(
            ["alive at the peak", "bytes"],
            [
                *[(code(name), short_bytes(size)) for name, size in _by_size(peak)],
                ("together", short_bytes(peak.bytes)),
            ],
            "lr",
        ),
        _policies(analysis, peak.bytes),
    )


def _by_size(step: Step) -> list[tuple[str, int]]:
    return sorted(step.alive, key=lambda item: -item[1])


def _policies(analysis: Analysis, written: int) -> str:
    """What a runtime saves that overwrites, or that writes branches where they are joined."""
    over, into = "activations and sums overwrite", "branches are written into"
    over, into = f"{over} their input", f"{into} their concatenation"
    both = f"where {over} and {into}"
    peaks = {
        f"where {over}": storages(analysis, in_place=True),
        f"where {into}": storages(analysis, concat_views=True),
        both: storages(analysis, in_place=True, concat_views=True),
    }
    found = {policy: peak_of(timeline(where)).bytes for policy, where in peaks.items()}
    found = {policy: size for policy, size in found.items() if size < written}
    singly = [size for policy, size in found.items() if policy != both]
    if singly and found.get(both, written) >= min(singly):
        found.pop(both, None)  # both together save no more than one
    said = {both: "with both"} if len(found) > 1 else {}  # else nothing has named them
    saving = [f"{short_bytes(size)} {said.get(p, p)}" for p, size in found.items()]
    return f"The peak is {', '.join(saving)}." if saving else ""
