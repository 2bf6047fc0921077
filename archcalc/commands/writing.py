"""A text that a command writes to a file: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from archcalc.errors import UsageError, refused_by_system


def write_whole(path: Path, text: str, *, replace: bool) -> None:
    """Writes the file whole or not at all.

    Raises:
        UsageError: it is there and may not be replaced, or cannot be written.
    """
    if path.exists() and not replace:
        raise UsageError(f"{path} is there already; --force replaces it")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file")
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with refused_by_system(path):
            unfinished.write_text(text, encoding="utf-8", newline="\n")
            unfinished.replace(target)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
