"""Text of a spec as text of another language, whatever stands in it.

Titles, authors and sources are free text, and the names of a graph that was not read from a spec
are so, too. Each function here takes such a text and gives what shows it, character by character,
in one language; what no language can show (control characters, line ends) is taken out first.
"""

from __future__ import annotations

import re

_OTHER_THAN_TEXT = "\ufffd"
# Patterns are compiled where they are used: a table in a terminal needs none of them.
_MARKDOWN_SIGNS = (
    r"[\\`*\[\]~|]"  # code, emphasis, links, tables
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; inside a word it is none
)
_MARKDOWN_STARTS = (  # of headings, rules and lists
    r"^(?:#(?=#*(?: |$))|[+-](?=[ -]|$)|=(?==*$)|\d+(?=[.)](?: |$)))"
)
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_MARKDOWN_ENTITIES = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;",
    "$": "&#36;", "@": "&#64;",  # GitHub's formulas and mentions
}  # fmt: skip
_MARKDOWN_ADDRESSES = r"(?i):(?=//)|(?<=\bwww)\."  # which GitHub makes links of
_LATEX = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "≠": r"\ensuremath{\neq}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip
# Mermaid takes labels for Markdown, where a list would start with `1. ` or `- `; replaces icons
# (fa:fa-car) even where the colon is an entity; and writes ﬂ° and ¶ß for the & and ; of its own
# entities, which it resolves twice. A space of no width breaks up the latter three.
_MERMAID = (
    r"[^\w ,./:=×·°…()+-]|(?<![^\W_])_|_(?![^\W_])|(?<=\d)[.)](?= |$)|^[+-](?= |$)|:(?=\S)|[ﬂ¶]"
)
_MERMAID_APART = {sign: f"{sign}#8203;" for sign in ":ﬂ¶"}


def one_line(text: str) -> str:
    """`text` in one line, without characters that steer a terminal or the direction of writing."""
    if text.isprintable():
        return text
    shown = [" " if c.isspace() else c if c.isprintable() else _OTHER_THAN_TEXT for c in text]
    return "".join(shown)


def markdown(text: str) -> str:
    """`text` as Markdown (CommonMark and GitHub's), wherever in a paragraph."""
    return re.sub(_MARKDOWN_STARTS, _with_backslash, _markdown_within_line(text))


def html(text: str) -> str:
    """`text` as HTML or XML, also in an attribute."""
    return _replaced(text, _HTML)


def latex(text: str) -> str:
    """`text` as LaTeX."""
    return _replaced(text, _LATEX)


def mermaid(text: str) -> str:
    """`text` as a part of a label of Mermaid that stands in double quotes."""

    def entity(sign: re.Match[str]) -> str:
        return _MERMAID_APART.get(sign[0], f"#{ord(sign[0])};")

    return re.sub(_MERMAID, entity, one_line(text))


def dot(text: str) -> str:
    """`text` as a part of a label of Graphviz that stands in double quotes.

    Graphviz reads HTML's entities in labels, and escapes such as `\\N`.
    """
    return one_line(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def plot(text: str) -> str:
    """`text` as matplotlib's, which takes what stands between two $ for a formula."""
    return one_line(text).replace("$", r"\$")


class Markup(str):
    """Text that is in the language already, and is not escaped again."""

    __slots__ = ()


def line(text: str, form: str) -> str:
    """`text` as a line of a paragraph in one of the forms that people read; Markup as it is."""
    return text if isinstance(text, Markup) else _LINES[form](text)


def cell(text: str, form: str) -> str:
    """`text` as a cell of a table in one of the forms that people read; Markup as it is."""
    if form == "markdown" and not isinstance(text, Markup):
        return _markdown_within_line(text)
    return line(text, form)


def _replaced(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(c, c) for c in one_line(text))


def _markdown_within_line(text: str) -> str:
    escaped = re.sub(_MARKDOWN_SIGNS, _with_backslash, one_line(text))
    shown = _replaced(escaped, _MARKDOWN_ENTITIES)
    return re.sub(_MARKDOWN_ADDRESSES, lambda sign: f"&#{ord(sign[0])};", shown)


def _with_backslash(sign: re.Match[str]) -> str:
    """A backslash before a sign; behind the number of a list, before the dot that makes it one."""
    return f"{sign[0]}\\" if sign[0].isdigit() else f"\\{sign[0]}"


_LINES = {"text": one_line, "markdown": markdown, "latex": latex, "html": html}
