"""Pages: what is text in them, and what is Markdown."""

from __future__ import annotations

import pytest

from archcalc.reports.page import (
    MADE,
    Markup,
    Page,
    anchor,
    bullets,
    code,
    details,
    fenced,
    joined,
    table,
    web,
)


def test_a_page_says_first_how_it_was_made() -> None:
    page = Page("networks/x.md", "A *title*", ())
    page.heading("One & two")
    page.add("text", "", "more")
    assert page.text() == f"{MADE}\n\n# A \\*title\\*\n\n## One &amp; two\n\ntext\n\nmore\n"


def test_links_are_relative_to_the_page() -> None:
    page = Page("networks/x.md", "x", {"README.md", "networks/y.md", "families/z.md"})
    assert page.link("all", "README.md") == "[all](../README.md)"
    assert page.link("y", "networks/y.md", "#layers") == "[y](y.md#layers)"
    assert page.link("[z]", "families/z.md") == "[\\[z\\]](../families/z.md)"


def test_a_page_that_is_not_there_is_not_linked() -> None:
    assert Page("networks/x.md", "x", ()).link("all *of* them", "README.md") == "all \\*of\\* them"


def test_pictures_have_an_alternative_text() -> None:
    page = Page("networks/x.md", "x", ())
    page.picture("plots/x.svg", "bars [of] x")
    assert page.text().endswith("![bars \\[of\\] x](../plots/x.svg)\n")


def test_cells_are_text_unless_they_are_markup() -> None:
    rows = [["a|b", Markup("**c**")]]
    assert table(["x", "y"], rows, "lr") == "| x | y |\n| --- | --: |\n| a\\|b | **c** |"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("layers[conv1].macs", "`layers[conv1].macs`"),
        ("a`b", "a\\`b"),
        ("a|b", "a\\|b"),
        ("a\nb", "a b"),
        ("", ""),
    ],
)
def test_code_that_would_end_early_is_plain_text(text: str, expected: str) -> None:
    assert code(text) == expected


def test_a_fence_is_longer_than_those_in_its_text() -> None:
    assert fenced("a\n```\nb\n", "yaml") == "````yaml\na\n```\nb\n````"


def test_the_summary_of_folded_parts_is_html() -> None:
    folded = details("<b> & *c*", "text")
    assert folded == ("<details>\n<summary>&lt;b&gt; &amp; *c*</summary>\n\ntext\n\n</details>")


def test_lists_and_joined_parts_escape_what_is_text() -> None:
    assert bullets(["a_b_ *c*", Markup("*d*")]) == "- a_b\\_ \\*c\\*\n- *d*"
    assert joined(["*a*", "", web("b", "https://example.org")]) == (
        "\\*a\\*, [b](https://example.org)"
    )


@pytest.mark.parametrize(
    ("heading", "expected"),
    [("Receptive field", "#receptive-field"), ("CNN-F/M/S paper", "#cnn-fms-paper")],
)
def test_anchors_are_those_of_github(heading: str, expected: str) -> None:
    assert anchor(heading) == expected
