"""Receptive fields as boxes over the image, to scale."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.render.plots import GREY, new_figure, palette, save_figure
from archcalc.unit_field import UnitField


def draw_fields(
    path: str, analysis: Analysis, fields: Sequence[UnitField], picture: str | None = None
) -> None:
    """Draws what units see as boxes over the image, which is grey, or the user's `picture`.

    Raises:
        UsageError: the network has not two spatial axes; the picture or file cannot be used.
        MissingExtraError: matplotlib is not installed.
    """
    if len(analysis.input.sizes) != 2:
        raise UsageError(f"--plot draws images; the input of {analysis.name} is {analysis.input}")
    figure, axes = new_figure(6, 6)
    height, width = fields[0].image
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    if picture is None:
        axes.imshow([[0.85]], extent=extent, cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(_picture(picture), extent=extent)
    for field, color in zip(fields, palette(len(fields)), strict=True):
        rows, columns = field.unbounded
        if rows is None or columns is None:
            continue
        box = (columns[0] - 0.5, rows[0] - 0.5)
        size = (columns[1] - columns[0] + 1, rows[1] - rows[0] + 1)
        label = f"{field.layer.name}: {size[1]}x{size[0]}"
        axes.add_patch(_rectangle(box, size, color, label))
    axes.autoscale_view()
    axes.set_xlabel("column", color=GREY)
    axes.set_ylabel("row", color=GREY)
    axes.set_title(f"{analysis.name}: what a unit sees of {height}x{width} pixels", color=GREY)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False, labelcolor=GREY)
    save_figure(figure, path)


def _rectangle(box: tuple[float, float], size: tuple[int, int], color: str, label: str):  # type: ignore[no-untyped-def]  # matplotlib is imported only here
    from matplotlib.patches import Rectangle

    return Rectangle(box, *size, fill=False, edgecolor=color, linewidth=2, label=label)


def _picture(path: str):  # type: ignore[no-untyped-def]  # an array, whatever matplotlib reads
    from matplotlib.image import imread

    try:
        return imread(path)
    except (OSError, ValueError, SyntaxError) as error:
        raise UsageError(f"--picture {path}: {error}") from None
