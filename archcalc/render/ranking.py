"""The rows of a table of layers by a column, the largest first, and summed by kind."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.figures.figure import Figure, Unit
from archcalc.figures.of_layer import LayerAnalysis
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open
from archcalc.record import replace
from archcalc.render.columns import Column, columns_named
from archcalc.render.rows import ALL_LEVELS, Row, rows_at_depth

KIND = "kind"  # that rows can be summed by
COLUMNS_BY_KIND = (
    "kind", "layers", "params", "macs", "other_ops", "activation_bytes",
)  # fmt: skip
_OF_WORDS = (Unit.NAME, Unit.NAMES, Unit.TEXT, Unit.SHAPE)
_LAYERS = Figure("layers", Unit.COUNT, len, "", "layers", "layers")
_COUNT = Column(_LAYERS, lambda row: len(row.layers) or None, beside=lambda row: "")


def rows_by_kind(analysis: Analysis) -> list[Row]:
    """A row for each layer kind, without layers for training only, as the total is."""
    found: dict[str, list[LayerAnalysis]] = {}
    for layer in analysis.layers:
        if not layer.training_only:
            found.setdefault(layer.kind, []).append(layer)
    return [Row(kind, kind, tuple(layers)) for kind, layers in found.items()]


def columns_by_kind(names: Sequence[str] | None, analysis: Analysis) -> list[Column]:
    """The columns of rows that are sums over a kind.

    Raises:
        UsageError: there is no such column, or it has no sum.
    """
    found = []
    for name in names or COLUMNS_BY_KIND:
        if name == _COUNT.name:
            found.append(_COUNT)
            continue
        (column,) = columns_named([name], analysis)
        if column.name == KIND:  # which names the row here
            column = replace(column, figure=replace(column.figure, key="name"))
        elif not column.summed:
            raise UsageError(f"{name} has no sum over layers of a kind", "columns")
        found.append(column)
    return found


def rows_ranked(
    analysis: Analysis, depth: int | None, by: str | None, sort: str | None, top: int | None
) -> list[Row]:
    """Layers, blocks of a level of nesting, or kinds, the largest in a column first.

    Args:
        depth: as of `rows_at_depth`; every layer by itself if None.
        by: `kind`, or None.
        sort: the name of the column; by MACs if None.
        top: how many of them.

    Raises:
        UsageError: there is no such column, or its values have no order.
    """
    if by is None:
        found = rows_at_depth(analysis, depth or ALL_LEVELS)
        rows = [replace(row, level=0, block="") for row in found if row.layers]
    else:
        rows = rows_by_kind(analysis)
    wanted = [sort or "macs"]
    (column,) = columns_by_kind(wanted, analysis) if by else columns_named(wanted, analysis)
    return sorted(rows, key=lambda row: _place(column, row))[:top]


def _place(column: Column, row: Row) -> tuple[int, Fraction | float, str]:
    """Numbers from the largest down, then words in their order, then what there is not."""
    value = column.value(row)
    if is_open(value):
        value = value.known
    value = plain(value)
    if value is None:
        return 2, 0, ""
    if column.figure.unit in _OF_WORDS:
        return 1, 0, str(value)
    parts = [part for part in (value if isinstance(value, list) else [value]) if part is not None]
    parts = [int(part) if isinstance(part, bool) else part for part in parts]
    if any(isinstance(part, str) and part == "all" for part in parts):
        return 0, float("-inf"), ""
    try:
        return 0, -max([Fraction(str(part)) for part in parts], default=Fraction(0)), ""
    except (TypeError, ValueError):
        raise UsageError(f"{column.heading} has free sizes, which have no order", "sort") from None
