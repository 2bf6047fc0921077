"""Chunks of a stream as tasks of a Dask cluster, whose workers need not see our files.

Imports distributed, and is itself imported only where a cluster is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from distributed import Client, Future, KilledWorker, wait

from archcalc.errors import UsageError
from archcalc.render.parts import chunk_by_version

if TYPE_CHECKING:
    from archcalc.parametric.choosing.streaming import Stream

CONNECTING = 10  # seconds in which a scheduler has to answer
PATIENCE = 10  # seconds without a worker, of which one that died may come back

_LOST = (CancelledError, OSError)  # of tasks, and of what is asked, when the scheduler is gone


def computed_by(
    scheduler: str, stream: Stream, numbers: Sequence[int], version: str, most: int
) -> Generator[tuple[int, bytes], None, None]:
    """Chunks with their numbers, in the order in which they are done.

    A worker that dies is done without: another one computes its chunks.

    Args:
        version: of archcalc, which workers have to have.
        most: chunks that are given out for each thread of a worker.

    Raises:
        UsageError: there is no such scheduler, or no worker any more; what `Stream.chunk` raises.
    """
    with _quiet(), _lost_is_one_line(scheduler):
        client = _client(scheduler)
        try:
            _require_version(client, scheduler, version)
            yield from _computed(client, scheduler, stream, numbers, version, most)
        finally:
            client.close(timeout=CONNECTING)


def _client(scheduler: str) -> Client:
    try:
        # Chunks are many bytes: they come from the workers, and not by way of the scheduler.
        return Client(scheduler, timeout=CONNECTING, set_as_default=False, direct_to_workers=True)
    except OSError:
        raise UsageError(f"no Dask scheduler answers at {scheduler}", "scheduler") from None


def _require_version(client: Client, scheduler: str, version: str) -> None:
    """Refuses workers that would not know the tasks, before one of them ends at it."""

    def own() -> str:  # written out for the workers, since it is in no module by name
        import archcalc

        return archcalc.__version__

    for found in client.run(own, on_error="return").values():
        if found != version:
            has = f"archcalc {found}" if isinstance(found, str) else "no archcalc"
            raise UsageError(
                f"a worker of {scheduler} has {has}, and this is {version}", "scheduler"
            )


def _computed(
    client: Client, scheduler: str, stream: Stream, numbers: Sequence[int], version: str, most: int
) -> Generator[tuple[int, bytes], None, None]:
    waiting, running = iter(numbers), dict[Future, int]()
    while True:
        threads = max(1, sum(client.nthreads().values()))
        for number in islice(waiting, max(0, most * threads - len(running))):
            # Not pure: Dask would hash the whole stream to find out whether it knows the task.
            task = client.submit(chunk_by_version, stream, number, version, pure=False)
            running[task] = number
        if not running:
            return
        try:
            with client.as_current():
                done = wait([*running], timeout=PATIENCE, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            if not client.nthreads():
                raise UsageError(f"{scheduler} has no worker", "scheduler") from None
            continue
        for task in done:
            number = running.pop(task)
            try:
                content: bytes = task.result()
            except KilledWorker:
                raise UsageError(
                    f"workers of {scheduler} have died again and again of the same chunk",
                    "scheduler",
                ) from None
            yield number, content


@contextmanager
def _lost_is_one_line(scheduler: str) -> Iterator[None]:
    try:
        yield
    except _LOST:
        raise UsageError(f"the connection to {scheduler} is lost", "scheduler") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Within it nothing is logged: what distributed has to say of what we say in a line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
