"""The layers of a network on a page: a table, and a diagram that fits on a screen."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import Analysis
from archcalc.render.columns import DEFAULT_COLUMNS, columns_named
from archcalc.render.drawing import Drawing, draw
from archcalc.render.rows import Row, depth_that_fits, rows_at_depth
from archcalc.render.table import layer_table
from archcalc.reports.page import table

MOST_BOXES = 12  # of a diagram that a page shows unfolded
MOST_ROWS = 30  # of a table that a page shows unfolded
_FULL_COLUMNS = (
    "name", "kind", "window", "output", "receptive_field", "jump", "params", "macs",
    "activation_bytes",
)  # fmt: skip


def block_table(analysis: Analysis) -> str:
    """A row for each layer or block, folded until it is short."""
    rows = rows_at_depth(analysis, depth_that_fits(analysis, MOST_ROWS))
    return _table(rows, DEFAULT_COLUMNS, in_full=False)


def full_table(analysis: Analysis) -> str:
    """A row for each layer, with all digits."""
    return _table(rows_at_depth(analysis), _FULL_COLUMNS, in_full=True)


def small_drawing(analysis: Analysis) -> Drawing:
    """The diagram with the deepest blocks that still fits on a screen."""
    depth = depth_that_fits(analysis, MOST_ROWS)
    drawing = draw(analysis, depth)
    while depth > 1 and len(drawing.boxes) > MOST_BOXES:
        depth -= 1
        drawing = draw(analysis, depth)
    return drawing


def _table(rows: Sequence[Row], names: Sequence[str], *, in_full: bool) -> str:
    made = layer_table(rows, columns_named(names), in_full=in_full)
    return table(made.headings, [*made.rows, made.total or ()], made.align)
