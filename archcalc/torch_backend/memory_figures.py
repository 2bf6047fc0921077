"""Bytes by the rules beside bytes in torch: of outputs, kept, and alive at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import torch

from archcalc.analysis import Analysis
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.open_memory import why_memory_is_unknown
from archcalc.memory_use.options import TRAINING_DTYPES, TrainingOptions
from archcalc.memory_use.totals import peak_bytes, saved_bytes
from archcalc.memory_use.training import as_trained, refused_in_training, step_of
from archcalc.record import as_dict, replace
from archcalc.torch_backend.allocator import (
    Allocator,
    CudaAllocator,
    OperatorRun,
    allocator_peak,
    workspaces,
)
from archcalc.torch_backend.counting import Output
from archcalc.torch_backend.free_memory import lacks_room, not_implemented
from archcalc.torch_backend.layer_by_layer import Place
from archcalc.torch_backend.peak_memory import MeasuredInference, measured_inference
from archcalc.torch_backend.prepared import (
    batch_of,
    inference_bytes,
    twin_without_values,
)
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.torch_backend.training_step import MeasuredStep, measured_step
from archcalc.verification import ALLOCATOR_PARTS, Conditions, Figure, quantity_of
from archcalc.walk import analyze

_TWO_IMAGES = "for two images: torch's batch norm does not train on one value per channel"
_USUAL = TrainingOptions()
_MOST_NAMED = 3  # operators whose workspace is told

Found = TypeVar("Found")


def memory_figures(
    analysis: Analysis,
    outputs: Mapping[str, Output],
    under: Conditions,
    trained: Sequence[TrainingOptions],
) -> Iterator[Figure]:
    """All of them; those of a training step for each way to train."""
    for layer in analysis.used_layers:
        found = outputs[layer.name].bytes if layer.name in outputs else None
        yield Figure("memory", "activation_bytes", layer.name, layer.activation_bytes, found)
    unknown = why_memory_is_unknown(analysis, under.dtype)
    if unknown is not None:
        yield Figure("memory", "peak_bytes", "", None, None, note=unknown)
        return
    yield from _saved_figures(analysis, under)
    unknown = why_memory_is_unknown(analysis, under.dtype, on_gpu=under.on_gpu)
    if unknown is not None:
        yield Figure("memory", "peak_bytes", "", None, None, note=unknown)
        return
    if under.device != "meta":  # it reports batch norm's statistics, which no other makes
        yield from _inference_figures(analysis, under)
        if under.dtype in TRAINING_DTYPES:
            yield from training_figures(analysis, under, trained)


def _saved_figures(analysis: Analysis, under: Conditions) -> Iterator[Figure]:
    """What autograd keeps on account of each layer and in all."""
    analysis, note = _trainable(analysis)
    device = "meta" if under.device == "meta" else "cpu"
    rule = saved_bytes(analysis)
    needed = inference_bytes(analysis) + sum(rule.values())  # at the most
    ordered = sorted(analysis.used_layers, key=lambda layer: layer.training_only)
    names = [layer.name for layer in ordered]

    def measured() -> dict[str, int]:
        twin = twin_without_values(analysis, device)
        return saved_by_layer(twin, batch_of(analysis, device), names)

    found, why = _tried(measured, "what training keeps", needed, torch.device(device))
    for layer in analysis.used_layers:
        name = layer.name
        kept = None if found is None else found[name]
        yield Figure("memory", "saved_bytes", name, rule[name], kept, note, why)
    total = None if found is None else sum(found.values())
    yield Figure("memory", "saved_bytes", "", sum(rule.values()), total, note, why)


def _inference_figures(analysis: Analysis, under: Conditions) -> Iterator[Figure]:
    """The most that is alive at once at inference, beside parameters and buffers."""
    device = torch.device(under.device)

    def measured() -> MeasuredInference:
        allocator = _allocator(device)
        twin = twin_without_values(analysis, under.device)
        return measured_inference(twin, partial(batch_of, analysis, under.device), allocator)

    found, why = _tried(measured, "inference", inference_bytes(analysis), device)
    rule = peak_bytes(analysis, on_gpu=under.on_gpu)
    if found is None:
        yield Figure("memory", "peak_bytes", "", rule, None, not_measured=why)
        return
    yield Figure("memory", "peak_bytes", "", rule, found.beyond)
    yield from _allocator_figures("peak_bytes", (), found.runs, found.constant)


def training_figures(
    analysis: Analysis, under: Conditions, trained: Sequence[TrainingOptions]
) -> Iterator[Figure]:
    """The most that is alive at once in a training step, for each way to train."""
    analysis, note = _trainable(analysis)
    unknown = why_memory_is_unknown(analysis, under.dtype, on_gpu=under.on_gpu)
    if unknown is not None:
        yield Figure("memory", "training_peak_bytes", "", None, None, note=unknown)
        return
    for way in trained:
        yield from _step_figures(analysis, under, way, note)


def _step_figures(
    analysis: Analysis, under: Conditions, way: TrainingOptions, note: str
) -> Iterator[Figure]:
    """Those of a training step in one way."""
    device = torch.device(under.device)
    options = replace(way, dtype=under.dtype, device=device.type)
    rule = step_of(analysis, options).peak.bytes
    name, of = "training_peak_bytes", _named(options)

    def measured() -> MeasuredStep:
        allocator = _allocator(device)
        twin = twin_without_values(as_trained(analysis, options), under.device)
        make_images = partial(batch_of, analysis, under.device)
        return measured_step(twin, make_images, options, allocator)

    found, why = _tried(measured, "a training step", rule, device)
    if found is None:
        yield Figure("memory", quantity_of(name, *of), "", rule, None, note, why)
        return
    notes = "; ".join([f"most while {_running(found.at)}", *([note] if note else [])])
    yield Figure("memory", quantity_of(name, *of), "", rule, found.peak_bytes, notes)
    yield from _allocator_figures(name, of, found.runs, found.peak_bytes - found.beyond)


def _tried(
    run: Callable[[], Found], what: str, needed: int, device: torch.device
) -> tuple[Found | None, str]:
    """What `run` finds; or nothing, and why.

    It is not run where the bytes that `what` needs are not free, and finds nothing where torch has
    no kernel for what it runs.
    """
    if why := lacks_room(needed, device, what):
        return None, why
    try:
        return run(), ""
    except RuntimeError as error:
        if (missing := not_implemented(error)) is None:
            raise
        return None, f"torch refuses on {device}: {missing}"


def _named(way: TrainingOptions) -> tuple[str, ...]:
    """What is not as usual about a way to train, but for the dtype and the device."""
    words = []
    for field, value in as_dict(way).items():
        if field not in ("dtype", "device") and value != getattr(_USUAL, field):
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            words.append(text if field in ("optimizer", "loss") else f"{field} {text}")
    return tuple(words)


def _running(place: Place) -> str:
    layer, direction = place
    return (
        f"the {layer} steps" if direction is Direction.STEP else f"{layer} runs {direction.value}"
    )


def _trainable(analysis: Analysis) -> tuple[Analysis, str]:
    """The analysis for a batch that torch trains on, and a note if that is another."""
    if not refused_in_training(analysis):
        return analysis, ""
    return analyze(analysis.graph, batch=2, dtype=analysis.dtype), _TWO_IMAGES


def _allocator(device: torch.device) -> Allocator | None:
    return CudaAllocator() if device.type == "cuda" else None


def _allocator_figures(
    quantity: str, of: Sequence[str], runs: Sequence[OperatorRun], constant: int
) -> Iterator[Figure]:
    """What an allocator gave out at the most, and its parts; no rule can know it."""
    if not runs:
        return
    peak = allocator_peak(runs, constant)
    most = [
        f"{operator} {run.workspace:,} while {_running(run.at)}"
        for operator, run in workspaces(runs).items()
    ]
    found = (
        (peak.allocated, f"in {peak.run.operator}, while {_running(peak.run.at)}"),
        (peak.live, "of that; parameters and buffers are in it"),
        (peak.workspace, f"most: {'; '.join(most[:_MOST_NAMED]) or 'none'}"),
        (peak.rounding, "to whole blocks"),
        (peak.rest, "given out for neither a tensor nor the operator that runs"),
    )
    for part, (measured, note) in zip(ALLOCATOR_PARTS, found, strict=True):
        yield Figure("memory", quantity_of(quantity, *of, part), "", None, measured, note=note)
