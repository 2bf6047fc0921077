"""What several processes compute, as it gets done."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from archcalc.errors import UsageError

# Items that are given out for each process: one at work, and one for when it is done.
MOST_WAITING = 2

A = TypeVar("A")
B = TypeVar("B")


def computed(
    compute: Callable[[A], B], items: Iterable[A], workers: int, died: str
) -> Generator[B, None, None]:
    """What a function gives for each of some items, in the order in which it is done.

    Args:
        compute: the function, which the processes import.
        died: what to say where a process dies.

    Raises:
        UsageError: a process died. And what the function raises.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting, running = iter(items), set[Future[B]]()
        try:
            while True:
                for item in islice(waiting, MOST_WAITING * workers - len(running)):
                    running.add(pool.submit(compute, item))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise UsageError(died) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
