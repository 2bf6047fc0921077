"""What a network takes: memory at inference and in training, and time on a device."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import NamedTuple

from archcalc.api.results import Result
from archcalc.errors import UsageError
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.hardware.device import USUAL, find_device
from archcalc.hardware.roofline import Bound
from archcalc.hardware.roofline import roofline as bounds_of
from archcalc.loading import Input, Spec, listed
from archcalc.memory_use.batches import Peak, Peaks, Piece, peaks_over_batches
from archcalc.memory_use.moments import Direction
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.report import (
    MemoryReport,
    TrainingReport,
    memory_report,
    training_report,
)
from archcalc.memory_use.training import BackwardMacs, cut_for_training
from archcalc.render.batches import BatchesDocument, FormulaDocument
from archcalc.render.memory import MemoryDocument
from archcalc.render.roofline import RooflineDocument
from archcalc.render.training import TrainingDocument
from archcalc.spec.values import Value
from archcalc.walk import analyze

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?))?B?")


class LayerMemory(NamedTuple):
    """What a layer keeps and does in a training step.

    Attributes:
        layer: the layer.
        kept_bytes: what it keeps for the backward pass, beyond what earlier layers keep.
        kept: what its backward pass needs.
        forward_bytes, backward_bytes: the most that is alive, of the whole network, while it runs
            in that direction; None where it does not.
        backward: the MACs of its backward pass.
    """

    layer: LayerAnalysis
    kept_bytes: int
    kept: Sequence[str]
    forward_bytes: int | None
    backward_bytes: int | None
    backward: BackwardMacs


def memory(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str = "sgd",
    loss: str = "sum",
    device: str = "cpu",
    foreach: bool | None = None,
    accumulate: int = 1,
    master: bool = False,
    freeze: str | Sequence[str] = (),
    checkpoint: str | Sequence[str] = (),
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[MemoryReport, LayerMemory]:
    """What a network needs: by layer, at inference step by step, and in a training step.

    `found.training` is the training step, with its peak: at which layer, in which direction, what
    is alive there and for what. The parts are the layers, with what each keeps, and the most that
    is alive while it runs.

    Args:
        what, input, batch, parameters, others: as for `analyze`.
        dtype: float32, bfloat16, float16 or mixed: `torch.autocast`.
        optimizer: sgd, momentum, adam or adamw.
        loss: of each output: sum, mse (mean-square error) or cross_entropy.
        device: cpu or cuda: torch does some things there in another way.
        foreach: whether the optimizer updates all tensors at once; None for torch's default, which
            is so on cuda.
        accumulate: over how many batches gradients are summed up before the optimizer steps.
        master: whether the optimizer works on copies of the parameters in float32, which is for
            half precision.
        freeze: names or patterns of layers and blocks that do not learn, such as `layer1,*.bn?`.
        checkpoint: likewise, of those that run again in the backward pass; or from one layer to
            another, as `conv2..relu5`; or `auto`: the cut that needs the least memory.

    Raises:
        UsageError: an unknown option, or a free size; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, batch=batch, parameters=parameters, **others)
    options = TrainingOptions(
        optimizer=optimizer, dtype=dtype, device=device, loss=loss, foreach=foreach,
        accumulate=accumulate, master=master, freeze=tuple(listed(freeze)),
        checkpoint=tuple(listed(checkpoint)),
    )  # fmt: skip
    found = memory_report(analysis, options)
    layers = {
        layer.name: LayerMemory(
            layer,
            found.saved[layer.name],
            found.reasons[layer.name],
            found.most_alive.get((layer.name, Direction.FORWARD)),
            found.most_alive.get((layer.name, Direction.BACKWARD)),
            found.backward[layer.name],
        )
        for layer in found.analysis.layers
    }
    return Result(found, layers, MemoryDocument(found))


