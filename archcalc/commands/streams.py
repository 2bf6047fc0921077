"""A stream of settings written by one process, several, or a cluster; a bar says how far it is."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.api.progress import watched
from archcalc.commands.processes import MOST_WAITING, computed
from archcalc.render.parts import begin, finish, keep_chunk, left_clean, write_chunk

if TYPE_CHECKING:
    from archcalc.parametric.choosing.streaming import Stream


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
    died = (
        "a process that computed settings has died; called again, the chunks that are there are "
        "kept"
    )
    return computed(partial(write_chunk, stream, target), missing, workers, died)


def _of_cluster(
    stream: Stream, target: Path, missing: Sequence[int], scheduler: str, version: str
) -> Generator[int, None, None]:
    from archcalc.commands.cluster import computed_by

    found = computed_by(scheduler, stream, missing, version, MOST_WAITING)
    with closing(found) as computed:
        for number, content in computed:
            yield keep_chunk(target, number, content)
