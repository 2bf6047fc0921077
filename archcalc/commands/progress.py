"""A line on stderr that says how far a long command has come."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_WIDTH = 24
_CLEAR = "\r\x1b[K"


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
