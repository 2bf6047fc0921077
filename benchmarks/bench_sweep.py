"""Settings a second: random MobileNets, as `archcalc sweep --sample` has them, and writes them.

    python benchmarks/bench_sweep.py

Width and resolution are both drawn. Prints CPU time, of one core, so that other load on the machine
does not count, of each step by itself: drawing, the walk over arrays, choosing, and all of it
written to Parquet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

import archcalc
from archcalc.commands.streams import write_stream
from archcalc.parametric.axes import read_axes
from archcalc.parametric.choosing.columns import Figures
from archcalc.parametric.choosing.selection import choose
from archcalc.parametric.choosing.space import Draws, settings_of, swept
from archcalc.parametric.choosing.streaming import Stream
from archcalc.parametric.sweep import Sweep

T = TypeVar("T")
COUNT = 1_000_000
AXES = ("alpha=0.25:1.5", "resolution=128..512")
TARGET = "1,000,000 settings a second, drawn and walked; 500,000 written"


def main() -> None:
    """Times each step on many settings, and holds some of them against the plain walk."""
    graph, axes = archcalc.load("mobilenet_v1"), read_axes(AXES)
    for seed, seen in ((0, False), (7, True)):  # the first to warm up
        draws = Draws(COUNT, seed)
        settings, drawing = _timed(lambda d=draws: settings_of(axes, d))
        found, walking = _timed(lambda s=settings: swept(graph, s, batch=1, dtype="float32"))
        figures = Figures([found])
        _, choosing = _timed(lambda f=figures: choose(f, [], pareto=["params", "-macs"]))
        _, peak = _timed(lambda f=figures: f.prepare(["peak_bytes"]))
        if seen:
            for what, taken in {
                "drawing": drawing, "the walk": walking, "both": drawing + walking,
                "the front of two figures": choosing, "the peak of memory besides": peak,
                "all, written to Parquet": _written(graph, draws),
            }.items():  # fmt: skip
                print(f"{what:28} {COUNT / taken:>12,.0f} settings a second")
            _check(graph, found)
    print(f"wanted: {TARGET}")


def _written(graph: archcalc.Graph, draws: Draws) -> float:
    """The time that it takes to write all settings to a file."""
    quantities = ("params", "macs")
    stream = Stream((graph,), tuple(read_axes(AXES)), draws, quantities, None, 1, "float32")
    with TemporaryDirectory() as folder:
        target = Path(folder, "settings.parquet")
        return _timed(lambda: write_stream(stream, target, archcalc.__version__))[1]


def _timed(step: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    found = step()
    return found, time.process_time() - start


def _check(graph: archcalc.Graph, found: Sweep) -> None:
    """Raises AssertionError where a figure is not that of the plain walk."""
    macs: Any = found.totals.macs
    for number in np.random.default_rng(0).integers(0, COUNT, 50).tolist():
        assert macs[number] == archcalc.analyze(graph, **found.setting(number)).totals.macs


if __name__ == "__main__":
    main()
