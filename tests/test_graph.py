"""From a spec to its graph: names resolved, blocks and repeats written out, in order."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from archcalc import FeatureMap, Graph, SpecError, UsageError, load, symbol
from archcalc.expansion import build_graph
from archcalc.graph import INPUT
from archcalc.layers.convolution import Conv
from tests.spec_texts import family_of, graph_of


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def edges(graph: Graph) -> dict[str, tuple[str, ...]]:
    return {node.name: node.inputs for node in graph.nodes}


# ----- names and edges -----


def test_layers_run_in_order_and_are_numbered_by_their_kind() -> None:
    graph = graph_of("  - relu\n  - tanh\n  - relu")
    assert edges(graph) == {"relu1": (INPUT,), "tanh1": ("relu1",), "relu2": ("tanh1",)}
    assert graph.outputs == ("relu2",)


def test_a_number_that_a_name_has_taken_is_passed_over() -> None:
    assert names(graph_of("  - relu: {name: relu1}\n  - relu\n  - relu")) == [
        "relu1",
        "relu2",
        "relu3",
    ]


def test_a_layer_takes_its_input_from_any_earlier_one() -> None:
    graph = graph_of(
        "  - relu: {name: a}\n  - tanh\n  - sigmoid: {from: a}\n  - elu: {from: input}"
    )
    assert edges(graph)["sigmoid1"] == ("a",)
    assert edges(graph)["elu1"] == (INPUT,)


def test_branches_share_the_input_and_an_empty_one_is_the_identity() -> None:
    graph = graph_of("  - tanh\n  - add: [[relu, relu], []]\n  - elu")
    assert edges(graph) == {
        "tanh1": (INPUT,),
        "relu1": ("tanh1",),
        "relu2": ("relu1",),
        "add1": ("relu2", "tanh1"),
        "elu1": ("add1",),
    }


def test_a_join_may_name_its_inputs() -> None:
    text = "  - relu: {name: a}\n  - tanh: {name: b}\n  - concat: {from: [b, a, input]}"
    assert edges(graph_of(text))["concat1"] == ("b", "a", INPUT)


DENSE = """\
name: dense
input: [3, 8, 8]
parameters: {depth: 3}
blocks:
  unit:
    parameters: [number]
    layers:
      - concat: {name: all, from: [in, "unit{range(number)}"]}
      - conv: {name: conv, channels: 4, kernel: 1}
layers:
  - repeat: depth
    index: i
    layers: [unit: {name: "unit{i}", from: input, number: i}]
  - concat: {name: last, from: [input, "unit{[n for n in range(depth) if n != 1]}.conv"]}
"""


def test_a_list_in_a_name_stands_for_a_name_for_each_item() -> None:
    found = edges(graph_of(DENSE))
    assert found["unit0.all"] == (INPUT,)
    assert found["unit1.all"] == (INPUT, "unit0.conv")
    assert found["unit2.all"] == (INPUT, "unit0.conv", "unit1.conv")
    assert found["last"] == (INPUT, "unit0.conv", "unit2.conv")
    assert edges(graph_of(DENSE, depth=1))["last"] == (INPUT, "unit0.conv")
    assert edges(graph_of(DENSE, depth=0)) == {"last": (INPUT,)}


def test_branches_may_start_from_a_named_layer() -> None:
    text = "  - relu: {name: a}\n  - tanh\n  - add: {from: a, branches: [[elu], []]}"
    for each in (text, text.replace("from: a", "from: \"{'a'}\"")):
        assert edges(graph_of(each))["elu1"] == ("a",)
        assert edges(graph_of(each))["add1"] == ("elu1", "a")


# ----- blocks -----

BLOCK = """\
name: t
input: [3, 8, 8]
parameters: {scale: 2}
blocks:
  unit:
    parameters: [width, stride: scale]
    let: {inner: width*scale}
    layers:
      - conv: {name: one, channels: inner, kernel: 1, stride: stride}
      - relu
