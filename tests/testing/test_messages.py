"""What the author of a layer kind sees of a check that fails."""

from __future__ import annotations

import pytest

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, pointwise
from archcalc.layers.activation import Sigmoid
from archcalc.testing import Example
from archcalc.testing.checks import check_saved


class Forgetful(Sigmoid):
    """Says that the backward pass needs nothing."""

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=4, saved=())


def test_a_failing_check_shows_both_sides() -> None:
    with pytest.raises(AssertionError, match=r"\{'layer': \d+\} != \{'layer': 0\}"):
        check_saved(Example(Forgetful(), (FeatureMap(1, ()),)))
