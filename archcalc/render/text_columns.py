"""Texts in the columns of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat


def set_in_columns(
    headings: Sequence[Sequence[str]],
    rows: Sequence[Sequence[Sequence[str]]],
    widths: Sequence[int],
    sides: str,
    has_total: bool,
) -> str:
    """Lines of texts in columns, each of the headings and of the rows in one line or several."""
    to_right = [side == "r" for side in sides]

    def line(texts: Sequence[str]) -> str:
        return "  ".join(map(padded, texts, widths, to_right)).rstrip()

    rule = "  ".join("-" * width for width in widths)
    shown = [[line(texts) for texts in row] for row in rows]
    if has_total:
        shown.insert(-1, [rule])
    return "\n".join([*map(line, headings), rule, *[text for row in shown for text in row]])


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of texts as lines, without headings: each text at the left of its column."""
    widths = [max(map(shown_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(padded, row, widths, repeat(False))).rstrip() for row in rows]


def shown_width(text: str) -> int:
    """The columns that a text takes in a terminal: Chinese signs take two, accents none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, width: int, to_right: bool) -> str:
    """A text with blanks before or behind it, so that it takes so many columns."""
    blank = " " * (width - shown_width(text))
    return blank + text if to_right else text + blank