layers:
"""


def conv(graph: Graph, name: str) -> Conv:
    layer = next(node.layer for node in graph.nodes if node.name == name)
    assert isinstance(layer, Conv)
    return layer


def test_the_layers_of_a_block_stand_under_its_name() -> None:
    graph = graph_of(BLOCK + "  - unit: {name: a, width: 4}\n  - unit: {width: 5}\n  - relu")
    assert names(graph) == ["a.one", "a.relu1", "unit1.one", "unit1.relu1", "relu1"]
    assert graph.blocks == {"a": "unit", "unit1": "unit"}
    assert edges(graph)["unit1.one"] == ("a.relu1",)


def test_a_block_sees_its_parameters_their_defaults_its_let_and_the_networks_parameters() -> None:
    graph = graph_of(
        BLOCK + "  - unit: {name: a, width: 4}\n  - unit: {name: b, width: 5, stride: 1}"
    )
    assert conv(graph, "a.one") == Conv(channels=8, kernel=1, stride=2)
    assert conv(graph, "b.one") == Conv(channels=10, kernel=1, stride=1)


def test_a_block_does_not_see_its_callers_parameters() -> None:
    text = BLOCK.replace(
        "layers:\n      - conv", "layers:\n      - inner_block\n      - conv"
    ).replace(
        "blocks:\n", "blocks:\n  inner_block: {layers: [conv: {channels: width, kernel: 1}]}\n"
    )
    with pytest.raises(SpecError, match="unknown parameter 'width'"):
        graph_of(text + "  - unit: {width: 4}")


def test_a_name_is_looked_up_in_the_block_and_then_around_it() -> None:
    text = """\
name: t
input: [3, 8, 8]
blocks:
  b:
    layers:
      - relu: {name: here}
      - add: {from: [here, there]}
layers:
  - tanh: {name: there}
  - tanh: {name: here}
  - b
  - elu: {from: b1}
  - elu: {from: b1.here}
"""
    graph = graph_of(text)
    assert edges(graph)["b1.add1"] == ("b1.here", "there")
    assert edges(graph)["elu1"] == ("b1.add1",)  # a block stands for its last layer
    assert edges(graph)["elu2"] == ("b1.here",)


def test_a_block_may_start_from_a_named_layer() -> None:
    graph = graph_of(BLOCK + "  - relu: {name: a}\n  - tanh\n  - unit: {from: a, width: 1}")
    assert edges(graph)["unit1.one"] == ("a",)


def test_an_empty_block_is_the_identity() -> None:
    graph = graph_of("name: t\ninput: [1]\nblocks: {b: {layers: []}}\nlayers: [relu, b, tanh]")
    assert edges(graph)["tanh1"] == ("relu1",)


# Larsson et al. 2017: f_C joins a convolution with two f_(C-1), one after the other, so that it
# has 1 + 2 (2^(C-1) - 1) = 2^C - 1 convolutions and 1 + 2 (2^(C-2) - 1) = 2^(C-1) - 1 joins.
FRACTAL = """\
name: fractal
input: [4, 8, 8]
parameters: {columns: 3}
blocks:
  fractal:
    parameters: [columns]
    layers:
      - if: columns > 1
        then:
          - mean:
              - [conv: {channels: 4, kernel: 1}]
              - [fractal: {columns: columns - 1}, fractal: {columns: columns - 1}]
        else:
          - conv: {channels: 4, kernel: 1}
layers: [fractal: {columns: columns}]
"""


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_a_block_may_call_itself(columns: int) -> None:
    graph = graph_of(FRACTAL, columns=columns)
    kinds = [node.layer.kind for node in graph.nodes]
    assert kinds.count("conv") == 2**columns - 1
    assert kinds.count("average") == 2 ** (columns - 1) - 1


# ----- repeat, if, let -----


def test_a_repeat_counts_from_zero() -> None:
    body = "[conv: {name: 'c{i}', channels: 2*i + 1, kernel: 1}]"
    text = f"  - repeat: 3\n    index: i\n    layers: {body}"
    graph = graph_of(text)
    assert names(graph) == ["c0", "c1", "c2"]
    assert [node.layer for node in graph.nodes] == [Conv(channels=c, kernel=1) for c in (1, 3, 5)]


def test_repeats_within_repeats_have_an_index_each() -> None:
    text = """\
  - repeat: 2
    index: i
    layers:
      - repeat: i + 1
        index: j
        layers: [relu: {name: "r{i}_{j}"}]
