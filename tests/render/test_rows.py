"""Layers as rows: each by itself, or folded by block."""

from __future__ import annotations

import pytest

from archcalc import Analysis, analyze
from archcalc.render.rows import MOST_ROWS, Row, depth_that_fits, rows_at_depth
from tests.spec_texts import analysis_of

NESTED = """\
name: nested
input: [3, 8, 8]
blocks:
  inner: {layers: [relu, tanh]}
  outer: {layers: [inner: {name: a}, elu, inner: {name: b}]}
layers:
  - relu: {name: stem.relu}
  - outer: {name: x}
  - outer: {name: y}
  - gelu
"""


def shown(rows: list[Row]) -> list[str]:
    """Each row as its label, its kind, and how many layers it stands for."""
    return [f"{row.label} {row.kind} {len(row.layers)}" for row in rows]


def test_without_folding_there_is_a_row_for_each_layer() -> None:
    rows = [row for row in rows_at_depth(analysis_of(NESTED)) if row.layers]
    assert [row.name for row in rows][:4] == ["stem.relu", "x.a.relu1", "x.a.tanh1", "x.elu1"]
    assert all(len(row.layers) == 1 for row in rows)


def test_blocks_fold_at_the_level_that_is_asked_for() -> None:
    analysis = analysis_of(NESTED)
    assert shown(rows_at_depth(analysis, 1)) == [
        "stem.relu relu 1",
        "x outer 5",
        "y outer 5",
        "gelu1 gelu 1",
    ]
    assert shown(rows_at_depth(analysis, 2)) == [
        "stem.relu relu 1",
        "x outer 0",
        "  a inner 2",
        "  elu1 elu 1",
        "  b inner 2",
        "y outer 0",
        "  a inner 2",
        "  elu1 elu 1",
        "  b inner 2",
        "gelu1 gelu 1",
    ]


def test_deep_enough_all_layers_show_under_their_blocks() -> None:
    rows = rows_at_depth(analysis_of(NESTED))
    assert shown(rows)[:5] == [
        "stem.relu relu 1",
        "x outer 0",
        "  a inner 0",
        "    relu1 relu 1",
        "    tanh1 tanh 1",
    ]
    assert sum(len(row.layers) for row in rows) == 12


def test_a_name_with_a_dot_is_no_block() -> None:
    # ResNet calls the sum beside its unit 0 `0.add`; GoogLeNet its second stem conv `conv2.3x3`.
    analysis = analysis_of("  - relu: {name: conv2.3x3_reduce}\n  - relu: {name: conv2.3x3}")
    assert shown(rows_at_depth(analysis, 1)) == ["conv2.3x3_reduce relu 1", "conv2.3x3 relu 1"]


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "resnet152", "googlenet", "densenet121"])
def test_a_table_is_as_deep_as_fits_a_screen(name: str) -> None:
    check_depth(analyze(name), depth_that_fits(analyze(name)))


def check_depth(analysis: Analysis, depth: int) -> None:
    assert depth == 1 or len(rows_at_depth(analysis, depth)) <= MOST_ROWS
    deeper = rows_at_depth(analysis, depth + 1)
    assert len(deeper) > MOST_ROWS or deeper == rows_at_depth(analysis, depth)


def test_too_deep_or_too_shallow_would_be_seen() -> None:
    analysis = analyze("resnet152")
    depth = depth_that_fits(analysis)
    for wrong in (depth - 1, depth + 1):
        if wrong:
            with pytest.raises(AssertionError):
                check_depth(analysis, wrong)


def test_rows_that_are_not_neighbours_stay_apart() -> None:
    text = """\
name: t
input: [3, 8, 8]
blocks: {b: {layers: [relu, head: {name: h, training_only: true, layers: [tanh]}, relu]}}
layers: [b: {name: x}]
"""
    rows = rows_at_depth(analysis_of(text), 2)
    assert shown(rows) == ["x b 0", "  relu1 relu 1", "  h head 1", "  relu2 relu 1"]
