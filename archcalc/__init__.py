"""archcalc: a static architecture analyzer and calculator for neural networks.

>>> import archcalc
>>> vgg16 = archcalc.analyze("vgg16")
>>> vgg16.totals.params
138357544
>>> vgg16.layer("pool5").receptive_field
(212, 212)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archcalc.analysis import DTYPES, Analysis, AnalysisStopped
    from archcalc.api.comparing import compare, diff
    from archcalc.api.conventions import conventions
    from archcalc.api.costs import memory, roofline, training, training_peaks
    from archcalc.api.drawing import Diagram, draw
    from archcalc.api.explaining import explain, field
    from archcalc.api.known import check, networks
    from archcalc.api.models import build, export, from_torch, verify
    from archcalc.api.paging import Page, page
    from archcalc.api.placing import which
    from archcalc.api.results import Result
    from archcalc.api.solving import solve
    from archcalc.api.sweeping import Sweep as Sweep
    from archcalc.api.varying import formula, grid, scale, sweep
    from archcalc.errors import (
        ArchcalcError,
        LayerError,
        MeasurementError,
        MissingExtraError,
        QuantityError,
        SpecError,
        UsageError,
    )
    from archcalc.feature_map import FeatureMap
    from archcalc.figures.of_layer import LayerAnalysis, Totals
    from archcalc.graph import Graph, Node
    from archcalc.layers.registry import register
    from archcalc.loading import Spec, load
    from archcalc.memory_use.totals import ActivationBytes, activation_bytes
    from archcalc.quantity.arithmetic import symbol
    from archcalc.torch_backend.build import Twin as Twin
    from archcalc.walk import analyze

__version__ = "0.1.0"

__all__ = [
    "DTYPES",
    "ActivationBytes",
    "Analysis",
    "AnalysisStopped",
    "ArchcalcError",
    "Diagram",
    "FeatureMap",
    "Graph",
    "LayerAnalysis",
    "LayerError",
    "MeasurementError",
    "MissingExtraError",
    "Node",
    "Page",
    "QuantityError",
    "Result",
    "Spec",
    "SpecError",
    "Totals",
    "UsageError",
    "activation_bytes",
    "analyze",
    "build",
    "check",
    "compare",
    "conventions",
    "diff",
    "draw",
    "explain",
    "export",
    "field",
    "formula",
    "from_torch",
    "grid",
    "load",
    "memory",
    "networks",
    "page",
    "register",
    "roofline",
    "scale",
    "solve",
    "sweep",
    "symbol",
    "training",
    "training_peaks",
    "verify",
    "which",
]


# Where each name is at home. It is imported when it is asked for, so that nothing that takes time
# stands before the command line can answer Ctrl-C. What needs an extra by itself is not listed in
# `__all__`: `from archcalc import *` needs none.
_HOMES = {
    "api.comparing": ("compare", "diff"),
    "api.drawing": ("Diagram", "draw"),
    "api.conventions": ("conventions",),
    "api.costs": ("memory", "roofline", "training", "training_peaks"),
    "api.explaining": ("explain", "field"),
    "api.known": ("check", "networks"),
    "api.models": ("build", "export", "from_torch", "verify"),
    "api.paging": ("Page", "page"),
    "api.placing": ("which",),
    "api.results": ("Result",),
    "api.solving": ("solve",),
    "api.sweeping": ("Sweep",),
    "api.varying": ("formula", "grid", "scale", "sweep"),
    "analysis": ("DTYPES", "Analysis", "AnalysisStopped"),
    "errors": (
        "ArchcalcError", "LayerError", "MeasurementError", "MissingExtraError", "QuantityError",
        "SpecError", "UsageError",
    ),
    "feature_map": ("FeatureMap",),
    "figures.of_layer": ("LayerAnalysis", "Totals"),
    "graph": ("Graph", "Node"),
    "layers.registry": ("register",),
    "loading": ("Spec", "load"),
    "memory_use.totals": ("ActivationBytes", "activation_bytes"),
    "quantity.arithmetic": ("symbol",),
    "torch_backend.build": ("Twin",),
    "walk": ("analyze",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"archcalc.{home}"), name)
            return found
    raise AttributeError(f"module 'archcalc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
