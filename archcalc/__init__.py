"""archcalc: a static architecture analyzer and calculator for neural networks.

>>> import archcalc
>>> vgg16 = archcalc.analyze("vgg16")
>>> vgg16.totals.params
138357544
>>> vgg16.layer("pool5").receptive_field
(212, 212)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archcalc.analysis import DTYPES, Analysis, AnalysisStopped, LayerAnalysis, Totals
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
    from archcalc.graph import Graph, Node
    from archcalc.memory_use.totals import ActivationBytes, activation_bytes
    from archcalc.quantity.arithmetic import symbol
    from archcalc.spec.values import Value
    from archcalc.torch_backend.build import Twin
    from archcalc.walk import analyze, load

__version__ = "0.1.0"

__all__ = [
    "DTYPES",
    "ActivationBytes",
    "Analysis",
    "AnalysisStopped",
    "ArchcalcError",
    "FeatureMap",
    "Graph",
    "LayerAnalysis",
    "LayerError",
    "MeasurementError",
    "MissingExtraError",
    "Node",
    "QuantityError",
    "SpecError",
    "Totals",
    "UsageError",
    "activation_bytes",
    "analyze",
    "build",
    "formula",
    "load",
    "symbol",
]


# Where each name of the door is at home. It is imported when it is asked for, so that nothing that
# takes time stands before the command line can answer Ctrl-C.
_HOMES = {
    "analysis": ("DTYPES", "Analysis", "AnalysisStopped", "LayerAnalysis", "Totals"),
    "errors": (
        "ArchcalcError", "LayerError", "MeasurementError", "MissingExtraError", "QuantityError",
        "SpecError", "UsageError",
    ),
    "feature_map": ("FeatureMap",),
    "graph": ("Graph", "Node"),
    "memory_use.totals": ("ActivationBytes", "activation_bytes"),
    "quantity.arithmetic": ("symbol",),
    "walk": ("analyze", "load"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"archcalc.{home}"), name)
            return found
    raise AttributeError(f"module 'archcalc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def build(
    what: Graph | str | PathLike[str],
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


def formula(
    name: str | PathLike[str],
    quantity: str = "params",
    symbols: Sequence[str] | str | None = None,
    /,
    *,
    layer: str | None = None,
    assume: Sequence[str] = (),
    input: Sequence[Value] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    parameters: Mapping[str, Value] | None = None,
    **others: Value,
) -> Any:
    """A quantity in closed form, as a sympy expression; imports sympy.

    `formula("stack_3x3x3", "params", ["C"])` is `27*C**2`. The symbols in it are those of
    `archcalc.symbol` where there is a network for whole numbers from 1 on only; a parameter that
    may be a fraction, such as a width multiplier, or zero, is a real one (`free_symbols` has it).
    Before it is returned it is compared with the walk at 20 settings or more. What it assumes
    beyond that, and up to which count of blocks it was compared, `assumptions` and `last` of
    what `archcalc.parametric.formulas.deriving.derive_formulas` returns say.

    Args:
        name, input, parameters, others: as for `load`.
        quantity: `params`, `macs`, `peak_bytes`, `layers[conv1].macs` …, as in claims.
        symbols: parameters, items of lists such as `depths[0]`, and sizes: `H`, `W`, and `C` for
            the input's channels; a list, or a text such as "H,W". The sizes if None.
        layer: the layer or block whose quantity it is.
        assume: what it may take for granted, such as `H%32==0` and `alpha>=0.25`.
        batch, dtype: as for `analyze`.

    Raises:
        MissingExtraError: sympy is not installed.
        UsageError: a symbol, the quantity or an assumption is wrong, or there is no closed form.
    """
    from archcalc.errors import require_extra

    require_extra("formula()", "sympy", "symbols")
    from archcalc.parametric.formulas.deriving import derive_formulas
    from archcalc.spec.library import find_network
    from archcalc.walk import together

    if isinstance(symbols, str):
        symbols = symbols.split(",")
    found = derive_formulas(
        find_network(name), [quantity], symbols, layer=layer, input=input, batch=batch,
        dtype=dtype, assume=assume, parameters=together(parameters, others),
    )  # fmt: skip
    return found.expressions()[0]
