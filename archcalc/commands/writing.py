"""A result that a command writes to a file: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from archcalc.errors import UsageError, refused_by_system


def write_whole(file: str, content: str | bytes) -> None:
    """Writes the file whole or not at all, in place of the one that is there.

    Raises:
        UsageError: it cannot be written.
    """
    path = Path(file)
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a file")
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with refused_by_system(path):
            unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
            unfinished.replace(target)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
