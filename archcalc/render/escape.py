"""Text of a spec as text of another language, whatever stands in it.

Titles, authors and sources are free text, and the names of a graph that was not read from a spec
are so, too. Each function here takes such a text and gives what shows it, character by character,
in one language; what no language can show (control characters, line ends) is taken out first.
"""

from __future__ import annotations

import re
from html import escape

_OTHER_THAN_TEXT = "\N{REPLACEMENT CHARACTER}"
_MARKDOWN_SIGNS = re.compile(
    r"[\\`*\[\]~|]"  # code, emphasis, links, tables
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; inside a word it is none
    r"|^(?:#(?=#*(?: |$))|[+-](?=[ -]|$)|=(?==*$)|\d+(?=[.)](?: |$)))"  # headings, rules, lists
)
_MARKDOWN_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}  # $: formulas
_LATEX = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip
# Mermaid takes labels for Markdown, replaces icons (fa:fa-car), and marks its own entities by the
# four letters at the end. A list would start with `1. ` or `- `.
_MERMAID = re.compile(
    r"[^\w ,./=×·()+-]|(?<![^\W_])_|_(?![^\W_])|(?<=\d)[.)](?= |$)|^[+-](?= |$)|[ﬂ°¶ß]"
)
_MARKED_UP = re.compile(r"[^\w ,.;:/%()…×·]|_")


def one_line(text: str) -> str:
    """`text` in one line, without characters that steer a terminal or the direction of writing."""
    shown = [c if c.isprintable() else _OTHER_THAN_TEXT for c in " ".join(text.split())]
    return "".join(shown)


def markdown(text: str) -> str:
    """`text` as Markdown (CommonMark and GitHub's), also in a cell of a table."""
    escaped = _MARKDOWN_SIGNS.sub(_after_backslash, one_line(text))
    return "".join(_MARKDOWN_ENTITIES.get(c, c) for c in escaped)


def html(text: str) -> str:
    """`text` as HTML or XML, also in an attribute."""
    return escape(one_line(text))


def latex(text: str) -> str:
    """`text` as LaTeX."""
    return "".join(_LATEX.get(c, c) for c in one_line(text))


def mermaid(text: str) -> str:
    """`text` as a part of a label of Mermaid that stands in double quotes."""
    return _MERMAID.sub(lambda sign: f"#{ord(sign[0])};", one_line(text))


def dot(text: str) -> str:
    """`text` as a part of a label of Graphviz that stands in double quotes.

    Graphviz reads HTML's entities in labels, and escapes such as `\\N`.
    """
    return one_line(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def plot(text: str) -> str:
    """`text` as matplotlib's, which takes what stands between two $ for a formula."""
    return one_line(text).replace("$", r"\$")


def cell(text: str, form: str) -> str:
    """`text` as a cell of a table in one of tabulate's formats, `text` or `markdown`."""
    return _CELLS.get(form, one_line)(text)


def _after_backslash(sign: re.Match[str]) -> str:
    """A backslash before a sign; behind the number of a list, before the dot that makes it one."""
    return f"{sign[0]}\\" if sign[0].isdigit() else f"\\{sign[0]}"


def _with_entities(text: str) -> str:
    """For the markups of wikis: what is no letter and no digit by its number, as in HTML."""
    return _MARKED_UP.sub(lambda sign: f"&#{ord(sign[0])};", one_line(text))


def _restructured_text(text: str) -> str:
    return re.sub(r"[\\`*|_]", lambda sign: f"\\{sign[0]}", one_line(text))


def _org(text: str) -> str:
    return one_line(text).replace("|", r"\vert{}")


# tabulate itself escapes in its formats html, latex, latex_booktabs and latex_longtable.
_CELLS = {
    "markdown": markdown,
    "pipe": markdown,
    "github": markdown,
    "unsafehtml": html,
    "latex_raw": latex,
    "rst": _restructured_text,
    "orgtbl": _org,
    **dict.fromkeys(
        ("asciidoc", "jira", "mediawiki", "moinmoin", "textile", "youtrack"), _with_entities
    ),
}
