"""Networks that read maps at places that they compute: whole ones, against torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from archcalc import (
    FeatureMap,
    Graph,
    LayerError,
    UsageError,
    analyze,
    explain,
    load,
    verify,
)
from archcalc.exporting.source import torch_source
from archcalc.layers.deform_conv import DeformConv
from archcalc.layers.interpolating import GridSample
from archcalc.layers.roi_align import RoiAlign
from archcalc.memory_use.freezing import with_frozen
from archcalc.memory_use.options import TrainingOptions
from archcalc.memory_use.training import step_of
from archcalc.quantity.arithmetic import symbol
from archcalc.quantity.at_least import is_open
from archcalc.render.contract import to_contract
from archcalc.testing.training import check_step
from archcalc.torch_backend.batches import drawn
from archcalc.torch_backend.build import build
from archcalc.torch_backend.interpolating_modules import DeformConv2d, RoIAlign
from archcalc.window import Reach
from tests.spec_texts import analysis_of

# Of a map of 6 x 7: a grid from the map itself, one that is learned, and a constant one.
GRIDS = (
    """\
  - conv: {name: w, from: x, channels: 2, kernel: 3}
  - rearrange: {name: g, axes: "c h w -> h w c"}
""",
    "  - parameter: {name: g, shape: [4, 3, 2]}\n",
    "  - parameter: {name: g, shape: [4, 3, 2], learned: false}\n",
)


@st.composite
def grids(draw: Any) -> Graph:
    """A map read at the places of a grid, or a learned map at those that an image says."""
    options = draw(
        st.fixed_dictionaries(
            {
                "mode": st.sampled_from(["bilinear", "nearest", "bicubic"]),
                "padding_mode": st.sampled_from(["zeros", "border", "reflection"]),
                "align_corners": st.sampled_from(["true", "false"]),
            }
        )
    )
    fields = ", ".join([f"{name}: {value}" for name, value in options.items()])
    grid, taken = draw(st.sampled_from(GRIDS)), "[x, g]"
    if draw(st.integers(0, 3)) == 3:
        grid, taken = f"{GRIDS[0]}  - parameter: {{name: m, shape: [3, 5, 4]}}\n", "[m, g]"
    return load(f"""\
name: grids
input: [3, 6, 7]
layers:
  - conv: {{name: x, channels: {draw(st.integers(1, 3))}, kernel: 1}}
{grid}  - grid_sample: {{name: s, from: {taken}, {fields}}}
  - conv: {{channels: 2, kernel: 1}}
""")


@given(grids(), st.integers(1, 3))
def test_a_step_with_a_grid_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch)


@given(grids(), st.sampled_from(["x", "w", "x,w"]))
def test_a_step_with_a_frozen_map_or_grid_takes_what_torch_takes(net: Graph, frozen: str) -> None:
    names = [name for name in frozen.split(",") if name in {node.name for node in net.nodes}]
    check_step(with_frozen(net, names))


@given(grids(), st.integers(1, 2))
def test_a_step_under_autocast_takes_what_torch_takes(net: Graph, batch: int) -> None:
    check_step(net, batch, TrainingOptions(dtype="mixed"))


@pytest.mark.parametrize("grid", GRIDS)
def test_figures_of_grids_are_torchs(grid: str) -> None:
    for options in ("padding_mode: border", "mode: bicubic, align_corners: true"):
        text = (
            "name: grids\ninput: [3, 6, 7]\nlayers:\n  - conv: {name: x, channels: 2, kernel: 1}\n"
        )
        found = verify(f"{text}{grid}  - grid_sample: {{from: [x, g], {options}}}\n", batch=2)
        assert not found.found.differences


READ = """\
name: read
inputs: {images: [4, 16, 12], boxes: [3, 4]}
layers:
  - conv: {name: x, channels: 6, kernel: 3, padding: 1}
  - conv: {name: offsets, channels: 2*2*9, kernel: 3, padding: 1, stride: 2}
  - conv: {name: masks, from: x, channels: 2*9, kernel: 3, padding: 1, stride: 2}
  - deform_conv: {name: plain, from: [x, offsets], channels: 4, kernel: 3, padding: 1, stride: 2}
  - deform_conv: {name: modulated, from: [x, offsets, masks], channels: 4, kernel: 3, padding: 1,
                  stride: 2, groups: 2, bias: false}
  - add: {name: both, from: [plain, modulated]}
  - roi_align: {name: regions, from: [both, boxes], output: 2, sampling_ratio: 2,
                spatial_scale: 0.5}
  - group_norm: {groups: 2}
  - flatten
  - linear: {name: scores, features: 5}
