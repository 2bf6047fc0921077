"""What a network costs over two of its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from archcalc.quantity.arithmetic import Quantity
from archcalc.render import escape
from archcalc.render.numbers import short
from archcalc.render.plots import GREY, new_figure, palette, save_figure
from archcalc.reports.catalogue import Grid


def draw_grid(
    path: str, grid: Grid, macs: Mapping[tuple[int | float, int | float], Quantity]
) -> None:
    """Draws the MACs over the grid's columns, a line for each of its rows.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    (row_name, row_values), (column_name, column_values) = grid.rows, grid.columns
    figure, axes = new_figure(8, 3.2)
    for row, color in zip(row_values, palette(len(row_values)), strict=True):
        heights = [macs[row, column] for column in column_values]
        axes.plot(column_values, heights, "o-", color=color, markersize=4, linewidth=1.5)
        axes.annotate(
            escape.plot(f"{row_name} {row}: {short(heights[0])}"),
            (column_values[0], heights[0]),
            xytext=(6, -3),
            textcoords="offset points",
            color=color,
            fontsize=9,
        )
    axes.set_ylim(0)
    axes.set_xticks(column_values, [str(value) for value in column_values])
    axes.set_xlim(min(column_values), max(column_values))
    axes.yaxis.set_major_formatter(lambda value, _: short(round(value)).replace(".00", ""))
    axes.set_xlabel(escape.plot(column_name), color=GREY)
    axes.set_ylabel("MACs", color=GREY)
    axes.grid(color=GREY, alpha=0.2, linewidth=0.6)
    save_figure(figure, path)
