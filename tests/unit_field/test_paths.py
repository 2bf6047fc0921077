"""Receptive fields by single paths: the smallest and the largest, by trying each path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypothesis import assume, given

from archcalc import Analysis, Graph, analyze
from archcalc.graph import INPUT
from archcalc.layers.joining import Concat
from archcalc.receptive_field.field import PIXEL, AxisField
from archcalc.receptive_field.propagation import field_after
from archcalc.unit_field import alignment, path_sizes
from archcalc.window import Reach
from tests.graphs import random_graphs
from tests.unit_field.test_unit import two_paths

__all__ = ["two_paths"]

MOST_PATHS = 2000


def test_paths_see_between_the_smallest_and_the_largest(two_paths: Analysis) -> None:
    paths = path_sizes(two_paths)
    # By the identity only conv1's 3; by conv2 as well 3 + (5 - 1) * 2 = 11.
    assert paths["add"].smallest == (3, 3)
    assert paths["add"].largest == (11, 11)
    assert paths["conv2"].smallest == paths["conv2"].largest == (11, 11)
    assert paths["gap"].smallest == ("all", "all")


def test_branches_that_are_shifted_are_not_aligned(two_paths: Analysis) -> None:
    assert alignment(two_paths, two_paths.layer("add")) is True
    assert alignment(two_paths, two_paths.layer("shifted")) is False
    assert alignment(two_paths, two_paths.layer("conv1")) is None


def test_a_path_leads_to_a_channel_of_zeros_by_the_statistics_of_its_norm(tmp_path: Path) -> None:
    path = tmp_path / "zeros.yaml"
    path.write_text(
        "name: zeros\ninput: [2, 9]\nlayers:\n"
        "  - pad_channels: {before: 1, after: 3}\n"
        "  - group_norm: {groups: 2}\n"
        "  - channel_slice: {name: first, start: 0, stop: 1}\n"
        "  - channel_slice: {name: last, from: group_norm1, start: 5, stop: 6}\n"
    )
    paths = path_sizes(analyze(str(path)))
    assert paths["first"].smallest == paths["first"].largest == ("all",)
    assert paths["last"].smallest == paths["last"].largest == (0,)


def test_the_largest_path_may_be_the_smaller_one_before(tmp_path: Path) -> None:
    path = tmp_path / "paths2.yaml"
    path.write_text(
        "name: paths2\ninput: [1, 22]\nlayers:\n"
        "  - conv_transpose: {name: up, channels: 1, kernel: 2, stride: 3}\n"
        "  - add: [[], [{conv: {name: a, channels: 1, kernel: 3, padding: 1}}]]\n"
        "  - add: [[], [{conv: {name: b, channels: 1, kernel: 3, padding: 1}}]]\n"
        "  - conv: {name: c, channels: 1, kernel: 3, padding: 1}\n"
    )
    assert path_sizes(analyze(str(path)))["c"].largest == (3,)


def test_where_a_path_lies_counts_where_a_single_unit_is_spread(tmp_path: Path) -> None:
    path = tmp_path / "paths3.yaml"
    path.write_text(
        "name: paths3\ninput: [1, 5]\nlayers:\n"
        "  - roll: {name: moved, shifts: -3, axes: -1}\n"
        "  - maximum: {from: [moved, input]}\n"
        "  - add: [[], [{conv: {name: one, channels: 1, kernel: 5}}]]\n"
    )
    # Moved, unit 0 sees 3 … 7; and 0 … 4 where it is not, which are all that there are.
    assert path_sizes(analyze(str(path)))["one"].largest == (5,)
    assert path_sizes(analyze(str(path)))["add1"].largest == ("all",)
    assert path_sizes(analyze(str(path)))["add1"].smallest == (1,)


@given(random_graphs(most=14))
def test_no_path_sees_less_or_more(graph: Graph) -> None:
    analysis = analyze(graph)
    layer = analysis.layers[-1]
    found = path_sizes(analysis)[layer.name]
    for axis, (smallest, largest) in enumerate(zip(found.smallest, found.largest, strict=True)):
        fields = list(each_path(analysis, layer.name, axis))
        sizes = [f.size for f in fields if not isinstance(f, Reach)]
        if Reach.UNKNOWN not in fields:
            assert smallest == min(sizes, default="all")
        if Reach.ALL in fields:
            assert largest == "all"
        elif Reach.UNKNOWN not in fields:
            assert largest == max(sizes)
        if smallest is None or largest is None:
            assert Reach.UNKNOWN in fields


def each_path(analysis: Analysis, name: str, axis: int) -> Iterator[AxisField]:
    """What the layer sees by each path from the input, one after the other."""
    if name == INPUT:
        yield PIXEL
        return
    layer = analysis.layer(name)
    sources = [*layer.inputs, *([layer.node.indices] if layer.node.indices else [])]
    windows = layer.effect.windows
    of_axis = windows if isinstance(windows, Reach) else (*windows, *[Reach.UNKNOWN] * 3)[axis]
    if not isinstance(windows, Reach) and len(windows) != len(analysis.input.sizes):
        of_axis = Reach.UNKNOWN
    kind, output = layer.node.layer, layer.output
    if isinstance(kind, Concat) and kind.concatenates_along(output) == 1 + axis:
        of_axis = Reach.UNKNOWN  # a unit stands elsewhere than in its branch
    for count, source in enumerate(sources):
        assume(count < MOST_PATHS)
        for field in each_path(analysis, source, axis):
            yield field_after(field, of_axis)
