"""Sizes in expressions: what they are, who sees them, and that nothing else changes by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import AnalysisStopped, LayerError, SpecError, analyze, load, sweep
from archcalc.analysis import Analysis
from archcalc.graph import Node
from archcalc.parametric.scale import way_called
from archcalc.record import as_dict
from archcalc.render.spec_text import spec_text
from tests.spec_texts import analysis_of, graph_of

INVERTED = """\
name: inverted
input: [{channels}, {size}, {size}]
parameters: {{expand: 3}}
blocks:
  inverted:
    parameters: [channels, stride: 1{handed_down}]
    let: {{entering: {entering}, hidden: entering*expand}}
    layers:
      - conv: {{channels: hidden, kernel: 1}}
      - conv: {{channels: {hidden}, kernel: 3, padding: 1, groups: {hidden}, stride: stride}}
      - conv: {{name: last, channels: channels, kernel: 1}}
      - if: {last} == entering
        then: [relu]
layers:
"""


def inverted(channels: int, size: int, blocks: list[tuple[int, int]], *, asks: bool) -> str:
    """Inverted bottlenecks, of which each asks for its width, or is told it."""
    names = {
        "handed_down": "" if asks else ", width",
        "entering": "in_channels" if asks else "width",
        "hidden": "in_channels" if asks else "hidden",
        "last": "in_channels" if asks else "channels",
    }
    text = INVERTED.format(channels=channels, size=size, **names)
    for out, stride in blocks:
        width = "" if asks else f", width: {channels}"
        text += f"  - inverted: {{channels: {out}, stride: {stride}{width}}}\n"
        channels = out
    return text


def figures(analysis: Analysis) -> list[tuple[Any, ...]]:
    """What a table says of each layer."""
    return [
        (layer.name, layer.output, layer.params, layer.macs, layer.receptive_field)
        for layer in analysis.layers
    ]


@given(
    channels=st.integers(1, 5),
    size=st.integers(1, 9),
    blocks=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=4),
)
def test_a_block_that_asks_for_its_width_is_the_one_that_is_told_it(
    channels: int, size: int, blocks: list[tuple[int, int]]
) -> None:
    asking, told = (analysis_of(inverted(channels, size, blocks, asks=a)) for a in (True, False))
    assert figures(asking) == figures(told)
    assert asking.graph.asks_sizes
    assert not told.graph.asks_sizes


CROPPED = """\
name: cropped
input: [4, {size}]
layers:
  - identity: {{name: skip}}
  - max_pool: {{kernel: 2}}
  - conv_transpose: {{name: up, channels: 4, kernel: 2, stride: 2}}
  - pad:
      sides:
        - [0, "shape_of(skip)[1] - in_shape[1]"]
        - [0, "shape_of(skip)[-1] - in_shape[-1]"]
  - concat: {{from: [pad1, skip]}}
  - conv: {{channels: in_channels, kernel: 1, groups: in_channels}}
"""


@given(st.integers(2, 40), st.integers(2, 40))
def test_a_skip_of_any_size_is_met(h: int, w: int) -> None:
    assert analysis_of(CROPPED.format(size=f"{h}, {w}")).layer("concat1").output.shape == (8, h, w)


def test_free_sizes_give_the_formula_of_all_numbers() -> None:
    free: Any = analysis_of(CROPPED.format(size="h, w"))
    h, w = sorted(free.totals.macs.free_symbols, key=str)
    for m, n in ((2, 3), (17, 8), (40, 41)):
        found = analysis_of(CROPPED.format(size=f"{m}, {n}"))
        assert free.totals.macs.subs({h: m, w: n}) == found.totals.macs
        shape = [size.subs({h: m, w: n}) for size in free.layer("concat1").output.sizes]
        assert tuple(shape) == found.layer("concat1").output.sizes


def test_a_sweep_gives_what_each_setting_gives() -> None:
    text = inverted(4, 8, [(4, 1), (6, 2)], asks=True)
    expand = np.arange(0, 40)
    swept: Any = sweep(text, expand=expand)
    assert not swept.valid[0]
    assert swept.reason(0) == refusal(text, expand=0)
    for n in expand[1:]:
        assert swept.totals.macs[n] == analyze(text, expand=int(n)).totals.macs


def test_a_sweep_over_the_input_asks_for_its_sizes() -> None:
    text = CROPPED.format(size="8, 8")
    sizes = np.arange(2, 30)
    swept: Any = sweep(text, input=[4, sizes, 9])
    for number, n in enumerate(sizes):
        assert swept.totals.macs[number] == analyze(text, input=[4, int(n), 9]).totals.macs


def test_a_larger_input_is_written_out_anew() -> None:
    analysis = analyze(CROPPED.format(size="5, 5"))
    assert way_called(analysis, "H").doubled.layer("concat1").output.shape == (8, 10, 5)
    assert not way_called(analysis, "H").doubled.graph.given


def test_what_is_written_out_is_the_same_network() -> None:
    graph = load(CROPPED.format(size="5, 7"))
    again = load(spec_text(graph))
    assert [(n.name, n.layer) for n in again.nodes] == [(n.name, n.layer) for n in graph.nodes]
    assert not again.asks_sizes


# ----- where they are known -----

ASKED = """
  - conv: {name: a.b, channels: 5, kernel: 3}
  - repeat: 2
    index: i
    layers: [conv: {name: "c{i}", channels: "in_channels + 1", kernel: 1}]