"""
    assert names(graph_of(text)) == ["r0_0", "r1_0", "r1_1"]


def test_an_index_ends_with_its_repeat() -> None:
    with pytest.raises(SpecError, match="unknown parameter 'i'"):
        graph_of("  - repeat: 2\n    index: i\n    layers: [relu]\n  - relu: {name: 'r{i}'}")


def test_nothing_repeated_is_nothing() -> None:
    assert names(graph_of("  - tanh\n  - repeat: 0\n    layers: [relu]")) == ["tanh1"]
    with pytest.raises(SpecError, match="'tiny' has no layers with these parameters"):
        graph_of("  - repeat: 0\n    layers: [relu]")


def test_what_exists_in_training_only_is_no_network() -> None:
    head = "  - head: {name: h, training_only: true, layers: [relu]}\n"
    assert names(graph_of(f"  - tanh\n{head}")) == ["tanh1", "h.relu1"]
    with pytest.raises(SpecError, match="'tiny' has layers in training only"):
        graph_of(head)


@pytest.mark.parametrize(
    ("condition", "kind"),
    [("2 > 1", "relu"), ("1 > 2", "tanh"), ("true", "relu"), ("false", "tanh")],
)
def test_a_condition_chooses(condition: str, kind: str) -> None:
    graph = graph_of(f"  - if: {condition}\n    then: [relu]\n    else: [tanh]")
    assert names(graph) == [kind + "1"]


def test_what_is_not_chosen_is_not_looked_at() -> None:
    assert names(graph_of("  - relu\n  - if: false\n    then: [linear: {features: 1/0}]")) == [
        "relu1"
    ]


def test_let_values_are_computed_in_order_from_the_parameters() -> None:
    text = """\
name: t
input: [n, m]
parameters: {n: 3}
let: {m: 2*n, k: m + 1}
layers: [conv: {channels: k, kernel: 1}]
"""
    graph = graph_of(text, n=5)
    assert graph.input == FeatureMap(5, (10,))
    assert conv(graph, "conv1").channels == 11


# ----- sharing -----


def test_weights_are_shared_by_name() -> None:
    text = """\
  - conv: {name: a, channels: 3, kernel: 1}
  - conv: {channels: 3, kernel: 1, weights: a}
"""
    assert [node.weights for node in graph_of(text).nodes] == [None, "a"]


def test_an_unpooling_names_its_pool() -> None:
    text = "  - max_pool: {name: p, kernel: 2}\n  - max_unpool: {kernel: 2, indices: p}"
    assert [node.indices for node in graph_of(text).nodes] == [None, "p"]


# ----- heads -----


def test_a_head_leaves_the_main_path() -> None:
    text = """\
  - relu: {name: a}
  - head: {name: aux, training_only: true, layers: [tanh: {name: t}, tanh]}
  - head: {training_only: false, layers: [elu]}
  - sigmoid
"""
    graph = graph_of(text)
    assert edges(graph) == {
        "a": (INPUT,),
        "aux.t": ("a",),
        "aux.tanh1": ("aux.t",),
        "head1.elu1": ("a",),
        "sigmoid1": ("a",),
    }
    assert graph.outputs == ("sigmoid1", "aux.tanh1", "head1.elu1")
    assert {node.name: node.training_only for node in graph.nodes} == {
        "a": False,
        "aux.t": True,
        "aux.tanh1": True,
        "head1.elu1": False,
        "sigmoid1": False,
    }


def test_a_layer_is_live_where_an_output_depends_on_it() -> None:
    graph = graph_of("""\
  - max_pool: {name: pool, kernel: 2}
  - relu: {name: small}
  - tanh: {name: lost}
  - sigmoid: {name: lost_too}
  - head: {name: aux, training_only: true, layers: [elu: {from: small}]}
  - max_unpool: {name: large, kernel: 2, from: small, indices: pool}
