"""Memory over the steps of an inference, with its peak."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis import Analysis
from archcalc.memory_use.liveness import Step, peak_of
from archcalc.render import escape
from archcalc.render.numbers import short_bytes
from archcalc.render.plots import COLORS, GREY, new_figure, save_figure

_MOST_BARS = 600  # that can be told apart; in a longer run each is the most of several layers


def draw_memory(path: str, analysis: Analysis, steps: Sequence[Step]) -> None:
    """Draws what is alive while each layer runs, its peak marked with the layer's name.

    Raises:
        UsageError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = new_figure(8, 3.2)
    width = -(-len(steps) // _MOST_BARS)  # steps in a bar
    heights = [max(s.bytes for s in steps[n : n + width]) for n in range(0, len(steps), width)]
    edges = [min(n * width, len(steps)) - 0.5 for n in range(len(heights) + 1)]
    peak = peak_of(steps)
    at = next(n for n, step in enumerate(steps) if step is peak)
    axes.stairs(heights, edges, fill=True, color=COLORS[0], linewidth=0)
    axes.bar([at], [peak.bytes], width=max(1.0, len(steps) / 200), color=COLORS[3], linewidth=0)
    late = at > len(steps) / 2
    axes.annotate(
        escape.plot(f"{peak.layer}: {short_bytes(peak.bytes)}"),
        (at, peak.bytes),
        xytext=(-6 if late else 6, 4),
        textcoords="offset points",
        ha="right" if late else "left",
        color=GREY,
    )
    axes.set_xlim(-0.5, len(steps) - 0.5)
    axes.set_ylim(0, peak.bytes * 1.12)
    axes.yaxis.set_major_formatter(lambda value, _: short_bytes(int(value)).replace(".00", ""))
    axes.set_xlabel("layers, in order of execution", color=GREY)
    axes.set_ylabel("alive", color=GREY)
    title = f"{analysis.identity}: activations alive at inference, batch {analysis.batch}"
    axes.set_title(escape.plot(title), color=GREY)
    save_figure(figure, path)
