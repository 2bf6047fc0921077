"""Plots of an analysis for a notebook: `archcalc.analyze("vgg16").plot.memory()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.analysis import Analysis
from archcalc.comparing.stages import stages
from archcalc.errors import require_extra
from archcalc.memory_use.liveness import storages, timeline
from archcalc.render.field_plot import add_fields, require_image
from archcalc.render.memory_plot import add_inference
from archcalc.render.plots import GREY, style
from archcalc.render.stage_plot import add_stages
from archcalc.unit_field import unit_field, unit_over

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Plots:
    """The plots of one analysis.

    Each is drawn on `ax`, or on new axes of pyplot, which a notebook shows; and returns the axes.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def memory(self, ax: Axes | None = None) -> Axes:
        """Bytes of activations that are alive at inference, while each layer runs.

        Raises:
            UsageError: sizes are free, or the memory is not known.
            MissingExtraError: matplotlib is not installed.
        """
        steps = timeline(storages(self._analysis))
        axes = _axes(ax, 8, 3.2)
        add_inference(axes, self._analysis, steps)
        return axes

    def field(self, *layers: str, ax: Axes | None = None) -> Axes:
        """What the unit in the middle of a layer sees, as a box over the image.

        Args:
            layers: or blocks; of the further ones the units over the same place. Without any it is
                the last map whose units do not see everything.

        Raises:
            UsageError: there is no such layer, or the input is no image.
            MissingExtraError: matplotlib is not installed.
        """
        require_image(self._analysis)
        first, *others = map(self._analysis.end_of, layers or (self._last(),))
        field = unit_field(self._analysis, first)
        fields = [field, *[unit_over(self._analysis, name, field) for name in others]]
        axes = _axes(ax, 6, 6)
        add_fields(axes, self._analysis, fields)
        return axes

    def _last(self) -> str:
        layers = self._analysis.layers
        maps = [x.name for x in layers if x.output.sizes and x.local_receptive_field != "all"]
        return maps[-1] if maps else layers[-1].name

    def stages(self, ax: Axes | None = None) -> Axes:
        """The shares of the stages in parameters, MACs and bytes of activations.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        axes = _axes(ax, 8, 1.9)
        add_stages(axes, stages(self._analysis))
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, 0), ncols=8, frameon=False, labelcolor=GREY
        )
        return axes


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes that are given, or those of a new figure of so many inches."""
    if ax is not None:
        return ax
    require_extra("a plot", "matplotlib", "plots")
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    style(axes)
    return axes
