"""A Markdown page: headings, tables, links and folded parts, all text in them escaped."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Sequence

from archcalc.render import escape
from archcalc.render.escape import Markup as Markup  # for the pages

MADE = "<!-- Made by `archcalc report`: change what it reads, not this file. -->"


class Page:
    """A page in the making.

    Attributes:
        path: where it lies in the report, with / between folders.
        known: the paths that it can link to.
    """

    def __init__(self, path: str, title: str, known: Container[str]) -> None:
        """A page with a title; `known` are the paths that it can link to."""
        self.path = path
        self.known = known
        self._blocks: list[str] = [MADE, f"# {markdown(title)}"]

    def add(self, *blocks: str) -> None:
        """Appends blocks of Markdown: paragraphs, tables, …; empty ones are left out."""
        self._blocks += [block for block in blocks if block]

    def heading(self, text: str) -> None:
        """Appends a heading of a section."""
        self.add(f"## {markdown(text)}")

    def link(self, text: str, path: str, fragment: str = "") -> Markup:
        """A link to another page of the report; the text alone where there is no such page."""
        if path not in self.known:
            return markdown(text)
        return Markup(f"[{markdown(text)}]({self._relative(path)}{fragment})")

    def picture(self, path: str, alt: str) -> None:
        """Appends a picture, with what it shows for those who cannot see it."""
        self.add(f"![{markdown(alt)}]({self._relative(path)})")

    def text(self) -> str:
        """The whole page."""
        return "\n\n".join(self._blocks) + "\n"

    def _relative(self, path: str) -> str:
        return posixpath.relpath(path, posixpath.dirname(self.path))


def markdown(text: str) -> Markup:
    """`text` as Markdown that shows it; Markup as it is."""
    return Markup(escape.line(text, "markdown"))


def code(text: str) -> Markup:
    """`text` in type of fixed width, unless a sign in it would end that."""
    if not text or set(text) & set("`|") or not text.isprintable():
        return markdown(text)
    return Markup(f"`{text}`")


def web(text: str, address: str) -> Markup:
    """A link to an address outside of the report."""
    return Markup(f"[{markdown(text)}]({address})")


def anchor(heading: str) -> str:
    """Where GitHub finds a heading in its page: `#receptive-field`."""
    return "#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def joined(parts: Iterable[str], between: str = ", ") -> Markup:
    """The parts that are not empty, one after the other."""
    return Markup(between.join(markdown(part) for part in parts if part))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """A table.

    Args:
        align: a letter for each column, l or r; all to the left if empty.
    """
    sides = {"l": "---", "r": "--:"}
    rule = [sides[side] for side in align or "l" * len(headings)]
    lines = [_row(headings), f"| {' | '.join(rule)} |", *map(_row, rows)]
    return "\n".join(lines)


def details(summary: str, *blocks: str) -> str:
    """Blocks that are folded away behind a line of text."""
    head = f"<details>\n<summary>{escape.html(escape.one_line(summary))}</summary>"
    return "\n\n".join([head, *blocks, "</details>"])


def fenced(text: str, language: str) -> str:
    """`text` as a block of code in some language."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {markdown(line)}" for line in lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown, cells))} |"
