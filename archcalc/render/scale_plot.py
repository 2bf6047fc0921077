"""How figures grow, as curves over the factor, both in powers of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.errors import LayerError, SpecError
from archcalc.figures.language import heading_of
from archcalc.parametric.scale import Way, figures
from archcalc.render import escape
from archcalc.render.plots import GREY, new_panels, palette, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACTORS = (1, 2, 3, 4, 6, 8)
DRAWN = ("params", "macs", "lecture_bytes", "training_bytes")


def draw_scaling(
    path: str, analysis: Analysis, ways: Sequence[Way], quantities: Sequence[str] = DRAWN
) -> None:
    """Draws a panel for each way to make the network larger, with a curve for each quantity.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, panels = new_panels(max(6.0, 1.2 + 3.4 * len(ways)), 4, len(ways))
    figure.suptitle(escape.plot(f"{analysis.identity}: how its figures grow"), color=GREY)
    now = {q: value for q, value in figures(analysis, quantities).items() if value}
    for axes, way in zip(panels, ways, strict=True):
        _draw_curves(axes, way, now)
        axes.set_title(escape.plot(way.name), color=GREY)
        axes.set_xlabel("factor", color=GREY)
    panels[0].set_ylabel("times the figure now", color=GREY)
    top = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(0.9, top)
    lines, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        lines, labels, loc="outside lower center", ncols=len(labels), frameon=False,
        labelcolor=GREY,
    )  # fmt: skip
    save_figure(figure, path)


def _draw_curves(axes: Axes, way: Way, now: dict[str, int]) -> None:
    points = []
    for factor in FACTORS:
        try:
            points.append((factor, figures(way.times(factor), [*now])))
        except (SpecError, LayerError):  # from here on too large, or no such network
            break
    reached = [factor for factor, _ in points]
    for number, (quantity, color) in enumerate(zip(now, palette(len(now)), strict=True)):
        heights = [found[quantity] / now[quantity] for _, found in points]
        wide = 1.5 * (len(now) - number)  # curves that coincide lie inside one another
        label = escape.plot(heading_of(quantity))
        axes.plot(
            reached, heights, marker="o", color=color, label=label,
            linewidth=wide, markersize=wide + 3,
        )  # fmt: skip
    for power in (1, 2):
        guide = [factor**power for factor in reached]
        axes.plot(reached, guide, color=GREY, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"factor{'²' if power == 2 else ''}", (reached[-1], guide[-1]), color=GREY,
            fontsize="small", xytext=(4, 0), textcoords="offset points", va="center",
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(FACTORS, [str(factor) for factor in FACTORS])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
