"""The parser: the YAML tree of a spec as typed statements."""

from __future__ import annotations

import contextlib
import gc
from fractions import Fraction

import pytest

from archcalc import SpecError
from archcalc.layers import Join, own_kinds
from archcalc.layers.convolution import Conv
from archcalc.layers.registry import KINDS
from archcalc.layers.unpooling import MaxUnpool
from archcalc.spec.keys import placement_keys
from archcalc.spec.syntax import (
    About,
    Block,
    BlockStatement,
    HeadStatement,
    IfStatement,
    LayerStatement,
    Network,
    RepeatStatement,
    Statement,
)
from tests.spec_texts import HEAD, family_of


def the_network(text: str) -> Network:
    (network,) = family_of(text).networks.values()
    return network


def the_statement(text: str) -> Statement:
    known = "parameters: {width: 8, number: 1, i: 0, depth: 2, n: 3}"
    (statement,) = the_network(f"{HEAD}{text}\n{known}\n").body
    return statement


def the_layer(text: str) -> LayerStatement:
    statement = the_statement(text)
    assert isinstance(statement, LayerStatement)
    return statement


def the_block(text: str) -> Block:
    (block,) = family_of(f"name: t\ninput: [1]\nlayers: [relu]\nblocks:\n{text}").blocks.values()
    return block


# ----- layers -----


def test_a_layer_whose_fields_are_constants_is_made_at_once() -> None:
    statement = the_layer("  - conv: {channels: 64, kernel: [3, 5], padding: same, bias: false}")
    assert statement.layer == Conv(channels=64, kernel=(3, 5), padding="same", bias=False)
    assert statement.kind is Conv


def test_a_layer_whose_fields_mention_a_parameter_waits_for_it() -> None:
    statement = the_layer("  - conv: {channels: 2*width, kernel: 3}")
    assert statement.layer is None
    assert statement.arguments["channels"][1].template.names == {"width"}
    assert statement.arguments["kernel"][1].template == 3


def test_a_layer_may_be_a_mere_name() -> None:
    assert the_layer("  - relu").kind is KINDS["relu"]
    assert the_layer("  - relu:").kind is KINDS["relu"]
    assert the_layer("  - relu: {}").kind is KINDS["relu"]


def test_every_value_keeps_its_place() -> None:
    statement = the_layer("  - conv: {channels: 64, kernel: 3}")
    assert str(statement.place) == "tiny.yaml:4:5"
    assert str(statement.arguments["kernel"][1].place) == "tiny.yaml:4:34"


def test_where_a_layer_stands_is_no_field_of_it() -> None:
    statement = the_layer(
        "  - conv: {name: c, from: input, weights: other, channels: 1, kernel: 1}"
    )
    assert set(statement.arguments) == {"channels", "kernel"}
    assert statement.name is not None
    assert statement.name.parts == ("c",)
    assert [source.parts for source in statement.sources] == [("input",)]
    assert statement.weights is not None


def test_a_name_may_hold_expressions_in_braces() -> None:
    statement = the_layer("  - relu: {name: 'conv{number}_{i+1}'}")
    assert statement.name is not None
    shown = [part if isinstance(part, str) else part.text for part in statement.name.parts]
    assert shown == ["conv", "number", "_", "i+1"]


def test_a_join_takes_branches_as_a_list_or_as_a_field() -> None:
    for text in ("  - add: [[relu], []]", "  - add: {name: a, branches: [[relu], []]}"):
        statement = the_layer(text)
        assert statement.branches is not None
        assert [len(branch) for branch in statement.branches] == [1, 0]
    named = the_layer("  - concat: {from: [a, b]}")
    assert named.branches is None
    assert len(named.sources) == 2


@pytest.mark.parametrize(
    ("word", "kind"), [("max", "maximum"), ("min", "minimum"), ("sum", "add"), ("mean", "average")]
)
def test_the_name_of_a_reduction_means_a_join_of_branches(word: str, kind: str) -> None:
    for given in ("[[relu], []]", "{branches: [[relu], []]}", "{from: [a, b]}"):
        assert the_layer(f"  - {word}: {given}").kind.kind == kind


def test_only_joins_have_branches_and_only_an_unpooling_has_indices() -> None:
    for kind in own_kinds():
        assert ("branches" in placement_keys(kind)) == issubclass(kind, Join)
        assert ("indices" in placement_keys(kind)) == (kind is MaxUnpool)


# ----- structure -----


