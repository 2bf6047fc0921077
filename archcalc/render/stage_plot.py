"""Where the parameters, MACs and activations of one network sit: a bar of its stages each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archcalc.comparing.stages import VECTORS, Stage, stride_text
from archcalc.quantity.arithmetic import plain
from archcalc.quantity.at_least import known_part
from archcalc.render.plots import GREY, new_figure, palette, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of a stage, and what it is called.
MEASURES = (("params", "parameters"), ("macs", "MACs"), ("activation_bytes", "activations"))
_LEAST_LABELLED = 0.05  # of a bar: in a smaller part a label has no room


def share_of_stages(stages: Sequence[Stage], measure: str) -> list[float]:
    """Each stage's part of the whole, as far as that is known; zeros where the whole is 0."""
    values = [plain(known_part(stage.total(measure))) for stage in stages]
    numbers = [value for value in values if isinstance(value, int)]
    whole = sum(numbers)
    return [number / whole if whole else 0.0 for number in numbers]


def draw_stages(path: str, stages: Sequence[Stage]) -> None:
    """Draws the bars of `add_stages` into a file.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(8, 1.9)
    add_stages(axes, stages)
    bars_of, names = axes.get_legend_handles_labels()
    figure.legend(
        bars_of, names, loc="outside lower center", ncols=len(names), frameon=False,
        labelcolor=GREY,
    )  # fmt: skip
    save_figure(figure, path)


def add_stages(axes: Axes, stages: Sequence[Stage]) -> None:
    """Draws three bars, each of the whole of one measure, divided into stages."""
    left = [0.0] * len(MEASURES)
    shares = [share_of_stages(stages, measure) for measure, _ in MEASURES]
    for number, (stage, color) in enumerate(zip(stages, palette(len(stages)), strict=True)):
        widths = [of_measure[number] for of_measure in shares]
        color = GREY if stage.stride == VECTORS else color
        bars = axes.barh(
            range(len(MEASURES)), widths, left=left, color=color, label=stride_text(stage.stride)
        )
        labels = [f"{width:.0%}" if width >= _LEAST_LABELLED else "" for width in widths]
        axes.bar_label(bars, labels, label_type="center", color="white", fontsize=9)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_yticks(range(len(MEASURES)), [heading for _, heading in MEASURES])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
