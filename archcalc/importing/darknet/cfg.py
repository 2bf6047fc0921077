"""A cfg file -> sections with their options, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.errors import Place, Source, SpecError

MAX_SECTIONS = 20_000
_LARGEST = 2**31 - 1
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


class Section:
    """`[type]` and its options.

    Attributes:
        type: what stands between the brackets.
        line: where.
    """

    def __init__(self, source: Source, type: str, line: int) -> None:
        self.type = type
        self.line = line
        self._source = source
        self._options: dict[str, tuple[str, int]] = {}
        self._read: set[str] = set()

    def put(self, name: str, value: str, line: int) -> None:
        """An option. darknet takes the first of those with one name."""
        self._options.setdefault(name, (value, line))

    def __contains__(self, name: str) -> bool:
        return name in self._options

    def error(self, fact: str, name: str | None = None) -> SpecError:
        """`fact`, at an option where there is one of the name, else at the section."""
        line = self._options[name][1] if name in self._options else self.line
        return SpecError(f"[{self.type}]: {fact}", Place(self._source, line, 1))

    def unread(self) -> Iterator[tuple[str, int]]:
        """The options that nobody has asked for, with their lines."""
        for name, (_, line) in self._options.items():
            if name not in self._read:
                yield name, line

    def text(self, name: str, default: str | None = None) -> str:
        """What an option says."""
        self._read.add(name)
        if name in self._options:
            return self._options[name][0]
        if default is None:
            raise self.error(f"{name} is missing")
        return default

    def whole(self, name: str, default: int | None = None, least: int = 0) -> int:
        """A whole number of at least `least`."""
        text = self.text(name, None if default is None else str(default))
        return self._whole(name, _number(text), least)

    def wholes(self, name: str) -> list[int]:
        """Whole numbers with commas between them."""
        texts = _number(self.text(name)).split(",")
        if texts[-1].strip() == "":
            texts.pop()
        return [self._whole(name, text.strip(), -_LARGEST) for text in texts]

    def real(self, name: str, default: float) -> float:
        """A number."""
        text = _number(self.text(name, repr(default)))
        if _NUMBER.fullmatch(text) is None:
            raise self.error(f"{name}: expected a number, not {text[:40]!r}", name)
        return float(text)

    def _whole(self, name: str, text: str, least: int) -> int:
        if re.fullmatch(r"[-+]?[0-9]{1,15}", text) is None:
            raise self.error(f"{name}: expected a whole number, not {text[:40]!r}", name)
        number = int(text)
        if not least <= number <= _LARGEST:
            bound = f"at least {least}" if number < least else f"at most {_LARGEST}"
            raise self.error(f"{name}: {number}, where it has to be {bound}", name)
        return number


def parse(source: Source) -> list[Section]:
    """The sections of a text, in order.

    Raises:
        SpecError: it is no such text, or too large.
    """
    found: list[Section] = []
    for number, line in _lines(source.text):
        if line.startswith("["):
            if not line.endswith("]") or len(line) < 3:
                raise _error(source, number, f"expected [type], not {line[:40]!r}")
            if len(found) == MAX_SECTIONS:
                raise _error(source, number, f"more than {MAX_SECTIONS:,} sections")
            found.append(Section(source, line[1:-1], number))
            continue
        name, equals, value = line.partition("=")
        if not equals or not name:
            raise _error(source, number, f"expected [type] or name=value, not {line[:40]!r}")
        if not found:
            raise _error(source, number, "an option before the first section")
        found[-1].put(name, value, number)
    return found


def _number(text: str) -> str:
    """What stands before a remark: darknet's numbers end where something else begins."""
    return text.split("#", 1)[0]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers. darknet drops every blank in a line."""
    for number, line in enumerate(text.split("\n"), 1):
        line = "".join(line.split())
        if line and line[0] not in "#;":
            yield number, line


def _error(source: Source, line: int, fact: str) -> SpecError:
    return SpecError(fact, Place(source, line, 1))
