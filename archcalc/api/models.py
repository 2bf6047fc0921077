"""The network as a torch model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archcalc.loading import Spec, load
from archcalc.spec.values import Value

if TYPE_CHECKING:
    from archcalc.torch_backend.build import Twin


def build(
    what: Spec,
    /,
    *,
    device: str = "cpu",
    input: Sequence[Value] | None = None,
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
    from archcalc.torch_backend import require_torch

    require_torch("build()")
    from archcalc.torch_backend.build import build as build_twin

    return build_twin(what, device=device, input=input, parameters=parameters, **others)


def export(
    what: Spec,
    /,
    *,
    input: Sequence[Value] | None = None,
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
