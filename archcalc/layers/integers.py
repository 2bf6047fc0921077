"""What layer kinds do with maps of integers, such as tokens, classes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

from archcalc.errors import LayerError
from archcalc.feature_map import FeatureMap

if TYPE_CHECKING:
    from archcalc.layers.layer import Layer


class Integers(Enum):
    """What a kind does with integers."""

    REFUSED = "refused"
    KEPT = "moved: of integers it makes the same integers"
    TAKEN = "taken as its rule says, which looks at their dtype"
    MADE = "made of what is floating, and so no gradient goes back through it"


def dtype_kept(layer: Layer, inputs: Sequence[FeatureMap]) -> str | None:
    """The dtype of the integers that a layer hands on; None where its output is floating.

    Raises:
        LayerError: the layer takes no integers, or not together with others.
    """
    if all(x.dtype is None for x in inputs) or layer.integers is Integers.TAKEN:
        return None
    types = [x.dtype or "floating" for x in inputs]
    if layer.integers in (Integers.REFUSED, Integers.MADE):
        integers = next(x.dtype for x in inputs if x.dtype is not None)
        raise LayerError(f"takes no integers ({integers})")
    if len(set(types)) > 1:
        raise LayerError(f"branches of different types: {' and '.join(types)}")
    return inputs[0].dtype
