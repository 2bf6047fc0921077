"""What the author of a layer kind sees of a check that fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.feature_map import FeatureMap
from archcalc.layers import Effect, pointwise
from archcalc.layers.activation import Sigmoid
from archcalc.layers.registry import KINDS
from archcalc.testing import Example, conformance
from archcalc.testing.checks import check_saved


class Forgetful(Sigmoid):
    """Says that the backward pass needs nothing."""

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=4, saved=())


def test_a_failing_check_shows_both_sides() -> None:
    with pytest.raises(AssertionError, match=r"\{'layer': \d+\} != \{'layer': 0\}"):
        check_saved(Example(Forgetful(), (FeatureMap(1, ()),)))


class Hidden(Sigmoid):
    """An operator that torch has no module for, as far as the checks are told."""

    kind = "hidden"
    has_twin = False


def test_a_kind_without_a_twin_is_held_to_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[str] = []
    monkeypatch.setattr(conformance, "_run", lambda checks, _: run.extend(checks))
    monkeypatch.setitem(KINDS, "hidden", Hidden)
    conformance.check_layer_kind(Hidden, st.just(Example(Hidden(), (FeatureMap(1, ()),))))
    assert run == [*conformance.OF_THE_RULE]


def test_a_note_says_which_check_fails() -> None:
    with pytest.raises(AssertionError) as failure:
        _forgets()
    assert "Check that fails: autograd keeps what the rule says" in failure.value.__notes__


@given(data=st.data())
def _forgets(data: st.DataObject) -> None:
    checks = ["torch agrees", "autograd keeps what the rule says", "its facts are torch's"]
    conformance.check_example(Example(Forgetful(), (FeatureMap(1, ()),)), data, checks)
