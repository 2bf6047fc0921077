"""Networks with values that stand for several: what torch makes of them behind these."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archcalc import Graph, activation_bytes, analyze, load, verify
from archcalc.errors import LayerError, UsageError
from archcalc.exporting.source import torch_source
from archcalc.feature_map import FeatureMap
from archcalc.layers.repeating import Expand, RepeatInterleave, Tile
from archcalc.memory_use.liveness import storages
from archcalc.testing.training import check_step

SIZES = (6, 4, 4)
FIGURES = ["sizes", "params", "macs", "memory", "field"]
BEHIND = [
    ["relu", "flatten", "linear: {features: 3}"],
    ["gelu", "group_norm: {groups: 2}"],
    ["linear: {features: 3}"],
    ["linear: {features: 3, bias: false}", "relu"],
    ["conv: {channels: 3, kernel: 3, padding: 1}"],
    ["layer_norm: {over: last}"],
    ["softmax: {axis: 0}"],
    ['rearrange: {axes: "c h w -> (h w) c"}', "linear: {features: 3}"],
    ['rearrange: {axes: "c h w -> c (h w)"}', "linear: {features: 3}"],
    ["reshape: {shape: [-1]}", "linear: {features: 3}"],
    ["mean: {axes: [1, 2]}"],
    ["max: {axes: 0}"],
    ["slice: {axis: 1, start: 1}", "linear: {features: 3}"],
    ["dropout", "flatten", "linear: {features: 3}"],
    ["add: {from: [e, x]}", "linear: {features: 3}"],
    ["multiply: {from: [x, e]}", "linear: {features: 3}"],
    ["subtract: {from: [e, x]}", "linear: {features: 3}"],
    ["concat: {from: [e, x]}"],
    ["matmul: {from: [e, x], transposed: true}"],
    ["repeat_interleave: {repeats: 2, axis: 1}", "conv: {channels: 2, kernel: 1}"],
    ["tile: {repeats: [1, 2, 1]}", "linear: {features: 2}"],
    ["mean: {axes: -1, keep: true}", "expand: {shape: [-1, -1, 3]}", "linear: {features: 2}"],
]


@st.composite
def networks(draw: Any) -> Graph:
    """A map of one value along some axes, these repeated in one way or another, and what follows.

    `x` has the shape that comes of it.
    """
    single = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    channels, *sizes = [1 if alone else n for alone, n in zip(single, SIZES, strict=True)]
    repeats = [n if alone else 1 for alone, n in zip(single, SIZES, strict=True)]
    shape = [n if alone else -1 for alone, n in zip(single, SIZES, strict=True)]
    how = draw(
        st.sampled_from(
            [
                [f"expand: {{name: e, shape: {shape}}}"],
                [f"tile: {{name: e, repeats: {repeats}}}"],
                [
                    f"repeat_interleave: {{repeats: {n}, axis: {axis}}}"
                    for axis, n in enumerate(repeats)
                ]
                + ["identity: {name: e}"],
            ]
        )
    )
    lines = [
        "conv: {name: x, channels: 6, kernel: 1}",
        f"adaptive_avg_pool: {{output: {sizes}}}",
        f"conv: {{channels: {channels}, kernel: 1}}",
        *how,
        *draw(st.sampled_from(BEHIND)),
    ]
    body = "".join(f"  - {line}\n" for line in lines)
    return load(f"name: repeating\ninput: {[*SIZES]}\nlayers:\n{body}")


@given(networks(), st.integers(1, 2))
def test_figures_and_a_step_are_torchs(network: Graph, batch: int) -> None:
    assert not verify(network, subjects=FIGURES, batch=batch).found.differences
    check_step(network, batch)


LINES = [
    "repeat_interleave: {repeats: 2, axis: AXIS}",
    "repeat_interleave: {repeats: 3, axis: AXIS}",
    "slice: {axis: AXIS, start: 1}",
    "slice: {axis: AXIS, start: -4, step: 2}",
    "tile: {repeats: [2, 1, 1]}",
    "tile: {repeats: [1, 2, 1]}",
    "slice: {axis: 2, stop: 1}\n  - expand: {shape: [-1, -1, 5]}",
    "slice: {axis: 0, stop: 1}\n  - expand: {shape: [4, -1, -1]}",
    "conv: {channels: 4, kernel: [3, 2], stride: [1, 2], padding: 1}",
    "relu",
]


@given(st.lists(st.tuples(st.sampled_from(LINES), st.integers(-3, 2)), min_size=1, max_size=4))
def test_what_units_see_behind_repeated_values_is_torchs(lines: list[tuple[str, int]]) -> None:
    body = "".join(f"  - {line.replace('AXIS', str(axis))}\n" for line, axis in lines)
    head = "name: f\ninput: [2, 12, 11]\nlayers:\n  - conv: {channels: 8, kernel: 3, padding: 1}\n"
    try:
        network = load(head + body)
        analyze(network)
    except LayerError:
        return  # cut to nothing
    assert not verify(network, subjects=["field"]).found.differences


@given(networks())
def test_the_export_runs(network: Graph) -> None:
    scope: dict[str, Any] = {}
    exec(compile(torch_source(network, ""), "<export>", "exec"), scope)
    last = analyze(network).layers[-1].output
    assert scope["Repeating"]()(torch.rand(2, *SIZES)).shape == (2, *last.shape)


SCATTERED = """\
name: scattered
input: [5, 8]
layers:
  - linear: {name: x, features: 4}
  - linear: {features: 8}
  - WAY
  - scaled_dot_product_attention: {from: [e, x, x], heads: 2}
