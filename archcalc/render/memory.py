"""Memory: per layer, at inference over time, and in a training step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.memory_use.batches import Peak
from archcalc.memory_use.report import MemoryReport
from archcalc.memory_use.totals import activation_bytes
from archcalc.memory_use.training import (
    TrainingMemory,
    refused_in_training,
)
from archcalc.quantity.arithmetic import plain
from archcalc.render.numbers import binary_bytes, exact, short, short_bytes
from archcalc.render.output import Data, Document, Part, Table
from archcalc.render.rows import ALL_LEVELS, depth_that_fits, rows_at_depth
from archcalc.render.table import LECTURE, caption, with_network

_KEYS = ("name", "output_bytes", "param_bytes", "kept_bytes", "kept", "backward_macs", "used")
_HEADINGS = ("layer", "output", "params", "kept", "kept for the backward pass", "backward MACs")


class Budget(NamedTuple):
    """A memory, as it was given.

    Attributes:
        text: as it was given.
        fitting: the largest batch that trains in it; None for none.
        smallest: the smallest batch that trains at all.
    """

    text: str
    fitting: Peak | None
    smallest: Peak


class MemoryDocument(Document):
    """What a network needs at inference, and in a training step.

    Attributes:
        depth: the level of nesting below which blocks are folded; for people what fits a screen
            if None, for programs all layers by themselves.
        in_full: all digits in place of `12.85MB`.
        budget: what to say the largest batch of, in text and JSON.
    """

    report: MemoryReport
    depth: int | None = None
    in_full: bool = False
    budget: Budget | None = None

    def record(self) -> dict[str, object]:
        """All of it."""
        report, analysis = self.report, self.report.analysis
        found: dict[str, object] = {
            **analysis.identity.record(),
            "input": plain(analysis.input.shape),
            "batch": analysis.batch,
            "dtype": report.dtype,
            "optimizer": report.optimizer,
            "layers": [
                {
                    "name": layer.name,
                    "output_bytes": plain(layer.activation_bytes),
                    "param_bytes": plain(layer.params * analysis.bytes_each),
                    "kept_bytes": plain(report.saved[layer.name]),
                    "kept": report.reasons[layer.name],
                    "backward_macs": {
                        "weights": plain(report.backward[layer.name].weights),
                        "inputs": plain(report.backward[layer.name].inputs),
                    },
                    "used": layer.used,
                }
                for layer in analysis.layers
            ],
            "inference": [
                {
                    "policy": run.policy,
                    "peak_bytes": run.peak.bytes,
                    "at": run.peak.layer,
                    "cut_short": run.cut_short,
                    "alive": [{"name": name, "bytes": size} for name, size in run.peak.alive],
                }
                for run in report.inference
            ],
            "training": {**report.training.purposes, "refused": refused_in_training(analysis)},
            "macs": {
                "forward": sum(layer.macs for layer in analysis.used_layers),
                "backward": sum(macs.total for macs in report.backward.values()),
            },
        }
        if self.budget is not None:
            fitting = self.budget.fitting
            found["largest_batch"] = fitting.batch if fitting else 0
        return found

    def data(self) -> Data:
        """A row for each layer or folded block."""
        report, analysis = self.report, self.report.analysis
        rows = rows_at_depth(analysis, self.depth or ALL_LEVELS)
        cells = [
            [r.name, *_figures(report, r.counted), r.counted[-1].used] for r in rows if r.layers
        ]
        return Data(_KEYS, cells).of(analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """As text a tree of layers, and below it inference and a training step in words."""
        report = self.report
        if form != "text":
            yield self._table(form)
            return
        yield caption(report.analysis)
        yield self._table(form)
        notes = memory_lines(report, in_full=self.in_full)
        if self.budget is not None:
            notes.append(_budget_line(self.budget))
        yield notes

    def _table(self, form: str) -> Table:
        """As text a tree; elsewhere, where nothing is indented, rows have their whole names."""
        report, tree = self.report, form == "text"
        count, size = (exact, exact) if self.in_full else (short, short_bytes)
        cells = []
        depth = self.depth or depth_that_fits(report.analysis)
        for row in rows_at_depth(report.analysis, depth):
            if row.layers:
                output, params, kept, why, backward = _figures(report, row.counted)
                if not row.counted[-1].used:
                    why = "(unused: no output needs it)"
                name = row.label if tree else row.name
                cells.append([name, size(output), size(params), size(kept), why, count(backward)])
            elif tree:
                cells.append([row.label, *[""] * (len(_HEADINGS) - 1)])
        return Table(with_network(report.analysis, _HEADINGS, form), cells, "lrrrlr")


def _figures(
    report: MemoryReport, layers: Sequence[LayerAnalysis]
) -> tuple[int, int, int, str, int]:
    """Bytes put out, of parameters and kept; what is kept, of a single layer; MACs backward."""
    names = [layer.name for layer in layers]
    kept = sum(report.saved[name] for name in names)
    why = ", ".join(report.reasons[names[0]]) if len(names) == 1 else ""
    if why and not kept:
        why = f"({why}: kept already)"
    return (
        sum(layer.activation_bytes for layer in layers),
        sum(layer.params for layer in layers) * report.analysis.bytes_each,
        kept,
        why,
        sum(report.backward[name].total for name in names),
    )


class TrainingDocument(Document):
    """The bytes that a training step needs, by purpose."""

    analysis: Analysis
    found: TrainingMemory

    def record(self) -> dict[str, object]:
        """The batch, and the bytes for each purpose."""
        batch = {"batch": self.found.batch}
        return {**self.analysis.identity.record(), **batch, **self.found.purposes}

    def data(self) -> Data:
        """A row for each purpose."""
        batch = self.found.batch
        rows = [[purpose, batch, size] for purpose, size in self.found.purposes.items()]
        return Data(["purpose", "batch", "bytes"], rows).of(self.analysis.identity)

    def parts(self, form: str) -> Iterator[Part]:
        """A row for each purpose, and the total."""
        cells = [[purpose, short_bytes(size)] for purpose, size in self.found.purposes.items()]
        heading = f"{self.analysis.identity}, batch {self.found.batch}"
        yield Table([heading, "bytes"], cells[:-1], "lr", total=cells[-1])


def memory_lines(report: MemoryReport, *, in_full: bool) -> list[str]:
    """What stands under the table: inference, and what a training step needs."""
    count, size = (exact, exact) if in_full else (short, short_bytes)
    analysis, step = report.analysis, report.training
    totals = activation_bytes(analysis)
    written = report.inference[0]
    lines = [
        f"inference, batch {analysis.batch}, {analysis.dtype}",
        f"  activations  lecture {size(totals.lecture)}, all {size(totals.all)}",
        f"               {LECTURE}",
        f"  peak         {size(written.peak.bytes)} while {written.peak.layer} runs:",
        *[
            f"               {size(number)} {name}"
            for name, number in sorted(written.peak.alive, key=lambda item: -item[1])
        ],
    ]
    for run in report.inference[1:]:
        saved = written.peak.bytes - run.peak.bytes
        change = f"saves {saved / written.peak.bytes:.0%}" if saved > 0 else (
            "saves nothing" if saved == 0 else f"costs {-saved / written.peak.bytes:.0%}"
        )  # fmt: skip
        limit = "; the search was cut short" if run.cut_short else ""
        lines.append(f"    {run.policy:<26}{size(run.peak.bytes)}, {change}{limit}")
    forward = sum(layer.macs for layer in analysis.used_layers)
    backward = sum(macs.total for macs in report.backward.values())
    lines += [
        "",
        f"training step, batch {step.batch}, {report.optimizer}, {report.dtype}",
        f"  parameters   {size(step.parameters)}",
        f"  gradients    {size(step.gradients)}",
        f"  optimizer    {size(step.optimizer)}",
        *([f"  master copy  {size(step.master)}"] if step.master else []),
        f"  activations  {size(step.activations)} kept for the backward pass",
        f"  total        {size(step.total)} = {binary_bytes(step.total)}",
        f"  MACs         {count(forward)} forward + {count(backward)} backward "
        f"= {count(forward + backward)}",
    ]
    return [*lines, *_refusals(analysis)]


def _refusals(analysis: Analysis) -> list[str]:
    """That torch does not train on a batch, if so."""
    norms = refused_in_training(analysis)
    if not norms:
        return []
    more = f" and {len(norms) - 1} more" if norms[1:] else ""
    return [f"  (torch refuses a single image: {norms[0]}{more} would have one value per channel)"]


def _budget_line(budget: Budget) -> str:
    """The largest batch that trains in a budget; or what the smallest takes that trains at all."""
    found = budget.fitting or budget.smallest
    needed = f"{short_bytes(found.bytes)} = {binary_bytes(found.bytes)}"
    if budget.fitting is not None:
        return f"  in {budget.text}  batch {found.batch} at most, {needed}"
    if found.batch == 1:
        return f"  in {budget.text}  not even one image, which takes {needed}"
    return f"  in {budget.text}  not even {found.batch} images, which take {needed}"
