"""Memory as text and JSON: per layer, at inference over time, and in a training step."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.memory_use.report import MemoryReport
from archcalc.memory_use.totals import activation_bytes
from archcalc.memory_use.training import (
    TrainingMemory,
    refused_in_training,
    training_memory,
)
from archcalc.quantity.arithmetic import plain
from archcalc.render.numbers import binary_bytes, exact, short, short_bytes
from archcalc.render.output import SEPARATORS
from archcalc.render.rows import Row
from archcalc.render.table import separated_of, tabulate_rows, with_network
from archcalc.walk import analyze

LAYER_KEYS = ("name", "output_bytes", "param_bytes", "kept_bytes", "kept", "backward_macs", "used")
_HEADINGS = ("layer", "output", "params", "kept", "kept for the backward pass", "backward MACs")
_ALIGN = ("left", "right", "right", "right", "left", "right")


def layer_table(report: MemoryReport, rows: Sequence[Row], form: str, *, in_full: bool) -> str:
    """A row for each layer or folded block, as text, csv or in a format of tabulate.

    As text it is a tree; elsewhere, where nothing is indented, rows have their whole names.

    Raises:
        UsageError: there is no such format; with a guess.
    """
    if form in SEPARATORS:
        plain_cells = [
            [r.name, *_figures(report, r.counted), r.counted[-1].used] for r in rows if r.layers
        ]
        return separated_of(report.analysis, form, LAYER_KEYS, plain_cells)
    count, size = (exact, exact) if in_full else (short, short_bytes)
    cells = []
    for row in rows:
        if row.layers:
            output, params, kept, why, backward = _figures(report, row.counted)
            if not row.counted[-1].used:
                why = "(unused: no output needs it)"
            name = row.label if form == "text" else row.name
            cells.append([name, size(output), size(params), size(kept), why, count(backward)])
        elif form == "text":
            cells.append([row.label, *[""] * (len(_HEADINGS) - 1)])
    headings = with_network(report.analysis, _HEADINGS, form)
    return tabulate_rows(headings, cells, form, _ALIGN)


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


def layer_records(report: MemoryReport) -> list[dict[str, object]]:
    """The figures of each layer, in types that JSON knows."""
    return [
        {
            "name": layer.name,
            "output_bytes": plain(layer.activation_bytes),
            "param_bytes": plain(layer.params * report.analysis.bytes_each),
            "kept_bytes": plain(report.saved[layer.name]),
            "kept": report.reasons[layer.name],
            "backward_macs": {
                "weights": plain(report.backward[layer.name].weights),
                "inputs": plain(report.backward[layer.name].inputs),
            },
            "used": layer.used,
        }
        for layer in report.analysis.layers
    ]


def memory_lines(report: MemoryReport, *, in_full: bool) -> list[str]:
    """What stands under the table: inference, and the bill of a training step."""
    count, size = (exact, exact) if in_full else (short, short_bytes)
    analysis, bill = report.analysis, report.training
    totals = activation_bytes(analysis)
    written = report.inference[0]
    lines = [
        f"inference, batch {analysis.batch}, {analysis.dtype}",
        f"  activations  lecture {size(totals.lecture)}, all {size(totals.all)}",
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
        f"training step, batch {bill.batch}, {report.optimizer}, {report.dtype}",
        f"  parameters   {size(bill.parameters)}",
        f"  gradients    {size(bill.gradients)}",
        f"  optimizer    {size(bill.optimizer)}",
        *([f"  master copy  {size(bill.master)}"] if bill.master else []),
        f"  activations  {size(bill.activations)} kept for the backward pass",
        f"  total        {size(bill.total)} = {binary_bytes(bill.total)}",
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


def budget_line(report: MemoryReport, budget: str, fitting: TrainingMemory | None) -> str:
    """The largest batch that trains in a budget; or what one image takes, if that is too much."""
    found = fitting
    if found is None:
        one = analyze(report.analysis.graph)
        found = training_memory(one, optimizer=report.optimizer, dtype=report.dtype)
    needed = f"{short_bytes(found.total)} = {binary_bytes(found.total)}"
    if fitting is None:
        return f"  in {budget}  not even one image, which takes {needed}"
    at_most = f"  in {budget}  batch {fitting.batch} at most, {needed}"
    refused = refused_in_training(analyze(report.analysis.graph, batch=fitting.batch))
    return f"{at_most}; torch refuses a single image" if refused else at_most


def memory_record(report: MemoryReport) -> dict[str, object]:
    """All of it, in types that JSON knows."""
    analysis, bill = report.analysis, report.training
    return {
        **analysis.identity.record(),
        "input": plain(analysis.input.shape),
        "batch": analysis.batch,
        "dtype": report.dtype,
        "optimizer": report.optimizer,
        "layers": layer_records(report),
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
        "training": {
            "parameters": bill.parameters,
            "gradients": bill.gradients,
            "optimizer": bill.optimizer,
            "master": bill.master,
            "activations": bill.activations,
            "total": bill.total,
            "refused": refused_in_training(analysis),
        },
        "macs": {
            "forward": sum(layer.macs for layer in analysis.used_layers),
            "backward": sum(macs.total for macs in report.backward.values()),
        },
    }
