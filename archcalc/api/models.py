"""The network as a torch model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archcalc.loading import Spec
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
