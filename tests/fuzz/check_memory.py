"""What is kept for the backward pass, and what is alive at inference."""

from __future__ import annotations

import archcalc
from archcalc.memory_use.liveness import storages, timeline
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.open_memory import kept_channels_last, why_memory_is_unknown
from archcalc.memory_use.options import TRAINING_DTYPES, TrainingOptions
from archcalc.memory_use.totals import input_bytes, saved_bytes, training_only_bytes
from archcalc.memory_use.training import refused_in_training, step_of
from tests.fuzz import measuring
from tests.fuzz.checking import Comparison, Subject

LOSS_BYTES = 4


def _is_unknown(subject: Subject, comparison: Comparison) -> bool:
    """Whether archcalc says of some layer that its memory is not known, or may be off."""
    analysis = subject.analysis
    unknown = why_memory_is_unknown(analysis, analysis.dtype) is not None
    unknown = unknown or any(kept_channels_last(analysis))
    comparison.unknown += unknown
    return unknown


def check_training(subject: Subject, comparison: Comparison) -> None:
    """What torch multiplies, and keeps for the backward pass."""
    net, analysis = subject.net, subject.analysis
    found = measuring.training(net, subject.learned, subject.images())
    for layer in analysis.layers:
        comparison.of("macs as torch counts them", layer.name, layer.macs, found.macs[layer.name])
    if _is_unknown(subject, comparison):
        return
    saved = saved_bytes(analysis)
    for layer in analysis.layers:
        comparison.of("kept", layer.name, saved[layer.name], found.kept[layer.name])
    at_inference, training_only = net.parts()
    for quantity, has, names in (
        ("training bytes", archcalc.activation_bytes(analysis).training, at_inference),
        ("training bytes in training only", training_only_bytes(analysis).training, training_only),
    ):
        comparison.of(quantity, "", has, sum(found.kept[name] for name in names))


def check_step(subject: Subject, comparison: Comparison) -> None:
    """What is alive in a training step: layer by layer forward, at the most, and afterwards."""
    analysis = subject.analysis
    options = TrainingOptions(dtype=analysis.dtype)
    if analysis.dtype not in TRAINING_DTYPES or refused_in_training(analysis):
        return
    if subject.integers.keys() >= {*subject.net.outputs}:
        return  # there is no loss of integers
    if _is_unknown(subject, comparison):
        return
    found = measuring.step(subject.net, subject.learned, subject.images())
    step = step_of(analysis, options)
    constant = sum(step.course.constant.values())
    for moment in step.moments:
        if moment.direction is Direction.FORWARD and moment.layer in found.forward:
            alive = moment.bytes - constant
            comparison.of("alive in training", moment.layer, alive, found.forward[moment.layer])
        elif moment.direction is Direction.STEP:
            held = input_bytes(analysis) + LOSS_BYTES
            left = moment.bytes - constant - held
            comparison.of("gradients", "", left, found.gradients)
    comparison.of("peak of a step", "", step.peak.bytes - constant, found.most)


def check_inference(subject: Subject, comparison: Comparison) -> None:
    """What is alive, step by step."""
    net, analysis = subject.net, subject.analysis
    at_inference, _ = net.parts()
    constant = net.constant()
    found = measuring.inference(net, subject.learned, subject.images, at_inference)
    for layer in analysis.layers:
        if layer.name in found.shapes:
            own = (1 if layer.name in constant else analysis.batch, *layer.output.shape)
            comparison.of("size when run", layer.name, own, found.shapes[layer.name])
    if _is_unknown(subject, comparison):
        return
    steps = timeline(storages(analysis))
    comparison.of("steps", "", [step.layer for step in steps], list(found.alive))
    for step in steps:
        comparison.of("alive", step.layer, step.bytes, found.alive.get(step.layer))
    peak = archcalc.activation_bytes(analysis).peak
    comparison.of("peak bytes", "", peak, max(found.alive.values(), default=0))
