"""Values as the YAML that a spec is written in, each read back as the same value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from archcalc.quantity.conditions import is_symbol

_PLAIN = re.compile(r"[^\W\d][\w.\-]*", re.ASCII)  # needs no quotes
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def mapping(texts: Mapping[str, str]) -> str:
    """A mapping in one line, of values that are YAML already."""
    return f"{{{', '.join(f'{key}: {text}' for key, text in texts.items())}}}"


def text_of(value: object) -> str:
    """A value in one line: a scalar, or a list or a mapping of values."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, Mapping):
        return mapping({scalar(key): text_of(each) for key, each in value.items()})
    return scalar(value)


def scalar(value: object) -> str:
    """A number, a truth value or a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    if is_symbol(value) or not _PLAIN.fullmatch(text) or text.lower() in _RESERVED:
        return "".join(map(_readable, json.dumps(text, ensure_ascii=False)))
    return text


def _readable(sign: str) -> str:
    """A sign of a JSON text as YAML takes it: controls and line breaks beyond ASCII escaped."""
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
