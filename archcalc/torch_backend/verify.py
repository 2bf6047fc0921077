"""A network's own torch twin beside its rules: everything that torch can say about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext

import torch

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.graph import Graph
from archcalc.hardware.device import Device, device_of_torch, unlimited
from archcalc.hardware.roofline import roofline
from archcalc.layers.matmul import Matmul
from archcalc.memory_use.options import MIXED, TrainingOptions
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import Twin, build, torch_device
from archcalc.torch_backend.compare import (
    compare,
    mac_figures,
    param_figures,
    require_subjects,
    size_figures,
)
from archcalc.torch_backend.counting import (
    FVCORE_MISSES,
    NotCounted,
    Output,
    fvcore_count,
    layer_outputs,
)
from archcalc.torch_backend.field_figures import field_figures
from archcalc.torch_backend.free_memory import lacks_room, refusals_named
from archcalc.torch_backend.memory_figures import memory_figures, training_figures
from archcalc.torch_backend.modes import undisturbed
from archcalc.torch_backend.prepared import (
    TORCH_DTYPES,
    batch_of,
    inference_bytes,
    twin_without_values,
)
from archcalc.torch_backend.timing import layer_seconds
from archcalc.verification import (
    COUNTED,
    SUBJECTS,
    VERIFIED_DTYPES,
    Comparison,
    Conditions,
    Figure,
    LayerTime,
    Times,
)
from archcalc.walk import analyze

_USUALLY = (TrainingOptions(),)


def conditions(device: str = "auto", dtype: str = "float32", batch: int = 1) -> Conditions:
    """Where and with what to measure; "auto" is a GPU where there is one.

    Raises:
        UsageError: no such device here, or no dtype that torch computes in.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    place = torch_device(device)
    if dtype not in VERIFIED_DTYPES:
        known = ", ".join(VERIFIED_DTYPES)
        raise UsageError(f"torch does not compute in {dtype!r}; known: {known}")
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else ""
    return Conditions(str(place), name, torch.__version__, dtype, batch)


def verify(
    graph: Graph | str,
    *,
    what: Collection[str] = COUNTED,
    under: Conditions | None = None,
    profile: Device | None = None,
    trained: Sequence[TrainingOptions] = _USUALLY,
) -> Comparison:
    """Builds a network's torch twin, measures it, and puts its rules beside.

    Of a network that was read from a torch module sizes, parameters and MACs are that module's own.

    Parameters and MACs are counted on the meta device; so are sizes, unless on a GPU that has
    room for an inference. What training keeps is measured on the CPU where a GPU is asked for: the
    rule is the CPU's. What needs more memory than is free is not measured, and says so.

    Args:
        graph: what `archcalc.load` returned, or what it takes.
        what: any of `archcalc.verification.SUBJECTS`.
        under: what `conditions` returned; by default a GPU or else the CPU, float32, batch 1.
        profile: the device whose best the times are compared with; by default the measuring
            one where archcalc has its record, else none.
        trained: the ways in which a training step is measured, one after the other, but for the
            dtype and the device, which `under` has.

    Raises:
        UsageError: an unknown subject, or way to train; times asked of the meta device; a profile
            that has no figure for the dtype; another subject than memory in mixed precision.
        MeasurementError: memory runs out all the same; or torch refuses, or fails.
        LayerError, SpecError: as `archcalc.analyze`.
    """
    under = under or conditions()
    require_measurable(what, under, trained)
    dtype = "float32" if under.dtype == MIXED else under.dtype
    analysis = analyze(graph, batch=under.batch, dtype=dtype)
    imported = analysis.graph.network.imported
    unmatched: tuple[str, ...] = ()
    own: list[Figure] = []
    if imported is not None and imported.module is not None and {*what} & {*COUNTED}:
        # A module that was read is measured itself; its twin would say what was read.
        counted = [subject for subject in what if subject in COUNTED]
        found = compare(imported.module, analysis.graph, what=counted, batch=under.batch)
        unmatched = found.unmatched
        # Constants that its code makes on the way are buffers here, and none of the module's.
        own = [f for f in found.figures if (f.quantity, f.layer) != ("buffers", "")]
        what = [subject for subject in what if subject not in COUNTED]
    place = torch.device(under.device)
    # The GPU that torch means where none is named.
    current = torch.cuda.device(place) if place.type == "cuda" else nullcontext()
    with refusals_named(place, analysis.name), current, undisturbed(place):
        figures = [*own, *(_figures(analysis, under, what, trained) if what else ())]
        times = None
        if "time" in what:
            if why := lacks_room(inference_bytes(analysis), place, "inference"):
                figures.append(Figure("time", "seconds", "", None, None, not_measured=why))
            else:
                times = _times(analysis, under, profile)
        return Comparison(
            network=analysis.identity,
            input=analysis.input.shape,
            conditions=under,
            figures=tuple(figures),
            unmatched=unmatched,
            times=times,
        )


