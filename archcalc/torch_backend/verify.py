"""A network's own torch twin beside its rules: everything that torch can say about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.hardware.device import Device, device_of_torch, unlimited
from archcalc.hardware.roofline import roofline
from archcalc.memory_use.totals import peak_bytes, saved_bytes
from archcalc.memory_use.training import refused_in_training
from archcalc.torch_backend.build import Twin, build, torch_device
from archcalc.torch_backend.compare import (
    images,
    mac_figures,
    param_figures,
    require_subjects,
    size_figures,
)
from archcalc.torch_backend.counting import NotCounted, Output, fvcore_count, layer_outputs
from archcalc.torch_backend.field_figures import field_figures
from archcalc.torch_backend.free_memory import refusals_named, require_room
from archcalc.torch_backend.modes import undisturbed
from archcalc.torch_backend.peak_memory import (
    allocated_at_inference,
    constant_bytes,
    peak_at_inference,
    peak_in_training,
)
from archcalc.torch_backend.saved_tensors import saved_by_layer
from archcalc.torch_backend.timing import layer_seconds
from archcalc.verification import (
    COUNTED,
    SUBJECTS,
    Comparison,
    Conditions,
    Figure,
    LayerTime,
    Times,
)
from archcalc.walk import analyze

ALLOCATOR_TOLERANCE = 0.01  # what kernels take for themselves, no rule can know

_DTYPES = {n: getattr(torch, n) for n in ("float32", "float64", "float16", "bfloat16")}


def conditions(device: str = "auto", dtype: str = "float32", batch: int = 1) -> Conditions:
    """Where and with what to measure; "auto" is a GPU where there is one.

    Raises:
        UsageError: no such device here, or no dtype that torch computes in.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    place = torch_device(device)
    if dtype not in _DTYPES:
        raise UsageError(f"torch does not compute in {dtype!r}; known: {', '.join(_DTYPES)}")
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else ""
    return Conditions(str(place), name, torch.__version__, dtype, batch)


def verify(
    graph: Graph | str,
    *,
    what: Collection[str] = COUNTED,
    under: Conditions | None = None,
    profile: Device | None = None,
) -> Comparison:
    """Builds a network's torch twin, measures it, and puts its rules beside.

    Parameters and MACs are counted on the meta device; so are sizes, unless on a GPU. What
    training keeps is measured on the CPU where a GPU is asked for: the rule is the CPU's.

    Args:
        graph: what `archcalc.load` returned, or what it takes.
        what: any of `archcalc.verification.SUBJECTS`.
        under: what `conditions` returned; by default a GPU or else the CPU, float32, batch 1.
        profile: the device whose best the times are compared with; by default the measuring
            one where archcalc has its record, else none.

    Raises:
        UsageError: an unknown subject; times asked of the meta device; a profile that has no
            figure for the dtype.
        MeasurementError: too little memory; or torch refuses, or fails.
        LayerError, SpecError: as `archcalc.analyze`.
    """
    require_subjects(what, SUBJECTS)
    under = under or conditions()
    if under.device == "meta" and "time" in what:
        raise UsageError("the meta device computes nothing that could be timed")
    analysis = analyze(graph, batch=under.batch, dtype=under.dtype)
    place = torch.device(under.device)
    # The GPU that torch means where none is named.
    current = torch.cuda.device(place) if place.type == "cuda" else nullcontext()
    with refusals_named(place, analysis.name), current, undisturbed(place):
        return Comparison(
            network=analysis.identity,
            input=analysis.input.shape,
            conditions=under,
            figures=tuple(_figures(analysis, under, what)),
            times=_times(analysis, under, profile) if "time" in what else None,
        )


def _figures(analysis: Analysis, under: Conditions, what: Collection[str]) -> Iterator[Figure]:
    # What the layers of heads for training share with others counts with the others.
    ordered = sorted(analysis.used_layers, key=lambda layer: layer.training_only)
    names = [layer.name for layer in ordered]
    shadow = build(analysis.graph, device="meta").to(_DTYPES[under.dtype])
    outputs = _outputs(analysis, shadow, under) if {"sizes", "memory"} & set(what) else {}
    if "sizes" in what:
        yield from size_figures(analysis, outputs, names)
    if "params" in what:
        yield from param_figures(analysis, shadow, names)
    if "macs" in what:
        yield from mac_figures(analysis, shadow, _images(analysis, "meta"), names)
        yield from _fvcore(analysis)
    if "memory" in what:
        for layer in analysis.used_layers:
            found = outputs[layer.name].bytes if layer.name in outputs else None
            yield Figure("memory", "activation_bytes", layer.name, layer.activation_bytes, found)
        yield from _saved(analysis, under)
        if under.device != "meta":  # it reports batch norm's statistics, which no other makes
            yield from _peaks(analysis, under)
    if "field" in what:
        yield from field_figures(analysis)


def _outputs(analysis: Analysis, shadow: Twin, under: Conditions) -> dict[str, Output]:
    names = [layer.name for layer in analysis.used_layers]
    if not under.device.startswith("cuda"):
        return layer_outputs(shadow, _images(analysis, "meta"), names)
    require_room(_inference_bytes(analysis), torch.device(under.device), analysis.name)
    twin = _without_values(analysis, under.device)
    return layer_outputs(twin, _images(analysis, under.device), names)


