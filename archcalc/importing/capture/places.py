"""Errors of a user's code in one line, with the line of it that raised them."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

_OURS = f"{Path(__file__).parents[2]}{os.sep}"
_PYTHON = f"{Path(os.__file__).parent}{os.sep}"


def told(error: BaseException) -> str:
    """What an error says, in one line, and where it was raised."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    lines = text.strip().splitlines()
    said = lines[0] if lines else "an error"
    if type(error) is not RuntimeError:  # which says nothing
        said = f"{type(error).__name__}: {said}" if lines else type(error).__name__
    return f"{said}{place_of(error)}"


def place_of(error: BaseException) -> str:
    """`" (net.py:12, in forward)"`: the innermost line that is a user's, or a library's of models.

    Empty where neither torch nor archcalc was called by anybody's code.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({_shown(error.filename)}:{error.lineno})"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_nobodys(f.filename)]
    if not frames:
        return ""
    last = frames[-1]
    within = "" if last.name == "<module>" else f", in {last.name}"
    return f" ({_shown(last.filename)}:{last.lineno}{within})"


def _shown(file: str) -> str:
    """A file as seen from where one is working, if it is below."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative


def _is_nobodys(file: str) -> bool:
    """Whether a file is Python's, torch's or archcalc's."""
    torch = getattr(sys.modules.get("torch"), "__file__", None)
    folder = f"{Path(torch).parent}{os.sep}" if torch else _OURS
    pythons = file.startswith(_PYTHON) and "site-packages" not in file
    return pythons or file.startswith((_OURS, folder, "<"))
