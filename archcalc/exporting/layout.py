"""Lines of code that fit, broken as ruff breaks them."""

from __future__ import annotations

import re
from itertools import pairwise

WIDTH = 100

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_STRING = re.compile(r"""f?("[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')""")
# Where an expression is broken, the loosest place first.
_SEPARATORS = tuple(
    map(re.compile, (r" (?=for )", r"(?<=,) ", r" (?=(?:if|else) )", r" (?=[+-] )", r" (?=[*/@] )"))
)


def lay_out(statement: str, indent: int) -> list[str]:
    """The lines of a statement that stands `indent` spaces in."""
    line = " " * indent + statement
    if len(line) <= WIDTH:
        return [line]
    start = re.match(r"return |[^()=]+ = ", statement)
    head = start.group() if start else ""
    pieces = _pieces(statement.removeprefix(head), commas=False)
    if len(pieces) == 1:
        pieces = _chained(pieces[0])
    elif len(pieces) == 2 and (pieces[0].startswith("(") or pieces[1].endswith(")")):
        found = _at_brackets(statement, indent)  # around a single operator ruff needs no others
        if all(len(line) <= WIDTH for line in found):
            return found
    if len(pieces) > 1:
        whole = " " * (indent + 4) + statement.removeprefix(head)
        lines = [whole] if len(whole) <= WIDTH else _each(pieces, indent + 4)
        return [f"{' ' * indent}{head}(", *lines, f"{' ' * indent})"]
    found = _at_brackets(statement, indent)
    if len(found[0]) > WIDTH and ", " in head:  # many are assigned to at once
        names = [f"{' ' * (indent + 4)}{name}," for name in head.removesuffix(" = ").split(", ")]
        rest = lay_out(statement.removeprefix(head), indent)
        return [" " * indent + "(", *names, f"{' ' * indent}) = {rest[0].lstrip()}", *rest[1:]]
    return found


def _at_brackets(text: str, indent: int) -> list[str]:
    """`text` with what stands in its last brackets on lines of its own."""
    pairs = _top_brackets(text)
    if not pairs:
        return [" " * indent + text]
    opening, closing = pairs[0] if text.startswith("def ") else pairs[-1]
    inside = text[opening + 1 : closing]
    lines = [" " * (indent + 4) + inside]
    if len(lines[0]) > WIDTH:
        pieces = _pieces(inside, commas=True)
        if pieces[0].endswith(","):
            pieces[-1] += ","
        lines = _each(pieces, indent + 4)
    return [" " * indent + text[: opening + 1], *lines, " " * indent + text[closing:]]


def _each(pieces: list[str], indent: int) -> list[str]:
    lines = []
    for piece in pieces:
        fits = len(piece) + indent <= WIDTH
        lines += [" " * indent + piece] if fits else _at_brackets(piece, indent)
    return lines


def _pieces(expression: str, commas: bool) -> list[str]:
    """An expression cut at its loosest separators outside of brackets; `commas` among them."""
    bare = _without_insides(expression)
    for separator in _SEPARATORS:
        cuts = [match.start() for match in separator.finditer(bare)]
        if cuts and (commas or bare[cuts[0] - 1] != ","):
            ends = [*cuts, len(expression)]
            starts = [0, *[cut + 1 for cut in cuts]]
            return [expression[a:b] for a, b in zip(starts, ends, strict=True)]
    return [expression]


def _chained(expression: str) -> list[str]:
    """A chain of calls of methods, cut before each but the first; uncut where there is one."""
    bare = _without_insides(expression)
    cuts = [match.start() + 1 for match in re.finditer(r"[)\]](?=\.\w+\()", bare)]
    if len(cuts) < 2:
        return [expression]
    return [expression[a:b] for a, b in pairwise([0, *cuts, len(expression)])]


def _top_brackets(text: str) -> list[tuple[int, int]]:
    """Where the brackets stand that are inside no others."""
    pairs, opened = [], []
    bare = _STRING.sub(lambda match: "_" * len(match.group()), text)
    for at, character in enumerate(bare):
        if character in _CLOSING:
            opened.append(at)
        elif character in _CLOSING.values():
            start = opened.pop()
            if not opened and at - start > 1:
                pairs.append((start, at))
    return pairs


def _without_insides(text: str) -> str:
    """`text`, as long as before, with strings and what stands in brackets blotted out."""
    blotted = _STRING.sub(lambda match: "_" * len(match.group()), text)
    for start, end in _top_brackets(text):
        blotted = blotted[: start + 1] + "_" * (end - start - 1) + blotted[end:]
    return blotted
