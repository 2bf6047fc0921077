"""Settings a second: MobileNet in width and resolution, as arrays and one by one.

    python benchmarks/bench_arrays.py

Prints CPU time, of one core, so that other load on the machine does not count.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import archcalc

ONE_BY_ONE = 200  # settings that are enough to time the plain walk
TARGETS = {"settings a second": 1_000_000, "times faster": 300}


def main() -> None:
    """Times both, holds them against each other, and prints the figures."""
    graph = archcalc.load("mobilenet_v1")
    alphas, resolutions = np.linspace(0.25, 1.5, 1000), np.arange(128, 1128)
    mesh = np.meshgrid(alphas, resolutions, indexing="ij")
    random = np.random.default_rng(7)
    widths, sizes = random.uniform(0.25, 1.5, 10**6), random.integers(128, 513, 10**6)
    ways: dict[str, dict[str, Any]] = {
        "a grid": archcalc.grid(alpha=alphas, resolution=resolutions),
        "a mesh, written out": {"alpha": mesh[0].ravel(), "resolution": mesh[1].ravel()},
        "a width for each": {"alpha": widths, "resolution": sizes},
        "widths alone": {"alpha": widths},
    }
    _time(graph, ways["a grid"])  # warm up
    plain = _one_by_one(graph, alphas, resolutions)
    print(f"{'one by one':20} {plain:>10,.0f} settings a second")
    for way, settings in ways.items():
        macs, rate = _time(graph, settings)
        print(
            f"{way:20} {rate:>10,.0f} settings a second, {rate / plain:,.0f} times faster"
            f" ({macs.size:,} settings)"
        )
        _check(graph, settings, macs)
    print("wanted:", ", ".join(f"{number:,} {what}" for what, number in TARGETS.items()))


def _time(graph: archcalc.Graph, settings: dict[str, Any]) -> tuple[Any, float]:
    start = time.process_time()
    macs = archcalc.sweep(graph, **settings).totals.macs
    return macs, macs.size / (time.process_time() - start)


def _one_by_one(graph: archcalc.Graph, alphas: Any, resolutions: Any) -> float:
    start = time.process_time()
    for alpha, resolution in zip(alphas[:ONE_BY_ONE], resolutions[:ONE_BY_ONE], strict=True):
        _ = archcalc.analyze(graph, alpha=float(alpha), resolution=int(resolution)).totals
    return ONE_BY_ONE / (time.process_time() - start)


def _check(graph: archcalc.Graph, settings: dict[str, Any], macs: Any) -> None:
    """Raises AssertionError where a figure is not that of the plain walk."""
    spread = {name: np.broadcast_to(array, macs.shape).ravel() for name, array in settings.items()}
    for number in np.random.default_rng(0).integers(0, macs.size, 50):
        own = {name: array[number].item() for name, array in spread.items()}
        assert macs.ravel()[number] == archcalc.analyze(graph, **own).totals.macs


if __name__ == "__main__":
    main()
