"""The depth of networks over the years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.render import escape
from archcalc.render.plots import GREY, new_figure, palette, save_figure


class Bar(NamedTuple):
    """A network: layers with weights on its longest path, and its published top-5 error."""

    name: str
    year: int | None
    depth: int
    error: float


def draw_depths(path: str, bars: Sequence[Bar]) -> None:
    """Draws a bar for each network, with its depth and its error written behind.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(8, 0.8 + 0.27 * len(bars))
    years = sorted({bar.year for bar in bars}, key=str)
    colors = dict(zip(years, palette(len(years)), strict=True))
    drawn = axes.barh(
        range(len(bars)),
        [bar.depth for bar in bars],
        color=[colors[bar.year] for bar in bars],
        height=0.72,
    )
    labels = [f"{bar.depth} layers, {bar.error:.1f}% top-5 error" for bar in bars]
    axes.bar_label(drawn, labels, padding=4, color=GREY, fontsize=8.5)
    names = [escape.plot(f"{bar.name}  {bar.year}") for bar in bars]
    axes.set_yticks(range(len(bars)), names, fontsize=8.5)
    axes.set_xlim(0, 1.35 * max(bar.depth for bar in bars))
    axes.set_xlabel("layers with weights on the longest path", color=GREY)
    axes.invert_yaxis()
    save_figure(figure, path)