"""


@pytest.mark.parametrize(
    "expression",
    [
        "shape_of(a.b)[0]",
        "shape_of('a.b')[0]",
        "shape_of('c{8 - 8}')[0] - 1",
        "shape_of('c{in_channels - 6}')[0] - 2",
        "shape_of(input)[0] + 2",
        "shape_of(in)[0] + 2",
        "in_channels - 2",
        "in_shape[0] - 2",
        "shape_of(a.b)[-1] - 1",
        "sum(shape_of(a.b)[1:]) - 7",
        "len(shape_of(a.b)[1:2]) * 5",
        "len(shape_of(a.b)[:-1]) + 3",
    ],
)
def test_sizes_have_names(expression: str) -> None:
    text = f'{ASKED}  - conv: {{channels: "{expression}", kernel: 1}}\n'
    assert analysis_of(text).layers[-1].output.channels == 5


def test_in_channels_is_the_first_axis_of_what_the_layer_itself_takes() -> None:
    text = """
  - conv: {name: a, channels: 4, kernel: 3}
  - conv: {name: b, channels: 6, kernel: 3}
  - conv: {name: c, from: a, channels: 2*in_channels, kernel: 1, groups: in_channels}
  - add: {name: d, branches: [[conv: {channels: in_channels, kernel: 1}], []]}
  - flatten
  - linear: {name: e, features: in_channels}
"""
    shapes = {layer.name: layer.output.shape for layer in analysis_of(text)}
    assert shapes["c"] == (8, 6, 6)
    assert shapes["d"] == (8, 6, 6)
    assert shapes["e"] == (288,)


def test_defaults_and_let_of_a_block_are_about_the_input_of_the_block() -> None:
    text = """\
name: t
input: [3, 8, 8]
blocks:
  b:
    parameters: [channels: 2*in_channels]
    let: {inner: channels + in_channels}
    layers:
      - conv: {channels: inner, kernel: 1}
      - conv: {channels: channels, kernel: 1}
layers: [b: {}, b: {from: input, channels: in_channels + 1}]
"""
    outputs = [layer.output.channels for layer in analysis_of(text)]
    assert outputs == [9, 6, 7, 4]


def test_in_is_the_input_of_the_block_that_says_so() -> None:
    text = """\
name: t
input: [3, 8, 8]
blocks:
  inner: {layers: [conv: {channels: 3, kernel: 1}, relu, add: {from: [relu1, in]}]}
  outer: {layers: [relu, inner, add: {from: [inner1, in]}]}
layers:
  - conv: {name: stem, channels: 3, kernel: 1}
  - outer
  - head: {name: aux, training_only: false, layers: [relu, add: {from: [relu1, in]}]}
  - add: {from: [outer1, in]}
