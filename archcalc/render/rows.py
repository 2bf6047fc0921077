"""Layers as the rows of a table: each by itself, or blocks folded into one row each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from archcalc.analysis import Analysis, LayerAnalysis

MOST_ROWS = 64  # that a table shows unless the user says how deep it should go


class Row(NamedTuple):
    """One row: a layer, or all layers of a folded block.

    Attributes:
        name: dotted name of the layer or block.
        kind: the layer kind, or the name of the block.
        layers: the layers that the row stands for, in order; none for the heading of a block.
        level: how many blocks it stands in.
    """

    name: str
    kind: str
    layers: tuple[LayerAnalysis, ...]
    level: int

    @property
    def label(self) -> str:
        """The last part of the name, indented by level: for tables that show a tree."""
        return "  " * self.level + self.name.rpartition(".")[2]


def layer_rows(analysis: Analysis) -> list[Row]:
    """A row for each layer."""
    return [Row(layer.name, layer.kind, (layer,), 0) for layer in analysis.layers]


def rows_at_depth(analysis: Analysis, depth: int) -> list[Row]:
    """Rows with every block at nesting level `depth` (from 1) folded into one row.

    The blocks above it stand as headings over their rows.
    """
    paths = {layer.name: _blocks_around(layer.name, analysis) for layer in analysis.layers}
    return list(_rows(list(analysis.layers), paths, analysis, depth, 0))


def depth_that_fits(analysis: Analysis) -> int:
    """The greatest depth at which the table has at most `MOST_ROWS` rows, and at least 1."""
    deepest = max((len(_blocks_around(x.name, analysis)) for x in analysis.layers), default=0)
    for depth in range(deepest + 1, 1, -1):
        if len(rows_at_depth(analysis, depth)) <= MOST_ROWS:
            return depth
    return 1


def _rows(
    layers: list[LayerAnalysis],
    paths: dict[str, list[str]],
    analysis: Analysis,
    depth: int,
    level: int,
) -> Iterator[Row]:
    def block_at_level(layer: LayerAnalysis) -> str | None:
        path = paths[layer.name]
        return path[level] if len(path) > level else None

    for block, group in groupby(layers, key=block_at_level):
        inside = list(group)
        if block is None:
            yield from (Row(layer.name, layer.kind, (layer,), level) for layer in inside)
        elif level + 1 >= depth:
            yield Row(block, analysis.graph.blocks[block], tuple(inside), level)
        else:
            yield Row(block, analysis.graph.blocks[block], (), level)
            yield from _rows(inside, paths, analysis, depth, level + 1)


def _blocks_around(name: str, analysis: Analysis) -> list[str]:
    """The dotted names of the blocks that a layer stands in, from the outermost in."""
    parts = name.split(".")
    prefixes = [".".join(parts[:n]) for n in range(1, len(parts))]
    return [prefix for prefix in prefixes if prefix in analysis.graph.blocks]
