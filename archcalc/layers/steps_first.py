"""Layers that torch runs with the steps, axis 0, before the images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from archcalc.feature_map import FeatureMap
from archcalc.layers.effect import Extra
from archcalc.layers.layer import Layer
from archcalc.layers.operator import Taking


class StepsFirst(Layer):
    """One that sees its inputs, (L, C) each, as (L, images, C), and multiplies them by weights."""

    steps_first: ClassVar[bool] = True

    @abstractmethod
    def made_by_taking(
        self,
        inputs: Sequence[FeatureMap],
        taking: Mapping[int, Taking],
        same: Sequence[int | None],
        *,
        at_inference: bool,
    ) -> Extra | None:
        """What it makes more than where its inputs lie in order.

        Args:
            inputs: their shapes.
            taking, same: as in `Circumstances`.
        """

    def kept_by_taking(
        self,
        inputs: Sequence[FeatureMap],
        taking: Mapping[int, Taking],
        same: Sequence[int | None],
    ) -> Mapping[int, Extra]:
        """Of one that may have several inputs, what it keeps in their place, by their number."""
        return {}