def _fvcore(analysis: Analysis) -> Iterator[Figure]:
    """What fvcore counts for one image, which it runs on the CPU."""
    one = analyze(analysis.graph)
    rule: int | None = sum(layer.macs for layer in one.used_layers)
    measured: int | None = None
    try:
        require_room(_inference_bytes(one), torch.device("cpu"), one.name)
        found = fvcore_count(_without_values(one, "cpu"), _images(one, "cpu"))
    except (NotCounted, UsageError) as error:
        rule, note = None, str(error).partition(". ")[0]
    else:
        measured, note = found.macs, "for one image"
        if found.others:
            note += f"; counted by other measures: {', '.join(found.others)}"
        if found.unknown:
            note += f"; not counted: {', '.join(found.unknown)}"
    yield Figure("macs", "macs (fvcore)", "", rule, measured, note=note)


def _saved(analysis: Analysis, under: Conditions) -> Iterator[Figure]:
    """What autograd keeps on account of each layer and in all."""
    note = ""
    if refused_in_training(analysis):
        analysis = analyze(analysis.graph, batch=2, dtype=analysis.dtype)
        note = "for two images: torch's batch norm does not train on one value per channel"
    device = "meta" if under.device == "meta" else "cpu"
    rule = saved_bytes(analysis)
    place = torch.device(device)
    require_room(_training_bytes(analysis, place), place, analysis.name)
    ordered = sorted(analysis.used_layers, key=lambda layer: layer.training_only)
    twin = _without_values(analysis, device)
    found = saved_by_layer(twin, _images(analysis, device), [layer.name for layer in ordered])
    for layer in analysis.used_layers:
        name = layer.name
        yield Figure("memory", "saved_bytes", name, rule[name], found[name], note=note)
    total = sum(found.values())
    yield Figure("memory", "saved_bytes", "", sum(rule.values()), total, note=note)


def _peaks(analysis: Analysis, under: Conditions) -> Iterator[Figure]:
    """The most memory that lives at once, at inference and in a training step."""
    device = torch.device(under.device)
    require_room(_inference_bytes(analysis), device, analysis.name)
    twin = _without_values(analysis, under.device)
    make_images = partial(_images, analysis, under.device)
    rule = peak_bytes(analysis, on_gpu=device.type == "cuda")
    yield Figure("memory", "peak_bytes", "", rule, peak_at_inference(twin, make_images))
    if device.type == "cuda":
        yield Figure(
            "memory", "peak_bytes (allocator)", "", rule + constant_bytes(twin),
            allocated_at_inference(twin, make_images), ALLOCATOR_TOLERANCE,
            note="parameters and buffers included",
        )  # fmt: skip
    if not refused_in_training(analysis):
        require_room(_training_bytes(analysis, device), device, analysis.name)
        yield Figure(
            "memory", "training_step_bytes", "", None, peak_in_training(twin, make_images),
            note="the most beyond the parameters, their gradients included; no rule yet",
        )  # fmt: skip


def _times(analysis: Analysis, under: Conditions, profile: Device | None) -> Times:
    device = torch.device(under.device)
    note = ""
    if profile is None:
        profile = device_of_torch(under.device_name)
        if profile is None:
            note = f"no record of {under.device_name or under.device}; name one as the profile"
            profile = unlimited(under.dtype)
        elif under.dtype not in profile.flops_per_second:
            note = f"{profile.name} has no figure for {under.dtype}"
            profile = unlimited(under.dtype)
    bounds = roofline(analysis, profile, tf32=False)  # which is off while times are taken
    require_room(_inference_bytes(analysis), device, analysis.name)
    twin = build(analysis.graph, device=under.device).to(_DTYPES[under.dtype])
    x = torch.randn_like(_images(analysis, under.device))
    seconds = layer_seconds(twin, x, [bound.layer.name for bound in bounds])
    layers = tuple(LayerTime(bound, seconds[bound.layer.name]) for bound in bounds)
    return Times(layers, seconds[""], profile.name or None, note)


def _images(analysis: Analysis, device: str) -> Tensor:
    return images(analysis, _DTYPES[analysis.dtype], device)


def _without_values(analysis: Analysis, device: str) -> Twin:
    """The twin on `device` with whatever its memory held: enough where values do not matter."""
    twin = build(analysis.graph, device="meta").to(_DTYPES[analysis.dtype])
    return twin.to_empty(device=device)


def _inference_bytes(analysis: Analysis) -> int:
    return _constant_bytes(analysis) + peak_bytes(analysis)


def _training_bytes(analysis: Analysis, device: torch.device) -> int:
    """At the least: parameters, their gradients, and what the backward pass needs.

    On a CPU, where no error but the end of the process tells that memory has run out, at the
    most: with the gradient of every output.
    """
    kept = sum(saved_bytes(analysis).values())
    outputs = sum(layer.activation_bytes for layer in analysis.used_layers)
    return 2 * _constant_bytes(analysis) + kept + (outputs if device.type == "cpu" else 0)


def _constant_bytes(analysis: Analysis) -> int:
    return sum(layer.param_bytes + layer.buffer_bytes for layer in analysis.used_layers)
