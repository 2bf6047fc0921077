"""The network as a torch model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from archcalc.api.results import Result
from archcalc.errors import UsageError
from archcalc.hardware.device import find_device
from archcalc.imported import notes_on_import, notes_on_mode
from archcalc.loading import Input, Spec, listed, load
from archcalc.memory_use.options import TrainingOptions
from archcalc.render.verify import VerifyDocument
from archcalc.spec.values import Value
from archcalc.torch_backend import require_torch
from archcalc.verification import COUNTED, Comparison, Figure

if TYPE_CHECKING:
    from torch import nn

    from archcalc.graph import Graph
    from archcalc.torch_backend.build import Twin


def from_torch(module: nn.Module, input: Any = None, *, name: str | None = None) -> Graph:
    """A torch module of your own as a network, for every other function; imports torch.

    >>> graph = archcalc.from_torch(module, (3, 224, 224))
    >>> archcalc.analyze(graph).totals.params

    The module runs once or twice in evaluation mode, on tensors without values, and nothing about
    it changes. What no layer kind covers is a layer `opaque`, and every total says what is unknown
    in it. What there is to say of it is a warning, such as that a module is in training mode and
    would run otherwise.

    Args:
        module: any; where it lies does not matter.
        input: the size of one image; a tensor with its batch; several of these in a list, or by
            the names of `forward`'s arguments in a dict; what makes them, a function of the number
            of images; or None where the module carries what it was made for.
        name: what to call it; its class where none is given.

    Raises:
        MissingExtraError: torch is not installed.
        UsageError: the module raises an error, or its inputs are not what it takes.
    """
    from archcalc.expansion import build_graph
    from archcalc.importing.code import network_of_module

    graph = build_graph(network_of_module(module, input, name=name))
    for note in (*notes_on_mode(module, graph), *notes_on_import(graph)):
        warnings.warn(note, stacklevel=2)
    return graph


def build(
    what: Spec,
    /,
    *,
    device: str = "cpu",
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Twin:
    """The network as a torch module that can be run and trained; imports torch.

    Args:
        what, input, parameters, others: as for `analyze`.
        device: "cpu", "cuda", "cuda:1", or "meta" for shapes without values.

    Raises:
        MissingExtraError: torch is not installed.
        UsageError: no such device here; and as `analyze`.
    """
    require_torch("build()")
    from archcalc.torch_backend.build import build as build_twin

    graph = load(what, input=input, parameters=parameters, **others)
    return build_twin(graph, device=device)


def export(
    what: Spec,
    /,
    *,
    input: Input | None = None,
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> str:
    """The network as the text of one readable PyTorch file; needs no torch to write it.

    Args:
        what, input, parameters, others: as for `analyze`.

    Raises:
        UsageError: a size is not a plain number, or names are nested too deep; and as `analyze`.
        LayerError, SpecError: as `analyze`.
    """
    from archcalc.exporting import torch_source

    graph = load(what, input=input, parameters=parameters, **others)
    return torch_source(graph, f"archcalc.export of {graph.identity}")


def verify(
    what: nn.Module | Spec,
    spec: Spec | None = None,
    /,
    *,
    subjects: Sequence[str] | str = COUNTED,
    device: str = "auto",
    profile: str | PathLike[str] | None = None,
    input: Input | None = None,
    batch: int = 1,
    dtype: str = "float32",
    optimizer: str | Sequence[str] = "sgd",
    loss: str = "sum",
    foreach: bool | None = None,
    accumulate: int = 1,
    master: bool = False,
    freeze: str | Sequence[str] = (),
    checkpoint: str | Sequence[str] = (),
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Result[Comparison, tuple[Figure, ...]]:
    """The rules beside what torch measures, layer by layer; imports torch.

    The parts are the figures of each layer, and under "" those of the network.

    Args:
        what: a network, of which a torch model is built and measured; or a torch module of your
            own, whose parts have the names of the layers. It is measured as it is, without values
            on the meta device, and left as it was.
        spec: the network that a module of your own should follow.
        subjects: what is compared: sizes, params, macs; and of a network also memory, field, time.
        device: of a network, cpu, cuda, cuda:0 …, meta, or auto: a GPU where there is one.
        profile: the device whose best the times are compared with, as for `roofline`.
        input, batch, parameters, others: as for `analyze`.
        dtype: of a network; a module has its own. "mixed" is of a training step, under memory.
        optimizer: of the training step of a network, under memory; or several, one after the other.
        loss, foreach, accumulate, master, freeze, checkpoint: of that step, as for `memory`.

    Raises:
        MissingExtraError: torch is not installed.
        UsageError: an unknown subject or device; a module that cannot be copied, or refuses the
            input of the spec; and as `analyze`.
        MeasurementError: of a network: memory runs out; or torch refuses, or fails.
        LayerError, SpecError: as `analyze`.
    """
    require_torch("verify()")
    subjects = listed(subjects)
    from torch import nn

    from archcalc.torch_backend import verify as against_twin
    from archcalc.torch_backend.compare import compare as against_module

    if isinstance(what, nn.Module):
        if spec is None:
            raise UsageError("a module is compared with a network: verify(module, network)")
        graph = load(spec, input=input, parameters=parameters, **others)
        found = against_module(what, graph, what=subjects, batch=batch)
    elif spec is not None:
        raise UsageError(f"{what!r} is not a torch module that could follow a spec")
    else:
        graph = load(what, input=input, parameters=parameters, **others)
        under = against_twin.conditions(device, dtype, batch)
        best = None if profile is None else find_device(str(profile))
        trained = [
            TrainingOptions(
                optimizer=each, loss=loss, foreach=foreach, accumulate=accumulate,
                master=master, freeze=tuple(listed(freeze)),
                checkpoint=tuple(listed(checkpoint)),
            )
            for each in listed(optimizer)
        ]  # fmt: skip
        found = against_twin.verify(
            graph, what=subjects, under=under, profile=best, trained=trained
        )
    names = dict.fromkeys(figure.layer for figure in found.figures)
    parts = {name: tuple(f for f in found.figures if f.layer == name) for name in names}
    return Result(found, parts, VerifyDocument(found))
