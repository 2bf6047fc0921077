"""A small reader of the part of Mermaid's flowcharts that archcalc writes.

It refuses whatever else stands in a text, so that a label cannot end early unnoticed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LABEL = r'"(?P<label>(?:[^"#;\[\]{}<>|`%\\]|#\d+;|<br>)*)"'
_STATEMENTS = {
    "title": re.compile(r"accTitle: (?P<label>(?:[^\"#;\[\]{}<>|`%\\]|#\d+;)+)"),
    "group": re.compile(rf"subgraph (?P<id>g\d+)\[{_LABEL}\]"),
    "end": re.compile("end"),
    "box": re.compile(
        r"(?P<id>input\d*|output\d+|n\d+)(?P<left>\(\[|\(\(|\{\{|\()"
        + _LABEL
        + r"(?P<right>\]\)|\)\)|\}\}|\))"
    ),
    "arrow": re.compile(
        rf"(?P<tail>\w+) (?P<line>-->|-\.->)\|{_LABEL}\| (?P<head>\w+)",
    ),
    "class definition": re.compile(r"classDef (?P<id>\w+) (?P<style>[\w:#,. -]+)"),
    "class": re.compile(r"class (?P<members>\w+(?:,\w+)*) (?P<id>\w+)"),
    "style": re.compile(r"style (?P<id>g\d+) (?P<style>[\w:#,. -]+)"),
}
_CLOSING = {"([": "])", "((": "))", "{{": "}}", "(": ")"}


class Flowchart(NamedTuple):
    """What a flowchart says."""

    title: str
    boxes: dict[str, str]
    arrows: list[tuple[str, str, str]]
    groups: dict[str, str]
    classes: dict[str, list[str]]


def read_flowchart(text: str) -> Flowchart:
    """The flowchart that `text` describes; AssertionError where it is none of archcalc's."""
    head, body = text.split("\nflowchart TD\n")
    assert head == "---\nconfig:\n  flowchart:\n    wrappingWidth: 400\n---"
    found = Flowchart("", {}, [], {}, {})
    open_groups = 0
    for line in body.splitlines():
        kind, match = _statement(line.strip())
        if kind == "title":
            found = found._replace(title=_shown(match["label"]))
        elif kind == "group":
            assert match["id"] not in found.groups
            found.groups[match["id"]] = _shown(match["label"])
            open_groups += 1
        elif kind == "end":
            open_groups -= 1
            assert open_groups >= 0, "an `end` too many"
        elif kind == "box":
            assert _CLOSING[match["left"]] == match["right"], line
            assert match["id"] not in found.boxes
            found.boxes[match["id"]] = _shown(match["label"])
        elif kind == "arrow":
            assert {match["tail"], match["head"]} <= set(found.boxes), line
            found.arrows.append((match["tail"], match["head"], _shown(match["label"])))
        elif kind == "class definition":
            found.classes[match["id"]] = []
        elif kind == "class":
            assert set(match["members"].split(",")) <= set(found.boxes), line
            found.classes[match["id"]] += match["members"].split(",")
        else:
            assert match["id"] in found.groups, line
    assert open_groups == 0, "a group without its `end`"
    return found


def _statement(line: str) -> tuple[str, re.Match[str]]:
    for kind, pattern in _STATEMENTS.items():
        match = pattern.fullmatch(line)
        if match is not None:
            return kind, match
    raise AssertionError(f"no statement: {line}")


def _shown(label: str) -> str:
    """A label as Mermaid shows it."""
    text = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label)
    return text.replace("\u200b", "").replace("\u2003", "")
