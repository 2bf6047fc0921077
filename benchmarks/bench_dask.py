"""Settings a second by one and by two workers of a Dask cluster, and by one process and two.

    python benchmarks/bench_dask.py

Prints the time on the clock from the first chunk that is asked for to the file that is there, of
clusters on this machine: it needs four cores that nothing else uses, for the workers, for what
hands out chunks and for what writes them; and numpy, pyarrow and distributed. The figures are those
of `archcalc sweep` by default. Each worker has computed a chunk before; the bytes of all files are
compared.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distributed import LocalCluster

import archcalc
from archcalc.commands.streams import write_stream
from archcalc.commands.sweep import FIGURES
from archcalc.parametric.axes import read_axes
from archcalc.parametric.choosing.space import Draws
from archcalc.parametric.choosing.streaming import CHUNK, Stream

CHUNKS = 4
AXES = ("alpha=0.25:1.5", "resolution=128..512")
TARGET = 1.7  # times one worker of a cluster, by two


def main() -> None:
    """Writes the same settings in all ways."""
    print(f"load of this machine before: {os.getloadavg()[0]:.1f}")
    with TemporaryDirectory() as folder:
        taken = {
            way: measured(Path(folder), way, number)
            for number in (1, 2) for way in (f"{number} of a cluster", f"{number} of processes")
        }  # fmt: skip
        contents = {path.read_bytes() for path in Path(folder).glob("*.parquet")}
    assert len(contents) == 1, "the files differ"
    for way, seconds in taken.items():
        print(f"{way:20} {CHUNKS * CHUNK / seconds:>12,.0f} settings a second")
    times = {way: taken[f"1 {way}"] / taken[f"2 {way}"] for way in ("of a cluster", "of processes")}
    for way, found in times.items():
        print(f"two {way} to one: {found:.2f}")
    verdict = "reached" if times["of a cluster"] >= TARGET else "missed"
    print(f"of a cluster at least {TARGET} wanted: {verdict}")


def measured(folder: Path, way: str, number: int) -> float:
    """The seconds that it takes to write all settings."""
    if "cluster" not in way:
        return written(folder / f"{way}.parquet", CHUNKS, workers=number)
    cluster = LocalCluster(
        n_workers=number, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster:
        place = cluster.scheduler_address
        written(folder / f"{way}.first", number, scheduler=place)
        return written(folder / f"{way}.parquet", CHUNKS, scheduler=place)


def written(target: Path, chunks: int, **how: Any) -> float:
    """Writes so many chunks; the seconds that it took."""
    graph, draws = archcalc.load("mobilenet_v1"), Draws(chunks * CHUNK, 7)
    axes, quantities = tuple(read_axes(AXES)), tuple(FIGURES.split(","))
    stream = Stream((graph,), axes, draws, quantities, None, 1, "float32")
    start = time.perf_counter()
    write_stream(stream, target, archcalc.__version__, **how)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
