"""Every layer kind's rule against torch, and on symbols and arrays against itself on numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.layers import LAYER_KINDS, Layer
from archcalc.layers.convolution import Conv, LocallyConnected
from archcalc.layers.pooling import AvgPool, MaxPool
from archcalc.torch_backend.layer_modules import module_for
from tests.layers import checks
from tests.layers.examples import EXAMPLES

every_kind = pytest.mark.parametrize("kind", LAYER_KINDS, ids=lambda kind: kind.kind)
varied: st.SearchStrategy[checks.Varied] = st.sampled_from(["inputs", "layer", "both"])
changes = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=4)


def test_every_kind_has_a_strategy() -> None:
    assert set(EXAMPLES) == set(LAYER_KINDS)


@every_kind
def test_every_kind_has_a_module(kind: type[Layer]) -> None:
    assert module_for.dispatch(kind) is not module_for.dispatch(object)


@every_kind
@given(data=st.data())
def test_torch_agrees(kind: type[Layer], data: st.DataObject) -> None:
    checks.check_torch_agrees(data.draw(EXAMPLES[kind]))


@every_kind
@given(data=st.data())
def test_autograd_keeps_what_the_rule_says(kind: type[Layer], data: st.DataObject) -> None:
    checks.check_saved(data.draw(EXAMPLES[kind]))


@every_kind
@given(data=st.data())
def test_the_symbol_and_the_number_agree(kind: type[Layer], data: st.DataObject) -> None:
    checks.check_symbols(data.draw(EXAMPLES[kind]), data.draw(varied))


@every_kind
@given(data=st.data())
def test_the_array_and_the_number_agree(kind: type[Layer], data: st.DataObject) -> None:
    checks.check_arrays(data.draw(EXAMPLES[kind]), data.draw(varied), data.draw(changes))


@every_kind
@given(data=st.data())
def test_an_array_never_wraps(kind: type[Layer], data: st.DataObject) -> None:
    checks.check_huge_arrays(data.draw(EXAMPLES[kind]), 2 ** data.draw(st.integers(8, 61)))


@pytest.mark.parametrize("kind", [Conv, LocallyConnected, MaxPool, AvgPool], ids=lambda k: k.kind)
@given(data=st.data())
def test_windows_put_down_one_by_one_are_as_many(kind: type[Layer], data: st.DataObject) -> None:
    checks.check_placements(data.draw(EXAMPLES[kind]))
