"""Every layer kind, and what is made of it, on any example of it: torch is the judge.

To draw an example takes longer than most checks, so all that hold of it are made on it at once.
"""

from __future__ import annotations

import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn.utils.parametrize import is_parametrized

from archcalc import analyze
from archcalc.explaining.layers import derive
from archcalc.layers import Layer, own_kinds
from archcalc.layers.convolution import Conv, LocallyConnected
from archcalc.layers.pooling import AvgPool, MaxPool
from archcalc.testing import CHECKS, Example
from archcalc.testing.checks import between_learned_layers, check_placements, effect_of
from archcalc.testing.conformance import OF_THE_RULE, check_example
from archcalc.testing.facts import check_kind
from archcalc.torch_backend.layer_modules import module_for
from tests.explaining.steps import assert_steps_agree
from tests.exporting.exported import check_network
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
    """Rule and facts against torch, and the rule on symbols and arrays against itself."""
    example = data.draw(EXAMPLES[kind])
    has_rule = kind in KINDS_WITH_RULES
    wanted = [check for check in CHECKS if has_rule or check not in OF_THE_RULE]
    check_example(example, data, wanted)
    _check_pickle_of_module(example)


def _check_pickle_of_module(example: Example) -> None:
    try:
        module = module_for(example.layer, *example.inputs)
    except Exception:  # whatever torch raises of options that it refuses
        return
    if not is_parametrized(module):  # torch saves the values of such a module alone
        assert repr(pickle.loads(pickle.dumps(module))) == repr(module)


@every_kind
@given(data=st.data())
def test_between_layers_that_learn(kind: type[Layer], data: st.DataObject) -> None:
    """Its source does what the twin does; every step of its derivations is the engine's value."""
    example = data.draw(EXAMPLES[kind])
    effect = effect_of(example)
    assume(effect is not None)
    assert effect is not None
    network = between_learned_layers(example, effect.output)
    check_network(network)
    if kind in KINDS_WITH_RULES:
        analysis = analyze(network)
        for layer in analysis.layers:
            for derivation in derive(analysis, layer).derivations:
                assert_steps_agree(layer, derivation)


@pytest.mark.parametrize("kind", [Conv, LocallyConnected, MaxPool, AvgPool], ids=lambda k: k.kind)
@given(data=st.data())
def test_windows_put_down_one_by_one_are_as_many(kind: type[Layer], data: st.DataObject) -> None:
    check_placements(data.draw(EXAMPLES[kind]))
