"""Networks side by side as bars, each divided into its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.comparing.compare import Contrast
from archcalc.comparing.stages import VECTORS, stride_text
from archcalc.errors import UsageError
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import is_open
from archcalc.receptive_field.words import words_for
from archcalc.render import escape
from archcalc.render.numbers import short
from archcalc.render.plots import GREY, new_panels, palette, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of a stage, and what it is called, with the unit that its numbers are counted in.
_PANELS = (
    ("params", "parameters"),
    ("macs", "MACs"),
    ("activation_bytes", "bytes of activations, all"),
)


def draw_contrast(path: str, found: Contrast) -> None:
    """Draws parameters, MACs and activations of each network as a bar of its stages.

    Raises:
        UsageError: a figure is not a plain number; the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    for stages in found.stages:
        for stage in stages.values():
            if any(is_open(stage.total(key)) for key, _ in _PANELS):
                raise UsageError("no bar shows costs that are not known, of opaque layers", "plot")
            if not all(isinstance(plain(stage.total(key)), int) for key, _ in _PANELS):
                raise UsageError("draws plain numbers; give them as input", "plot")
    figure, panels = new_panels(11, 1.4 + 0.45 * len(found.labels), len(_PANELS))
    for axes, (key, title) in zip(panels, _PANELS, strict=True):
        _draw_bars(axes, found, key)
        axes.set_title(title, color=GREY)
    panels[0].set_yticks(range(len(found.labels)), [escape.plot(label) for label in found.labels])
    for axes in panels[1:]:
        axes.set_yticks([])
    named = {words_for(analysis.input).position for analysis in found.analyses}
    position = named.pop() if len(named) == 1 else "position"
    bars, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        bars, labels, loc="outside lower center", ncols=min(len(labels), 8), frameon=False,
        labelcolor=GREY,
        title=f"stage: input {position}s for one position of the map", title_fontsize="small",
    ).get_title().set_color(GREY)  # fmt: skip
    save_figure(figure, path)


def _draw_bars(axes: Axes, found: Contrast, key: str) -> None:
    """A bar for each network, with its total behind it."""
    places = range(len(found.labels))
    ends = [0] * len(found.labels)
    colors = palette(len(found.strides))
    for stride, color in zip(found.strides, colors, strict=True):
        widths = [stages[stride].total(key) if stride in stages else 0 for stages in found.stages]
        bars = axes.barh(
            places, widths, left=ends, height=0.7, label=stride_text(stride),
            color=GREY if stride == VECTORS else color,
        )  # fmt: skip
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    axes.bar_label(bars, [short(end) for end in ends], padding=4, color=GREY)
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.invert_yaxis()
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(lambda value, _: short(round(value)).replace(".00", ""))
