"""Tables and lines that are wider than there is room: broken, narrowed, in several parts.

Nothing is lost but what a `…` stands for. What fits never comes here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from archcalc.render.text_columns import padded, set_in_columns, shown_width

_LEAST_WORDS = 8  # that a column of words is narrowed to
_LEAST_BROKEN = 24  # that a column of sentences or formulas is
_MOST_LINES = 4  # of such a cell where other columns stand beside it
_LEAST_ALONE = 16  # of what stands behind the keys
_COLORS = re.compile("\x1b\\[[0-9;]*m")  # which take no room
_SIGNED = re.compile(r" ([-+=]) ")
_SHORT_PART = re.compile(r"\([^()]{1,24}\)")  # in parentheses, which is not broken
_NAME = re.compile(r"[\w\-]+(?:\.[\w\-]+)+")
_LAST_COLUMN = re.compile(r"(.*\s{2,}|\s*)(?=\S)")


def fitted(
    lines: list[list[str]], widths: list[int], sides: str, width: int, keys: int, has_total: bool
) -> str:
    """A table as text, in so many columns of a terminal.

    Cells of several words are broken; then columns of words are cut, the widest first. Where that
    will not do, the table comes part by part, each part behind the columns that tell the rows.

    Args:
        lines: headings, rows and the total, each text escaped.
        widths: of its columns, at their widest.
        sides: as `Table.align`, of each column.
        keys: how many columns tell the rows.
    """
    narrowed = _cut(_broken(lines, widths, width), sides, width)
    if _taken(narrowed) <= width:
        return _set(lines, narrowed, sides, keys, has_total)
    parts = _parts(widths, min(keys, len(widths) - 1), width)
    return "\n\n".join(
        _set(
            [[line[n] for n in columns] for line in lines],
            found,
            "".join([sides[n] for n in columns]),
            keys,
            has_total,
        )
        for columns, found in parts
    )


def broken_lines(lines: Sequence[str], width: int) -> list[str]:
    """The lines of a paragraph; what is too wide goes on below the start of its last column."""
    found: list[str] = []
    for line in lines:
        plain = _COLORS.sub("", line)
        if shown_width(plain) <= width:
            found.append(line)
            continue
        lead = _LAST_COLUMN.match(plain)
        indent = len(lead[1]) if lead and len(lead[1]) <= 2 * width // 3 else 0
        indent = indent or len(plain) - len(plain.lstrip()) + 2
        found += _in_lines(line, width, " " * indent)
    return found


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _broken(lines: list[list[str]], widths: list[int], width: int) -> list[int]:
    """The widths, those of columns with cells of several words as small as it takes."""
    found, least = [*widths], {}
    for number, column in enumerate(zip(*lines, strict=True)):
        long = [text for text in column if shown_width(text) > _LEAST_BROKEN]
        if long and all(" " in text.strip() for text in long):
            least[number] = max(_LEAST_BROKEN, -(-widths[number] // _MOST_LINES))
    while _taken(found) > width:
        wide = [number for number, few in least.items() if found[number] > few]
        if not wide:
            break
        found[max(wide, key=found.__getitem__)] -= 1
    return found


def _cut(widths: list[int], sides: str, width: int) -> list[int]:
    """The widths, those of columns of words as small as it takes."""
    words = [number for number, side in enumerate(sides) if side == "w"]
    found = [*widths]
    while words and _taken(found) > width:
        widest = max(words, key=found.__getitem__)
        if found[widest] <= _LEAST_WORDS:
            break
        found[widest] -= 1
    return found


def _parts(widths: list[int], keys: int, width: int) -> list[tuple[list[int], list[int]]]:
    """The columns of each part, and how wide they are there."""
    of_keys = widths[:keys]
    while _taken(of_keys) > width // 2 and max(of_keys) > _LEAST_WORDS:
        of_keys[of_keys.index(max(of_keys))] -= 1
    room = max(width - _taken([*of_keys, 0]), _LEAST_ALONE)
    parts: list[list[int]] = []
    for column in range(keys, len(widths)):
        if not parts or _taken([min(widths[n], room) for n in (*parts[-1], column)]) > room:
            parts.append([])
        parts[-1].append(column)
    return [
        ([*range(keys), *part], [*of_keys, *[min(widths[n], room) for n in part]]) for part in parts
    ]


def _set(lines: list[list[str]], widths: list[int], sides: str, keys: int, has_total: bool) -> str:
    """The lines in columns so wide, a row in as many lines as its cells take."""

    def cell(text: str, number: int) -> list[str]:
        width = widths[number]
        if shown_width(text) <= width:
            return [text]
        if sides[number] == "w" or (number < keys and " " not in text.strip()):
            return [_shortened(text, width)]
        # All lines of it begin at the left.
        return [padded(line, width, False) for line in _in_lines(text, width)]

    def row(texts: list[str]) -> list[list[str]]:
        cells = [cell(text, number) for number, text in enumerate(texts)]
        most = max(map(len, cells))
        return [
            [*each] for each in zip(*[[*c, *[""] * (most - len(c))] for c in cells], strict=True)
        ]

    headings, *rows = map(row, lines)
    return set_in_columns(headings, rows, widths, sides, has_total)


def _shortened(text: str, width: int) -> str:
    """A text that is too wide, with a `…` for what is left out: of a dotted name its beginning."""
    is_dotted = "." in text[1:-1] and not any(sign in text for sign in " [")
    while shown_width(text) >= width:
        text = text[1:] if is_dotted else text[:-1]
    return f"…{text}" if is_dotted else f"{text}…"


def _in_lines(text: str, width: int, indent: str = "") -> list[str]:
    """A text in several lines, between words; a sign stands before what it is of.

    Of a dotted name that no line has room for the end is shown.
    """
    room = width - len(indent) - 2  # and two signs behind it
    text = _NAME.sub(
        lambda name: _shortened(name[0], room) if len(name[0]) > room else name[0], text
    )
    whole = _SHORT_PART.sub(lambda part: part[0].replace(" ", "\0"), text)
    signed = _SIGNED.sub(" \\1\0", whole)
    lines = wrap(signed, width, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]
