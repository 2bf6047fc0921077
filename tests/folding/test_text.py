"""Folded specs: the same graph as before, in fewer lines, and never another one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from archcalc.errors import SpecError
from archcalc.folding.columns import Expression, Parameters, Slot
from archcalc.folding.text import folded_text, is_same
from archcalc.graph import Graph
from archcalc.render.spec_text import spec_text
from archcalc.spec import writing
from archcalc.walk import analyze, walk
from tests.networks import SAMPLE
from tests.spec_texts import graph_of


def folded(graph: Graph) -> str:
    text = folded_text(walk(graph, 1, "float32"))
    assert is_same(text, graph)
    return text


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_a_folded_network_is_the_same(name: str) -> None:
    folded(analyze(name).graph)


@st.composite
def modules_in_modules(draw: st.DrawFn) -> str:
    """Layers whose dotted names come from few parts, each of which takes what it likes."""
    names = st.lists(st.sampled_from("ab012"), min_size=1, max_size=3).map(".".join)
    lines, before = [], ["input"]
    for name in draw(st.lists(names, min_size=1, max_size=14, unique=True)):
        source = draw(st.sampled_from([before[-1], before[-1], *before]))
        kind = draw(st.sampled_from(["conv", "relu", "add"]))
        fields = f"name: '{name}', from: '{source}'"
        if kind == "conv":
            fields += f", channels: {draw(st.sampled_from([4, 4, 8]))}, kernel: 1"
        if kind == "add":
            fields = f"name: '{name}', from: ['{source}', '{source}']"
        lines.append(f"  - {kind}: {{{fields}}}\n")
        before.append(name)
    return "".join(lines)


@st.composite
def modules_with_heads(draw: st.DrawFn) -> str:
    """As `modules_in_modules`, with heads between the layers or behind them all."""
    lines, heads = draw(modules_in_modules()).splitlines(), ["aux", "a.aux", "out"]
    for name in draw(st.lists(st.sampled_from(heads), min_size=1, max_size=2, unique=True)):
        inside = draw(modules_in_modules()).replace("'input'", "input").splitlines()
        only = "true" if draw(st.booleans()) else "false"
        head = f"  - head: {{name: {name}, training_only: {only}, layers: ["
        head += ", ".join(f"{{{line.removeprefix('  - ')}}}" for line in inside) + "]}"
        lines.insert(draw(st.integers(1, len(lines))), head)
    return "".join(f"{line}\n" for line in lines)


@st.composite
def rounds_without_dots(draw: st.DrawFn) -> str:
    """Layers that come again, one part of whose names goes on, or does not in one round."""
    names = draw(
        st.sampled_from([["a", "b", "c", "d"], ["1", "2", "3", "4"], ["9", "10", "x", "1"]])
    )
    each = [
        (
            draw(st.sampled_from(["conv", "relu", "add"])),
            draw(st.sampled_from(["r{}n{}", "l{1}_{0}"])),
        )
        for _ in range(draw(st.integers(2, 4)))
    ]
    lines, before = ["  - conv: {name: stem, channels: 4, kernel: 1}\n"], ["stem"]
    back = draw(st.integers(0, len(each)))
    for name in names:
        width = draw(st.sampled_from([4, 4, 4, 8]))
        for number, (kind, called) in enumerate(each):
            last = called.format(name, number)
            fields = f"name: {last}"
            if kind == "conv":
                fields += (
                    f", from: {before[-min(back, len(before)) or -1]}, channels: {width}, kernel: 1"
                )
            if kind == "add":
                fields += f", from: [{before[-1]}, {before[-1]}]"
            lines.append(f"  - {kind}: {{{fields}}}\n")
            before.append(last)
    return "".join(lines)


@given(modules_in_modules() | modules_with_heads() | rounds_without_dots())
def test_any_folded_graph_is_the_same(layers: str) -> None:
    try:
        graph = graph_of(layers)
    except SpecError:  # a name that is a layer's and the beginning of another's
        reject()
    folded(graph)


# The lines that the library's own spec of each has, of up to 100 columns, for all variants of its
# family; a text in quotes counts as one.
MOST_LINES = {
    "resnet50": 62,
    "mobilenet_v2": 60,
    "densenet121": 55,
    "efficientnet_b0": 78,
    "vit_b_16": 53,
    "regnet_y_400mf": 80,
    "convnext_tiny": 60,
    "unet": 45,
    "googlenet": 100,  # of which two are heads for training
}


@pytest.mark.parametrize("name", MOST_LINES)
def test_what_repeats_is_said_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WIDTH", 100)
    text = re.sub(r'\n {4}(?=[^\n"]*"\n)', " ", folded(analyze(name).graph))
    assert len(text.splitlines()) <= MOST_LINES[name]


def test_numbers_follow_from_one_another() -> None:
    text = folded(analyze("resnet50").graph)
    assert "- conv: {name: conv3, channels: 4*in_channels, kernel: 1, bias: false}" in text
    assert "parameters: [channels, times, stride: 1]" in text
    assert "{name: layer1, channels: 64, times: 2}" in text


def test_what_goes_with_the_channels_of_a_block_is_said_by_them() -> None:
    layers = "".join(
        f"  - conv: {{name: stem{c}, channels: {c}, kernel: 1}}\n"
        f"  - conv: {{name: gate{c}.grouped, channels: {c}, kernel: 3, groups: {c // 8}, "
        f"padding: same}}\n"
        f"  - global_avg_pool: {{name: gate{c}.pool}}\n"
        f"  - conv: {{name: gate{c}.less, channels: 4, kernel: 1}}\n"
        f"  - conv: {{name: gate{c}.more, channels: {c}, kernel: 1}}\n"
        f"  - parameter: {{name: gate{c}.scale, shape: [{c}, 1, 1]}}\n"
        f"  - multiply: {{name: gate{c}.product, from: [gate{c}.more, gate{c}.scale, stem{c}]}}\n"
        f"  - slice: {{name: gate{c}.half, stop: {c // 2}}}\n"
        for c in (16, 24, 40)
    )
    text = folded(graph_of(layers))
    for line in (
        "groups: in_channels // 8}",
        '- conv: {name: more, channels: "shape_of(in)[0]", kernel: 1}',
        'shape: ["shape_of(in)[0]", 1, 1]}',
        "- slice: {name: half, stop: in_channels // 2}",
        "- gate: {name: gate16}",
    ):
        assert line in text


def test_a_source_that_differs_in_a_number_is_said_by_it() -> None:
    layers = "".join(f"  - relu: {{name: down{n}}}\n" for n in range(1, 5)) + "  - elu\n"
    layers += "".join(
        f"  - {each}\n"
        for n in (4, 2, 1)
        for each in (
            f"conv: {{name: up{n}.conv, channels: 3, kernel: 1}}",
            f"add: {{name: up{n}.add, from: [up{n}.conv, down{n}]}}",
            f"relu: {{name: up{n}.relu}}",
            f"tanh: {{name: up{n}.tanh}}",
        )
    )
    text = folded(graph_of(layers))
    assert '- add: {name: add, from: [conv, "down{source}"]}' in text
    assert "- up: {name: up4, source: 4}" in text


def test_blocks_that_grow_evenly_are_a_repeat_with_an_expression() -> None:
    layers = "".join(
        f"  - conv: {{name: stage{n}.conv, channels: {8 + 8 * n}, kernel: 1}}\n"
        f"  - batch_norm: {{name: stage{n}.norm}}\n  - relu: {{name: stage{n}.relu}}\n"
        for n in range(6)
    )
    text = folded(graph_of(layers))
    assert 'stage: {name: "stage{i}", channels: 8 + 8*i}' in text
    assert "- repeat: 6" in text


def densely_connected(depths: list[int], first: int, around: str, apart: bool) -> str:
    """Blocks of layers that take all before them, each its own list anew.

    Args:
        depths: how many layers each block has.
        first: the number of the first layer.
        around: what stands before the names of the blocks.
        apart: whether the first layer of a block has a concatenation, of one.
    """
    lines, entering = ["conv: {name: stem, channels: 8, kernel: 1}"], "stem"
    for number, depth in enumerate(depths):
        block, taken = f"{around}block{number}", [entering]
        for n in range(first, first + depth):
            layer = f"{block}.layer{n}"
            if len(taken) > 1 or apart:
                given = f"from: [{', '.join(taken)}]" if len(taken) > 1 else "branches: [[]]"
                lines.append(f"concat: {{name: {layer}.all, {given}}}")
            lines += [f"{kind}: {{name: {layer}.{kind}}}" for kind in ("batch_norm", "relu")]
            lines.append(f"conv: {{name: {layer}.conv, channels: 4, kernel: 1}}")
            taken.append(f"{layer}.conv")
        entering = f"{block}.all"
        lines.append(f"concat: {{name: {entering}, from: [{', '.join(taken)}]}}")
    return "".join(f"  - {line}\n" for line in lines)


@settings(max_examples=15)
@given(
    depths=st.lists(st.integers(6, 8), min_size=1, max_size=3),
    first=st.integers(0, 2),
    around=st.sampled_from(["", "features.", "a.b."]),
    apart=st.booleans(),
)
def test_layers_that_take_all_before_them_take_no_more_lines_where_they_are_more(
    depths: list[int], first: int, around: str, apart: bool
) -> None:
    less, more = (
        len(folded(graph_of(densely_connected(each, first, around, apart))).splitlines())
        for each in (depths, [depth + 3 for depth in depths])
    )
    assert more <= less
    assert less < 40


def test_a_list_of_all_before_is_a_range_of_names() -> None:
    text = folded(graph_of(densely_connected([4, 6, 4, 6], 1, "", False)))
    assert 'concat: {name: all, from: [in, "layer{range(1, before)}"]}' in text
    assert 'concat: {name: all, from: [in, "layer{range(1, times + 2)}"]}' in text
    assert '- layer: {name: "layer{i + 2}", from: in, before: i + 2}' in text
    assert "layer_without_all:" in text


@pytest.mark.parametrize(
    ("names", "said"), [("abcd", "bn2{['b', 'c', 'd'][i]}"), ("1234", "bn{i + 22}")]
)
def test_rounds_without_dots_in_their_names_are_a_repeat(names: str, said: str) -> None:
    layers = "  - relu: {name: res2x_relu}\n"
    for name, before in zip(names, "x" + names, strict=False):
        stride = 2 if before == "x" else 1
        layers += (
            f"  - conv: {{name: res2{name}_branch2a, channels: 3, kernel: 1, stride: {stride}}}\n"
            f"  - batch_norm: {{name: bn2{name}_branch2a}}\n  - relu: {{name: res2{name}_mid}}\n"
            f"  - conv: {{name: res2{name}_branch2b, channels: 3, kernel: 3, padding: 1}}\n"
        )
        if before != "x":
            layers += (
                f"  - add: {{name: res2{name}, from: [res2{before}_relu, res2{name}_branch2b]}}\n"
            )
        layers += f"  - relu: {{name: res2{name}_relu}}\n"
    text = folded(graph_of(layers))
    assert "  - repeat: 3\n    index: i\n" in text
    assert f'- batch_norm: {{name: "{said}_branch2a"}}' in text
    assert text.count("conv:") == 4


def test_what_is_taken_each_time_is_said_in_a_repeat() -> None:
    layers = "  - relu: {name: stem}\n" + "".join(
        f"  - conv: {{name: side{n}.conv, from: stem, channels: 4, kernel: 1}}\n"
        f"  - relu: {{name: side{n}.relu}}\n  - tanh: {{name: side{n}.tanh}}\n"
        for n in range(5)
    )
    text = folded(graph_of(layers))
    assert '- side: {name: "side{i}", from: stem}' in text


def test_a_name_that_means_another_layer_inside_is_not_folded_away() -> None:
    # Inside of each block `skip` is the block's own layer, and its last one takes the outer one.
    layers = "  - conv: {name: skip, channels: 4, kernel: 1}\n"
    for block in ("a", "b", "c"):
        layers += (
            f"  - conv: {{name: {block}.skip, channels: 4, kernel: 1}}\n"
            f"  - relu: {{name: {block}.relu}}\n  - tanh: {{name: {block}.tanh}}\n"
            f"  - add: {{name: {block}.add, from: [{block}.tanh, skip]}}\n"
        )
    folded(graph_of(layers))


def test_another_graph_is_told_apart() -> None:
    graph = analyze("lenet5").graph
    text = spec_text(graph)
    assert is_same(text, graph)
    assert not is_same(text.replace("kernel: 5", "kernel: 3", 1), graph)
    assert not is_same(text.replace("tanh", "relu", 1), graph)


def said(*values: object, is_width: bool = False) -> object:
    return Parameters(frozenset()).said([Slot("field", "of", v, is_width) for v in values])


def test_what_differs_is_a_parameter_and_what_does_not_is_a_value() -> None:
    assert said(3, 3) == 3
    assert said(3, 4) == Expression("field")
    assert said((1, 3), (1, 4)) == [1, Expression("field")]
    assert said(True, 1) == Expression("field")  # 1 is not true


def test_a_multiple_of_a_parameter_is_said_by_it() -> None:
    found = Parameters(frozenset())
    for values, expected in (
        ((8, 16), "field"),
        ((32, 64), "4*field"),
        ((4, 8), "field // 2"),
        ((4, 9), "of_field"),
    ):
        slots = [Slot("field", "of", value, is_width=True) for value in values]
        assert found.said(slots) == Expression(expected)


def test_opaque_layers_are_folded_too() -> None:
    fields = "operator: torch.sort, of: [[3, 8, 8]], shape: [3, 8, 8], parameters: {weight: [3]}"
    layers = "".join(
        f"  - opaque: {{name: {name}.sort, {fields}}}\n  - relu: {{name: {name}.relu}}\n"
        f"  - tanh: {{name: {name}.tanh}}\n"
        for name in ("a", "b", "c", "d")
    )
    text = folded(graph_of(layers))
    assert text.count("torch.sort") == 1
