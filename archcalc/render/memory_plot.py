"""Memory over time: the steps of an inference, and of a training step what is alive for what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from archcalc.analysis import Analysis
from archcalc.memory_use.liveness import Step, peak_of
from archcalc.memory_use.moments import Moment, Purpose
from archcalc.memory_use.recorded import LOSS
from archcalc.memory_use.report import TrainingReport
from archcalc.render import escape
from archcalc.render.numbers import short_bytes
from archcalc.render.plots import COLORS, GREY, new_figure, new_panels, save_figure
from archcalc.render.training import PURPOSES, in_words, where_is

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 600  # that can be told apart; in a longer run each is the most of several layers
# From the bottom up, with their colours; what is there all the time is one of them.
_STACKED = {
    (Purpose.PARAMETERS, Purpose.BUFFERS, Purpose.OPTIMIZER): GREY,
    (Purpose.GRADIENTS,): COLORS[1],
    (Purpose.KEPT,): COLORS[0],
    (Purpose.ACTIVATION_GRADIENTS,): COLORS[2],
    (Purpose.OTHER,): COLORS[5],
}
_PEAK = COLORS[3]
_HEADROOM = 1.12  # for the name of the peak

Bar = TypeVar("Bar")


def draw_memory(
    path: str,
    analysis: Analysis,
    steps: Sequence[Step],
    training: TrainingReport | None = None,
) -> None:
    """Draws what is alive while each layer runs, its peak marked with the layer's name.

    Args:
        steps: of an inference.
        training: a training step, which is drawn below.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    if training is None:
        figure, axes = new_figure(8, 3.2)
    else:
        figure, (axes, below) = new_panels(8, 6.8, 2, columns=1)
        _draw_training(below, training)
        figure.legend(loc="outside lower center", ncols=3, frameon=False, labelcolor=GREY)
    add_inference(axes, analysis, steps)
    save_figure(figure, path)


def add_inference(axes: Axes, analysis: Analysis, steps: Sequence[Step]) -> None:
    """Draws what is alive while each layer runs, at inference."""
    bars, edges = _bars(steps, lambda step: step.bytes)
    peak = peak_of(steps)
    at = next(n for n, step in enumerate(steps) if step is peak)
    axes.stairs([step.bytes for step in bars], edges, fill=True, color=COLORS[0], linewidth=0)
    axes.bar([at], [peak.bytes], width=max(1.0, len(steps) / 200), color=_PEAK, linewidth=0)
    _finish(axes, at, len(steps), peak.bytes, peak.layer)
    axes.set_xlabel("layers, in order of execution", color=GREY)
    title = f"{analysis.identity}: activations alive at inference, batch {analysis.batch}"
    axes.set_title(escape.plot(title), color=GREY)


def _draw_training(axes: Axes, training: TrainingReport) -> None:
    moments, peak = training.step.moments, training.peak
    bars, edges = _bars(moments, lambda moment: moment.bytes)
    below = [0] * len(bars)
    for purposes, color in _STACKED.items():
        above = [low + _bytes(bar, purposes) for low, bar in zip(below, bars, strict=True)]
        if above != below:
            axes.stairs(
                above, edges, baseline=below, fill=True, color=color, linewidth=0,
                label=", ".join([PURPOSES[purpose] for purpose in purposes]),
            )  # fmt: skip
        below = above
    at = next(n for n, moment in enumerate(moments) if moment is peak)
    width = max(1.0, len(moments) / 200)  # a frame, through which its parts are seen
    axes.bar([at], [peak.bytes], width=width, color="none", edgecolor=_PEAK, linewidth=2)
    _finish(axes, at, len(moments), peak.bytes, where_is(peak.layer, peak.direction))
    turn = next(n for n, moment in enumerate(moments) if moment.layer == LOSS)
    axes.axvline(turn, ymax=1 / _HEADROOM, color=GREY, linewidth=0.8, linestyle=":")
    middles = {"forward": turn / 2, "loss": turn, "backward": (turn + len(moments)) / 2}
    axes.set_xticks([*middles.values()], [*middles])
    axes.tick_params(axis="x", length=0)
    title = f"a training step, batch {training.batch}, {in_words(training.options)}"
    axes.set_title(escape.plot(title), color=GREY)


def _bytes(moment: Moment, purposes: Sequence[Purpose]) -> int:
    return sum(moment.parts[purpose] for purpose in purposes)


def _bars(run: Sequence[Bar], size: Callable[[Bar], int]) -> tuple[list[Bar], list[float]]:
    """Of a run the largest in each bar, and where bars begin and end."""
    width = -(-len(run) // _MOST_BARS)  # how many there are in a bar
    starts = range(0, len(run), width)
    bars = [max(run[start : start + width], key=size) for start in starts]
    return bars, [*[start - 0.5 for start in starts], len(run) - 0.5]


def _finish(axes: Axes, at: int, count: int, size: int, name: str) -> None:
    """Names the peak, bar `at` of `count`, and gives the axes their limits and labels."""
    late = at > count / 2
    axes.annotate(
        escape.plot(f"{name}: {short_bytes(size)}"),
        (at, size),
        xytext=(-6 if late else 6, 4),
        textcoords="offset points",
        ha="right" if late else "left",
        color=GREY,
    )
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(0, size * _HEADROOM)
    axes.yaxis.set_major_formatter(lambda value, _: short_bytes(int(value)).replace(".00", ""))
    axes.set_ylabel("alive", color=GREY)
