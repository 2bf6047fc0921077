"""A network that was changed says so, and nothing of the one that was published."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc import UsageError, analyze, load, symbol
from archcalc.parametric.variables import rebuilt, variable
from archcalc.render.contract import contract_schema, to_contract
from archcalc.spec.values import Value
from tests.spec_texts import graph_of


@pytest.mark.parametrize(
    ("name", "settings", "shown"),
    [
        ("resnet50", {}, "resnet50"),
        ("resnet50", {"classes": 10}, "resnet50 (classes=10)"),
        ("resnet50", {"classes": 1000}, "resnet50"),
        ("resnet50", {"classes": 1000.0}, "resnet50"),
        ("resnet50", {"depths": [3, 4, 6, 3], "input": [3, 224, 224]}, "resnet50"),
        ("resnet50", {"depths": (3, 4, 6, 4)}, "resnet50 (depths=[3,4,6,4])"),
        ("resnet50", {"input": [3, 256, 256]}, "resnet50 (input 3x256x256)"),
        (
            "resnet50",
            {"classes": 10, "bottleneck": False, "input": [1, 8, 8], "shortcut": "A"},
            "resnet50 (classes=10, bottleneck=false, shortcut=A, input 1x8x8)",
        ),
        ("mobilenet_v1", {"alpha": 0.35}, "mobilenet_v1 (alpha=0.35)"),
        ("mobilenet_v1", {"alpha": Fraction(1, 3)}, "mobilenet_v1 (alpha=1/3)"),
        ("mobilenet_v1", {"resolution": 128}, "mobilenet_v1 (resolution=128)"),
        # The input that follows from a parameter is not changed once more.
        (
            "mobilenet_v1",
            {"resolution": 128, "input": [3, 128, 128]},
            "mobilenet_v1 (resolution=128)",
        ),
        (
            "mobilenet_v1",
            {"resolution": 128, "input": [3, 224, 224]},
            "mobilenet_v1 (resolution=128, input 3x224x224)",
        ),
    ],
)
def test_the_name_says_what_was_changed(name: str, settings: dict[str, Any], shown: str) -> None:
    graph = load(name, **settings)
    assert str(graph.identity) == shown
    assert repr(graph).startswith(f"<Graph of {shown}: ")
    assert repr(analyze(graph)).startswith(f"<Analysis of {shown}: ")
    published = load(name)
    assert (graph.about == published.about) is (shown == name)
    assert (graph.about.accuracy is None and graph.about.title == "") is (shown != name)


MIXED = """\
name: mixed
input: [size, size]
parameters: {size: 4, flag: true, word: "1", share: 0.5, some: [1, 0.5, [2, true]], none: }
layers: [relu]
"""
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "size": st.integers(1, 5),
    "flag": st.booleans(),
    "word": st.sampled_from(["1", "2"]),
    "share": st.sampled_from([0.5, Fraction(1, 2), 0.25, 1]),
    "some": st.sampled_from([[1, 0.5, [2, True]], [1, 0.5, [2, 1]], [True, 0.5, [2, True]], []]),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_is_changed_is_what_makes_another_network(given_values: dict[str, Value]) -> None:
    """`changed` put onto the network gives the same one; and all in it differs from its own."""
    graph = graph_of(MIXED, **given_values)
    own, identity = graph_of(MIXED), graph.identity
    again = graph_of(MIXED, **identity.changed)
    assert (again.parameters, again.input) == (graph.parameters, graph.input)
    for name, value in identity.changed.items():
        assert repr(value) != repr(own.parameters[name])
    for name in given_values.keys() - identity.changed.keys():
        assert repr(graph.parameters[name]) == repr(own.parameters[name])


def test_symbols_and_arrays_are_changes() -> None:
    c = symbol("C")
    assert str(load("vgg16", classes=c).identity) == "vgg16 (classes=C)"
    h = symbol("h")
    assert str(load("vgg16", input=[3, 32 * h, 64]).identity) == "vgg16 (input 3x32*hx64)"
    sweep = archcalc.sweep("mobilenet_v1", alpha=np.array([0.5, 1]), classes=10, separable=True)
    assert repr(sweep).startswith("<Sweep of mobilenet_v1 (classes=10): 2 settings")
    sweep = archcalc.sweep("vgg16", input=[3, np.array([32, 64]), 64])
    assert repr(sweep).startswith("<Sweep of vgg16: 2 settings")


def test_a_graph_that_is_changed_again_says_so() -> None:
    graph = load("resnet18", classes=10)
    assert str(analyze(graph, widen=2).identity) == "resnet18 (classes=10, widen=2)"
    assert str(analyze(graph, classes=1000).identity) == "resnet18"
    high = rebuilt(graph, {variable("H", graph, "--by"): 448})
    assert str(high.identity) == "resnet18 (classes=10, input 3x448x224)"


def test_an_input_where_the_spec_has_none_is_a_change() -> None:
    text = "name: t\ninput: [1, size]\nparameters: {size: 4}\nlayers: [relu]\n"
    graph = graph_of(text)
    assert not graph.identity.is_changed
    zero = analyze(graph, input=[1, 4], size=0)
    assert str(zero.identity) == "t (size=0, input 1x4)"


def test_the_contract_has_all_parameters_and_those_changed() -> None:
    analysis = analyze("mobilenet_v1", alpha=0.35, input=[3, 96, 96])
    contract = to_contract(analysis)
    jsonschema.validate(contract, contract_schema())
    parameters, changed = contract["parameters"], contract["changed"]
    assert isinstance(parameters, dict)
    assert changed == {"alpha": "7/20", "input": [3, 96, 96]}
    assert list(parameters) == list(analysis.graph.network.parameters)
    assert (parameters["alpha"], parameters["classes"]) == ("7/20", 1000)
    assert contract["name"] == "mobilenet_v1"
    assert analysis.record() == {k: v for k, v in contract.items() if k != "totals"}
    assert analyze("vgg16").record()["changed"] == {}


def test_the_frame_says_of_which_network_it_is() -> None:
    pytest.importorskip("pandas")
    frame = analyze("lenet5", classes=7).to_frame()
    assert set(frame["network"]) == {"lenet5 (classes=7)"}


def test_no_parameter_can_be_called_input() -> None:
    """So that `changed` has one meaning for each key."""
    with pytest.raises(UsageError, match="no parameter 'size'"):
        load("vgg16", size=1)
    with pytest.raises(Exception, match="a parameter cannot be called 'input'"):
        graph_of("name: t\ninput: [3]\nparameters: {input: 3}\nlayers: [relu]\n")
