"""archcalc: a static architecture analyzer and calculator for neural networks.

>>> import archcalc
>>> vgg16 = archcalc.analyze("vgg16")
>>> vgg16.totals.params
138357544
>>> vgg16.layer("pool5").receptive_field
(212, 212)
"""

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
    "load",
    "symbol",
]
