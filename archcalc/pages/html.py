"""The file of a page: templates, filled, under a policy that lets nothing else run or load."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from json import dumps
from pathlib import Path
from typing import Final

_IN_MARKUP: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def page_html(title: str, data: object, evaluate: str) -> str:
    """One HTML file that needs no other.

    Args:
        title: of the page, as a text.
        data: what the page shows, in types that JSON knows.
        evaluate: a script that defines `archcalcEvaluate`, which computes the figures.
    """
    body = _filled("page.html", {"data": json_in_html(data)})
    return _document(title, _part("page.css"), body, [_in_script(evaluate), _part("bundle.js")])


def list_html(title: str, about: str, head: str, rows: str) -> str:
    """One HTML file with a table whose reader may sort and filter it.

    Args:
        title, about: of the page, and what stands above the table, as texts.
        head, rows: of the table, as markup.
    """
    parts = {"title": escape(title), "about": escape(about), "head": head, "rows": rows}
    style = _part("page.css") + _part("list.css")
    return _document(title, style, _filled("list.html", parts), [_part("list.js")])


def _document(title: str, style: str, body: str, scripts: Sequence[str]) -> str:
    """A file that needs no other, in which these scripts alone run."""
    parts = {
        "policy": f"default-src 'none'; style-src {_hash(style)}; "
        f"script-src {' '.join(map(_hash, scripts))}; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        "title": escape(title),
        "style": style,
        "body": body,
        "scripts": "\n".join([f"<script>{script}</script>" for script in scripts]),
    }
    return _filled("document.html", parts)


def json_in_html(data: object) -> str:
    """JSON that no parser of HTML takes for markup."""
    text = dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&]", lambda found: _IN_MARKUP[found[0]], text)


def _in_script(script: str) -> str:
    """A script without what ends one in HTML; the strings of JavaScript may have it."""
    return script.replace("</", "<\\/").replace("<!--", "<\\!--")


def _filled(template: str, parts: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part(template))


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
