"""A stream of settings written by one process or several, with a bar that says how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.commands.progress import progress
from archcalc.errors import UsageError
from archcalc.render.parts import begin, finish, left_clean, write_chunk

if TYPE_CHECKING:
    from archcalc.parametric.choosing.streaming import Stream


def write_stream(stream: Stream, target: Path, workers: int, version: str) -> None:
    """Writes all settings that are not there yet, and makes one file of them.

    Raises:
        UsageError: as `begin`, `write_chunk` and `finish`; a process died.
    """
    missing = begin(stream, target, version)
    done = stream.chunks - len(missing)
    if done:
        print(f"archcalc: note: {done} of {stream.chunks} chunks are there", file=sys.stderr)
    start, each = time.monotonic(), stream.count * len(stream.graphs) / stream.chunks
    written = _chunks(stream, target, missing, workers)
    for number in range(len(missing)):
        spent = time.monotonic() - start
        left = spent / number * (len(missing) - number) if number else 0.0
        pace = (
            f"{each * number / spent:,.0f} settings a second, {left:,.0f} s left" if number else ""
        )
        with progress(done + number, stream.chunks, pace), left_clean(target):
            next(written)
    finish(stream, target)


def _chunks(stream: Stream, target: Path, missing: Sequence[int], workers: int) -> Iterator[int]:
    if workers == 1:
        for number in missing:
            yield write_chunk(stream, target, number)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(write_chunk, stream, target, number) for number in missing]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise UsageError(
                "a process that computed settings has died; called again, the chunks that are "
                "there are kept"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
