"""The memory of a training step: its peak, what is alive there, and the batch that fits."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.memory_use.batches import Peak
from archcalc.memory_use.cutting import Cut
from archcalc.memory_use.moments import Direction, Purpose
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.recorded import LOSS
from archcalc.memory_use.report import TrainingReport
from archcalc.record import as_dict
from archcalc.render.numbers import binary_bytes, exact, short_bytes
from archcalc.render.output import WIDTH, Data, Document, Part, Table

PURPOSES = {
    Purpose.PARAMETERS: "parameters",
    Purpose.BUFFERS: "buffers",
    Purpose.GRADIENTS: "gradients of parameters",
    Purpose.OPTIMIZER: "the optimizer's state",
    Purpose.KEPT: "kept activations",
    Purpose.ACTIVATION_GRADIENTS: "gradients of activations",
    Purpose.OTHER: "inputs and others",
}
_LOSSES = {
    "sum": "the sum of the outputs",
    "mse": "mean-square error",
    "cross_entropy": "cross entropy",
}
_MOST_NAMED = 5  # tensors that are alive at the peak
LEFT_OUT = "CUDA's context, the workspace of kernels, fragments of the allocator"
_MARGIN = " " * 15  # of what stands behind a label


class Budget(NamedTuple):
    """A memory, and the largest batch that trains in it.

    Attributes:
        text: as it was given.
        reserve: what of it is held back, as it was given; None for nothing.
        fitting: the peak with the largest batch that fits; None where none does.
        least: the peak with the smallest batch that torch trains on.
    """

    text: str
    reserve: str | None
    fitting: Peak | None
    least: Peak


class TrainingDocument(Document):
    """The memory of a training step, by purpose."""

    analysis: Analysis
    report: TrainingReport

    def record(self) -> dict[str, object]:
        """The batch, and all that is known of the step."""
        batch = {"batch": self.report.batch}
        return {**self.analysis.identity.record(), **batch, **training_record(self.report)}

    def data(self) -> Data:
        """A row for each purpose."""
        batch = self.report.batch
        rows = [[purpose, batch, size] for purpose, size in self.report.parts.items()]
        return Data(["purpose", "batch", "bytes"], rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each purpose, and the peak; as text, where that is, and what is assumed."""
        report = self.report
        cells = [[PURPOSES[purpose], short_bytes(n)] for purpose, n in report.peak.parts.items()]
        heading = f"{self.analysis.identity}, batch {report.batch}"
        peak = ["peak", short_bytes(report.peak.bytes)]
        yield Table([heading, "bytes"], cells, "lr", total=peak)
        if form == "text":
            where = where_is(report.peak.layer, report.peak.direction)
            cut = "" if report.cut is None else f"; checkpointed: {cut_in_words(report.cut)}"
            yield textwrap.wrap(f"{where}; {assumed(report)}{cut}", WIDTH)


def training_record(report: TrainingReport) -> dict[str, object]:
    """All that is known of a step, for JSON."""
    return {
        "options": options_record(report.options),
        "peak_bytes": report.peak.bytes,
        "at": report.peak.layer,
        "direction": report.peak.direction.value,
        "parts": report.parts,
        "alive": [
            {"name": name, "bytes": size, "purpose": purpose.value}
            for name, size, purpose in report.alive
        ],
        "peak_bytes_in_place": report.in_place,
        "kept_bytes": report.kept,
        "refused": report.refused,
        "cut": None if report.cut is None else _cut_record(report.cut),
    }


def _cut_record(cut: Cut) -> dict[str, object]:
    """How an automatic cut was found, for JSON."""
    return {"tried": cut.tried, "budget_bytes": cut.budget, "missing_bytes": cut.missing}


def options_record(options: TrainingOptions) -> dict[str, object]:
    """How a network is trained, for JSON."""
    return {n: [*v] if isinstance(v, tuple) else v for n, v in as_dict(options).items()}


def training_lines(report: TrainingReport, *, in_full: bool) -> list[str]:
    """A step in words: its peak, what that consists of, and what it assumes."""
    size = exact if in_full else short_bytes
    options, peak = report.options, report.peak
    where = where_is(peak.layer, peak.direction)
    named, others = report.alive[:_MOST_NAMED], report.alive[_MOST_NAMED:]
    alive = [
        (size(tensor.bytes), f"{tensor.name}{', kept' * (tensor.purpose is Purpose.KEPT)}")
        for tensor in named
    ]
    if others:
        alive.append((size(sum(tensor.bytes for tensor in others)), f"in {len(others)} more"))
    parts = [(size(n), PURPOSES[purpose]) for purpose, n in peak.parts.items() if n]
    return [
        f"training step, batch {report.batch}, {in_words(options)}",
        *(labelled("refused", _why_refused(report)) if report.refused else []),
        *labelled("peak", f"{size(peak.bytes)} = {binary_bytes(peak.bytes)} {where}:"),
        *_listed(parts),
        "  alive there, beside what is there all the time:",
        *_listed(alive),
        *labelled("kept", f"{size(report.kept)} by the forward pass for the backward pass"),
        *labelled("assumed", assumed(report, in_full=in_full)),
    ]