""")
    assert graph.live() == {INPUT, "pool", "small", "aux.elu1", "large"}
    graph = graph_of("  - conv: {name: a, channels: 1, kernel: 1}\n  - relu: {from: input}\n")
    assert graph.live() == {INPUT, "relu1"}


def test_what_exists_in_training_only_feeds_training_only() -> None:
    head = "  - head: {{name: {}, training_only: true, layers: [conv: {}]}}\n"
    shared = head.format("h", "{name: c, channels: 3, kernel: 1}")
    inside = head.format("g", "{weights: h.c, channels: 3, kernel: 1}") + "  - relu"
    assert names(graph_of(shared + inside)) == ["h.c", "g.conv1", "relu1"]
    with pytest.raises(SpecError, match="exists in training only"):
        graph_of(shared + "  - relu: {from: h.c}")


# ----- parameters and input -----

PARAMETERS = """\
name: t
input: [3, 8, 8]
parameters: {alpha: 0.5, depths: [1, 2], mode: same, flag: true, width: 8}
layers: [conv: {channels: floor(width*alpha), kernel: 1}]
"""


def test_a_parameter_can_be_given_another_value() -> None:
    assert conv(graph_of(PARAMETERS), "conv1").channels == 4
    assert conv(graph_of(PARAMETERS, width=16), "conv1").channels == 8
    assert conv(graph_of(PARAMETERS, alpha=Fraction(1, 4)), "conv1").channels == 2
    assert conv(graph_of(PARAMETERS, alpha=1), "conv1").channels == 8
    assert conv(graph_of(PARAMETERS, alpha=0.25), "conv1").channels == 2
    assert conv(graph_of(PARAMETERS, width=np.int64(16)), "conv1").channels == 8
    assert conv(
        graph_of(PARAMETERS, width=2 * symbol("w"), alpha=1), "conv1"
    ).channels == 2 * symbol("w")


def test_a_graph_knows_what_it_was_built_with() -> None:
    graph = graph_of(PARAMETERS, width=16)
    assert graph.parameters["width"] == 16
    assert graph.network.parameters["width"] == 8


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("widht", 3, "t has no parameter 'widht'; did you mean 'width'?"),
        ("zzz", 3, "t has no parameter 'zzz'; it has alpha, depths, mode, flag, width"),
        ("width", "3", "width must be a number (8 in t), not '3'"),
        ("width", [3], "width must be a number (8 in t), not '[3]'"),
        ("width", True, "width must be a number (8 in t), not true"),
        ("depths", 3, "depths must be a list ([1,2] in t), not '3'"),
        ("flag", 1, "flag must be true or false (true in t), not '1'"),
        ("mode", 1, "mode must be text (same in t), not '1'"),
    ],
)
def test_a_value_that_does_not_fit_its_parameter_is_refused(
    name: str, value: object, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        graph_of(PARAMETERS, **{name: value})
    assert str(raised.value) == message


def test_a_network_without_parameters_says_so() -> None:
    with pytest.raises(UsageError, match=r"^tiny has no parameter 'a'; it has none$"):
        graph_of("  - relu", a=1)


def test_a_name_that_is_no_parameter_is_a_free_size() -> None:
    graph = graph_of("name: t\ninput: [n, 32h, 8w + n]\nparameters: {n: 3}\nlayers: [relu]")
    h, w = symbol("h"), symbol("w")
    assert graph.input == FeatureMap(3, (32 * h, 8 * w + 3))


def test_an_input_can_be_given_in_place_of_the_specs_own() -> None:
    graph = load("vgg16", input=[3, 64, 2 * symbol("w")])
    assert graph.input == FeatureMap(3, (64, 2 * symbol("w")))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "an input is 1 to 8 numbers; 0 were given"),
        ([3] * 9, "an input is 1 to 8 numbers; 9 were given"),
        ([3, 0], "an input of 3x0 has a size below 1"),
        ([3, -symbol("h")], "an input of 3x-h has a size below 1"),
        ([3, 1.5], "input: expected a whole number, found '1.5'"),
        ([3, "a"], "input: expected a whole number, found 'a'"),
        ([3, None], "input: expected a whole number, found nothing"),
    ],
)
def test_an_input_that_is_none_is_refused(sizes: list[object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load("vgg16", input=sizes)
    assert str(raised.value) == message


def test_words_of_a_field_may_stand_in_its_expressions() -> None:
    text = "name: t\ninput: [3, 8, 8]\nparameters: {flag: true}\n"
    text += "layers: [conv: {channels: 1, kernel: 3, padding: same if flag else valid}]"
    assert conv(graph_of(text), "conv1").padding == "same"
    assert conv(graph_of(text, flag=False), "conv1").padding == "valid"


# ----- bounds -----


def test_as_deep_as_is_allowed_is_written_out() -> None:
    text = "name: t\ninput: [1]\nparameters: {n: 1}\nblocks: {b: {parameters: [n], layers: "
    text += "[{if: n > 0, then: [b: {n: n - 1}], else: [relu]}]}}\nlayers: [b: {n: n}]"
    # The network's body, and two for each block: its own, and that of its condition.
    assert len(names(graph_of(text, n=48))) == 1
    with pytest.raises(SpecError, match="100 deep; does a block call itself without end"):
        graph_of(text, n=49)


def test_two_graphs_of_a_network_do_not_share_anything_that_changes() -> None:
    (network,) = family_of(PARAMETERS).networks.values()
    first, second = build_graph(network), build_graph(network, parameters={"width": 16})
    assert conv(first, "conv1").channels == 4
    assert conv(second, "conv1").channels == 8
    assert build_graph(network) == first
