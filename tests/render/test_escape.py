"""Texts escaped for other languages: what is shown is the text, and nothing of it is active."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.render import escape
from tests.hostile import TEXTS

texts = st.one_of(
    st.text(),
    st.text(alphabet="ab1 _*`[]<>&;#$\\|~{}%\"'.:-+=()!ﬂ°¶ß\n", max_size=20),
    st.sampled_from(TEXTS),
)


@given(texts)
def test_one_line_is_one_line_without_control_characters(text: str) -> None:
    shown = escape.one_line(text)
    assert shown.isprintable()
    assert len(shown) == len(text)


def test_one_line_leaves_what_can_be_shown() -> None:
    assert escape.one_line("  conv1_1 × 2, déjà vu") == "  conv1_1 × 2, déjà vu"
    assert escape.one_line("a\tb\nc\x1b[31m") == "a b c\ufffd[31m"


@given(texts)
def test_markdown_shows_the_text(text: str) -> None:
    escaped = escape.markdown(text)
    assert html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped)) == html.unescape(
        escape.one_line(text).replace("&", "&amp;")
    )


@given(texts)
def test_no_sign_of_markdown_is_active(text: str) -> None:
    rest = re.sub(r"\\.", "", escape.markdown(text))
    assert not re.search(r"[\\`*\[\]~|<>$]", rest)
    assert not re.search(r"&(?!amp;|lt;|gt;|#36;|#64;|#58;|#46;)", rest)
    assert not re.search(r"://|\bwww\.|@", rest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1_1", "conv1_1"),  # inside a word it is no emphasis
        ("_x_", r"\_x\_"),
        ("a__b", r"a\_\_b"),
        ("1. first", r"1\. first"),
        ("12.85MB", "12.85MB"),
        ("- item", r"\- item"),
        ("-90", "-90"),
        ("---", r"\---"),
        ("# heading", r"\# heading"),
        ("==", r"\=="),
        ("C#", "C#"),
        ("$x$", "&#36;x&#36;"),
        ("https://example.org", "https&#58;//example.org"),  # else a link
        ("arXiv:1409.1556", "arXiv:1409.1556"),
    ],
)
def test_markdown_is_escaped_no_more_than_needed(text: str, expected: str) -> None:
    assert escape.markdown(text) == expected


@given(texts)
def test_html_shows_the_text(text: str) -> None:
    escaped = escape.html(text)
    assert not set(escaped) & set("<>\"'")
    # html.unescape reads what HTML 4 forbids, such as &#0;, as another character; none is made.
    assert html.unescape(escaped) == escape.one_line(text)


@given(texts)
def test_latex_shows_the_text(text: str) -> None:
    escaped = escape.latex(text)
    words = {
        "textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~",
        "textless": "<", "textgreater": ">", "textbar": "|",
    }  # fmt: skip
    shown = re.sub(
        r"\\(?:([a-z]+)\{\}|(.))", lambda found: words.get(found[1]) or found[2], escaped
    )
    assert shown == escape.one_line(text)


@given(texts)
def test_mermaid_shows_the_text(text: str) -> None:
    escaped = escape.mermaid(text)
    assert not set(escaped) & set('"`<>&[]{}|*%\\$\n')
    shown = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), escaped)
    assert shown.replace("\u200b", "") == escape.one_line(text).replace("\u200b", "")
    assert "#" not in re.sub(r"#\d+;", "", escaped)


@pytest.mark.parametrize(
    "text", ["1. first", "12) first", "- item", "+ item", "fa:fa-car", "__x__"]
)
def test_mermaid_finds_no_list_icon_or_emphasis(text: str) -> None:
    escaped = escape.mermaid(text)
    assert not re.match(r"\d+[.)] |[-+] ", escaped)
    assert not re.search(r"fa[bklrs]?:fa-|__", escaped)


def test_mermaid_is_escaped_no_more_than_needed() -> None:
    for text in (
        "layer1: stage",
        "conv 7x7/2 p3",
        "conv1_1",
        "1 … 35: unit × 35",
    ):
        assert escape.mermaid(text) == text


@given(texts)
def test_dot_shows_the_text(text: str) -> None:
    escaped = escape.dot(text)
    assert re.fullmatch(r'(?:[^"\\]|\\["\\])*', escaped)
    assert html.unescape(re.sub(r"\\(.)", r"\1", escaped)) == html.unescape(
        escape.one_line(text).replace("&", "&amp;")
    )


@given(texts)
def test_plots_show_the_text_and_no_formula(text: str) -> None:
    escaped = escape.plot(text)
    assert not re.search(r"(?<!\\)\$", escaped)
    assert escaped.replace(r"\$", "$") == escape.one_line(text)