"""


def test_figures_of_what_is_read_are_those_of_torch() -> None:
    for batch in (1, 2):
        found = verify(READ, batch=batch, subjects=["sizes", "params", "macs", "field"])
        assert not found.found.differences
    analysis = analysis_of(READ)
    assert analysis.layer("scores").output == FeatureMap(5, (), items=3)
    # 12 operations for each of 2 x 9 places of 8 x 6 units, 7 for each value, and a bias.
    plain = 48 * (12 * 2 * 9 + 7 * 6 * 9 + 4)
    assert analysis.layer("plain").other_ops == plain
    assert analysis.layer("modulated").other_ops == plain + 48 * (6 * 9 - 4)
    # Of each of 3 boxes 10; 4 places in each of 4 bins, of 14; 7 for each value, and their mean.
    assert analysis.layer("regions").other_ops == 3 * (10 + 4 * 4 * (14 + 8 * 4))


def test_what_torch_has_no_operator_for_has_no_memory_that_is_known() -> None:
    analysis = analyze(READ)
    with pytest.raises(UsageError, match=r"what plain \(deform_conv\) makes and keeps is not"):
        step_of(analysis)


@pytest.mark.parametrize("text", [READ])
def test_the_export_does_as_the_twin(text: str) -> None:
    net = load(text)
    scope: dict[str, Any] = {}
    exec(compile(torch_source(net, ""), "<export>", "exec"), scope)
    module, twin = scope["Read"](), build(net)
    module.load_state_dict(twin.state_dict())
    images = drawn(net, 2, torch.float32, "cpu")
    assert torch.equal(module(*images), twin(*images))


def test_of_where_it_is_read_nothing_is_known() -> None:
    analysis = analysis_of(READ)
    for name in ("plain", "modulated", "regions", "scores"):
        assert analysis.layer(name).field == (Reach.UNKNOWN, Reach.UNKNOWN)
    grid = analysis_of("""\
name: learned_map
input: [3, 6, 7]
layers:
  - parameter: {name: m, shape: [3, 5, 4]}
  - conv: {name: w, from: input, channels: 2, kernel: 3}
  - rearrange: {name: g, axes: "c h w -> h w c"}
  - grid_sample: {name: s, from: [m, g]}
""")
    assert grid.layer("s").receptive_field == (3, 3)  # by the grid alone
    apart = analysis_of("""\
name: offsets_from_elsewhere
inputs: {images: [3, 6, 7], offsets: [18, 4, 5]}
layers:
  - deform_conv: {name: y, from: [images, offsets], channels: 2, kernel: 3}
  - global_avg_pool: {name: all}
