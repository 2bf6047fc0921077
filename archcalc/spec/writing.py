"""Values as the YAML that a spec is written in, each read back as the same value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from archcalc.quantity.conditions import is_symbol

WIDTH = 80  # of a line that can be broken
_PLAIN = re.compile(r"[^\W\d][\w.\-]*", re.ASCII)  # needs no quotes
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def mapping(texts: Mapping[str, str]) -> str:
    """A mapping in one line, of values that are YAML already."""
    return f"{{{', '.join(f'{key}: {text}' for key, text in texts.items())}}}"


def in_lines(line: str) -> Iterator[str]:
    """A line of a spec in several, where it is too long for a screen.

    It is broken behind commas; where there are none, between words in quotes, which reads as the
    space that was there.
    """
    lead = len(line) - len(line.lstrip())
    opened = line.find("{") + 1
    further = " " * (opened if 0 < opened <= WIDTH // 2 else lead + 4)
    while len(line) > WIDTH:
        commas, spaces = _breaks(line, len(line) - len(line.lstrip()) + 1)
        at = max(commas, default=0) or max(spaces, default=0)
        if not at:
            break
        yield line[:at]
        line = further + line[at + 1 :]
    yield line


def _breaks(line: str, first: int) -> tuple[list[int], list[int]]:
    """The spaces from `first` on at which a line may end: behind commas, and within quotes."""
    commas, spaces, quoted = [], [], False
    for at, sign in enumerate(line[: WIDTH + 1]):
        if sign == '"' and not _is_escaped(line, at):
            quoted = not quoted
        elif sign == " " and at >= first:
            if quoted and " " not in (line[at - 1], line[at + 1]):
                spaces.append(at)
            elif not quoted and line[at - 1] == ",":
                commas.append(at)
    return commas, spaces


def _is_escaped(line: str, at: int) -> bool:
    """Whether an odd number of backslashes stands before a sign."""
    before = line[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


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
