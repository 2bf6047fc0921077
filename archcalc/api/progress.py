"""How far something long has come: a bar on a terminal, or in the cell of a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

_WIDTH = 24
_CLEAR = "\r\x1b[K"
_PATIENCE = 0.5  # seconds before a notebook shows something, which leaves a place behind
_PAUSE = 0.1  # and between what it shows then

T = TypeVar("T")


class _Screen(Protocol):
    """Where a bar is shown."""

    def show(self, done: int, count: int, text: str) -> None: ...

    def clear(self) -> None: ...


@contextmanager
def progress(done: int, count: int, item: str) -> Iterator[None]:
    """A bar while one item of `count` is worked at; gone afterwards.

    Nothing is shown for a single item, nor where stderr is neither a terminal nor a notebook's.
    """
    screen = None if count == 1 else _screen()
    if screen is None:
        yield
        return
    screen.show(done, count, item)
    try:
        yield
    finally:
        screen.clear()


def watched(
    items: Sequence[T], what: str, *, each: float = 1, before: int = 0
) -> Generator[T, None, None]:
    """The items, one after the other, with a bar that says how many a second and the time left.

    Args:
        what: the many that are counted.
        each: how many of them an item is.
        before: items that were done before these.
    """
    count = before + len(items)
    screen = None if count <= 1 else _screen()
    if screen is None:
        yield from items
        return
    start = time.monotonic()
    try:
        for done, item in enumerate(items):
            spent = time.monotonic() - start
            left = spent / done * (len(items) - done) if done else 0.0
            pace = f" ({each * done / spent:,.0f} a second, {left:,.0f} s left)" if left else ""
            screen.show(before + done, count, f"{what}{pace}")
            yield item
    finally:
        screen.clear()


def _screen() -> _Screen | None:
    # Asked of what is loaded: where nothing of IPython is, nothing of it can be running.
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if hasattr(shell, "kernel"):
        return _Notebook()
    return _Terminal() if sys.stderr is not None and sys.stderr.isatty() else None


class _Terminal:
    """A line on stderr."""

    def show(self, done: int, count: int, text: str) -> None:
        filled = _WIDTH * done // count
        bar = "█" * filled + "░" * (_WIDTH - filled)
        print(f"{_CLEAR}{bar} {done + 1}/{count} {text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        print(_CLEAR, end="", file=sys.stderr, flush=True)


class _Notebook:
    """A bar of HTML in the output of a cell, which is written anew, and at the end made empty."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PATIENCE
        self._place: Any = None

    def show(self, done: int, count: int, text: str) -> None:
        from html import escape

        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PAUSE
            bar = f'<progress value="{done}" max="{count}"></progress>'
            self._write(f"{bar} {done + 1}/{count} {escape(text)}")

    def clear(self) -> None:
        if self._place is not None:
            self._write("")

    def _write(self, text: str) -> None:
        from IPython.display import HTML, display  # there, where a notebook is

        if self._place is None:
            self._place = display(HTML(text), display_id=True)
        else:
            self._place.update(HTML(text))
