"""The file of a page: what is in it is under its policy, and nothing in it becomes markup."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from archcalc.pages.html import json_in_html, page_html
from tests.hostile import TEXTS

HOSTILE = '</script><script>alert(1)</script><!-- {{bundle}} & <b title="\'">'


class Parts(HTMLParser):
    """What an HTML parser makes of a page: its tags, and what stands in scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_data(self, data: str) -> None:
        tag = self.tags[-1][0] if self.tags else ""
        if tag in self.inside:
            self.inside[tag][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))


def page() -> str:
    return page_html(
        HOSTILE, {"text": HOSTILE, "texts": TEXTS}, f"globalThis.text = {json.dumps(HOSTILE)};"
    )


def test_the_policy_has_the_hashes_of_what_is_there_and_of_nothing_else() -> None:
    parts = Parts(page())
    data, *scripts = parts.inside["script"]
    hashes = [
        f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for text in (*parts.inside["style"], *scripts)
    ]
    policy = next(attrs["content"] for tag, attrs in parts.tags if "http-equiv" in attrs)
    assert policy is not None
    assert re.findall(r"'sha256-[^']*'", policy) == hashes
    assert len(hashes) == 3
    assert "unsafe" not in policy and policy.startswith("default-src 'none'")
    assert json.loads(data) == {"text": HOSTILE, "texts": [*TEXTS]}


def test_what_is_put_in_makes_no_tag() -> None:
    plain = Parts(page_html("x", {}, "0;"))
    assert [tag for tag, _ in Parts(page()).tags] == [tag for tag, _ in plain.tags]
    assert Parts(page()).inside["title"] == [HOSTILE]


def test_nothing_of_it_is_elsewhere() -> None:
    for _, attrs in Parts(page()).tags:
        assert not {"src", "href", "style"} & set(attrs)


def test_json_is_read_back() -> None:
    assert json.loads(json_in_html([HOSTILE, *TEXTS, 0.5, None])) == [HOSTILE, *TEXTS, 0.5, None]
    assert not set("<>&") & set(json_in_html([HOSTILE, *TEXTS]))