def test_a_repeat_has_a_count_an_index_and_a_body() -> None:
    statement = the_statement("  - repeat: depth\n    index: i\n    layers: [relu, relu]")
    assert isinstance(statement, RepeatStatement)
    assert (statement.times.template.text, statement.counter, len(statement.body)) == (
        "depth",
        "i",
        2,
    )


def test_a_condition_may_lack_its_else() -> None:
    statement = the_statement("  - if: n > 1\n    then: [relu]")
    assert isinstance(statement, IfStatement)
    assert (len(statement.then), statement.otherwise) == (1, ())


def test_a_head_is_for_training_only_where_it_says_so() -> None:
    for text, expected in (("", False), ("training_only: true, ", True)):
        statement = the_statement(f"  - head: {{{text}layers: [relu]}}")
        assert isinstance(statement, HeadStatement)
        assert statement.training_only is expected


def test_a_block_takes_parameters_as_a_list_or_with_defaults() -> None:
    listed = the_block("  b: {parameters: [depth, stride: 1], layers: [relu]}")
    assert listed.parameters["depth"] is None
    assert listed.parameters["stride"] is not None
    mapped = the_block("  b: {parameters: {depth: 2}, layers: [relu]}")
    assert mapped.parameters["depth"] is not None


def test_a_block_may_be_called_before_it_is_written() -> None:
    network = the_network(
        HEAD + "  - b: {width: 3}\nblocks: {b: {parameters: [width], layers: []}}"
    )
    (statement,) = network.body
    assert isinstance(statement, BlockStatement)
    assert (statement.block, set(statement.arguments)) == ("b", {"width"})


# ----- families -----

VARIANTS = """\
name: net
title: Net
authors: [A. Person, B. Person]
year: 1999
input: [3, 8, 8]
parameters: {depths: [1, 2], alpha: 0.75, mode: same, flag: true, nothing: null}
variants:
  small:
  wide: {title: Wide net, alpha: 2, depths: [3], year: 2000}
  other: {input: [1, 4], layers: [tanh, tanh]}
layers: [relu]
"""


def test_a_variant_differs_where_it_says_so() -> None:
    networks = family_of(VARIANTS).networks
    assert list(networks) == ["small", "wide", "other"]
    assert networks["small"].about == About("Net", "A. Person, B. Person", 1999)
    assert networks["wide"].about == About("Wide net", "A. Person, B. Person", 2000)
    assert networks["wide"].parameters["alpha"] == 2
    assert networks["wide"].parameters["depths"] == [3]
    assert [argument.template for argument in networks["other"].inputs["input"].sizes] == [1, 4]
    assert [len(network.body) for network in networks.values()] == [1, 1, 2]


def test_parameters_are_exact_values() -> None:
    parameters = family_of(VARIANTS).networks["small"].parameters
    assert parameters == {
        "depths": [1, 2],
        "alpha": Fraction(3, 4),
        "mode": "same",
        "flag": True,
        "nothing": None,
    }


def test_a_family_without_variants_is_its_own_network() -> None:
    assert list(family_of(HEAD + "  - relu").networks) == ["tiny"]


def test_free_text_is_one_line() -> None:
    text = "name: t\ntitle: >\n  Two\n  lines\n\ninput: [1]\nlayers: [relu]\n"
    assert the_network(text).about.title == "Two lines"


# ----- bounds -----


@pytest.mark.parametrize("count", [256, 257])
def test_a_spec_has_at_most_256_parameters(count: int) -> None:
    names = "".join(f"  p{number}: 1\n" for number in range(count))
    text = f"name: t\ninput: [1]\nlayers: [relu]\nparameters:\n{names}"
    if count == 256:
        assert len(the_network(text).parameters) == 256
    else:
        with pytest.raises(SpecError, match="parameters: more than 256 entries"):
            the_network(text)


@pytest.mark.parametrize("count", [256, 257])
def test_a_list_has_at_most_256_items(count: int) -> None:
    text = f"name: t\ninput: [1]\nlayers: [relu]\nparameters: {{d: [{'1, ' * count}]}}\n"
    if count == 256:
        assert len(the_network(text).parameters["d"]) == 256
    else:
        with pytest.raises(SpecError, match="a list of 257; at most 256 items are read"):
            the_network(text)


@pytest.mark.parametrize("text", [f"{HEAD}  - relu", "not a spec"])
@pytest.mark.parametrize("at_work", [True, False])
def test_the_collector_of_cycles_is_left_as_it_was(text: str, at_work: bool) -> None:
    (gc.enable if at_work else gc.disable)()
    try:
        with contextlib.suppress(SpecError):
            family_of(text)
        assert gc.isenabled() is at_work
    finally:
        gc.enable()
