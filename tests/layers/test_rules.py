"""Every layer kind's rule and facts, against torch, and on symbols and arrays against itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.layers import Layer, own_kinds
from archcalc.layers.convolution import Conv, LocallyConnected
from archcalc.layers.pooling import AvgPool, MaxPool
from archcalc.testing import CHECKS
from archcalc.testing.checks import check_placements
from archcalc.testing.conformance import OF_THE_RULE, check_example
from archcalc.testing.facts import check_kind
from tests.layers.examples import EXAMPLES, KINDS_WITH_RULES, WITHOUT_EXAMPLES

every_kind = pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.kind)


def test_every_kind_has_a_strategy() -> None:
    assert {*EXAMPLES, *WITHOUT_EXAMPLES} == {*own_kinds()}


@every_kind
def test_every_kind_is_registered_and_forgets_no_fact(kind: type[Layer]) -> None:
    check_kind(kind, EXAMPLES[kind])


@every_kind
@given(data=st.data())
def test_every_check(kind: type[Layer], data: st.DataObject) -> None:
    """All of them on each example, and on 40: to draw these takes longer than most checks."""
    has_rule = kind in KINDS_WITH_RULES
    wanted = [check for check in CHECKS if has_rule or check not in OF_THE_RULE]
    check_example(data.draw(EXAMPLES[kind]), data, wanted)


@pytest.mark.parametrize("kind", [Conv, LocallyConnected, MaxPool, AvgPool], ids=lambda k: k.kind)
@given(data=st.data())
def test_windows_put_down_one_by_one_are_as_many(kind: type[Layer], data: st.DataObject) -> None:
    check_placements(data.draw(EXAMPLES[kind]))
