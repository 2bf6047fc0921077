"""A line on stderr that says how far a long command has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

_WIDTH = 24
_CLEAR = "\r\x1b[K"

T = TypeVar("T")


@contextmanager
def progress(done: int, count: int, item: str) -> Iterator[None]:
    """A bar on stderr while one item of `count` is worked at; gone afterwards.

    Nothing is shown for a single item, nor where stderr is not a terminal.
    """
    if count == 1 or not sys.stderr.isatty():
        yield
        return
    filled = _WIDTH * done // count
    bar = "█" * filled + "░" * (_WIDTH - filled)
    print(f"{_CLEAR}{bar} {done + 1}/{count} {item}", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(_CLEAR, end="", file=sys.stderr, flush=True)


def watched(
    items: Sequence[T], what: str, *, each: float = 1, before: int = 0
) -> Generator[T, None, None]:
    """The items, one after the other, with a bar that says how many a second and the time left.

    Args:
        what: the many that are counted.
        each: how many of them an item is.
        before: items that were done before these.
    """
    start = time.monotonic()
    for done, item in enumerate(items):
        spent = time.monotonic() - start
        left = spent / done * (len(items) - done) if done else 0.0
        pace = (
            f" ({each * done / spent:,.0f} a second, {left:,.0f} s left)" if done and spent else ""
        )
        with progress(before + done, before + len(items), f"{what}{pace}"):
            yield item