def training(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str = "sgd",
    loss: str = "sum",
    device: str = "cpu",
    foreach: bool | None = None,
    accumulate: int = 1,
    master: bool = False,
    freeze: str | Sequence[str] = (),
    checkpoint: str | Sequence[str] = (),
    budget: float | str | None = None,
    reserve: float | str = 0,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[TrainingReport, int]:
    """The most memory that is alive at once in a training step, and for what.

    It is exact: what lives when is a fact about the network. What is no tensor is left out: the
    context of CUDA, the workspace of kernels, the fragments of the allocator. The parts are the
    bytes at the peak by purpose; `found` has where the peak is, and each tensor that is alive.

    Args:
        what, input, batch, parameters, others: as for `analyze`.
        dtype, optimizer, loss, device, foreach, accumulate, master, freeze, checkpoint: as for
            `memory`.
        budget: bytes, or a text such as `16GiB`: then the batch is the largest that fits in it,
            so that one image more does not. With `checkpoint="auto"` it is so by the cheapest cut
            with which `batch` fits.
        reserve: bytes of the budget, or such a text, for what is left out.

    Raises:
        UsageError: no batch fits in the budget; and as `memory`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, batch=batch, parameters=parameters, **others)
    options = TrainingOptions(
        optimizer=optimizer, dtype=dtype, device=device, loss=loss, foreach=foreach,
        accumulate=accumulate, master=master, freeze=tuple(listed(freeze)),
        checkpoint=tuple(listed(checkpoint)),
    )  # fmt: skip
    if budget is None:
        found = training_report(analysis, options)
    else:
        room = bytes_in(budget, "budget") - bytes_in(reserve, "reserve")
        trained, cut = cut_for_training(analysis, options, room)
        peaks = peaks_over_batches(trained, options.without_patterns)
        fitting = peaks.within(room)
        if fitting is None:
            least = f"a batch of {peaks.least} of {analysis.name}"
            raise UsageError(f"{budget}: not even {least} fits", "budget")
        trained = trained.of_batch(fitting.batch, trained.dtype)
        found = training_report(trained, options.without_patterns)
        found = found._replace(options=options, cut=cut)
    return Result(found, found.parts, TrainingDocument(analysis, found))


def training_peaks(
    what: Spec,
    /,
    *,
    batches: Sequence[int] = (),
    input: Input | None = None,
    dtype: str = "float32",
    optimizer: str = "sgd",
    loss: str = "sum",
    device: str = "cpu",
    foreach: bool | None = None,
    accumulate: int = 1,
    master: bool = False,
    freeze: str | Sequence[str] = (),
    checkpoint: str | Sequence[str] = (),
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Peaks, Peak | Piece]:
    """The peak of a training step over the batch: at some batches, or as a formula by pieces.

    `found.at(batch)` is the peak with any batch, and `found.within(size)` that with the largest
    batch in so many bytes. The parts are the peaks, by batch as text, or the pieces of the
    formula, by the first batch of each.

    Args:
        batches: numbers of images; () for the formula.
        what, input, parameters, others: as for `analyze`.
        dtype, optimizer, loss, device, foreach, accumulate, master, freeze, checkpoint: as for
            `memory`.

    Raises:
        UsageError: torch does not train on such a batch; and as `memory`.
        LayerError, SpecError: as `analyze`.
    """
    analysis = analyze(what, input=input, parameters=parameters, **others)
    options = TrainingOptions(
        optimizer=optimizer, dtype=dtype, device=device, loss=loss, foreach=foreach,
        accumulate=accumulate, master=master, freeze=tuple(listed(freeze)),
        checkpoint=tuple(listed(checkpoint)),
    )  # fmt: skip
    found = peaks_over_batches(analysis, options)
    if not batches:
        pieces = {str(piece.first): piece for piece in found.pieces}
        return Result(found, pieces, FormulaDocument(analysis, options, found, "n"))
    peaks = {str(batch): found.at(batch) for batch in batches}
    return Result(found, peaks, BatchesDocument(analysis, options, [*peaks.values()]))


def bytes_in(size: float | str, argument: str) -> int:
    """`16GiB` or `24GB` as bytes; a number is one of bytes.

    Raises:
        UsageError: it is not a size.
    """
    if not isinstance(size, str):
        return int(size)
    match = _SIZE.fullmatch(size.strip())
    if match is None:
        raise UsageError(f"{size}: expected a size such as 16GiB or 24GB", argument)
    number, prefix, binary = match.groups()
    scale = (1024 if binary else 1000) ** (" KMGT".index(prefix) if prefix else 0)
    return int(float(number) * scale)


def roofline(
    what: Spec,
    /,
    *,
    profile: str | PathLike[str] = USUAL,
    fused: bool = False,
    tf32: bool = True,
    input: Input | None = None,
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
