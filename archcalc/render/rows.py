"""Layers as the rows of a table: each by itself, or blocks folded into one row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from archcalc.analysis import Analysis
from archcalc.figures.of_layer import LayerAnalysis, counted
from archcalc.record import Record

ALL_LEVELS = 1000  # deeper than blocks can stand in blocks
MOST_ROWS = 64  # that a table shows unless the user says how deep it should go


class Row(Record):
    """One row: a layer, or all layers of a folded block.

    Attributes:
        name: dotted name of the layer or block.
        kind: the layer kind, or the name of the block.
        layers: the layers that the row stands for, in order; none for the heading of a block.
        level: how many blocks it stands in.
        block: the dotted name of the innermost of these, with a dot behind; empty at the top.
    """

    name: str
    kind: str
    layers: tuple[LayerAnalysis, ...]
    level: int = 0
    block: str = ""

    @property
    def counted(self) -> Sequence[LayerAnalysis]:
        """The layers that its figures are of: those that are used, where there are any."""
        return counted(self.layers)

    @property
    def label(self) -> str:
        """The name within its block, indented by level: for tables that show a tree."""
        return "  " * self.level + self.name.removeprefix(self.block)


def rows_at_depth(analysis: Analysis, depth: int = ALL_LEVELS) -> list[Row]:
    """Rows with every block at nesting level `depth` (from 1) folded into one row.

    The blocks above it stand as headings over their rows.
    """
    return list(_rows(analysis.layers, _paths(analysis), analysis, depth))


def depth_that_fits(analysis: Analysis, most: int = MOST_ROWS) -> int:
    """The greatest depth at which the table has at most `most` rows, and at least 1."""
    paths = _paths(analysis)
    deepest = max(map(len, paths.values()), default=0)
    depth = 1
    while depth <= deepest:
        deeper = _rows(analysis.layers, paths, analysis, depth + 1)
        if len(list(islice(deeper, most + 1))) > most:
            break
        depth += 1
    return depth


def folded_line(rows: Sequence[Row], analysis: Analysis) -> list[str]:
    """What stands under a table of people in which blocks are folded."""
    if all(len(row.layers) < 2 for row in rows):
        return []
    return [f"{len(analysis.layers)} layers, folded; --depth all shows each"]


def _paths(analysis: Analysis) -> dict[str, list[str]]:
    """The blocks that each layer stands in, which are those of its neighbours in the innermost."""
    found: dict[str, list[str]] = {}
    by_prefix: dict[str, list[str]] = {}
    for layer in analysis.layers:
        prefix = layer.name.rpartition(".")[0]
        if prefix not in by_prefix:
            by_prefix[prefix] = analysis.graph.blocks_around(layer.name)
        found[layer.name] = by_prefix[prefix]
    return found


def _rows(
    layers: Sequence[LayerAnalysis],
    paths: dict[str, list[str]],
    analysis: Analysis,
    depth: int,
    level: int = 0,
    within: str = "",
) -> Iterator[Row]:
    def block_at_level(layer: LayerAnalysis) -> str | None:
        path = paths[layer.name]
        return path[level] if len(path) > level else None

    for block, group in groupby(layers, key=block_at_level):
        inside = list(group)
        if block is None:
            yield from (Row(layer.name, layer.kind, (layer,), level, within) for layer in inside)
        elif level + 1 >= depth:
            yield Row(block, analysis.graph.blocks[block], tuple(inside), level, within)
        else:
            yield Row(block, analysis.graph.blocks[block], (), level, within)
            yield from _rows(inside, paths, analysis, depth, level + 1, block + ".")
