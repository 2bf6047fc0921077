"""JSON as every command prints it."""

from __future__ import annotations

import json


def json_text(value: object, indent: int | None = 1) -> str:
    """A value in types that JSON knows as JSON, with letters such as é as they are."""
    return json.dumps(value, indent=indent, ensure_ascii=False)
