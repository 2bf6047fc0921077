"""The layers that every path takes, and the growth of the field over them."""

from __future__ import annotations

from archcalc import analyze
from archcalc.reports.growth_plot import growth
from archcalc.reports.waypoints import waypoints


def test_in_a_chain_every_layer_is_a_waypoint() -> None:
    vgg16 = analyze("vgg16")
    assert [point.layer for point in waypoints(vgg16)] == list(vgg16.layers)


def test_layers_within_branches_are_none() -> None:
    names = [point.layer.name for point in waypoints(analyze("inception_bottleneck"))]
    assert names == ["output"]
    names = [point.layer.name for point in waypoints(analyze("residual_basic"))]
    assert names == ["add", "relu2"]


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
