"""How the receptive field of a network grows over its depth."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis import Analysis
from archcalc.quantity.arithmetic import plain
from archcalc.receptive_field.words import words_for
from archcalc.render.plots import COLORS, GREY, new_figure, save_figure
from archcalc.reports.waypoints import waypoints
from archcalc.unit_field import path_sizes


class Growth(NamedTuple):
    """The local receptive field at one waypoint.

    Attributes:
        layer: the name of the waypoint.
        depth: layers that widen the field, on the longest path up to it.
        field: pixels that its units see, along the axis on which they see most.
        smallest: the same by the path that sees least.
    """

    layer: str
    depth: int
    field: int
    smallest: int


def growth(analysis: Analysis) -> list[Growth]:
    """The field at the waypoints, in order, up to the first at which it has no size."""
    paths = path_sizes(analysis)
    found = []
    for layer, depth in waypoints(analysis):
        field, smallest = _most(layer.local_receptive_field), _most(paths[layer.name].smallest)
        if field is None or smallest is None:
            break
        found.append(Growth(layer.name, depth, field, smallest))
    return found


def draw_growth(path: str, analysis: Analysis, found: list[Growth]) -> None:
    """Draws the field over the depth: of all paths together, and of the one that sees least.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(8, 3)
    image, words = _most(analysis.input.grid), words_for(analysis.input)
    depths = [0, *(point.depth for point in found)]
    branched = any(point.smallest != point.field for point in found)
    if branched:
        smallest = [1, *(point.smallest for point in found)]
        axes.plot(depths, smallest, color=COLORS[1], linewidth=1.8, label="smallest path")
    fields = [1, *(point.field for point in found)]
    label = "all paths together" if branched else "receptive field"
    axes.plot(depths, fields, color=COLORS[0], linewidth=1.8, label=label)
    if image is not None:
        label = f"the {words.example}, {image}"
        axes.axhline(image, color=GREY, linewidth=1, linestyle="--", label=label)
    axes.set_xlim(0, depths[-1])
    axes.set_ylim(0)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("layers with a window on the longest path", color=GREY)
    axes.set_ylabel(f"{words.position}s seen", color=GREY)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, labelcolor=GREY)
    save_figure(figure, path)


def _most(figures: object) -> int | None:
    """The largest of the figures of the axes, if all are plain numbers."""
    sizes = plain(figures)
    if isinstance(sizes, list) and sizes and all(isinstance(size, int) for size in sizes):
        return int(max(sizes))
    return None
