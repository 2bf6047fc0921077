"""Receptive fields as boxes over the image, to scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.errors import UsageError
from archcalc.render.plots import GREY, new_figure, palette, save_figure
from archcalc.unit_field import UnitField

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from archcalc.torch_backend.effective import EffectiveField


def draw_fields(
    path: str, analysis: Analysis, fields: Sequence[UnitField], picture: str | None = None
) -> None:
    """Draws the boxes of `add_fields` into a file.

    Raises:
        UsageError: as `add_fields` and `require_image`; or the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    require_image(analysis)
    figure, axes = new_figure(6, 6)
    add_fields(axes, analysis, fields, picture)
    save_figure(figure, path)


def require_image(analysis: Analysis) -> None:
    """Raises UsageError for a network whose input has not two spatial axes."""
    if len(analysis.input.grid) != 2:
        raise UsageError(f"draws images; the input of {analysis.name} is {analysis.input}", "plot")


def add_fields(
    axes: Axes, analysis: Analysis, fields: Sequence[UnitField], picture: str | None = None
) -> None:
    """Draws what units see as boxes over the image, which is grey, or the user's `picture`.

    Raises:
        UsageError: the picture cannot be used.
    """
    height, width = fields[0].image
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    if picture is None:
        axes.imshow([[0.85]], extent=extent, cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(_picture(picture), extent=extent)
    for field, color in zip(fields, palette(len(fields)), strict=True):
        rows, columns = field.box
        if rows is None or columns is None:
            continue
        box = (columns[0] - 0.5, rows[0] - 0.5)
        seen = (columns[1] - columns[0] + 1, rows[1] - rows[0] + 1)
        label = f"{seen[1]}x{seen[0]}: {field.layer.name}"  # none that begins with _ has a legend
        axes.add_patch(_rectangle(box, seen, color, label))
    _label(axes, f"{analysis.identity}: what a unit sees of {height}x{width} pixels")


def draw_effective(path: str, analysis: Analysis, effective: EffectiveField) -> None:
    """Draws how much each pixel matters, with the theoretical field and the boxes of its shares.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(6, 6)
    mass = effective.mass
    axes.imshow(mass / mass.max() if mass.max() > 0 else mass, cmap="magma")
    rows, columns = effective.field.box
    if rows is not None and columns is not None:
        middle = ((rows[0] + rows[1]) / 2, (columns[0] + columns[1]) / 2)
        size = (rows[1] - rows[0] + 1, columns[1] - columns[0] + 1)
        sides = [
            (f"{share:.0%} of the gradient", (side, side))
            for share, side in effective.sides.items()
        ]
        for color, (label, (height, width)) in zip(
            palette(3), [("theoretical", size), *sides], strict=True
        ):
            corner = (middle[1] - width / 2, middle[0] - height / 2)
            label = f"{label}: {width}x{height}"
            axes.add_patch(_rectangle(corner, (width, height), color, label))
    _label(axes, f"{analysis.identity}, {effective.field.layer.name}: effective receptive field")
    save_figure(figure, path)


def _label(axes: Axes, title: str) -> None:
    axes.autoscale_view()
    axes.set_xlabel("column", color=GREY)
    axes.set_ylabel("row", color=GREY)
    axes.set_title(title, color=GREY)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False, labelcolor=GREY)


def _rectangle(box: tuple[float, float], size: tuple[int, int], color: str, label: str):  # type: ignore[no-untyped-def]  # matplotlib is imported only here
    from matplotlib.patches import Rectangle

    return Rectangle(box, *size, fill=False, edgecolor=color, linewidth=2, label=label)


def _picture(path: str):  # type: ignore[no-untyped-def]  # an array, whatever matplotlib reads
    from matplotlib.image import imread

    try:
        return imread(path)
    except (OSError, ValueError, SyntaxError) as error:
        raise UsageError(f"{path}: {error}", "picture") from None