def budget_lines(budget: Budget) -> list[str]:
    """The largest batch that trains in a budget; or what the least takes, if that is more."""
    peak = budget.fitting or budget.least
    takes = f"{short_bytes(peak.bytes)} = {binary_bytes(peak.bytes)}"
    if budget.fitting is not None:
        answer = f"batch {peak.batch} at most, {takes}"
    elif peak.batch == 1:
        answer = f"not even batch 1, which takes {takes}"
    else:
        answer = f"not even batch {peak.batch}, which takes {takes}; torch refuses 1"
    held_back = f"; {budget.reserve} are held back" if budget.reserve else ""
    return [
        *labelled(f"in {budget.text}", f"{answer}{held_back}"),
        *labelled("left out", f"{LEFT_OUT}; --reserve SIZE holds room for them"),
    ]


def cut_in_words(cut: Cut, *, in_full: bool = False) -> str:
    """How an automatic cut was found, and whether it fits where it is to."""
    size = exact if in_full else short_bytes
    cuts = f"{cut.tried:,} cut{'s' * (cut.tried != 1)} tried by replay"
    if cut.budget is None:
        return f"of {cuts} the one that needs the least"
    if cut.missing:
        return f"none of {cuts} fits; the one that needs the least is {size(cut.missing)} too large"
    if not cut.graph.stretches:
        return f"nothing, for the batch fits without ({cuts})"
    return f"of {cuts} the one that takes the fewest MACs and fits"


def in_words(options: TrainingOptions) -> str:
    """Optimizer and dtype, and what is not usual."""
    usual = as_dict(TrainingOptions(optimizer=options.optimizer, dtype=options.dtype))
    unusual = [_in_words(n, v) for n, v in as_dict(options).items() if v != usual[n]]
    return ", ".join([options.optimizer, options.dtype, *unusual])


def _in_words(option: str, value: object) -> str:
    if isinstance(value, bool):
        return option if value else f"no {option}"
    return f"{option} {' '.join(value) if isinstance(value, tuple) else value}"


def where_is(layer: str, direction: Direction) -> str:
    """While which layer runs, and in which pass."""
    if direction is Direction.STEP:
        return "while the optimizer steps"
    runs = "while the loss runs" if layer == LOSS else f"while {layer} runs"
    return f"{runs} backward" if direction is Direction.BACKWARD else runs


def assumed(report: TrainingReport, *, in_full: bool = False) -> str:
    """What the peak holds for."""
    size = exact if in_full else short_bytes
    options = report.options
    held = "inputs and loss" if options.loss == "sum" else "inputs, targets and loss"
    in_place = ""
    if report.in_place < report.peak.bytes:
        in_place = f" (without one torch adds some in place: {size(report.in_place)})"
    by = " (attention by cuDNN, as on an H100 or H200)" if report.by_cudnn else ""
    return (
        f"as torch on the {'GPU' if options.on_gpu else 'CPU'}{by}; the loss is "
        f"{_LOSSES[options.loss]}; {held} live to the end, outputs until the loss is made; "
        "sums of gradients count beside the gradients themselves, as under a TorchDispatchMode"
        f"{in_place}"
    )


def _why_refused(report: TrainingReport) -> str:
    """Why torch does not train on the batch."""
    first, *others = report.refused
    more = f" and {len(others)} more" if others else ""
    return f"by torch: {first}{more} would have a single value to normalize"


def labelled(label: str, text: str) -> list[str]:
    """A text behind a label, on as many lines as it takes."""
    lines = textwrap.wrap(text, WIDTH - len(_MARGIN), break_long_words=False)
    return [f"  {label:<12} {lines[0]}", *[f"{_MARGIN}{line}" for line in lines[1:]]]


def _listed(rows: list[tuple[str, str]]) -> list[str]:
    """Sizes below one another, and what they are of."""
    width = max((len(size) for size, _ in rows), default=0)
    return [f"{_MARGIN}{size:>{width}} {what}" for size, what in rows]