""")
    assert apart.layer("all").field == (Reach.UNKNOWN, Reach.UNKNOWN)  # may be of a few positions


def test_taps_that_do_not_move_are_a_convolutions() -> None:
    module = DeformConv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=2)
    x = torch.randn(2, 4, 7, 8)
    with torch.no_grad():
        expected = F.conv2d(x, module.weight, module.bias, (2, 1), (1, 0), (1, 2), 2)
        still = torch.zeros(2, 2 * 2 * 6, *expected.shape[2:])
        assert torch.allclose(module(x, still), expected, atol=1e-5)
        half = torch.full((2, 2 * 6, *expected.shape[2:]), 0.5)
        biased = module.bias[:, None, None] if module.bias is not None else 0
        modulated = (expected - biased) / 2 + biased
        assert torch.allclose(module(x, still, half), modulated, atol=1e-5)
        # One position to the right: as of the map without its first column.
        aside = still.clone()
        aside[:, 1::2] = 1
        moved = F.pad(x, (0, 1))[..., 1:]
        expected = F.conv2d(moved, module.weight, module.bias, (2, 1), (1, 0), (1, 2), 2)
        assert torch.allclose(module(x, aside), expected, atol=1e-5)


def test_a_box_over_whole_positions_is_these() -> None:
    x = torch.arange(30.0).reshape(1, 1, 5, 6)
    boxes = torch.tensor([[[2.0, 1.0, 4.0, 4.0]]])
    crop = RoIAlign((3, 2), sampling_ratio=1, aligned=True)(x, boxes)
    assert torch.allclose(crop, x[:, :, 1:4, 2:4])
    twice = RoIAlign((3, 2), 1, spatial_scale=0.5, aligned=True)(x, 2 * boxes)
    assert torch.allclose(twice, crop)
    assert not RoIAlign(2, 2)(x, boxes - 100).any()  # beyond the map


OPEN = READ.replace("sampling_ratio: 2, ", "").replace("sampling_ratio: 2,", "")


def test_where_the_boxes_say_how_much_is_read_the_cost_is_at_least_that_of_the_boxes() -> None:
    analysis, told = analysis_of(OPEN), analysis_of(READ)
    assert [layer.output for layer in analysis] == [layer.output for layer in told]
    assert (analysis.totals.params, analysis.totals.macs) == (told.totals.params, told.totals.macs)
    regions, whole = analysis.layer("regions").other_ops, analysis.totals.other_ops
    assert is_open(regions) and regions.known == 3 * 10  # 10 for each of 3 boxes
    samples = told.layer("regions").other_ops - 3 * 10
    assert is_open(whole) and whole.known == told.totals.other_ops - samples
    assert to_contract(analysis)["opaque"]["regions"] == {
        "operator": "roi_align", "unknown": ["other_ops"]
    }  # fmt: skip
    assert "\nother ops          at least 30: " in str(explain(OPEN, "regions"))
    with pytest.raises(UsageError, match=r"nothing here does the same as regions \(roi_align\)"):
        build(load(OPEN))


@pytest.mark.parametrize("aligned", [False, True])
def test_an_open_cost_is_below_that_of_one_sample(aligned: bool) -> None:
    r = symbol("r")
    boxes = FeatureMap(r, (4,))
    one, free = (
        RoiAlign(output=2, sampling_ratio=n, aligned=aligned).effect_on(MAP, boxes).other_ops
        for n in (1, None)
    )
    assert is_open(free)
    assert (one - free.known) == r * (4 * 14 + 4 * 3 * 8)


MAP, GRID = FeatureMap(3, (5, 4)), FeatureMap(2, (6, 2))


def test_what_torch_does_not_read_is_refused() -> None:
    with pytest.raises(LayerError, match="takes a map and a grid; 1 inputs are given"):
        GridSample().effect_on(MAP)
    with pytest.raises(LayerError, match="a map of two or three spatial axes, and 3x5 has 1"):
        GridSample().effect_on(FeatureMap(3, (5,)), GRID)
    with pytest.raises(LayerError, match="a grid of 3 axes for 3x5x4, and 2x2 has 2"):
        GridSample().effect_on(MAP, FeatureMap(2, (2,)))
    with pytest.raises(LayerError, match="the last axis of 2x6x3, not 3"):
        GridSample().effect_on(MAP, FeatureMap(2, (6, 3)))
    conv = DeformConv(channels=2, kernel=3)
    with pytest.raises(LayerError, match="takes a map, offsets and a mask; 1 inputs are given"):
        conv.effect_on(MAP)
    with pytest.raises(LayerError, match="offsets of 18x3x3 for an output of 2x3x2"):
        conv.effect_on(MAP, FeatureMap(18, (3, 3)))
    with pytest.raises(LayerError, match="offsets of 19 channels for 9 taps"):
        conv.effect_on(MAP, FeatureMap(19, (3, 2)))
    with pytest.raises(LayerError, match="3 input channels do not divide into 2 offset groups"):
        conv.effect_on(MAP, FeatureMap(36, (3, 2)))
    with pytest.raises(LayerError, match="a mask of 18 channels; these offsets have 9 places"):
        conv.effect_on(MAP, FeatureMap(18, (3, 2)), FeatureMap(18, (3, 2)))
    roi = RoiAlign(output=7, sampling_ratio=2)
    with pytest.raises(LayerError, match="boxes of 5 numbers, not of x1"):
        roi.effect_on(MAP, FeatureMap(9, (5,)))
    with pytest.raises(LayerError, match="leave it out where the boxes say how many"):
        RoiAlign(output=7, sampling_ratio=0).effect_on(MAP, FeatureMap(9, (4,)))
    with pytest.raises(LayerError, match="takes maps and boxes of images"):
        roi.effect_on(FeatureMap(3, (5, 4), items=2), FeatureMap(9, (4,)))