"""
    nodes: dict[str, Node] = {node.name: node for node in graph_of(text).nodes}
    assert nodes["outer1.inner1.add1"].inputs == ("outer1.inner1.relu1", "outer1.relu1")
    assert nodes["outer1.add1"].inputs == ("outer1.inner1.add1", "stem")
    assert nodes["aux.add1"].inputs == ("aux.relu1", "outer1.add1")
    assert nodes["add1"].inputs == ("outer1.add1", "input")


def test_a_parameter_hides_a_size_of_its_name() -> None:
    text = "name: t\ninput: [3, 8, 8]\nparameters: {in_channels: 7}\nlayers: "
    text += "[conv: {channels: in_channels, kernel: 1}]"
    analysis = analysis_of(text)
    assert analysis.layers[0].output.channels == 7


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (
            "name: t\ninput: [3, 8, 8]\nlet: {a: in_channels}\nlayers: [relu]",
            "3:10: 'in_channels' is known where layers stand; here there is no input",
        ),
        (
            "name: t\ninput: [3, 8, 8]\nlet: {a: shape_of(x)}\nlayers: [relu]",
            "3:10: 'shape_of' is known where layers stand; here there is no input",
        ),
        ("  - conv: {channels: in_chanels, kernel: 1}\n", "; did you mean 'in_channels'?"),
        (
            "  - conv: {channels: 'shape_of(stem)[0]', kernel: 1}\n",
            "4:22: no earlier layer is called 'stem'",
        ),
        (
            "  - conv: {name: stem, channels: 'shape_of(stem)[0]', kernel: 1}\n",
            "4:34: no earlier layer is called 'stem'",
        ),
        (
            "  - conv: {channels: 'shape_of(3 + 4)', kernel: 1}\n",
            "shape_of takes the name of an earlier layer: shape_of(stem)",
        ),
        (
            "  - conv: {channels: 'shape_of(input, 1)', kernel: 1}\n",
            "shape_of takes the name of an earlier layer: shape_of(stem)",
        ),
        ("  - conv: {channels: 'in_shape[3]', kernel: 1}\n", "index 3 is outside a list of 3"),
        (
            "  - conv: {channels: in_shape, kernel: 1}\n",
            "expected a whole number, found '[3, 8, 8]'",
        ),
    ],
)
def test_a_size_that_is_not_known_is_said_where_it_is_asked_for(text: str, fact: str) -> None:
    with pytest.raises(SpecError) as raised:
        analysis_of(text)
    assert fact in str(raised.value)


# ----- layers that refuse their input -----

REFUSED = """
  - conv: {name: a, channels: 4, kernel: 3}
  - max_pool: {name: p, kernel: 9}
  - conv: {name: b, channels: 4, kernel: 1}
"""


def refusal(text: str, **parameters: Any) -> str:
    """What a network is refused with."""
    with pytest.raises((LayerError, SpecError)) as raised:
        analyze(text, **parameters)
    return str(raised.value)


@pytest.mark.parametrize("asked", ["in_channels", "shape_of(b)[0]", "shape_of(p)[0]"])
def test_a_layer_that_refuses_its_input_reads_as_in_the_walk(asked: str) -> None:
    stopped = []
    for channels in ("4", asked):
        text = f"name: tiny\ninput: [3, 8, 8]\nlayers:\n{REFUSED}"
        text += f'  - conv: {{channels: "{channels}", kernel: 1}}\n'
        with pytest.raises(AnalysisStopped) as raised:
            analyze(text, batch=3)
        stopped.append(raised.value)
    alone, found = stopped
    assert str(found) == str(alone)
    assert figures(found.partial) == figures(alone.partial)
    assert found.partial.batch == 3
    with pytest.raises(LayerError) as loaded:
        load(text)
    assert str(loaded.value) == str(found)


def test_a_head_for_training_that_does_not_fit_is_left_out_whatever_it_asks() -> None:
    head = (
        "  - head:\n      name: aux\n      training_only: true\n"
        "      layers: [max_pool: {kernel: 9}, conv: {channels: N, kernel: 1}]\n"
    )
    outcomes = []
    for channels in ("4", "in_channels"):
        text = f"  - relu\n{head.replace('N', channels)}  - sigmoid\n"
        analysis = analysis_of(text)
        outcomes.append((figures(analysis), [as_dict(out) for out in analysis.graph.left_out]))
    assert outcomes[0] == outcomes[1]
    assert [name for name, *_ in outcomes[0][0]] == ["relu1", "sigmoid1"]


@pytest.mark.parametrize("number", range(12))
def test_of_two_layers_that_refuse_the_first_is_named(number: int) -> None:
    text = f"""\
name: two
input: [3, 4, 4]
layers:
  - conv: {{name: a{number}, from: input, channels: 3, kernel: 9}}
  - conv: {{name: b{number}, from: input, channels: 3, kernel: 8}}
  - add: {{name: sum, from: [a{number}, b{number}]}}
  - conv: {{channels: "in_shape[1]", kernel: 1}}
"""
    with pytest.raises(LayerError, match=rf"a{number} \(conv"):
        load(text)
