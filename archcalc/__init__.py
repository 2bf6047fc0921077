"""archcalc: a static architecture analyzer and calculator for neural networks.

>>> import archcalc
>>> vgg16 = archcalc.analyze("vgg16")
>>> vgg16.totals.params
138357544
>>> vgg16.layer("pool5").receptive_field
(212, 212)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archcalc.analysis import DTYPES, Analysis, LayerAnalysis, Totals, analyze, load
from archcalc.errors import (
    ArchcalcError,
    LayerError,
    MissingExtraError,
    QuantityError,
    SpecError,
    UsageError,
)
from archcalc.feature_map import FeatureMap
from archcalc.graph import Graph, Node
from archcalc.memory import ActivationBytes, activation_bytes
from archcalc.quantity import symbol
from archcalc.spec.expression import Value

if TYPE_CHECKING:
    from archcalc.torch_backend.build import Twin

__version__ = "0.1.0"

__all__ = [
    "DTYPES",
    "ActivationBytes",
    "Analysis",
    "ArchcalcError",
    "FeatureMap",
    "Graph",
    "LayerAnalysis",
    "LayerError",
    "MissingExtraError",
    "Node",
    "QuantityError",
    "SpecError",
    "Totals",
    "UsageError",
    "activation_bytes",
    "analyze",
    "build",
    "load",
    "symbol",
]


def build(
    what: Graph | str,
    /,
    *,
    device: str = "cpu",
    input: Sequence[Value] | None = None,
    **parameters: Value,
) -> Twin:
    """The network as a torch module that can be run and trained; imports torch.

    Args:
        what, input, parameters: as for `analyze`.
        device: "cpu", "cuda", "cuda:1", or "meta" for shapes without values.

    Raises:
        MissingExtraError: torch is not installed.
        UsageError: no such device here; and as `analyze`.
    """
    from archcalc.torch_backend import require_torch

    require_torch("build()")
    from archcalc.torch_backend.build import build as build_twin

    return build_twin(what, device=device, input=input, **parameters)
