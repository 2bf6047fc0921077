"""The depth of networks over the years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.render import escape
from archcalc.render.plots import GREY, new_figure, palette, save_figure


class Bar(NamedTuple):
    """A network.

    Attributes:
        depth: how many layers its paper counts, else those with weights on the longest path.
        counted: whether the paper gives a count.
        error: the published top-5 error, in percent; None where there is none.
        protocol: how that was measured, in words.
    """

    name: str
    year: int | None
    depth: int
    counted: bool
    error: float | None
    protocol: str

    @property
    def label(self) -> str:
        """`22 layers, top-5 error 11.1% (1 view)`."""
        depth = f"{self.depth} layers" if self.counted else f"longest path {self.depth}"
        if self.error is None:
            return depth
        return f"{depth}, top-5 error {self.error:.1f}% ({self.protocol})"


def draw_depths(path: str, bars: Sequence[Bar]) -> None:
    """Draws a bar for each network, with its depth and its error written behind it.

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
    axes.bar_label(drawn, [bar.label for bar in bars], padding=4, color=GREY, fontsize=8.5)
    names = [escape.plot(f"{bar.name}  {bar.year}") for bar in bars]
    axes.set_yticks(range(len(bars)), names, fontsize=8.5)
    axes.set_xlim(0, 1.6 * max(bar.depth for bar in bars))
    axes.set_xlabel("layers, as the paper counts them", color=GREY)
    axes.invert_yaxis()
    save_figure(figure, path)
