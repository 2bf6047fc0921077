"""The layers that every path takes, and the growth of the field over them."""

from __future__ import annotations

from itertools import pairwise

from archcalc import analyze
from archcalc.reports.growth_plot import growth
from archcalc.reports.waypoints import waypoints
from tests.spec_texts import analysis_of


def test_in_a_chain_every_layer_is_a_waypoint() -> None:
    vgg16 = analyze("vgg16")
    assert [point.layer for point in waypoints(vgg16)] == list(vgg16.layers)


def test_layers_within_branches_are_none() -> None:
    names = [point.layer.name for point in waypoints(analyze("inception_bottleneck"))]
    assert names == ["output"]
    names = [point.layer.name for point in waypoints(analyze("residual_basic"))]
    assert names == ["add", "relu2"]


U_NET = """\
name: u_net
input: [1, 64, 64]
blocks:
  level:
    parameters: [depth, width]
    layers:
      - conv: {name: down, channels: width, kernel: 3, padding: 1}
      - if: depth > 0
        then:
          - max_pool: {name: pool, kernel: 2}
          - level: {name: inner, depth: depth - 1, width: 2*width}
          - upsample: {name: up, factor: 2}
          - concat: {name: skip, from: [up, down]}
          - conv: {name: conv, channels: width, kernel: 3, padding: 1}
layers:
  - level: {name: outer, depth: 4, width: 4}
"""


def test_where_skips_hide_all_layers_the_longest_path_shows_them() -> None:
    found = waypoints(analysis_of(U_NET))
    names = [point.layer.name for point in found]
    assert names[0] == "outer.down"
    assert names[-1] == "outer.conv"
    assert "outer.inner.inner.pool" in names
    assert "outer.inner.skip" in names
    depths = [point.depth for point in found]
    assert depths == sorted(depths)
    assert max(b - a for a, b in pairwise(depths)) <= 2


def test_heads_that_leave_the_main_path_do_not_open_it() -> None:
    names = [point.layer.name for point in waypoints(analyze("googlenet"))]
    assert "inception_4b.output" in names
    assert not any(name.startswith("aux") for name in names)


def test_depth_counts_windows_on_the_longest_path() -> None:
    by_name = {point.layer.name: point.depth for point in waypoints(analyze("resnet50"))}
    # conv1 and the max pool, then three units of three convolutions.
    assert by_name["maxpool"] == 2
    assert by_name["layer1.2.relu"] == 2 + 3 * 3


def test_the_field_grows_until_everything_is_seen() -> None:
    found = growth(analyze("resnet50"))
    assert found[-1].layer == "layer4.2.relu"
    # By the shortcuts: 7 of conv1, (3 - 1) 2 of the pool; the 1x1 projections add nothing.
    assert (found[-1].field, found[-1].smallest) == (427, 7 + 2 * 2)
    assert [point.field for point in found] == sorted(point.field for point in found)


def test_what_is_learned_alone_is_on_no_path() -> None:
    spec = """\
name: learned
input: [3, 8, 8]
layers:
  - conv: {name: conv, channels: 4, kernel: 3, padding: 1}
  - parameter: {name: bias, shape: [4, 8, 8]}
  - relu: {name: bent}
  - add: {name: sum, from: [bent, conv]}
"""
    assert [(p.layer.name, p.depth) for p in waypoints(analysis_of(spec))] == [
        ("conv", 1),
        ("sum", 1),
    ]
