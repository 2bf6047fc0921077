"""The file of a page: the template, filled, under a policy that lets nothing else run or load."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
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
    style, bundle = _part("page.css"), _part("bundle.js")
    evaluate = _in_script(evaluate)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; "
        f"script-src {_hash(evaluate)} {_hash(bundle)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title),
        "style": style,
        "data": json_in_html(data),
        "evaluate": evaluate,
        "bundle": bundle,
    }
    return _filled("template.html", parts)


def list_html(title: str, about: str, head: str, rows: str) -> str:
    """One HTML file with a table whose reader may sort and filter it.

    Args:
        title, about: of the page, and what stands above the table, as texts.
        head, rows: of the table, as markup.
    """
    style, code = _part("page.css") + _part("list.css"), _part("list.js")
    parts = {
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(code)}; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        "title": escape(title),
        "about": escape(about),
        "style": style,
        "head": head,
        "rows": rows,
        "script": code,
    }
    return _filled("list.html", parts)


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
