"""What a network takes: memory at inference and in training, and time on a device."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import NamedTuple

from archcalc.api.results import Result
from archcalc.errors import UsageError
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.hardware.device import find_device
from archcalc.hardware.roofline import Bound
from archcalc.hardware.roofline import roofline as bounds_of
from archcalc.loading import Spec
from archcalc.memory_use.batches import largest_batch
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import MemoryReport, memory_report
from archcalc.memory_use.training import (
    BackwardMacs,
    TrainingMemory,
    training_memory,
)
from archcalc.quantity.arithmetic import Quantity
from archcalc.render.memory import MemoryDocument, TrainingDocument
from archcalc.render.roofline import RooflineDocument
from archcalc.spec.values import Value
from archcalc.walk import analyze

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?))?B?")


class LayerMemory(NamedTuple):
    """What a layer keeps and does in a training step.

    Attributes:
        layer: the layer.
        kept_bytes: what it keeps for the backward pass, beyond what earlier layers keep.
        kept: what its backward pass needs.
        backward: the MACs of its backward pass.
    """

    layer: LayerAnalysis
    kept_bytes: int
    kept: Sequence[str]
    backward: BackwardMacs


def memory(
    what: Spec,
    /,
    *,
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str = "sgd",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[MemoryReport, LayerMemory]:
    """What a network needs: by layer, at inference step by step, and in a training step.

    Args:
        what, input, batch, parameters, others: as for `analyze`.
        dtype: float32, bfloat16, float16 or mixed.
        optimizer: sgd, momentum, adam …

    Raises:
        UsageError: an unknown optimizer or dtype, or a free size; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, batch=batch, parameters=parameters, **others)
    found = memory_report(analysis, optimizer=optimizer, dtype=dtype)
    layers = {
        x.name: LayerMemory(x, found.saved[x.name], found.reasons[x.name], found.backward[x.name])
        for x in found.analysis.layers
    }
    return Result(found, layers, MemoryDocument(found))


def training(
    what: Spec,
    /,
    *,
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str = "sgd",
    budget: float | str | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[TrainingMemory, Quantity]:
    """The bytes that a training step needs, by purpose.

    Args:
        what, input, parameters, others: as for `analyze`.
        batch, dtype, optimizer: as for `memory`.
        budget: bytes, or a text such as `16GiB`: then the batch is the largest that fits in it.

    Raises:
        UsageError: not even one image fits in the budget; and as `memory`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, batch=batch, parameters=parameters, **others)
    options = TrainingOptions(optimizer=optimizer, dtype=dtype)
    if budget is None:
        found = training_memory(analysis, options)
    else:
        most = bytes_in(budget) if isinstance(budget, str) else int(budget)
        peak = largest_batch(analysis, most, options)
        if peak is None:
            raise UsageError(f"{budget}: not even one image of {analysis.name} fits", "budget")
        found = training_memory(analysis.of_batch(peak.batch, analysis.dtype), options)
    return Result(found, found.purposes, TrainingDocument(analysis, found))


def bytes_in(text: str) -> int:
    """`16GiB` or `24GB` as bytes.

    Raises:
        UsageError: it is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text}: expected a size such as 16GiB or 24GB", "budget")
    number, prefix, binary = match.groups()
    scale = (1024 if binary else 1000) ** (" KMGT".index(prefix) if prefix else 0)
    return int(float(number) * scale)


def roofline(
    what: Spec,
    /,
    *,
    profile: str | PathLike[str] = "nvidia_h200",
    fused: bool = False,
    tf32: bool = True,
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[tuple[Bound, ...], Bound]:
    """The least time that each layer takes on a device, and whether memory or arithmetic sets it.

    Args:
        what, input, batch, dtype, parameters, others: as for `analyze`.
        profile: the device: the name of one that archcalc knows, or a file of the same form.
        fused: norms, activations and sums in the kernel of the convolution before.
        tf32: convolutions of float32 in TF32, where the device has it, as torch has by default.

    Raises:
        UsageError: no such device, or it has no figure for the dtype; a free size; and as
            `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    device = find_device(str(profile))
    analysis = analyze(what, input=input, batch=batch, dtype=dtype, parameters=parameters, **others)
    found = bounds_of(analysis, device, fused=fused, tf32=tf32)
    document = RooflineDocument(analysis, found, device, fused=fused)
    return Result(found, {bound.layer.name: bound for bound in found}, document)
