"""The spelling of a kind that another package brings is built and exported as those of ours."""

from __future__ import annotations

import pickle
from functools import partial
from typing import ClassVar

import pytest
import torch

from archcalc import FeatureMap, Graph, UsageError
from archcalc.exporting import torch_source
from archcalc.layers import Effect, Layer, Saved
from archcalc.layers.convolution import Conv
from archcalc.layers.effect import pointwise
from archcalc.layers.layer import Category
from archcalc.torch_backend.build import build
from archcalc.torch_backend.layer_modules import module_for
from archcalc.torch_backend.verify import verify
from archcalc.torch_spelling import Setting, Spelling, in_call, named, spell
from tests.exporting.exported import check_network
from tests.graphs import graph, node
from tests.layers.several import Gate

MAP = FeatureMap(3, (4, 5))


class _Pointwise(Layer):
    """As the kinds of another package."""

    category: ClassVar[Category] = Category.ACTIVATION
    pointwise: ClassVar[bool] = True

    def effect_on(self, x: FeatureMap, /) -> Effect:
        return pointwise(x, ops_each=1, saved=(Saved.INPUT,))


class Unspelled(_Pointwise):
    """A kind whose author has forgotten how torch writes it."""

    kind: ClassVar[str] = "unspelled"


class HardTanh(_Pointwise):
    """min(max(x, low), high), as torch has it."""

    kind: ClassVar[str] = "hard_tanh"

    low: float = -1.0
    high: float = 1.0


@spell.register
def _(layer: HardTanh, at: Setting) -> Spelling:
    return Spelling(
        "nn.Hardtanh", (named("min_val", layer.low, -1.0), named("max_val", layer.high, 1.0))
    )


class Swish(_Pointwise):
    """x / (1 + exp(-beta x)), which torch has no module for."""

    kind: ClassVar[str] = "swish"

    beta: float = 2.0


@spell.register
def _(layer: Swish, at: Setting) -> Spelling:
    return Spelling(None, (in_call("beta", layer.beta),), "{0} * torch.sigmoid({beta} * {0})")


class Doubled(_Pointwise):
    """2 max(x, 0), whose author has not said what to build."""

    kind: ClassVar[str] = "doubled"


@spell.register
def _(layer: Doubled, at: Setting) -> Spelling:
    return Spelling("nn.ReLU", call="2 * {module}({0})", operator="*")


class Misplaced(_Pointwise):
    """A kind whose author has mistaken where its module stands."""

    kind: ClassVar[str] = "misplaced"


def network(layer: Layer) -> Graph:
    return graph(MAP, [node("a", layer), node("b", Conv(channels=2, kernel=1), "a")])


@pytest.mark.parametrize("layer", [HardTanh(low=-0.5), HardTanh(), Swish(), Swish(beta=0.5)])
def test_a_kind_of_another_package_is_built_and_exported(layer: Layer) -> None:
    check_network(network(layer))


def test_what_is_written_is_what_is_built() -> None:
    built = build(network(Swish()))
    x = torch.randn(2, *MAP.shape)
    torch.testing.assert_close(built.get_submodule("a")(x), x * torch.sigmoid(2 * x))
    assert "x * torch.sigmoid(2.0 * x)" in torch_source(network(Swish()), "a test")
    assert isinstance(module_for(HardTanh(low=-2.0), MAP), torch.nn.Hardtanh)
    again = pickle.loads(pickle.dumps(built))
    torch.testing.assert_close(again(x), built(x))


def test_a_kind_without_a_spelling_is_refused_in_one_sentence() -> None:
    message = "the layer kind 'unspelled' has no torch spelling"
    for refused in (build, verify, partial(torch_source, made_by="a test")):
        with pytest.raises(UsageError, match=message):
            refused(network(Unspelled()))


def test_a_module_that_is_called_on_more_than_its_inputs_says_what_to_build() -> None:
    with pytest.raises(UsageError, match=r"spelling of 'doubled' needs `built`: 2 \* "):
        build(network(Doubled()))


# ----- modules of another package -----

GATED = graph(FeatureMap(6), [node("gate", Gate(features=4, rank=2)), node("act", Swish(), "gate")])


def test_a_module_of_another_package_is_written_into_the_file() -> None:
    check_network(GATED)
    source = torch_source(GATED, "a test")
    assert source.count("class GateModule(nn.Module):\n") == 1
    assert "        self.gate = GateModule(6, 4, 2)\n" in source
    assert "tests." not in source


@pytest.mark.parametrize(
    ("callee", "message"),
    [
        (f"{__name__}.Missing", "there is no class .*Missing to export"),
        ("nowhere.Module", "there is no class nowhere.Module to export"),
        ("nowhere.at_all.Module", "there is no class nowhere.at_all.Module to export"),
        ("somewhere.DropPath", "DropPath: another class of the file has its name"),
    ],
)
def test_a_module_that_cannot_be_written_is_refused(callee: str, message: str) -> None:
    spell.register(Misplaced, lambda layer, at: Spelling(callee))
    with pytest.raises(UsageError, match=message):
        torch_source(network(Misplaced()), "a test")
