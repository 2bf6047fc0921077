"""All that is known of the memory of a network: at inference, step by step, and in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from archcalc.analysis import DTYPES, Analysis, require_numbers
from archcalc.layers.attention import ScaledDotProductAttention
from archcalc.memory_use.cutting import Cut
from archcalc.memory_use.kept import kept_by_layer
from archcalc.memory_use.liveness import Step, peak_of, storages, timeline
from archcalc.memory_use.moments import Alive, Direction, Moment, Purpose
from archcalc.memory_use.options import MIXED, TrainingOptions
from archcalc.memory_use.recorded import LOSS
from archcalc.memory_use.reordering import better_order
from archcalc.memory_use.training import (
    BackwardMacs,
    backward_macs,
    cut_for_training,
    reasons,
    refused_in_training,
    step_of,
)
from archcalc.memory_use.training_step import TrainingStep, training_step


class Inference(NamedTuple):
    """The peak at inference under one policy: which step it is at, and all steps.

    `cut_short`: whether the search for the policy's order was, so that there may be a better one.
    """

    policy: str
    steps: list[Step]
    peak: Step
    cut_short: bool = False


class TrainingReport(NamedTuple):
    """The memory of a training step: its peak, and what is alive there.

    Attributes:
        batch: the number of images.
        options: how the network is trained.
        peak: the first moment at which most is alive.
        alive: the tensors that are alive then, the largest first, beside what is there all the
            time: parameters, buffers, and the state of the optimizer.
        in_place: bytes alive at the peak where torch adds one gradient to another in place, which
            it does unless a mode watches its operators.
        kept: bytes that the forward pass keeps for the backward pass.
        refused: the layers that torch does not train on such a batch.
        by_cudnn: whether attention is run by cuDNN's kernel, as torch does on an H100 or H200.
        step: the step, moment by moment.
        cut: the cut into checkpointed stretches, where it is made automatically.
    """

    batch: int
    options: TrainingOptions
    peak: Moment
    alive: list[Alive]
    in_place: int
    kept: int
    refused: list[str]
    by_cudnn: bool
    step: TrainingStep
    cut: Cut | None

    @property
    def parts(self) -> dict[str, int]:
        """The bytes that are alive at the peak, by purpose."""
        return {purpose.value: self.peak.parts[purpose] for purpose in Purpose}


class MemoryReport(NamedTuple):
    """Everything that is known of the memory of a network.

    Attributes:
        analysis: in the dtype of the activations; in half precision for `MIXED`.
        training: the memory of a training step.
        most_alive: for each layer in each direction in which it runs in training, the most bytes
            that are alive meanwhile.
        backward: the MACs of each layer backward.
        outputs, parameters: the bytes of each layer's output, and of what it learns, in training.
        saved: the bytes that each layer keeps, in training.
        reasons: what each layer needs for its backward pass.
        inference: the peak in the spec's order, and under policies that change it.
    """

    analysis: Analysis
    training: TrainingReport
    most_alive: dict[tuple[str, Direction], int]
    backward: dict[str, BackwardMacs]
    outputs: Mapping[str, int]
    parameters: Mapping[str, int]
    saved: Mapping[str, int]
    reasons: dict[str, list[str]]
    inference: list[Inference]


def memory_report(
    analysis: Analysis, options: TrainingOptions, budget: int | None = None
) -> MemoryReport:
    """Gathers the figures, at inference under several policies.

    Args:
        budget: as for `training_report`.

    Raises:
        UsageError: as `training_report`.
    """
    training, analysis = _trained(analysis, options, budget)
    tape, mixed = training.step.course.tape, options.dtype == MIXED
    analysis = analysis.of_batch(analysis.batch, "float16" if mixed else options.dtype)
    parameter_bytes = DTYPES["float32"] if mixed else analysis.bytes_each
    return MemoryReport(
        analysis=analysis,
        training=training,
        most_alive=most_alive(training.step),
        backward=backward_macs(analysis),
        outputs={
            layer.name: tape.bytes.get(layer.name, layer.activation_bytes)
            for layer in analysis.layers
        },
        parameters={layer.name: layer.params * parameter_bytes for layer in analysis.layers},
        saved=kept_by_layer(analysis, tape),
        reasons=reasons(analysis),
        inference=_policies(analysis),
    )


def training_report(
    analysis: Analysis, options: TrainingOptions, budget: int | None = None
) -> TrainingReport:
    """The memory of a training step with the analysis' batch, whatever its own dtype.

    Args:
        budget: the bytes that the step may need. Where it is checkpointed automatically, that is
            by the cheapest cut that fits, and not by the one that needs the least.

    Raises:
        UsageError: an unknown option; sizes that are not plain numbers.
    """
    return _trained(analysis, options, budget)[0]


def _trained(
    analysis: Analysis, options: TrainingOptions, budget: int | None
) -> tuple[TrainingReport, Analysis]:
    """As `training_report`, and the network as it is trained."""
    require_numbers(analysis)
    analysis, cut = cut_for_training(analysis, options, budget)
    step = step_of(analysis, options.without_patterns)
    peak = step.peak
    report = TrainingReport(
        batch=analysis.batch,
        options=options,
        peak=peak,
        alive=sorted(step.alive(peak), key=lambda tensor: -tensor.bytes),
        in_place=training_step(step.course._replace(sums_apart=False)).peak.bytes,
        kept=next(
            moment.parts[Purpose.KEPT]
            for moment in reversed(step.moments)
            if moment.layer == LOSS and moment.direction is Direction.BACKWARD
        ),
        refused=refused_in_training(analysis),
        by_cudnn=options.on_gpu
        and options.dtype != "float32"
        and any(isinstance(x.node.layer, ScaledDotProductAttention) for x in analysis.used_layers),
        step=step,
        cut=cut,
    )
    return report, analysis


def most_alive(step: TrainingStep) -> dict[tuple[str, Direction], int]:
    """For each layer in each direction in which it runs, the most bytes alive meanwhile."""
    most: dict[tuple[str, Direction], int] = {}
    for moment in step.moments:
        runs = moment.layer, moment.direction
        most[runs] = max(moment.bytes, most.get(runs, 0))
    return most


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