"""


@pytest.mark.parametrize(
    "way",
    [
        "slice: {name: e, axis: -1, step: 2}",
        "reshape: {shape: [5, 4, 2]}\n  - select: {name: e, axis: -1, index: 0}",
        "slice: {axis: 0, stop: 1}\n  - slice: {axis: 1, stop: 4}\n"
        "  - expand: {name: e, shape: [5, 4]}",
    ],
)
def test_memory_of_attention_on_scattered_values_is_not_told(way: str) -> None:
    """There torch takes other kernels, and lays what comes of them out in other ways."""
    network = load(SCATTERED.replace("WAY", way))
    assert not verify(network, subjects=FIGURES).found.differences
    with pytest.raises(UsageError, match="makes and keeps is not known"):
        check_step(network)


def test_an_expanded_map_takes_no_memory() -> None:
    expanded = analyze(load("name: e\ninput: [1, 8]\nlayers: [expand: {shape: [1000, 8]}]"))
    assert activation_bytes(expanded).peak == 8 * 4
    copied = analyze(load("name: e\ninput: [1, 8]\nlayers: [tile: {repeats: [1000, 1]}]"))
    assert activation_bytes(copied).peak == 1001 * 8 * 4


def test_nothing_is_written_where_a_value_stands_for_several() -> None:
    spec = """\
name: expanded
input: [2, 8]
layers:
  - relu
  - slice: {name: s, stop: 1}
  - expand: {name: e, shape: [2, 8]}
  - BEHIND
"""
    where = {
        kind: storages(
            analyze(load(spec.replace("BEHIND", f"{kind}: {{name: b, from: {inputs}}}"))),
            in_place=True,
            concat_views=True,
        ).of
        for kind, inputs in (("relu", "e"), ("concat", "[e, e]"))
    }
    assert where["relu"]["e"] == where["concat"]["e"] == "relu1"
    assert where["relu"]["b"] == where["concat"]["b"] == "b"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Expand(shape=(3, 4)), "a shape of 2 numbers for the 3 axes of 2x1x4"),
        (Expand(shape=(4, 1, 4)), "a size of 2 cannot be expanded to 4"),
        (Expand(shape=(2, 0, 4)), "a size of 0"),
        (Expand(shape=(2, -2, 4)), "a size of -2"),
        (RepeatInterleave(repeats=0), "0 repeats"),
        (RepeatInterleave(repeats=2, axis=3), "no axis 3"),
        (Tile(repeats=(2, 2)), "2 repeats for the 3 axes of 2x1x4"),
        (Tile(repeats=(1, 0, 1)), "0 repeats"),
    ],
)
def test_what_cannot_be_repeated_is_refused(layer: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        layer.effect_on(FeatureMap(2, (1, 4)))