def require_measurable(
    what: Collection[str], under: Conditions, trained: Sequence[TrainingOptions] = _USUALLY
) -> None:
    """Raises UsageError unless all that is asked for can be measured under these conditions."""
    require_subjects(what, SUBJECTS)
    for options in trained:
        options.check()
    if under.device == "meta" and "time" in what:
        raise UsageError("the meta device computes nothing that could be timed")
    if under.dtype == MIXED and set(what) != {"memory"}:
        raise UsageError("mixed precision is of a training step: compare memory alone", "dtype")
    if under.dtype == MIXED and under.device == "meta":
        raise UsageError("no training step runs on the meta device")


def _figures(
    analysis: Analysis, under: Conditions, what: Collection[str], trained: Sequence[TrainingOptions]
) -> Iterator[Figure]:
    if under.dtype == MIXED:
        yield from training_figures(analysis, under, trained)
        return
    # What the layers of heads for training share with others counts with the others.
    ordered = sorted(analysis.used_layers, key=lambda layer: layer.training_only)
    names = [layer.name for layer in ordered]
    shadow = build(analysis.graph, device="meta").to(TORCH_DTYPES[under.dtype])
    outputs = _outputs(analysis, shadow, under) if {"sizes", "memory"} & set(what) else {}
    if "sizes" in what:
        yield from size_figures(analysis, outputs, names)
    if "params" in what:
        yield from param_figures(analysis, shadow, names)
    if "macs" in what:
        yield from mac_figures(analysis, shadow, batch_of(analysis, "meta"), names)
        yield from _fvcore(analysis)
    if "memory" in what:
        yield from memory_figures(analysis, outputs, under, trained)
    if "field" in what:
        yield from field_figures(analysis)


def _outputs(analysis: Analysis, shadow: Twin, under: Conditions) -> dict[str, Output]:
    names = [layer.name for layer in analysis.used_layers]
    device = torch.device(under.device)
    if device.type != "cuda" or lacks_room(inference_bytes(analysis), device, "inference"):
        return layer_outputs(shadow, batch_of(analysis, "meta"), names)
    twin = twin_without_values(analysis, under.device)
    return layer_outputs(twin, batch_of(analysis, under.device), names)


def _fvcore(analysis: Analysis) -> Iterator[Figure]:
    """What fvcore counts for one image, which it runs on the CPU."""
    one = analyze(analysis.graph)
    rule: int | None = sum(layer.macs for layer in one.used_layers)
    measured: int | None = None
    why = _miscounted(one) or lacks_room(inference_bytes(one), torch.device("cpu"), "fvcore")
    if why:
        yield Figure("macs", "macs (fvcore)", "", rule, None, not_measured=why)
        return
    try:
        found = fvcore_count(twin_without_values(one, "cpu"), batch_of(one, "cpu"))
    except NotCounted as error:
        rule, note = None, str(error).partition(". ")[0]
    else:
        measured, note = found.macs, "for one image"
        if found.others:
            note += f"; counted by other measures: {', '.join(found.others)}"
        if found.unknown:
            note += f"; not counted: {', '.join(found.unknown)}"
        missed = sorted(FVCORE_MISSES.intersection(found.unknown))
        if missed:
            why = f"fvcore does not count {', '.join(missed)}"
            yield Figure("macs", "macs (fvcore)", "", rule, None, not_measured=why)
            return
    yield Figure("macs", "macs (fvcore)", "", rule, measured, note=note)


def _miscounted(analysis: Analysis) -> str:
    """What fvcore is known to count wrongly; nothing where there is nothing like that."""
    maps = analysis.maps
    for layer in analysis.used_layers:
        if not isinstance(layer.node.layer, Matmul):
            continue
        if maps[layer.inputs[0]].values * layer.output.shape[-1] != layer.effect.macs:
            return f"fvcore counts the first factor of {layer.name} once where it is spread"
    return ""


def _times(analysis: Analysis, under: Conditions, profile: Device | None) -> Times:
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
    twin = build(analysis.graph, device=under.device).to(TORCH_DTYPES[under.dtype])
    x = drawn(analysis.graph, analysis.batch, TORCH_DTYPES[under.dtype], under.device)
    seconds = layer_seconds(twin, x, [bound.layer.name for bound in bounds])
    layers = tuple(LayerTime(bound, seconds[bound.layer.name]) for bound in bounds)
    return Times(layers, seconds[""], profile.name or None, note)
