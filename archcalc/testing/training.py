"""The check that a layer kind says what torch runs for it in training, operator by operator."""

from __future__ import annotations

from functools import partial
from typing import Literal, TypeAlias

import torch

from archcalc.graph import Graph
from archcalc.layers import Storage
from archcalc.memory_use.kept import kept_by_layer
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.totals import saved_bytes
from archcalc.memory_use.training import refused_in_training, step_of
from archcalc.memory_use.training_step import TrainingStep
from archcalc.testing.checks import between_learned_layers, effect_of, on_the_images
from archcalc.testing.strategies import Example
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from archcalc.torch_backend.training_step import measured_step
from archcalc.walk import analyze

# Where a layer stands: between norms, which mind how gradients lie, or where none goes on.
Placed: TypeAlias = Literal["normed", "on the images"]


def check_operators(example: Example, placed: Placed, batch: int) -> None:
    """A training step needs what its operators say, to the byte, and they what its effect says."""
    effect = effect_of(example)
    if effect is None:
        return
    output = effect.output
    if placed == "on the images" and len(example.inputs) == 1 and example.pool is None:
        network = on_the_images(example, output)
    else:
        # Of a single channel or position the norm has no other order, but strides that mislead.
        normed = output.channels > 1 and output.positions > 1
        network = between_learned_layers(example, output, normed=normed)
    analysis = analyze(network, batch=batch)
    if why_memory_is_unknown(analysis, analysis.dtype):
        return
    check_step(network, batch)
    step = step_of(analysis)
    assert kept_by_layer(analysis, step.course.tape) == saved_bytes(analysis), (
        "`operators` and `effect_on` do not keep the same"
    )
    beside = sum(extra.bytes_for(batch, 4) for extra in effect.workspace)
    own = analysis.map_bytes["layer"] if effect.storage is Storage.OWN else 0
    assert _made_by("layer", step) >= beside + own, "`operators` make less than `workspace`"


def _made_by(layer: str, step: TrainingStep) -> int:
    """The most bytes at once of what a layer makes while it runs forward."""
    return max(
        [
            sum(
                tensor.bytes
                for tensor in step.alive(moment)
                if tensor.name == layer or tensor.name.startswith(f"{layer} (")
            )
            for moment in step.moments
            if (moment.layer, moment.direction) == (layer, Direction.FORWARD)
        ],
        default=0,
    )


def check_step(
    network: Graph,
    batch: int = 2,
    options: TrainingOptions = TrainingOptions(),  # noqa: B008  frozen
) -> None:
    """The most that is alive while each layer trains, and at once, is what torch has alive."""
    analysis = analyze(network, batch=batch)
    if refused_in_training(analysis):
        return
    step = step_of(analysis, options)
    inputs = partial(drawn, network, batch, torch.float32, "cpu")
    found = measured_step(build(network), inputs, options)
    constant = sum(step.course.constant.values())
    rule = {(moment.layer, moment.direction): moment.bytes - constant for moment in step.moments}
    measured = {place: most for place, most in found.most.items() if place in rule}
    assert measured == {place: rule[place] for place in measured}, (
        "torch has more or less alive: see `gradient`, `gradient_order`, `operators`"
    )
    assert step.peak.bytes == found.peak_bytes, step.peak
    assert sum(tensor.bytes for tensor in step.alive(step.peak)) == found.beyond
