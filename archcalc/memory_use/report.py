"""All that is known of the memory of a network: at inference, step by step, and in training."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis import Analysis, require_numbers
from archcalc.memory_use.liveness import Step, peak_of, storages, timeline
from archcalc.memory_use.options import MIXED, TrainingOptions
from archcalc.memory_use.reordering import better_order
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training import (
    BackwardMacs,
    TrainingMemory,
    backward_macs,
    reasons,
    training_memory,
)
from archcalc.walk import analyze


class Inference(NamedTuple):
    """The peak at inference under one policy: which step it is at, and all steps.

    `cut_short`: whether the search for the policy's order was, so that there may be a better one.
    """

    policy: str
    steps: list[Step]
    peak: Step
    cut_short: bool = False


class MemoryReport(NamedTuple):
    """Everything that is known of the memory of a network.

    Attributes:
        analysis: in the dtype of the activations.
        dtype: as asked for: one of the training dtypes.
        training: what a step needs.
        backward: the MACs of each layer backward.
        saved: the bytes that each layer keeps.
        reasons: what each layer needs for its backward pass.
        inference: the peak in the spec's order, and under policies that change it.
    """

    analysis: Analysis
    dtype: str
    optimizer: str
    training: TrainingMemory
    backward: dict[str, BackwardMacs]
    saved: dict[str, int]
    reasons: dict[str, list[str]]
    inference: list[Inference]


def memory_report(analysis: Analysis, *, optimizer: str, dtype: str) -> MemoryReport:
    """Gathers the figures, at inference under several policies.

    Raises:
        UsageError: an unknown optimizer or dtype; sizes that are not plain numbers.
    """
    require_numbers(analysis)
    options = TrainingOptions(optimizer=optimizer, dtype=dtype)
    training = training_memory(analysis, options)
    activations_in = "float16" if dtype == MIXED else dtype
    analysis = analyze(analysis.graph, batch=analysis.batch, dtype=activations_in)
    return MemoryReport(
        analysis=analysis,
        dtype=dtype,
        optimizer=optimizer,
        training=training,
        backward=backward_macs(analysis),
        saved=saved_bytes(analysis),
        reasons=reasons(analysis),
        inference=_policies(analysis),
    )


def _policies(analysis: Analysis) -> list[Inference]:
    plainly = storages(analysis)
    order = better_order(plainly)
    runs = {
        "as written": timeline(plainly),
        "in place": timeline(storages(analysis, in_place=True)),
        "concat as view": timeline(storages(analysis, concat_views=True)),
        "in place, concat as view": timeline(storages(analysis, in_place=True, concat_views=True)),
    }
    found = [Inference(policy, steps, peak_of(steps)) for policy, steps in runs.items()]
    steps = timeline(plainly, order.layers)
    return [*found, Inference("branches reordered", steps, peak_of(steps), not order.is_best)]
