"""The peak of a training step by the rule, beside what a GPU's allocator measures.

    python benchmarks/training_on_gpu.py [--page FILE]    on a machine with a GPU: some minutes
    python benchmarks/training_on_gpu.py --against FILE.csv    beside what was measured before

A step is measured as `archcalc verify --what memory` does: SGD without momentum, and a loss that is
the sum of all outputs. `largest_live` is the most that the allocator had given out, as it was asked
for, between two operators, less what was taken before there was a network. So the workspaces that
cuBLAS keeps for good are in it, where that was the first to need them: the rule has tensors alone.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from archcalc import analyze
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import step_of
from archcalc.reports.page import table
from archcalc.torch_backend.allocator import Allocator, CudaAllocator, workspaces
from archcalc.torch_backend.build import build, torch_device
from archcalc.torch_backend.modes import exact_float32
from archcalc.torch_backend.training_step import measured_step

NETWORKS = {
    "vgg16": 32, "resnet50": 64, "densenet121": 32, "mobilenet_v1": 64, "googlenet": 64,
    "resnext50_32x4d": 32, "lenet5": 512, "nin": 64, "convnext_tiny": 32, "vit_b_16": 32,
    "swin_t": 32, "bert_base": 16, "gpt2": 8,
}  # fmt: skip
MODES = (("float32", False), ("float32", True), ("bfloat16", True), ("mixed", True))
PAGE = Path(__file__).parents[1] / "reports" / "verification" / "training_on_gpu.md"
MOST = 0.005  # of what was measured, by which the rule may be off


class Measured(NamedTuple):
    """A row of what was measured, under the headings of the file.

    Attributes:
        name, batch, mode: what was trained, and how; `mode` is a dtype.
        tf32: whether convolutions of float32 ran in TF32.
        largest_live: the most between two operators.
        requested_peak: the most at all.
        peak_op: the operator that ran then.
        live_before, live_after: what was given out before and after it.
        workspace_at_peak: what its kernel took for itself.
        largest_workspace, largest_workspace_op: the most that any took, and which.
    """

    name: str
    batch: int
    mode: str
    tf32: bool
    largest_live: int
    requested_peak: int
    peak_op: str
    live_before: int
    live_after: int
    workspace_at_peak: int
    largest_workspace: int
    largest_workspace_op: str


def by_the_rule(row: Measured, device: str = "cuda") -> int:
    """The peak in bytes."""
    options = TrainingOptions(dtype=row.mode, device=device)
    return step_of(analyze(row.name, batch=row.batch), options).peak.bytes


def measured(
    name: str, batch: int, mode: str, tf32: bool, allocator: Allocator, device: str = "cuda"
) -> tuple[Measured, int]:
    """A row, and the most bytes of tensors that lived at once; `allocator` counts from now on."""
    options = TrainingOptions(dtype=mode, device=device)
    with nullcontext() if tf32 else exact_float32():
        twin = build(name, device=device)
        images = partial(torch.zeros, batch, *twin.graph.input.shape, device=device)
        step = measured_step(twin, images, options, allocator)
    top = max(step.runs, key=lambda run: run.most.requested)
    taken = workspaces(step.runs)
    operator = next(iter(taken), "")
    row = Measured(
        name, batch, mode, tf32,
        max(max(run.before.requested, run.after.requested) for run in step.runs),
        top.most.requested, top.operator, top.before.requested, top.after.requested, top.workspace,
        taken[operator].workspace if operator else 0, operator,
    )  # fmt: skip
    return row, step.peak_bytes


def kept(path: str) -> Iterator[Measured]:
    """The rows of a file."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            texts = [row[key] for key in Measured._fields]
            yield Measured(
                *[
                    text == "True" if key == "tf32" else int(text) if text.isdigit() else text
                    for key, text in zip(Measured._fields, texts, strict=True)
                ]  # type: ignore[arg-type]  # as the fields have it
            )


def against(rows: Iterable[Measured]) -> Iterator[str]:
    """A line for each row, and one in all."""
    differences = []
    for row in rows:
        rule = by_the_rule(row)
        difference = rule - row.largest_live
        differences.append(difference / row.largest_live)
        verdict = "" if abs(differences[-1]) <= MOST else "  MISSED"
        how = f"{row.mode}{', TF32' if row.tf32 and row.mode == 'float32' else ''}"
        yield (
            f"{row.name:16} {row.batch:4} {how:14} {rule:14,} by the rule {row.largest_live:14,} "
            f"measured {difference:+13,} {differences[-1]:+9.4%}{verdict}"
        )
    exact = differences.count(0)
    most = max(map(abs, differences), default=0)
    yield f"{exact} of {len(differences)} exact, {most:.4%} off at the most, {MOST:.1%} allowed"


def page(rows: Iterable[tuple[Measured, int]], device_name: str) -> str:
    """A Markdown page."""
    headings = [
        "network", "batch", "in", "TF32", "rule", "tensors", "differ", "largest live", "requested",
        "workspace", "of",
    ]  # fmt: skip
    lines = []
    for row, tensors in rows:
        rule = by_the_rule(row)
        sizes = (
            rule, tensors, rule - tensors,
            row.largest_live, row.requested_peak, row.workspace_at_peak,
        )  # fmt: skip
        how = [row.name, str(row.batch), row.mode, "yes" if row.tf32 else "no"]
        lines.append([*how, *[f"{size:,}" for size in sizes], row.peak_op])
    blocks = [
        "<!-- Made by `benchmarks/training_on_gpu.py` on a machine with a GPU. -->",
        "# The training step on a GPU",
        f"Measured with torch {torch.__version__} on {device_name}, in bytes: SGD without "
        "momentum, the sum of all outputs as loss, the third step. `tensors` is the most of "
        "parameters, buffers and all else that lives at once, by which the rule is judged; "
        "`largest live` the most that the allocator had given out between two operators, with what "
        "libraries keep; `requested` the most at all, with the `workspace` that the operator took "
        "then.",
        table(headings, lines, "lrllrrrrrrl"),
    ]
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    """Measures, or compares with what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--page", default=PAGE, type=Path, metavar="FILE")
    parser.add_argument("--against", metavar="FILE.csv")
    arguments = parser.parse_args()
    if arguments.against:
        for line in against(kept(arguments.against)):
            print(line, flush=True)
        return
    torch_device("cuda")  # says so where there is none
    torch.cuda.init()  # before that its allocator says nothing
    rows = []
    for name, batch in NETWORKS.items():
        for mode, tf32 in MODES:
            rows.append(measured(name, batch, mode, tf32, CudaAllocator()))
            print(*rows[-1], flush=True)
    arguments.page.write_text(page(rows, torch.cuda.get_device_name()), encoding="utf-8")


if __name__ == "__main__":
    main()
