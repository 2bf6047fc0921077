"""What all plots share: size, colours, and files that are the same byte for byte.

Plots stand on light and dark pages alike: the background is transparent, and text and lines are of
a grey, and bars and boxes of colours, that both can carry.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.errors import UsageError, refused_by_system, require_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#808080"
# Okabe & Ito 2008: told apart by all eyes; without the black and the yellow, which a dark and a
# light page would swallow.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
# Of the boxes of diagrams: fill, frame and text. The text is dark on a light fill, on any page.
ROLE_COLORS = {
    "terminal": ("#f2f2f2", GREY, "#1a1a1a"),
    "conv": ("#cfe4f3", COLORS[0], "#1a1a1a"),
    "pool": ("#fbe6bf", COLORS[1], "#1a1a1a"),
    "linear": ("#c8ebdf", COLORS[2], "#1a1a1a"),
    "block": ("#e6e6e6", GREY, "#1a1a1a"),
    "join": ("#f4dce9", COLORS[4], "#1a1a1a"),
    "sign": ("#f4dce9", COLORS[4], "#1a1a1a"),
    "other": ("#f8f8f8", GREY, "#1a1a1a"),
}

# Of matplotlib while it writes a file; its own are left as they were.
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "archcalc",  # ids of clip paths, else random
    "svg.fonttype": "none",  # text as text: smaller, and can be searched
    "font.sans-serif": ["DejaVu Sans", "Verdana"],  # of the same width
}


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of so many inches, with one pair of axes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, (axes,) = new_panels(width, height, 1)
    return figure, axes


def new_panels(
    width: float, height: float, count: int, *, columns: int | None = None
) -> tuple[Figure, list[Axes]]:
    """An empty figure of so many inches, with `count` pairs of axes, side by side or in columns.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_extra("a plot", "matplotlib", "plots")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    columns = columns or count
    rows = -(-count // columns)
    panels = [figure.add_subplot(rows, columns, number) for number in range(1, count + 1)]
    for axes in panels:
        style(axes)
    return figure, panels


def style(axes: Axes) -> None:
    """Greys the frame and the ticks, and leaves the ground transparent."""
    axes.patch.set_alpha(0)
    axes.tick_params(colors=GREY)
    for spine in axes.spines.values():
        spine.set_color(GREY)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def palette(count: int) -> list[str]:
    """`count` colours, which repeat from the seventh on."""
    return [COLORS[n % len(COLORS)] for n in range(count)]


def save_figure(figure: Figure, path: str) -> None:
    """Writes a figure as SVG, PNG or PDF, by the ending of `path`; whole or not at all.

    Raises:
        UsageError: the ending is another one, or the file cannot be written.
    """
    from matplotlib import rc_context

    ending = path.rpartition(".")[2].lower()
    if ending not in ("svg", "png", "pdf"):
        raise UsageError(f"{path}: a plot is written as .svg, .png or .pdf")
    # What a file would say of when it was made, and with which release.
    undated: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    data = io.BytesIO()
    with rc_context(_SETTINGS):
        figure.savefig(data, format=ending, metadata=undated[ending], dpi=150)
    with refused_by_system(path):
        Path(path).write_bytes(data.getvalue())
