"""A stream of settings written by one process, several, or a cluster; a bar says how far it is."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.api.progress import watched
from archcalc.errors import UsageError
from archcalc.render.parts import begin, finish, keep_chunk, left_clean, write_chunk

if TYPE_CHECKING:
    from archcalc.parametric.choosing.streaming import Stream

# Chunks that are given out for each that computes: one at work, and one for when it is done.
MOST_WAITING = 2


def write_stream(
    stream: Stream, target: Path, version: str, *, workers: int = 1, scheduler: str | None = None
) -> None:
    """Writes all settings that are not there yet, and makes one file of them.

    Args:
        version: of archcalc, which also those who compute for a scheduler have to have.
        workers: processes that compute chunks.
        scheduler: the address of a Dask cluster that computes them instead.

    Raises:
        UsageError: as `begin`, `keep_chunk` and `finish`; a process died, or the cluster is gone.
    """
    missing = begin(stream, target, version)
    done = stream.chunks - len(missing)
    if done:
        print(f"archcalc: note: {done} of {stream.chunks} chunks are there", file=sys.stderr)
    if scheduler is not None:
        written = _of_cluster(stream, target, missing, scheduler, version)
    elif workers > 1:
        written = _of_processes(stream, target, missing, workers)
    else:
        written = (write_chunk(stream, target, number) for number in missing)
    each = stream.count * len(stream.graphs) / stream.chunks
    with closing(watched(missing, "settings", each=each, before=done)) as bars, closing(written):
        for _ in bars:
            with left_clean(target):
                next(written)
    finish(stream, target)


def _of_processes(
    stream: Stream, target: Path, missing: Sequence[int], workers: int
) -> Generator[int, None, None]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting, running = iter(missing), set[Future[int]]()
        try:
            while True:
                for number in islice(waiting, MOST_WAITING * workers - len(running)):
                    running.add(pool.submit(write_chunk, stream, target, number))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise UsageError(
                "a process that computed settings has died; called again, the chunks that are "
                "there are kept"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _of_cluster(
    stream: Stream, target: Path, missing: Sequence[int], scheduler: str, version: str
) -> Generator[int, None, None]:
    from archcalc.commands.cluster import computed_by

    found = computed_by(scheduler, stream, missing, version, MOST_WAITING)
    with closing(found) as computed:
        for number, content in computed:
            yield keep_chunk(target, number, content)
