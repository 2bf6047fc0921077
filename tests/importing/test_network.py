"""A model from elsewhere as a network: noted, and held to what the model had."""

from __future__ import annotations

import pytest

from archcalc.errors import UsageError
from archcalc.importing.model import Input, Model, Statement
from archcalc.importing.network import family_of
from archcalc.walk import analyze


def model(shape: tuple[int, ...]) -> Model:
    conv = Statement("conv", "c", ("input",), {"channels": 4, "kernel": 3}, shape=shape)
    return Model("m", "elsewhere", {"input": Input((3, 8, 8))}, (conv,), notes=("Mind this.",))


def test_what_is_noted_stays_with_the_network() -> None:
    (network,) = family_of(model((4, 6, 6)), "m.cfg").networks.values()
    analysis = analyze(network)
    assert analysis.layer("c").output.shape == (4, 6, 6)
    assert analysis.graph.network.imported is not None
    assert analysis.graph.network.imported.notes == ("Mind this.",)


def test_a_size_that_the_model_does_not_have_is_never_shown() -> None:
    (network,) = family_of(model((4, 7, 7)), "m.cfg").networks.values()
    with pytest.raises(UsageError, match=r"c: the model has an output of 4x7x7, .* says 4x6x6"):
        analyze(network)


def test_another_input_has_other_sizes() -> None:
    (network,) = family_of(model((4, 6, 6)), "m.cfg").networks.values()
    assert analyze(network, input=[3, 9, 9]).layer("c").output.shape == (4, 7, 7)
